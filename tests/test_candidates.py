import hashlib
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.candidates import (
    SHOWN,
    Candidates,
    Window,
    accepting_spaces,
    draw_candidates,
    dump_entries,
    list_windows,
    parse_table,
    read_candidates,
    read_table,
    scores,
    windows,
    write_candidates,
    write_entries,
)
from toolkit.errors import InputError
from toolkit.numeric import EXACT, LARGEST
from toolkit.spaces import SPACES

MINI = SPACES["resnet48-mini"]
CODE = MINI.format(MINI.largest)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(-EXACT, EXACT) | st.floats(-LARGEST, LARGEST)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "some file.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def problems(path: Path) -> tuple[str, ...]:
    """What `read_candidates` says; every sentence names the file."""
    with pytest.raises(InputError) as error:
        read_candidates(path, MINI)
    found = error.value.problems
    assert all(problem.startswith((f"{path}: ", "... and ")) for problem in found)
    return found


@pytest.mark.parametrize(
    ("file_name", "space", "count", "digest"),
    [
        (
            "CVPR_2022_NAS_Track1_test.json",
            "resnet48",
            45_000,
            "0cab9424cc6fa223845cb0eac7fcbebcb7ea04df8b5929a599e6e39d2845f986",
        ),
        (
            "Track1_final_archs.json",
            "resnet20",
            50_000,
            "a663d3cbb82a77c531a6c923d5ae52febe3195b946e1b384d4b4c3c13aeff4d3",
        ),
    ],
)
def test_official_files_come_back_byte_for_byte(
    shared: Path, tmp_path: Path, file_name: str, space: str, count: int, digest: str
) -> None:
    candidates = read_candidates(shared / "data" / "candidates" / file_name, SPACES[space])
    assert list(candidates) == [f"arch{i}" for i in range(1, count + 1)]
    assert {type(acc) for acc in candidates.accs.values()} == {int if space == "resnet20" else float}
    write_candidates(tmp_path / "out.json", candidates)
    assert hashlib.sha256((tmp_path / "out.json").read_bytes()).hexdigest() == digest


