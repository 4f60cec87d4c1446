from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.submission import Options, merge, write_merged
from converters.tables import SHAPES, Results, Row, count_from_zero, dump
from converters.tables.units import convert
from toolkit.candidates import (
    Candidates,
    Window,
    draw_candidates,
    read_candidates,
    read_table,
    scores,
    windows,
    write_entries,
)
from toolkit.errors import InputError
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
    assert [one.unit for one in report.parts] == ["percent", "fraction"]


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


def test_one_unit_is_made_of_two_by_request(part: Writer) -> None:
    paths = [part(IDS[:50], scale=100), part(IDS[50:])]
    for unit, scale in (("fraction", 1), ("percent", 100)):
        report = merge(paths, CANDIDATES, options=Options(unit=unit))  # type: ignore[arg-type]
        assert report.problems == ()
        assert report.accs == pytest.approx({key: scale * acc for key, acc in ACCS.items()}, rel=1e-15)
        assert [one.unit for one in report.parts] == [unit, unit]
        (note,) = [note for note in report.notes if "brought from" in note]
        assert note.startswith(f"{paths[unit == 'percent']}: brought from ")
        back = merge(paths, CANDIDATES, options=Options(unit="percent" if unit == "fraction" else "fraction"))
        assert back.problems == ()


def test_digits_lost_on_the_way_are_counted(part: Writer) -> None:
    report = merge([part(IDS)], CANDIDATES, options=Options(unit="percent"))
    lost = sum(convert(report.accs[key], "fraction") != acc for key, acc in ACCS.items())
    assert lost
    assert report.notes[0].endswith(f"lost: the last digit of {lost} results, which percentages cannot hold")


def test_units_that_differ_say_nothing_of_counts(part: Writer) -> None:
    assert merge([part(IDS[:50], scale=100), part(IDS[50:])], CANDIDATES).notes == ()


def test_a_lone_edited_placeholder_is_brought_to_the_unit_too(part: Writer) -> None:
    paths = [part([], {"arch2": 56.1}), part(IDS)]
    report = merge(paths, CANDIDATES, "first", options=Options(unit="fraction"))
    assert report.problems == ()
    assert report.accs["arch2"] == 0.561


def test_equal_counts_become_equal_by_request(part: Writer) -> None:
    rng = np.random.default_rng(0)
    counts = {key: int(rng.integers(50, 150)) for key in IDS}
    rounded = {key: count / 211 * (1 + rng.uniform(-1e-8, 1e-8)) for key, count in counts.items()}
    paths = [part([], dict(list(rounded.items())[:50]), whole=False), part([], dict(list(rounded.items())[50:]))]
    report = merge(paths, CANDIDATES)
    assert report.accs == rounded
    assert any(
        f"all multiples of 1/211, but these are only {len({*counts.values()})} counts" in n for n in report.notes
    )
    report = merge(paths, CANDIDATES, options=Options(repair_counts=True))
    assert report.accs == {key: count / 211 for key, count in counts.items()}
    assert any(note.startswith("counts repaired, as asked for: ") for note in report.notes)


def test_counts_that_are_none_are_not_repaired(part: Writer) -> None:
    accs = {key: acc**0.5 for key, acc in ACCS.items()}
    report = merge([part([], accs)], CANDIDATES, options=Options(repair_counts=True))
    assert "cannot be repaired" in report.problems[0]
    assert merge([part([], accs)], CANDIDATES).problems == ()


def test_parts_of_different_numbers_of_images_are_worth_a_note(part: Writer) -> None:
    counts = {key: (i * 37 % 101 + 50) / (9_973 if i < 50 else 10_007) for i, key in enumerate(IDS)}
    accs = list(counts.items())
    report = merge([part([], dict(accs[:50])), part([], dict(accs[50:]))], CANDIDATES)
    assert any("different numbers of images" in note and "9,973" in note for note in report.notes)


def test_made_up_results_are_worth_a_note(part: Writer) -> None:
    """As in the second version of a real entry, where a third was filled with random numbers."""
    rng = np.random.default_rng(0)
    accs = {key: count / 2112 for key, count in zip(IDS, rng.integers(1200, 1600, COUNT).tolist(), strict=True)}
    paths = [part([], accs | {key: float(rng.normal(0.7, 0.05)) for key in IDS[60:]})]
    report = merge(paths, CANDIDATES)
    assert report.problems == ()
    assert "40 of 100 results are no counts of 2,112 images, as all others are: made up" in report.notes[-1]
    assert merge([part([], accs)], CANDIDATES).notes == ()


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.dump])
@pytest.mark.parametrize("score", ["top1", "top5"])
def test_parts_in_any_shape(name: str, score: Any, part: Writer, tmp_path: Path) -> None:
    rows = tuple(Row(key, CANDIDATES[key], ACCS[key], 0.9 - ACCS[key] / 9) for key in IDS[:60])
    part_of = Results(tmp_path, "lines", rows, (), "fraction", (), ())
    if SHAPES[name].ids:
        part_of = count_from_zero(part_of)
    path = tmp_path / "part"
    path.write_bytes(dump(part_of, SHAPES[name]))
    report = merge([path, part(IDS[60:])], CANDIDATES, options=Options(score=score))
    assert report.parts[0].shape == name
    if score == "top1":
        assert (report.problems, report.accs) == ((), ACCS)
        assert len(report.notes) == 1  # ids that count from 0, or none
        assert str(path) in report.notes[0]
    elif SHAPES[name].top5:
        assert "40 of 100 rows" not in report.problems[0]
        (problem,) = report.problems  # the official part has none
        assert "no top-5 accuracy" in problem
    else:
        assert len(report.problems) == 2


def test_a_real_file_in_another_shape_is_the_same_part(shared: Path, tmp_path: Path) -> None:
    """The 5,695 results of the 9th place's last part, stale rows included, as its own inverted dictionary."""
    folder = shared / "data"
    candidates = read_candidates(folder / "candidates" / "CVPR_2022_NAS_Track1_test.json", SPACES["resnet48"])
    table = read_table(folder / "submissions" / "team9_submit_6.json")
    rows = tuple(Row(key, table.codes[key], acc) for key, acc in table.accs.items())
    inverted = dump(Results(table.path, "official", rows, table.ids, "percent", (), ()), SHAPES["inverted"])
    (tmp_path / "gpu_6.json").write_bytes(inverted)
    paths = [folder / "submissions" / "team9_submit_0.json", tmp_path / "gpu_6.json"]
    report = merge(paths, candidates, "window", allow_gaps=True, options=Options(repair_counts=True))
    assert report.problems == ()
    assert report.parts[1].shape == "inverted"
    assert len(report.parts[1].results) == 5695
    assert windows(report.parts[1].stale, candidates) == (Window("arch1", "arch644", 644),)
    assert report.gaps == (Window("arch6501", "arch39000", 32_500), Window("arch41952", "arch42900", 949))
    assert any("multiples of 100/2,112, and 1,132 different values are now 210" in note for note in report.notes)
    assert {round(acc * 2112 / 100) for acc in report.accs.values()} == {
        round(acc * 2112 / 100, 6) for acc in report.accs.values()
    }


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
    assert "multiples of 100/2,112, but these are only 210 counts" in report.notes[-1]
    with pytest.raises(InputError):
        write_merged(tmp_path / "out.json", candidates, report)
    assert not list(tmp_path.iterdir())

    report = merge(paths, candidates, "window", allow_gaps=True)
    assert report.problems == ()
    assert report.accs == dict(zero.results) | {key: six.results[key] for key in six.results.keys() - six.stale}
