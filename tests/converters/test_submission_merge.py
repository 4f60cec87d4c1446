from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.submission import merge, write_merged
from toolkit.errors import InputError
from toolkit.evaluation.candidates import (
    Candidates,
    Window,
    draw_candidates,
    read_candidates,
    read_table,
    scores,
    windows,
    write_entries,
)
from toolkit.spaces import SPACES

COUNT = 100
CANDIDATES = draw_candidates(SPACES["resnet48-mini"], COUNT, 0)
IDS = list(CANDIDATES)
ACCS = {key: (i * 37 % 101 + 50) / 211 for i, key in enumerate(CANDIDATES)}

Writer = Callable[..., Path]


@pytest.fixture
def part(tmp_path: Path) -> Writer:
    """Write a part file: some ids with their score times `scale`, changes, and placeholders for all others."""

    def write(
        ids: Collection[str], changes: dict[str, float] | None = None, scale: float = 1, whole: bool = True
    ) -> Path:
        accs = {key: scale * ACCS[key] for key in IDS if key in ids} | (changes or {})
        path = tmp_path / f"part{len(list(tmp_path.iterdir()))}.json"
        codes = {key: CANDIDATES[key] for key in IDS if whole or key in accs}
        write_entries(path, codes, {key: accs.get(key, 0.0) for key in codes})
        return path

    return write


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_parts_that_fit_make_a_submission(part: Writer, tmp_path: Path, whole: bool, order: int) -> None:
    paths = [part(IDS[:30], whole=whole), part(IDS[30:90], whole=whole), part(IDS[90:], whole=whole)]
    report = merge(paths[::order], CANDIDATES)
    assert (report.problems, report.notes, report.conflicts, report.gaps) == ((), (), (), ())
    write_merged(tmp_path / "out.json", CANDIDATES, report)
    assert scores(tmp_path / "out.json") == ACCS
    assert list(read_table(tmp_path / "out.json").codes.items()) == list(CANDIDATES.items())


@given(st.lists(st.integers(0, 3), min_size=COUNT, max_size=COUNT))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_division_into_subsets_merges_to_the_whole(part: Writer, owners: list[int]) -> None:
    paths = [part([k for k, o in zip(IDS, owners, strict=True) if o == owner], whole=False) for owner in set(owners)]
    report = merge(paths, CANDIDATES)
    assert report.problems == ()
    assert report.accs == ACCS


def test_parts_that_agree_may_overlap(part: Writer) -> None:
    rounded = {key: ACCS[key] * (1 + 1e-8) for key in IDS[40:60]}
    report = merge([part(IDS[:60]), part(IDS[60:], rounded)], CANDIDATES)
    assert report.problems == ()
    assert report.accs == ACCS


def test_a_gap_is_refused_or_allowed(part: Writer, tmp_path: Path) -> None:
    paths = [part(IDS[:30]), part(IDS[40:])]
    report = merge(paths, CANDIDATES)
    assert report.gaps == (Window("arch31", "arch40", 10),)
    (problem,) = report.problems
    assert "10 of 100 candidates have no result: arch31..arch40 (10 entries)" in problem
    with pytest.raises(InputError, match="have no result"):
        write_merged(tmp_path / "out.json", CANDIDATES, report)
    assert not (tmp_path / "out.json").exists()

    report = merge(paths, CANDIDATES, allow_gaps=True)
    assert report.problems == ()
    assert any("this is no submission yet" in note for note in report.notes)
    write_merged(tmp_path / "out.json", CANDIDATES, report)
    assert scores(tmp_path / "out.json") == ACCS | dict.fromkeys(IDS[30:40], 0.0)


def test_gaps_of_a_template_with_integers_stay_integers(part: Writer, tmp_path: Path) -> None:
    template = Candidates(CANDIDATES, dict.fromkeys(CANDIDATES, 0))
    report = merge([part(IDS[:30])], template, allow_gaps=True)
    write_merged(tmp_path / "out.json", template, report)
    assert type(scores(tmp_path / "out.json")["arch31"]) is int


def test_a_conflict_is_refused_or_settled_by_name(part: Writer) -> None:
    paths = [part(IDS[:60]), part(IDS[50:], dict.fromkeys(IDS[50:60], 0.9))]
    for policy in ("error", "window"):
        report = merge(paths, CANDIDATES, policy)  # both main windows hold these rows: none is stale
        assert [conflict.id for conflict in report.conflicts] == IDS[50:60]
        assert report.conflicts[0].values == {str(paths[0]): ACCS["arch51"], str(paths[1]): 0.9}
        (problem,) = report.problems
        assert f"{paths[0]}, {paths[1]}: different results for arch51..arch60 (10 entries)" in problem
        assert f"for example arch51: {ACCS['arch51']}, 0.9" in problem
    for policy, expected in (("first", ACCS), ("last", ACCS | dict.fromkeys(IDS[50:60], 0.9))):
        report = merge(paths, CANDIDATES, policy)  # type: ignore[arg-type]
        assert report.problems == ()
        assert report.accs == expected
        assert any(f"the {policy} one counts, as asked for" in note for note in report.notes)


