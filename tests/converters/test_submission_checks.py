import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from converters.submission import Report, check
from converters.tables.counts import find_images
from converters.tables.units import fractions_among
from toolkit.candidates import (
    Candidates,
    draw_candidates,
    dump_entries,
    read_candidates,
    write_candidates,
    write_entries,
)
from toolkit.spaces import SPACES

MINI = SPACES["resnet48-mini"]
COUNT = 200
CANDIDATES = draw_candidates(MINI, COUNT, 0)
ACCS = {key: (i * 37 % 151 + 50) / 211 for i, key in enumerate(CANDIDATES)}
IDS = list(CANDIDATES)

Checker = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path) -> Checker:
    """Check the valid submission after some changes: of scores, or of whole entries (None takes one away)."""

    def checked(accs: dict[str, float] | None = None, entries: dict[str, Any] | None = None, **options: Any) -> Report:
        rows: dict[str, Any] = {
            key: {"acc": acc, "arch": CANDIDATES[key]} for key, acc in (ACCS | (accs or {})).items()
        }
        rows |= entries or {}
        path = tmp_path / "submission.json"
        path.write_text(json.dumps({key: row for key, row in rows.items() if row is not None}))
        report = check(path, MINI, **{"candidates": CANDIDATES, **options})
        assert all(problem.startswith((f"{path}: ", "... and ")) for problem in report.problems)
        return report

    return checked


def only(report: Report) -> str:
    (problem,) = report.problems
    assert not report.valid
    return problem


def test_a_valid_submission(run: Checker) -> None:
    report = run()
    assert report.valid
    assert report.kind == "submission"
    assert report.verdict == f"a valid submission: {COUNT} of {COUNT} entries hold results"
    assert report.notes == (f"{COUNT} results take 151 different values, all multiples of 1/211",)


@pytest.mark.parametrize("kind", ["auto", "candidates"])
def test_a_candidates_file_is_valid_as_such(tmp_path: Path, kind: Any) -> None:
    write_candidates(tmp_path / "c.json", CANDIDATES)
    report = check(tmp_path / "c.json", MINI, None if kind == "auto" else CANDIDATES, kind)
    assert report.valid
    assert report.kind == "candidates"
    assert "no submission" in report.verdict


def test_a_candidates_file_is_not_a_submission(tmp_path: Path) -> None:
    write_candidates(tmp_path / "c.json", CANDIDATES)
    report = check(tmp_path / "c.json", MINI, CANDIDATES, "submission")
    assert f"200 of 200 entries hold the placeholder 0: arch1..arch{COUNT} ({COUNT} entries)" in only(report)


def test_a_submission_is_not_a_candidates_file(run: Checker) -> None:
    assert "this is a submission and not a candidates file" in only(run(kind="candidates"))


def test_an_edited_placeholder(run: Checker) -> None:
    report = run(dict.fromkeys(IDS, 0.0) | {"arch2": 56.1}, candidates=None)
    assert report.kind == "candidates"
    assert "in which 1 of 200 placeholders" in report.verdict
    assert "arch2 has acc 56.1 where a candidates file has the placeholder 0" in only(report)


def test_missing_and_unknown_ids(run: Checker) -> None:
    gone = dict.fromkeys([*IDS[3:9], IDS[-1]])
    extra = {"arch0": {"acc": 0.5, "arch": MINI.format(MINI.largest)}}
    missing, unknown = run(entries=gone | extra).problems
    assert "7 of 200 candidates have no entry: arch4..arch9 (6 entries), arch200; add them" in missing
    assert "1 ids are not in the candidates file: arch0" in unknown


def test_a_code_that_differs(run: Checker) -> None:
    other = CANDIDATES["arch2"]
    different, repeated = run(entries={"arch1": {"acc": 0.4, "arch": other}}).problems
    assert "arch1 has the code" in different
    assert "in the candidates file position" in different
    assert "arch1 and arch2 have the same code" in repeated
    assert "it has 52 characters, not 51" in only(run(entries={"arch1": {"acc": 0.4, "arch": CANDIDATES["arch1"][1:]}}))


