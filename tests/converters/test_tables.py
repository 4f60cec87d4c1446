"""Every shape in which teams keep results, read into one table and written again."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from converters.tables import (
    SHAPES,
    Results,
    Row,
    count_from_zero,
    dump,
    in_unit,
    losses,
    parse_results,
    read_as,
    read_results,
    repair_counts,
    take,
)
from toolkit.candidates import draw_candidates, dump_entries
from toolkit.errors import InputError
from toolkit.spaces import SPACES

CANDIDATES = draw_candidates(SPACES["resnet48"], 40, 0)
ROWS = tuple(Row(key, code, 60.5 + i / 8, 80.25 + i / 8) for i, (key, code) in enumerate(CANDIDATES.items()))
WRITABLE = [name for name, shape in SHAPES.items() if shape.dump]
LOG = "".join(
    f"2021-05-18 00:37:35,800 - INFO - arch name: {row.id}, code: {row.code}\n"
    "2021-05-18 00:37:39,853 - INFO - Update BN is done\n"
    f"2021-05-18 00:37:42,876 - INFO - *All Valid 078   Loss 0.0000   Top@1 {row.top1:.4f}   Top@5 {row.top5:.4f}\n"
    for row in ROWS
)


def table(rows: tuple[Row, ...] = ROWS) -> Results:
    return Results(Path("in"), "id-lines", rows, tuple(row.id for row in rows), "percent", (), ())


def parse(text: str, candidates: bool = False) -> Results:
    return parse_results("file", text.encode(), CANDIDATES if candidates else None)


def only(results: Results) -> str:
    (problem,) = results.problems
    assert problem.startswith("file: ")
    return problem


@pytest.mark.parametrize("candidates", [True, False])
@pytest.mark.parametrize("name", WRITABLE)
def test_every_shape_is_recognised_by_its_content_and_read_back(name: str, candidates: bool) -> None:
    shape = SHAPES[name]
    results = parse_results("file", dump(table(), shape), CANDIDATES if candidates else None)
    assert (results.shape, results.problems, results.unit) == (name, (), "percent")
    assert results.rows == (ROWS if shape.top5 else tuple(row._replace(top5=None) for row in ROWS))
    assert bool(results.notes) == (not shape.ids)


def test_the_shapes_themselves() -> None:
    codes = list(CANDIDATES.values())[:2]
    rows = (Row("arch1", codes[0], 0.5, 0.75), Row("arch2", codes[1], 0, 0.0))
    texts = {name: dump(table(rows), SHAPES[name]).decode() for name in WRITABLE}
    assert texts == {
        "official": f'{{"arch1": {{"acc": 0.5, "arch": "{codes[0]}"}}, "arch2": {{"acc": 0, "arch": "{codes[1]}"}}}}',
        "arc": f'{{"arch1": {{"acc": 0.5, "arc": "{codes[0]}"}}, "arch2": {{"acc": 0, "arc": "{codes[1]}"}}}}',
        "inverted": f'{{"{codes[0]}": ["arch1", 0.5], "{codes[1]}": ["arch2", 0]}}',
        "by-code": f'{{"{codes[0]}": 0.5, "{codes[1]}": 0}}',
        "lines": f"{codes[0]} 0.5 0.75\n{codes[1]} 0 0.0\n",
        "id-lines": f"arch1 {codes[0]} 0.5 0.75\narch2 {codes[1]} 0 0.0\n",
    }


def test_a_winners_log() -> None:
    results = parse(LOG)
    assert (results.shape, results.rows, results.problems) == ("log", ROWS, ())
    lines = LOG.splitlines()
    cut, *_ = parse("\n".join(lines[:-1])).problems
    assert "arch40, the last network, has no result" in cut
    unfinished, *_ = parse("\n".join(lines[:2] + lines[3:])).problems
    assert "arch1 has no result before line 3" in unfinished
    assert "a result, but of no network" in only(parse("\n".join(lines + lines[2:3])))
    with pytest.raises(InputError, match="only read; choose one of official, arc"):
        dump(results, SHAPES["log"])


def test_pretty_printed_files_and_other_key_orders_are_the_official_shape() -> None:
    entries = {row.id: {"arch": row.code, "acc": row.top1} for row in ROWS}
    assert parse(json.dumps(entries, indent=4)).rows == tuple(row._replace(top5=None) for row in ROWS)


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "submission.json"
    path.write_bytes(dump(table(), SHAPES["lines"]))
    assert read_results(path).shape == "lines"
    assert "cannot be read" in read_results(tmp_path / "absent").problems[0]


def test_lines_without_top5_and_with_any_blanks() -> None:
    results = parse(f"{ROWS[0].code}\t0.5\r\n\n  {ROWS[1].code}   5e-1 \n")
    assert [(row.top1, row.top5) for row in results.rows] == [(0.5, None), (0.5, None)]
    assert dump(results, SHAPES["lines"]).decode() == f"{ROWS[0].code} 0.5\n{ROWS[1].code} 0.5\n"
    with pytest.raises(InputError, match="arch1 cannot be written in the shape id-lines"):
        dump(results, SHAPES["id-lines"])


# Ids.


@pytest.mark.parametrize("name", ["official", "arc", "inverted", "id-lines"])
@pytest.mark.parametrize("first", [0, 7])
def test_ids_that_count_from_0_are_seen_from_the_codes(name: str, first: int) -> None:
    shape = SHAPES[name]
    content = dump(count_from_zero(table(ROWS[first:])), shape)
    assert f'"arch{first}"'.strip('"') in content.decode()
    results = parse_results("file", content, CANDIDATES)
    assert [row.id for row in results.rows] == [row.id for row in ROWS[first:]]
    assert list(results.ids) == [row.id for row in ROWS[first:]]
    assert results.notes == ("its ids count from 0; they were moved up by one",)
    # Without candidates, only arch0 tells.
    alone = parse_results("file", content)
    assert (alone.rows[0].id == ROWS[first].id) == (first == 0)


def test_ids_are_not_moved_where_both_would_do() -> None:
    alike = {"arch1": "c", "arch2": "c"}
    results = parse_results("file", b'{"arch1": {"acc": 0.5, "arch": "c"}}', alike)
    assert (results.rows[0].id, results.notes) == ("arch1", ())


def test_ids_that_are_merely_wrong_stay_as_they_are() -> None:
    codes = list(CANDIDATES.values())
    shifted = dump_entries({f"arch{i}": code for i, code in enumerate(codes)}, {f"arch{i}": 0.5 for i in range(40)})
    mixed = json.loads(shifted)
    mixed["arch3"]["arch"] = codes[2]
    results = parse(json.dumps(mixed), candidates=True)
    assert results.rows[0].id == "arch0"
    assert results.notes == ()


def test_codes_find_their_ids() -> None:
    text = dump(table(ROWS[::-1]), SHAPES["by-code"]).decode()
    assert [row.id for row in parse(text, candidates=True).rows] == [row.id for row in ROWS]
    results = parse(text)
    assert [row.id for row in results.rows] == [row.id for row in ROWS]
    assert "numbered in file order" in results.notes[0]
    stranger = SPACES["resnet48"].format(SPACES["resnet48"].largest)
    assert f'code "{stranger}" is not in the candidates file' in only(parse(f"{stranger} 1 2\n", candidates=True))


def test_a_code_of_several_candidates_gives_all_their_result() -> None:
    code = ROWS[0].code
    results = parse_results("file", f"{code} 50.5 70.5\n".encode(), {"arch1": code, "arch2": code})
    assert [row.id for row in results.rows] == ["arch1", "arch2"]


@pytest.mark.parametrize("name", WRITABLE)
def test_documented_codes_of_51_digits_get_the_image_size(name: str) -> None:
    short = tuple(row._replace(code=row.code[1:]) for row in ROWS)
    content = dump(table(short), SHAPES[name])
    results = parse_results("file", content, CANDIDATES)
    assert [row.code for row in results.rows] == [row.code for row in ROWS]
    assert "lack the first digit" in results.notes[0]
    assert parse_results("file", content).rows[0].code == short[0].code


@pytest.mark.parametrize("name", ["lines", "id-lines"])
def test_a_file_to_which_a_second_run_was_appended(name: str) -> None:
    text = dump(table(), SHAPES[name]).decode()
    for candidates in (True, False):
        again = parse(text + text, candidates)
        assert again.rows == ROWS
        assert "40 rows stand there more than once; they count once" in again.notes
        other = parse(text + text.replace("60.5 ", "60.625 ", 1), candidates)
        assert "arch1 stands there more than once" in only(other)
        assert "60.5" in only(other)
        assert "60.625" in only(other)


# Units.


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.1, 0.9], "fraction"),
        ([0, 1.0], "fraction"),
        ([0.9, 1.5], "percent"),
        ([60, 100], "percent"),
        ([0, 0.0], None),
    ],
)
def test_the_rule_for_units(values: list[float], unit: str | None) -> None:
    text = "".join(f"{row.code} {value!r}\n" for row, value in zip(ROWS, values, strict=False))
    results = parse(text)
    assert results.unit == unit
    stated = [note for note in read_as(results, None).notes if "taken for fractions" in note]
    assert len(stated) == (unit == "fraction")
    assert read_as(results, "percent").unit == (unit and "percent")
    if unit == "percent":
        with pytest.raises(InputError, match="values above 1, which are no fractions"):
            read_as(results, "fraction")


def test_what_is_no_accuracy_is_refused() -> None:
    with pytest.raises(InputError, match="arch1 has acc 120") as error:
        read_as(table((Row("arch1", "c", 120.0, 30.0), Row("arch2", "d", 69.0, -20.0))), None)
    assert len(error.value.problems) == 2
    mixed = ROWS[:8] + tuple(row._replace(top1=row.top1 / 100) for row in ROWS[8:13]) + ROWS[13:]
    with pytest.raises(InputError, match="5 results are fractions"):
        read_as(table(mixed), None)
    assert read_as(table(mixed), "percent").unit == "percent"


def test_percent_parts_become_the_winners_fractions() -> None:
    """Python's division, as in the merged file of 2021 (challenge-2021.md 2.2): 0.07 % is 0.0007000000000000001."""
    results = in_unit(table((Row("arch1", "c", 41.57, 0.07), Row("arch2", "d", 0, None))), "fraction")
    assert [(row.top1, row.top5) for row in results.rows] == [(0.4157, 0.0007000000000000001), (0, None)]
    assert type(results.rows[1].top1) is int
    assert results.unit == "fraction"
    assert results.notes == ("brought from percentages to fractions",)
    assert in_unit(results, "fraction") is results
    assert in_unit(results, "percent").rows[0] == ("arch1", "c", 41.57, 0.07)


