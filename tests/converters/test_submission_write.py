import json
import math
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.submission import build, check, write_submission
from converters.submission import write as write_module
from toolkit.backends.base import Counts
from toolkit.candidates import Candidates, draw_candidates, dump_entries, read_table, scores
from toolkit.errors import InputError
from toolkit.spaces import SPACES

MINI = SPACES["resnet48-mini"]
CANDIDATES = draw_candidates(MINI, 20, 0)
IDS = list(CANDIDATES)
COUNTS = {code: Counts(50 + i, 80 + i, 200, 200 * (2.0 - i / 20)) for i, code in enumerate(CANDIDATES.values())}


@pytest.mark.parametrize("score", ["top1", "top5", "loss"])
def test_what_is_built_and_written_is_a_valid_submission(tmp_path: Path, score: write_module.Score) -> None:
    accs = build(CANDIDATES, COUNTS, score)
    assert sorted(accs, key=accs.__getitem__) == IDS  # better counts, higher score
    assert all(0 < acc < 1 for acc in accs.values())
    path = tmp_path / "submission.json"
    report = write_submission(path, CANDIDATES, accs)
    assert report.valid
    assert report == check(path, MINI, CANDIDATES)
    assert scores(path) == accs
    assert path.read_bytes() == json.dumps({k: {"acc": accs[k], "arch": CANDIDATES[k]} for k in IDS}).encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["submission.json"]


def test_the_scores_themselves() -> None:
    code = CANDIDATES["arch3"]
    counts = COUNTS | {code: Counts(711, 1900, 2112, 2112 * 1.5)}
    assert build(CANDIDATES, counts, "top1")["arch3"] == 711 / 2112
    assert build(CANDIDATES, counts, "top5")["arch3"] == 1900 / 2112
    assert build(CANDIDATES, counts, "loss")["arch3"] == pytest.approx(math.exp(-1.5), rel=1e-15)


@given(st.lists(st.floats(0, 700), min_size=2, max_size=20))
def test_a_smaller_loss_never_scores_lower(losses: list[float]) -> None:
    codes = list(CANDIDATES.values())[: len(losses)]
    counts = COUNTS | {code: Counts(0, 0, 1, loss) for code, loss in zip(codes, losses, strict=True)}
    accs = list(build(CANDIDATES, counts, "loss").values())[: len(losses)]
    ranked = [acc for _, acc in sorted(zip(losses, accs, strict=True))]
    assert ranked == sorted(accs, reverse=True)
    assert all(0 < acc <= 1 for acc in accs)


def test_missing_results_are_refused_as_windows() -> None:
    gone = {CANDIDATES[key] for key in [*IDS[2:8], IDS[19]]}
    with pytest.raises(InputError) as error:
        build(CANDIDATES, {code: counts for code, counts in COUNTS.items() if code not in gone})
    (problem,) = error.value.problems
    assert "7 of 20 candidates have no result: arch3..arch8 (6 entries), arch20" in problem


@pytest.mark.parametrize("broken", [Counts(0, 0, 20, math.nan), Counts(0, 0, 20, math.inf), Counts(0, 0, 0, 0.0)])
def test_counts_without_a_score_are_refused(broken: Counts) -> None:
    counts = COUNTS | {CANDIDATES["arch4"]: broken}
    with pytest.raises(InputError, match="arch4: no loss follows from"):
        build(CANDIDATES, counts, "loss")
    if broken.total:
        assert build(CANDIDATES, counts, "top1")["arch4"] == 0
    else:
        with pytest.raises(InputError, match="arch4: no top1"):
            build(CANDIDATES, counts, "top1")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arch7": math.nan}, "arch7 has no number but nan"),
        ({"arch7": math.inf}, "arch7 has no number but inf"),
        ({"arch7": -0.1}, "arch7 has acc -0.1"),
        ({"arch99": 0.1}, "arch99 is not in the candidates file"),
        (dict.fromkeys(IDS, 0.5), "all 20 results are 0.5"),
        (dict.fromkeys(IDS, 0.0), "all 20 results are 0.0"),
        (dict.fromkeys(IDS[:5], 56.1), "fractions"),
    ],
)
def test_a_bad_submission_is_refused_and_the_old_file_stays(
    tmp_path: Path, changes: dict[str, float], says: str
) -> None:
    path = tmp_path / "submission.json"
    path.write_text("old")
    with pytest.raises(InputError, match=says):
        write_submission(path, CANDIDATES, build(CANDIDATES, COUNTS) | changes)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["submission.json"]


def test_all_problems_are_listed(tmp_path: Path) -> None:
    accs = build(CANDIDATES, COUNTS) | {"arch7": math.nan, "x": 1.0}
    del accs["arch1"]
    with pytest.raises(InputError) as error:
        write_submission(tmp_path / "s.json", CANDIDATES, accs)
    assert len(error.value.problems) == 3


def test_a_result_of_zero_is_written_and_noted(tmp_path: Path) -> None:
    accs = build(CANDIDATES, COUNTS) | {"arch7": 0.0}
    report = write_submission(tmp_path / "s.json", CANDIDATES, accs)
    assert report.valid
    assert "arch7: results of exactly 0" in report.notes[-1]
    assert scores(tmp_path / "s.json") == accs


def test_an_output_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_submission(tmp_path / "file" / "s.json", CANDIDATES, build(CANDIDATES, COUNTS))


def test_a_disk_that_keeps_other_bytes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_module, "read_bytes", lambda path: Path(path).read_bytes()[:-1])
    with pytest.raises(InputError, match="reads back other than it was written"):
        write_submission(tmp_path / "s.json", CANDIDATES, build(CANDIDATES, COUNTS))


@given(st.dictionaries(st.sampled_from(IDS), st.integers(1, 2112)))
@settings(max_examples=30)
def test_equal_counts_are_equal_numbers_in_the_file(changes: dict[str, int]) -> None:
    counts = COUNTS | {CANDIDATES[key]: Counts(top1, top1, 2112, 1.0) for key, top1 in changes.items()}
    accs = build(CANDIDATES, counts)
    read = {key: entry["acc"] for key, entry in json.loads(dump_entries(CANDIDATES, accs)).items()}
    assert read == accs
    for key, top1 in changes.items():
        assert all((read[key] == read[other]) == (top1 == changes[other]) for other in changes)


def test_the_2021_winners_merged_file_shape(shared: Path, tmp_path: Path) -> None:
    """Fractions for the other challenge's codes, in its file's order."""
    table = read_table(shared / "data" / "candidates" / "Track1_final_archs.json")
    codes = dict(islice(table.codes.items(), 1000))
    candidates = Candidates(codes, table.accs)
    counts = {code: Counts(3000 + i % 77, 0, 10_000, 0.0) for i, code in enumerate(candidates.values())}
    write_submission(tmp_path / "s.json", candidates, build(candidates, counts))
    start = (tmp_path / "s.json").read_text()[:70]
    assert start.startswith('{"arch1": {"acc": 0.3, "arch": "')
    assert list(scores(tmp_path / "s.json")) == list(candidates)