def test_an_invalid_code_is_named_with_and_without_candidates(run: Checker) -> None:
    broken = {"arch5": {"acc": 0.4, "arch": "2" + CANDIDATES["arch5"][1:]}}
    assert "arch5: code" in only(run(entries=broken, candidates=None))
    different, invalid = run(entries=broken).problems
    assert "position 0 is '1', not '2'" in different
    assert "image size" in invalid


def test_one_network_under_two_codes_is_worth_a_note(tmp_path: Path) -> None:
    space = SPACES["resnet48"]  # its digits 1 and 2 both mean a width of 64 in stage 1
    code = space.format(space.smallest)
    codes = {f"arch{digit}": code[:6] + digit + code[7:] for digit in "123"}
    write_entries(tmp_path / "s.json", codes, {"arch1": 0.3, "arch2": 0.3, "arch3": 0.4})
    report = check(tmp_path / "s.json", space)
    assert report.valid
    assert "arch1 and arch2 have different codes of the same network" in report.notes


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"acc": 0.5}, "has the keys acc"),
        ({"acc": 0.5, "arc": ""}, "has the keys acc, arc"),
        ({"acc": "0.5", "arch": CANDIDATES["arch7"]}, 'has "0.5" as acc'),
        ({"acc": True, "arch": CANDIDATES["arch7"]}, "has true as acc"),
        ({"acc": None, "arch": CANDIDATES["arch7"]}, "has null as acc"),
        ({"acc": float("nan"), "arch": CANDIDATES["arch7"]}, "has NaN as acc"),
        ({"acc": float("inf"), "arch": CANDIDATES["arch7"]}, "has Infinity as acc"),
        ({"acc": -20, "arch": CANDIDATES["arch7"]}, "arch7 has acc -20; an accuracy lies between"),
        ({"acc": 100.5, "arch": CANDIDATES["arch7"]}, "arch7 has acc 100.5; an accuracy lies between"),
        ({"acc": 0, "arch": CANDIDATES["arch7"]}, "1 of 200 entries hold the placeholder 0: arch7"),
        (["arch7", 0.0], "arch7 is a list"),
    ],
)
def test_an_entry_that_is_wrong(run: Checker, entry: object, says: str) -> None:
    assert says in only(run(entries={"arch7": entry}))


def test_zeros_of_a_worker_that_died(run: Checker) -> None:
    assert "50 of 200 entries hold the placeholder 0: arch11..arch60 (50 entries)" in only(
        run(dict.fromkeys(IDS[10:60], 0.0))
    )


def test_what_the_candidates_file_says_is_no_result(run: Checker) -> None:
    edited = Candidates(CANDIDATES, {**CANDIDATES.accs, "arch2": 0.561})
    assert "arch2 still holds 0.561" in only(run({"arch2": 0.561}, candidates=edited))
    assert run({"arch2": 0.562}, candidates=edited).valid
    # A file of results in the place of the candidates is no template: the same results are still results.
    assert run(candidates=Candidates(CANDIDATES, ACCS)).valid


def test_a_constant_column(run: Checker) -> None:
    assert "all 200 results are 0.7; a constant ranks nothing" in only(run(dict.fromkeys(IDS, 0.7)))
    constant, unfilled = run(dict.fromkeys(IDS, 0.7) | {"arch3": 0.0}).problems
    assert "all 199 results are 0.7" in constant
    assert "arch3" in unfilled


def test_percentages_mixed_with_fractions(run: Checker) -> None:
    percent = {key: 100 * acc for key, acc in ACCS.items()}
    assert run(percent).valid
    assert "10 results are fractions (arch1..arch10 (10 entries)) and 190 are percentages" in only(
        run(percent | {key: ACCS[key] for key in IDS[:10]})
    )
    assert "199 results are fractions" in only(run({"arch9": 56.1}))


def test_percentages_of_a_broken_network_are_no_fractions(run: Checker) -> None:
    report = run({key: 100 * acc for key, acc in ACCS.items()} | {"arch3": 0.1})
    assert report.valid
    assert "1 of 200 results are at most 1 and the others percentages: broken networks?" in report.notes


@given(st.lists(st.floats(0.1, 1), min_size=3, max_size=50), st.integers(1, 50))
def test_fractions_and_percentages_of_one_quantity_are_told_apart(values: list[float], count: int) -> None:
    low, high = values[:count], [100 * value for value in values]
    assert fractions_among(low, high)
    assert not fractions_among(low, [])
    assert not fractions_among([], high)