def test_stale_rows_are_found_and_set_aside_by_request(part: Writer) -> None:
    stale = {key: ACCS[key] / 2 for key in IDS[:8]}
    paths = [part(IDS[:40]), part(IDS[40:], stale)]
    report = merge(paths, CANDIDATES)
    assert windows(report.parts[1].stale, IDS) == (Window("arch1", "arch8", 8),)
    assert not report.parts[0].stale
    (problem,) = report.problems
    assert f"{paths[1]}: arch1..arch8 (8 entries) look stale" in problem
    assert f"outside the file's main window arch41..arch100 (60 entries) and contradict {paths[0]}" in problem
    report = merge(paths, CANDIDATES, "window")
    assert report.problems == ()
    assert report.accs == ACCS
    assert any("look stale" in note and "set aside, as asked for" in note for note in report.notes)
    assert merge(paths, CANDIDATES, "last").accs == ACCS | stale


def test_rows_outside_all_main_windows_that_several_parts_share_are_worth_a_note(part: Writer) -> None:
    old = {key: ACCS[key] for key in IDS[:5]}
    report = merge([part(IDS[20:60], old), part(IDS[60:], old)], CANDIDATES, allow_gaps=True)
    assert any("arch1..arch5 (5 entries) stand in several parts, in the main window of none" in n for n in report.notes)


def test_an_edited_placeholder_is_found_and_set_aside_by_request(part: Writer) -> None:
    paths = [part([], {"arch2": 0.561}), part(IDS[:50]), part(IDS[50:], {"arch9": 0.1})]
    report = merge(paths, CANDIDATES)
    assert [one.edited for one in report.parts] == [{"arch2"}, set(), {"arch9"}]
    first, second = report.problems
    assert "arch2 alone holds a number (0.561) among placeholders" in first
    assert "arch9" in second
    assert merge(paths, CANDIDATES, "window").accs == ACCS
    assert merge(paths, CANDIDATES, "first").accs == ACCS | {"arch2": 0.561}
    # With nobody else to ask, it leaves a gap rather than a wrong result.
    report = merge([part([], {"arch2": 0.561}), part(set(IDS) - {"arch2"}, whole=False)], CANDIDATES, "window")
    assert report.gaps == (Window("arch2", "arch2", 1),)
    assert report.problems


def test_scattered_results_are_no_edited_placeholders(part: Writer) -> None:
    paths = [part(IDS[0::4]), part(IDS[1::4]), part(IDS[2::4]), part(IDS[3::4])]
    assert merge(paths, CANDIDATES).problems == ()
    # A file that holds one entry and nothing else says that it means it.
    assert merge([part(set(IDS) - {"arch5"}), part(["arch5"], whole=False)], CANDIDATES).problems == ()


@pytest.mark.parametrize("policy", ["error", "window", "first", "last"])
def test_percentages_and_fractions_never_mix(part: Writer, policy: Any) -> None:
    paths = [part(IDS[:50], scale=100), part(IDS[50:])]
    report = merge(paths, CANDIDATES, policy)
    (problem,) = report.problems
    assert f"{paths[0]}: percentages, but {paths[1]}: fractions" in problem
    assert [one.scale for one in report.parts] == ["percent", "fraction"]


@pytest.mark.parametrize("policy", ["error", "window", "first", "last"])
def test_a_part_with_problems_is_never_used(part: Writer, tmp_path: Path, policy: Any) -> None:
    good = part(IDS)
    other = draw_candidates(SPACES["resnet48-mini"], 1, 99)["arch1"]
    (tmp_path / "cut.json").write_bytes(good.read_bytes()[:-9])
    write_entries(tmp_path / "unknown.json", {"arch0": other}, {"arch0": 0.5})
    write_entries(tmp_path / "code.json", {"arch1": other}, {"arch1": ACCS["arch1"]})
    write_entries(tmp_path / "range.json", {"arch1": CANDIDATES["arch1"]}, {"arch1": -20})
    paths = [good, *(tmp_path / f"{name}.json" for name in ("cut", "unknown", "code", "range", "absent"))]
    report = merge(paths, CANDIDATES, policy)
    for path, says in zip(
        paths[1:], ["not JSON", "not in the candidates file", "code", "acc -20", "read"], strict=True
    ):
        assert any(problem.startswith(f"{path}: ") and says in problem for problem in report.problems)


def test_real_files_of_a_real_entry(shared: Path, tmp_path: Path) -> None:
    """Windows, stale rows, missing ids and the edited placeholder, as found by hand in challenge-2022.md 2.2."""
    folder = shared / "data"
    candidates = read_candidates(folder / "candidates" / "CVPR_2022_NAS_Track1_test.json", SPACES["resnet48"])
    paths = [folder / "submissions" / f"team9_submit{end}.json" for end in ("", "_0", "_6")]
    report = merge(paths, candidates)
    template, zero, six = report.parts
    assert template.windows == (Window("arch2", "arch2", 1),)
    assert {key: template.results[key] for key in template.edited} == {"arch2": 56.1}
    assert zero.windows == (Window("arch1", "arch6500", 6500),)
    assert six.windows == (
        Window("arch1", "arch644", 644),
        Window("arch39001", "arch41951", 2951),
        Window("arch42901", "arch45000", 2100),
    )
    assert windows(six.stale, candidates) == (Window("arch1", "arch644", 644),)
    assert not zero.stale
    assert not template.stale
    assert report.gaps == (Window("arch6501", "arch39000", 32_500), Window("arch41952", "arch42900", 949))
    assert len(report.problems) == 3
    with pytest.raises(InputError):
        write_merged(tmp_path / "out.json", candidates, report)
    assert not list(tmp_path.iterdir())

    report = merge(paths, candidates, "window", allow_gaps=True)
    assert report.problems == ()
    assert report.accs == dict(zero.results) | {key: six.results[key] for key in six.results.keys() - six.stale}
