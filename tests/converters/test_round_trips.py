"""What goes out comes back: codes, candidates, submissions of both challenges, the ledger, tables in every shape."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.submission import Options, build, merge_results, write_merged
from converters.tables import (
    SHAPES,
    Results,
    Row,
    count_from_zero,
    dump,
    find_granularity,
    in_unit,
    losses,
    parse_results,
    read_results,
    repair_counts,
)
from tests.networks import KINDS
from toolkit.backends.base import Counts
from toolkit.candidates import (
    Candidates,
    draw_candidates,
    dump_entries,
    parse_table,
    read_candidates,
    read_table,
    scores,
    write_candidates,
)
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.evaluation.ledger import Row as LedgerRow
from toolkit.spaces import SPACES, SearchSpace

EVERY_SPACE = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
WRITABLE = [shape for shape in SHAPES.values() if shape.dump]
EVERY_SHAPE = pytest.mark.parametrize("shape", WRITABLE, ids=[shape.name for shape in WRITABLE])
OFFICIAL = {
    "CVPR_2022_NAS_Track1_test.json": "resnet48",
    "Track1_final_archs.json": "resnet20",
}

numbers = st.floats(0, 100, allow_subnormal=False) | st.integers(0, 100)


@EVERY_SPACE
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_codes_of_every_space(space: SearchSpace, seed: int) -> None:
    arch = space.sample(np.random.default_rng(seed))
    assert space.parse(space.format(arch)) == arch
    assert space.format(space.parse(space.format(arch))) == space.format(arch)


@EVERY_SPACE
def test_candidates_of_every_space(space: SearchSpace, tmp_path: Path) -> None:
    drawn = draw_candidates(space, 50, 1)
    write_candidates(tmp_path / "a.json", drawn)
    write_candidates(tmp_path / "b.json", read_candidates(tmp_path / "a.json", space))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("space", [SPACES[name] for name in KINDS], ids=KINDS)
@EVERY_SHAPE
@given(values=st.lists(st.tuples(numbers, numbers | st.none()), min_size=1, max_size=12))
@settings(max_examples=15)
def test_tables_of_every_kind_of_code_in_every_shape(space: SearchSpace, shape, values) -> None:
    """Out and in, with a candidates file for the ids that a shape does not hold; then out again, byte for byte."""
    candidates = draw_candidates(space, 12, 2)
    full = all(top5 is not None for _, top5 in values) or shape.name != "id-lines"
    rows = tuple(
        Row(key, code, top1, top5 if full else 0.5)
        for (key, code), (top1, top5) in zip(candidates.items(), values, strict=False)
    )
    given = Results(Path("in"), None, rows, (), "percent", (), ())
    alike = shape.name == "lines" and any(row.code.startswith("[") for row in rows)  # to JSON
    if alike or (shape.name in ("lines", "id-lines") and any(" " in row.code for row in rows)):
        with pytest.raises(InputError, match="choose another shape"):
            dump(given, shape)
        return
    content = dump(given, shape)
    results = parse_results("out", content, candidates)
    assert results.problems == ()
    assert results.shape == shape.name
    assert results.rows == (rows if shape.top5 else tuple(row._replace(top5=None) for row in rows))
    assert [type(row.top1) for row in results.rows] == [type(row.top1) for row in rows]
    assert dump(results, shape) == content


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_candidates_byte_for_byte(name: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "candidates" / name
    candidates = read_candidates(path, SPACES[OFFICIAL[name]])
    write_candidates(tmp_path / "again.json", candidates)
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    results = read_results(path)
    assert (len(results.rows), results.unit, results.problems) == (len(candidates), None, ())
    assert dump(results, SHAPES["official"]) == path.read_bytes()


@pytest.mark.parametrize("name", OFFICIAL)
@EVERY_SHAPE
def test_official_candidates_through_every_shape(name: str, shape, shared: Path) -> None:
    table = read_table(shared / "data" / "candidates" / name)
    codes = {key: table.codes[key] for key in table.ids[:3000]}
    candidates = Candidates(codes, table.accs)
    official = dump_entries(codes, table.accs)
    rows = parse_results("in", official).rows
    if shape.name == "id-lines":  # which needs a top-5
        rows = tuple(row._replace(top5=row.top1) for row in rows)
    there = dump(Results(Path("in"), None, rows, (), None, (), ()), shape)
    assert dump(parse_results("out", there, candidates), SHAPES["official"]) == official


@pytest.mark.parametrize("name", ["team9_submit_0", "team9_submit_6"])
def test_real_submissions_of_2022_byte_for_byte(name: str, shared: Path) -> None:
    path = shared / "data" / "submissions" / f"{name}.json"
    results = read_results(path)
    assert (results.shape, results.unit) == ("official", "percent")
    assert dump(results, SHAPES["official"]) == path.read_bytes()


def test_real_accuracies_of_2021_byte_for_byte(shared: Path) -> None:
    path = shared / "data" / "truth" / "resnet20_cifar100_first500.json"
    results = read_results(path)
    assert (results.shape, results.unit) == ("official", "fraction")
    for shape in WRITABLE:
        if shape.name == "id-lines":
            continue
        again = parse_results("again", dump(results, shape))  # arch1 ... arch500, so that numbering finds the ids
        assert dump(again, SHAPES["official"]) == path.read_bytes(), shape.name
    zero = parse_results("zero", dump(count_from_zero(results), SHAPES["arc"]))
    assert dump(zero, SHAPES["official"]) == path.read_bytes()
    percent = in_unit(results, "percent")
    back = in_unit(percent, "fraction")
    changed = sum(new != old for new, old in zip(back.rows, results.rows, strict=True))
    assert percent.notes[-1] == f"lost: the last digit of {changed} values, which percentages cannot hold"
    assert dump(repair_counts(back), SHAPES["official"]) == path.read_bytes()


@given(st.lists(st.integers(0, 10_000), min_size=24, max_size=24))
@settings(max_examples=8)
def test_percent_parts_make_the_winners_submission_of_2021(counts: list[int]) -> None:
    """Part files in percent, the merged file in fractions, `percent / 100` byte for byte (challenge-2021.md 2.2)."""
    candidates = draw_candidates(SPACES["resnet20"], 24, 0)
    candidates = Candidates(candidates, dict.fromkeys(candidates, 0))
    percent = {key: float(f"{count / 100:.4f}") or 0.01 for key, count in zip(candidates, counts, strict=True)}
    percent["arch24"] = 60.0
    expected = dump_entries(candidates, {key: value / 100 for key, value in percent.items()})
    keys = list(candidates)
    parts = [
        parse_results(f"part{i}", dump_entries({key: candidates[key] for key in keys[i : i + 8]}, percent), candidates)
        for i in (0, 8, 16)
    ]
    whole = merge_results(parts, candidates)
    rows = tuple(Row(key, candidates[key], acc) for key, acc in whole.accs.items())
    fractions = in_unit(Results(Path("merged"), "official", rows, tuple(keys), "percent", (), ()), "fraction")
    assert dump(fractions, SHAPES["official"]) == expected


SETTING = Setting("resnet48-mini", "c" * 64, "d" * 64, 211, "stored")


@given(st.lists(st.tuples(st.integers(1, 211), st.integers(0, 211)), min_size=20, max_size=20))
@settings(max_examples=15)
def test_ledger_to_submission_to_table_to_ledger(tmp_path_factory: pytest.TempPathFactory, pairs) -> None:
    """Integers all the way: the counts that come back from a submission or a table are those of the ledger."""
    folder = tmp_path_factory.mktemp("ledger")
    candidates = draw_candidates(SPACES["resnet48-mini"], 20, 3)
    counts = {
        code: Counts(top1, max(top1, top5), 211, 300.0)
        for code, (top1, top5) in zip(candidates.values(), pairs, strict=True)
    }
    with Ledger.write(folder / "one.sqlite") as ledger:
        ledger.record(SETTING, [LedgerRow(code, count, 0.1) for code, count in counts.items()])

    table = read_results(folder / "one.sqlite", candidates)
    assert (table.shape, table.unit, table.problems) == ("ledger", "fraction", ())
    assert any("number of images, losses" in note for note in losses(table, SHAPES["id-lines"]))
    submission = dump_entries(candidates, build(candidates, counts))
    assert {row.id: row.top1 for row in table.rows} == parse_table("s", submission).accs
    assert {row.id: row.top1 for row in parse_results("s", submission).rows} == parse_table("s", submission).accs

    again = parse_results("again", dump(table, SHAPES["id-lines"]), candidates)
    back = {row.code: Counts(round(row.top1 * 211), round((row.top5 or 0) * 211), 211, math.nan) for row in again.rows}
    with Ledger.write(folder / "two.sqlite") as ledger:
        ledger.record(SETTING, [LedgerRow(code, count, 0.0) for code, count in back.items()])
        came = ledger.results(SETTING)
    assert {code: (one.top1, one.top5, one.total) for code, one in came.items()} == {
        code: (one.top1, one.top5, one.total) for code, one in counts.items()
    }


def test_the_images_behind_a_submission_are_found_again() -> None:
    values = [count / 211 for count in range(50, 150)]
    found = find_granularity(values)
    assert found is not None
    assert [found.count(value) for value in values] == list(range(50, 150))
    assert (found.images, found.rounded, [found.repair(value) for value in values]) == (211, False, values)


def test_a_ledger_that_cannot_be_one_table_is_explained(tmp_path: Path) -> None:
    code = draw_candidates(SPACES["resnet48-mini"], 1, 3)["arch1"]
    row = LedgerRow(code, Counts(1, 2, 0, 0.0), 0.1)
    with Ledger.write(tmp_path / "l.sqlite") as ledger:
        ledger.record(SETTING, [row])
    assert "holds results on 0 images" in read_results(tmp_path / "l.sqlite").problems[0]
    with Ledger.write(tmp_path / "l.sqlite") as ledger:
        ledger.record(Setting("resnet48-mini", "c" * 64, "d" * 64, 99, "stored"), [row])
    assert "results of 2 settings" in read_results(tmp_path / "l.sqlite").problems[0]
    other = draw_candidates(SPACES["resnet48-mini"], 2, 3)["arch2"]
    with Ledger.write(tmp_path / "m.sqlite") as ledger:
        ledger.record(
            SETTING, [LedgerRow(code, Counts(1, 2, 9, 0.0), 0.1), LedgerRow(other, Counts(1, 2, 8, 0.0), 0.1)]
        )
    assert "holds results on 8, 9 images" in read_results(tmp_path / "m.sqlite").problems[0]
    (tmp_path / "l.sqlite").write_bytes(b"SQLite format 3\0" + bytes(2000))
    assert read_results(tmp_path / "l.sqlite").problems
    assert read_results(tmp_path / "l.sqlite").shape is None


@pytest.mark.parametrize("repaired", [False, True])
def test_a_merge_of_mixed_shapes_is_the_submission(repaired: bool, tmp_path: Path) -> None:
    """Written by `build`, scattered over every shape and both units, merged again."""
    candidates = draw_candidates(SPACES["resnet48-mini"], 7 * len(WRITABLE), 4)
    keys = list(candidates)
    counts = {code: Counts(30 + 3 * i, 100 + 2 * i, 211, 1.0) for i, code in enumerate(candidates.values())}
    accs = build(candidates, counts)
    parts = []
    for i, shape in enumerate(WRITABLE):
        mine = keys[7 * i : 7 * i + 7]
        rows = tuple(Row(key, candidates[key], accs[key], 0.5) for key in mine)
        part = Results(Path("part"), None, rows, tuple(mine), "fraction", (), ())
        if i % 2:
            part = in_unit(part, "percent")
        path = tmp_path / f"{i}.x"
        path.write_bytes(dump(part, shape))
        parts.append(read_results(path, candidates))
    assert any("say `--unit fraction`" in problem for problem in merge_results(parts, candidates).problems)
    report = merge_results(parts, candidates, options=Options(unit="fraction", repair_counts=repaired))
    assert report.problems == ()
    write_merged(tmp_path / "out.json", candidates, report)
    assert scores(tmp_path / "out.json") == (accs if repaired else pytest.approx(accs, rel=1e-15))
    assert ((tmp_path / "out.json").read_bytes() == dump_entries(candidates, accs)) == repaired