def test_one_continuous_range_of_percentages_is_not_mixed() -> None:
    values = np.linspace(0.2, 30, 200)
    assert not fractions_among(values[values <= 1].tolist(), values[values > 1].tolist())


def test_a_fill_is_worth_a_note(run: Checker) -> None:
    report = run(dict.fromkeys(IDS[20:40], 0.7))
    assert report.valid
    assert (
        "arch21..arch40 (20 entries) all have acc 0.7, which cannot be chance: filled in by somebody?" in report.notes
    )


def test_other_order_and_no_candidates_are_notes(run: Checker, tmp_path: Path) -> None:
    backwards = {key: CANDIDATES[key] for key in reversed(IDS)}
    write_entries(tmp_path / "b.json", backwards, ACCS)
    report = check(tmp_path / "b.json", MINI, CANDIDATES)
    assert report.valid
    assert any("another order" in note for note in report.notes)
    report = run(candidates=None)
    assert report.valid
    assert any("without a candidates file" in note for note in report.notes)


def test_the_space_is_guessed(tmp_path: Path) -> None:
    write_entries(tmp_path / "s.json", CANDIDATES, ACCS)
    report = check(tmp_path / "s.json")
    assert report.valid
    assert report.notes[0].startswith("the codes were read as those of space resnet48; resnet48-wide")
    write_entries(tmp_path / "t.json", dict.fromkeys(CANDIDATES, "x"), ACCS)
    assert "no search space accepts any" in only(check(tmp_path / "t.json"))


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"a": '])
def test_what_is_no_json_object_is_a_report_too(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    report = check(tmp_path / "x.json", MINI, CANDIDATES)
    assert report.kind is None
    assert not report.valid
    assert only(check(tmp_path / "absent.json", MINI)).endswith("check the path")


VALID = dump_entries(dict(list(CANDIDATES.items())[:4]), ACCS)


@given(st.integers(0, len(VALID) - 1), st.binary(max_size=2))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(VALID.index(b"acc"), b"\\u0000")
def test_a_check_survives_any_corruption(tmp_path: Path, place: int, put: bytes) -> None:
    path = tmp_path / "corrupted.json"
    path.write_bytes(VALID[:place] + put + VALID[place + 1 :])
    report = check(path, MINI, CANDIDATES)
    assert report.verdict
    assert report.problems  # at the least, nearly all candidates are missing
    json.dumps(report.problems).encode("ascii")


@given(st.integers(8, 60_000), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_granularity_finds_the_images(images: int, percent: bool, random: Any) -> None:
    counts = np.array(sorted({1, images, *(random.randrange(1, images + 1) for _ in range(300))}))
    values = counts / images * (100 if percent else 1)
    if percent and values.max() <= 1:
        return
    found = find_images(np.float32(values).astype(float))
    if len(counts) < 8:
        assert found is None
    else:
        assert found == images  # 1/images is among them


def test_granularity_of_real_numbers_is_none() -> None:
    assert find_images(np.random.default_rng(0).uniform(size=100)) is None
    assert find_images(np.arange(1, 8) / 10) is None  # too few to tell


def test_real_files_of_a_real_entry(shared: Path) -> None:
    """Found by hand in challenge-2022.md, section 2.2."""
    space, folder = SPACES["resnet48"], shared / "data"
    candidates = read_candidates(folder / "candidates" / "CVPR_2022_NAS_Track1_test.json", space)
    report = check(folder / "submissions" / "team9_submit_6.json", space, candidates)
    assert report.results == 5695
    assert "arch645..arch39000 (38,356 entries), arch41952..arch42900 (949 entries)" in only(report)
    assert "multiples of 100/2,112" in report.notes[0]
    report = check(folder / "submissions" / "team9_submit.json", space)
    assert report.kind == "candidates"
    assert "arch2 has acc 56.1" in only(report)


def test_true_accuracies_are_a_valid_file(shared: Path) -> None:
    report = check(shared / "data" / "truth" / "resnet20_cifar100_first500.json", SPACES["resnet20"])
    assert report.valid
    assert report.results == 500