@given(st.integers(1, 10**9), st.integers(0, 7))
def test_percentages_with_few_decimals_come_back_exactly(digits: int, decimals: int) -> None:
    percent = float(f"{digits}e-{decimals}")
    row = Row("arch1", "c", min(percent, 100.0), None)
    there = in_unit(table((row,)), "fraction")
    back = in_unit(there, "percent")
    assert back.rows == (row,)
    assert not any("lost" in note for note in back.notes)


@given(st.floats(1e-6, 100))
def test_what_does_not_come_back_exactly_is_counted(percent: float) -> None:
    row = Row("arch1", "c", percent, None)
    there = in_unit(table((row,)), "fraction")
    back = in_unit(there, "percent")
    assert (back.rows != (row,)) == any("lost: the last digit of 1 values" in note for note in there.notes)
    assert back.rows[0].top1 == pytest.approx(percent, rel=1e-15)


# Counts.


@given(st.lists(st.integers(1, 2100), min_size=30, max_size=60, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_counts_are_repaired_from_the_values_alone(counts: list[int], random) -> None:
    rows = [
        Row(f"arch{i}", f"c{i}", 100 * (k + random.uniform(-1e-4, 1e-4)) / 2112, 100 * min(k + 5, 2112) / 2112)
        for i, k in enumerate([1, *counts, *counts])
    ]
    repaired = repair_counts(table((*rows, Row("arch", "c", 0, None))))
    assert [row.top1 for row in repaired.rows] == [100 * k / 2112 for k in [1, *counts, *counts]] + [0]
    assert repaired.rows[-1].top5 is None
    assert "multiples of 100/2,112" in repaired.notes[-1]


def test_values_that_count_nothing_are_not_repaired() -> None:
    with pytest.raises(InputError, match="not counts of any number of images"):
        repair_counts(table(tuple(row._replace(top1=row.top1 * 3**0.5 / 2) for row in ROWS)))
    with pytest.raises(InputError, match="not counts"):
        repair_counts(table(()))


# Losses.


def test_what_is_lost_is_said() -> None:
    assert losses(table(), SHAPES["id-lines"]) == []
    assert len(losses(table(), SHAPES["by-code"])) == 2
    assert losses(table(), SHAPES["official"]) == [
        "lost: the top-5 accuracies of 40 rows; `--score top5` writes them instead"
    ]
    assert "ids" in losses(table(), SHAPES["lines"])[0]


def test_top5_can_take_the_place_of_top1() -> None:
    taken = take(table(), "top5")
    assert [row.top1 for row in taken.rows] == [row.top5 for row in ROWS]
    assert not taken.has_top5
    with pytest.raises(InputError, match="1 of 40 rows have no top-5"):
        take(table((ROWS[0]._replace(top5=None), *ROWS[1:])), "top5")


def test_what_a_shape_cannot_hold_is_refused() -> None:
    twice = (*ROWS, Row("arch41", ROWS[0].code, 50.0, 70.0))
    for name in WRITABLE:
        if name in ("inverted", "by-code"):
            with pytest.raises(InputError, match=f"cannot be written in the shape {name}"):
                dump(table(twice), SHAPES[name])
        else:
            assert dump(table(twice), SHAPES[name])
    for name in ("lines", "id-lines"):
        for code in ("a b", "", "a\nb", "a\u2028b", " a", "\ud800"):
            with pytest.raises(InputError, match="cannot be written"):
                dump(table((ROWS[0]._replace(code=code),)), SHAPES[name])
    with pytest.raises(InputError, match="nothing to write"):
        dump(table(()), SHAPES["lines"])
    with pytest.raises(InputError, match="not arch1, arch2"):
        count_from_zero(table((ROWS[0]._replace(id="arch01"),)))
    with pytest.raises(InputError, match="not arch1, arch2"):
        count_from_zero(table((ROWS[0]._replace(id="arch0"),)))


# Files of strangers.

CODE = ROWS[0].code
MALFORMED = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "binary": (b"\x00\xff\xfe", "not a text file in UTF-8"),
    "utf-16": ("arch1 1 2 3".encode("utf-16"), "not a text file in UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "sqlite": (b"SQLite format 3\0" + b"\0" * 999, "is an SQLite file"),
    "cut off": (b'{"arch1": {"acc": 0.5,', "is not JSON"),
    "list": (b"[1, 2]", "is a list"),
    "string": (b'"arch1"', 'is "arch1"'),
    "no entries": (b"{}", "no entries"),
    "deep": (b'{"a":' * 100_000, "too many brackets"),
    "deep list": (b"[" * 100_000, "too many brackets"),
    "huge integer": (b'{"1": ' + b"9" * 5000 + b"}", "thousands of digits"),
    "large integer": (b'{"1": ' + b"9" * 400 + b"}", "finite number"),
    "overflow": (b'{"1": 1e999}', "Infinity"),
    "NaN": (b'{"1": NaN}', "NaN"),
    "NaN in a pair": (b'{"1": ["arch1", NaN]}', "NaN"),
    "boolean": (b'{"arch1": {"acc": true, "arch": "1"}}', "has true as acc"),
    "boolean pair": (b'{"1": ["arch1", true]}', "finite number"),
    "pair of three": (b'{"1": ["arch1", 1, 2]}', "a pair of an id"),
    "id that is a list": (b'{"1": [["arch1"], 1]}', "a pair of an id"),
    "key twice": (b'{"1": 0.5, "1": 0.6}', "more than once"),
    "id twice": (b'{"arch1": {"acc": 1, "arch": "1"}, "arch1": {"acc": 2, "arch": "1"}}', "more than once"),
    "arc twice": (b'{"arch1": {"acc": 1, "arc": "1", "arc": "2"}}', "more than once"),
    "arc and arch": (b'{"arch1": {"acc": 1, "arc": "1", "arch": "2"}}', "has the keys"),
    "text in quotes": (b'{"1": "0.5"}', "an accuracy is a finite number"),
    "ids only": (b'{"arch1": 0.5}', "an entry is"),
    "one id twice": (b'{"1": ["arch1", 0.5], "2": ["arch1", 0.6]}', "arch1 stands there more than once"),
    "prose": (b"once upon a time there was a supernet\n", "in none of the shapes"),
    "one column": (b"arch1\narch2\n", "in none of the shapes"),
    "text for a number": (b"arch1 1 x 3\n", 'has "x" as an accuracy'),
    "nan line": (b"1 nan 0.5\n", 'has "nan" as an accuracy'),
    "inf line": (b"1 1e999 0.5\n", "finite number"),
    "underscore": (b"1 1_0 0.5\n", 'has "1_0"'),
    "other digits": ("1 ٣ 0.5\n".encode(), "finite number"),
    "long number": (b"1 " + b"1" * 10_000 + b" 1\n", "finite number"),
    "columns differ": (b"1 0.5 0.6\n2 0.5 0.6\n3\n", "line 3"),
    "HTML": (b"<!DOCTYPE html>\n<html lang=en>\n<title>404</title>\n", "none of the shapes"),
    "pickle": (b"\x80\x04\x95\x1a\x00", "not a text file"),
    "old pickle": (b"cos\nsystem\n(S'touch /tmp/owned'\ntR.", "in none of the shapes"),
    "zip": (b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xb5\xff", "not a text file"),
}


@pytest.mark.parametrize("candidates", [True, False])
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_explained(case: str, candidates: bool) -> None:
    content, says = MALFORMED[case]
    results = parse_results("file", content, CANDIDATES if candidates else None)
    assert any(says in problem for problem in results.problems), results.problems
    assert all(problem.startswith(("file: ", "... and ")) for problem in results.problems)
    json.dumps(results.problems).encode("ascii")
    with pytest.raises(InputError):
        dump(results, SHAPES["official"])


@given(st.binary(max_size=200))
@example(b"1 2 3 4")
@example(b"\x85 1 2")
def test_any_bytes_are_read_or_explained(content: bytes) -> None:
    results = parse_results("file", content, CANDIDATES)
    assert results.rows or results.problems


CORRUPTIBLE = {name: dump(table(ROWS[:3]), SHAPES[name]) for name in WRITABLE}


@pytest.mark.parametrize("name", WRITABLE)
@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_corrupted_file_is_read_or_explained(name: str, data: st.DataObject) -> None:
    content = CORRUPTIBLE[name]
    place = data.draw(st.integers(0, len(content) - 1))
    put = data.draw(st.binary(max_size=2))
    results = parse_results("file", content[:place] + put + content[place + 1 :])
    assert results.rows or results.problems
    if not results.problems and results.shape == "official":
        dump(results, SHAPES["official"])