@given(st.dictionaries(TEXT, st.tuples(TEXT, NUMBERS), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_is_read_back(tmp_path: Path, entries: dict[str, tuple[str, float]]) -> None:
    codes = {key: code for key, (code, _) in entries.items()}
    accs = {key: acc for key, (_, acc) in entries.items()}
    path = tmp_path / "any.json"
    write_entries(path, codes, accs)
    table = read_table(path)
    assert table.problems == ()
    assert (list(table.codes.items()), list(table.accs.items())) == (list(codes.items()), list(accs.items()))
    assert [type(acc) for acc in table.accs.values()] == [type(acc) for acc in accs.values()]
    assert scores(path) == accs
    content = path.read_bytes()
    assert content == json.dumps({key: {"acc": accs[key], "arch": codes[key]} for key in codes}).encode("ascii")


@given(st.integers(0, 1000), st.integers(1, 30))
@settings(max_examples=20)
def test_a_drawn_file_is_valid_and_distinct(seed: int, count: int) -> None:
    candidates = draw_candidates(MINI, count, seed)
    assert list(candidates) == [f"arch{i + 1}" for i in range(count)]
    assert set(candidates.accs.values()) == {0.0}
    assert len({MINI.plans(MINI.parse(code)) for code in candidates.values()}) == count
    assert dict(draw_candidates(MINI, count + 1, seed)).items() >= candidates.items()


def test_another_seed_draws_other_candidates() -> None:
    assert set(draw_candidates(MINI, 20, 0).values()).isdisjoint(draw_candidates(MINI, 20, 1).values())


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (-1, 0), (1, -1)])
def test_a_draw_needs_sensible_numbers(count: int, seed: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        draw_candidates(MINI, count, seed)


def test_a_draw_of_more_networks_than_there_are_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    archs = [MINI.largest, MINI.smallest]
    monkeypatch.setattr(type(MINI), "sample", lambda self, rng: archs[int(rng.integers(2))])
    assert len(draw_candidates(MINI, 2, 0)) == 2
    with pytest.raises(InputError, match="after 2 distinct ones; ask for fewer than 3"):
        draw_candidates(MINI, 3, 0)


VALID = dump_entries(*(lambda c: (c, c.accs))(draw_candidates(MINI, 3, 5)))


@given(st.integers(0, len(VALID) - 1), st.binary(max_size=2), st.integers(0, 2))
@settings(max_examples=400)
def test_corruption_ends_in_an_input_error_or_in_valid_candidates(place: int, put: bytes, removed: int) -> None:
    content = VALID[:place] + put + VALID[place + removed :]
    try:
        table = parse_table("corrupted.json", content)
    except InputError:
        return
    assert table.problems or set(table.codes) == set(table.accs) == set(table.ids)


@given(st.integers(0, len(VALID) - 1))
def test_a_truncated_file_is_never_accepted(length: int) -> None:
    with pytest.raises(InputError, match=r"is not JSON .*cut off"):
        parse_table("cut.json", VALID[:length])


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        table = parse_table("any.json", json.dumps(value).encode())
    except InputError:
        return
    assert isinstance(value, dict)
    assert table.ids == tuple(value)


DEEP = "[" * 200_000
ENTRY = f'{{"acc": 0.0, "arch": "{CODE}"}}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("{}", "has no entries"),
        ("[]", "is a list, not"),
        ('"text"', 'is "text", not'),
        ("12", "is 12, not"),
        ("null", "is null, not"),
        ("nonsense", "is not JSON"),
        (f'{{"arch1": {ENTRY}}} x', "is not JSON (Extra data"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"\xff": 1}', "is not a text file in UTF-8 (byte 2)"),
        ("{}".encode("utf-16"), "is not a text file in UTF-8 (byte 0)"),
        (b"PK\x03\x04\x00\x00", "is not JSON"),
        (DEEP, "far too many brackets"),
        ('{"a":' * 200_000, "far too many brackets"),
        (f'{{"arch1": {{"acc": {"9" * 5000}, "arch": "{CODE}"}}}}', "thousands of digits"),
    ],
)
def test_a_file_that_is_none_is_one_problem(
    file: Callable[[str | bytes], Path], content: str | bytes, says: str
) -> None:
    (problem,) = problems(file(content))
    assert says in problem
    assert len(problem) < 500


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"arch1": 0.5}', "arch1 is 0.5; an entry is"),
        ('{"arch1": [0.5]}', "arch1 is a list"),
        (f'{{"arch1": {{"acc": 0.0, "arc": "{CODE}"}}}}', "arch1 has the keys acc, arc; an entry has exactly"),
        (f'{{"arch1": {{"acc": 0.0, "arch": "{CODE}", "id": 1}}}}', "arch1 has the keys acc, arch, id"),
        (f'{{"arch1": {{"arch": "{CODE}"}}}}', "arch1 has the keys arch"),
        ('{"arch1": {}}', "arch1 has the keys none"),
        ('{"arch1": {"acc": 0.0, "arch": 12}}', "arch1 has 12 as arch"),
        ('{"arch1": {"acc": 0.0, "arch": null}}', "arch1 has null as arch"),
        (f'{{"arch1": {{"acc": NaN, "arch": "{CODE}"}}}}', "arch1 has NaN as acc"),
        (f'{{"arch1": {{"acc": -Infinity, "arch": "{CODE}"}}}}', "arch1 has -Infinity as acc"),
        (f'{{"arch1": {{"acc": 1e999, "arch": "{CODE}"}}}}', "arch1 has Infinity as acc"),
        (f'{{"arch1": {{"acc": {"9" * 400}, "arch": "{CODE}"}}}}', "arch1 has 999"),
        (f'{{"arch1": {{"acc": true, "arch": "{CODE}"}}}}', "arch1 has true as acc"),
        (f'{{"arch1": {{"acc": "0.5", "arch": "{CODE}"}}}}', 'arch1 has "0.5" as acc'),
        (f'{{"arch1": {{"acc": null, "arch": "{CODE}"}}}}', "arch1 has null as acc"),
        (f'{{"arch1": {ENTRY}, "arch1": {ENTRY}}}', "arch1 stands there more than once"),
        (f'{{"arch1": {{"acc": 0, "acc": 1, "arch": "{CODE}"}}}}', "arch1 has acc more than once"),
        (f'{{"arch1": {{"acc": 0, "arch": "1{CODE}"}}}}', "is not in space resnet48-mini: found 53 characters"),
        (f'{{"arch1": {{"acc": 0, "arch": "{CODE[:-1]}8"}}}}', "position 51 (stage 4, block 5, conv2): found '8'"),
        ('{"\\u001b[31m": 1}', '"\\u001b[31m" is 1'),
        (f'{{"{"x" * 999}": 1}}', "... (1001 characters) is 1"),
    ],
)
def test_an_entry_that_is_wrong_is_named(file: Callable[[str | bytes], Path], content: str, says: str) -> None:
    (problem,) = problems(file(content))
    assert says in problem
    assert len(problem) < 500
    assert problem.isascii()


def test_all_problems_are_reported_and_many_of_a_kind_are_counted(file: Callable[[str | bytes], Path]) -> None:
    entries = {f"arch{i}": {"acc": "0"} for i in range(317)}
    entries["arch400"] = {"acc": 0.0, "arch": "123"}  # type: ignore[dict-item]
    found = problems(file(json.dumps(entries)))
    assert len(found) == 2 * (SHOWN + 1) + 1
    assert found[SHOWN] == found[2 * SHOWN + 1] == "... and 312 more like the last"
    assert "found 3 characters" in found[-1]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "Is a directory" in problems(tmp_path)[0]
    assert "No such file" in problems(tmp_path / "absent.json")[0]


def test_scores_are_those_of_any_such_file(file: Callable[[str | bytes], Path]) -> None:
    path = file('{"b": {"arch": "anything", "acc": 71}, "a": {"acc": -0.5, "arch": ""}}')
    assert list(scores(path).items()) == [("b", 71), ("a", -0.5)]
    with pytest.raises(InputError, match=re.escape(f'{path}: a has "x" as acc')):
        scores(file('{"a": {"acc": "x", "arch": ""}}'))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "candidates.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_entries(path, {"arch1": CODE}, {"arch1": float("nan")})
    assert path.read_text() == "old"
    with pytest.raises(InputError, match="cannot be written"):
        write_candidates(path / "below.json", Candidates({"arch1": CODE}, {"arch1": 0.0}))
    assert [entry.name for entry in tmp_path.iterdir()] == ["candidates.json"]


@given(st.lists(st.booleans(), max_size=40))
def test_windows_are_the_longest_runs(members: list[bool]) -> None:
    order = [f"arch{i}" for i in range(len(members))]
    chosen = {key for key, member in zip(order, members, strict=True) if member}
    found = windows(chosen, order)
    covered = [order[order.index(w.first) : order.index(w.last) + 1] for w in found]
    assert [key for run in covered for key in run] == [key for key in order if key in chosen]
    assert [len(run) for run in covered] == [window.count for window in found]
    edges = [(order.index(a.last), order.index(b.first)) for a, b in pairwise(found)]
    assert all(end + 1 < start for end, start in edges)


def test_windows_in_words() -> None:
    assert str(Window("arch41952", "arch42900", 949)) == "arch41952..arch42900 (949 entries)"
    assert list_windows([Window("arch2", "arch2", 1), Window("a b", "c", 1200)]) == 'arch2, "a b"..c (1,200 entries)'
    assert list_windows([Window(f"a{i}", f"a{i}", 1) for i in range(SHOWN + 1000)]).endswith(
        "and 1,000 more in 1,000 places"
    )


def test_spaces_are_guessed_from_codes() -> None:
    names = ["resnet48", "resnet48-wide", "resnet48-mini", "resnet48-tiny"]
    assert [space.name for space in accepting_spaces("x", [CODE])] == names
    wide = SPACES["resnet48-wide"]
    codes = [CODE, wide.format(wide.smallest), "broken"]
    assert [space.name for space in accepting_spaces("x", codes)] == ["resnet48-wide"]
    twenty = SPACES["resnet20"]
    assert accepting_spaces("x", [twenty.format(twenty.largest)]) == [twenty]
    with pytest.raises(InputError, match=r"x: no search space accepts any"):
        accepting_spaces("x", ["broken"])
