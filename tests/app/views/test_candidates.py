from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.views import candidates as views
from app.views.blocks import blocks
from app.views.candidates_words import answer
from tests.app import example_run
from tests.app.example_run import COUNT
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger
from toolkit.runs.folder import RunFolder
from toolkit.spaces import RESNET20, RESNET48_MINI, SPACES

TOP1, LOSS = views.SCORES["Top-1"], views.SCORES["Loss"]


@pytest.fixture
def joined(full_run: RunFolder) -> pd.DataFrame:
    holding = views.settings(full_run)[0]
    return views.joined(views.architectures(full_run), views.results(full_run, holding.setting))


def test_architectures_have_the_costs_of_their_space(full_run: RunFolder) -> None:
    known = views.architectures(full_run)
    assert len(known.table) == COUNT
    row = known.table.iloc[7]
    arch = RESNET48_MINI.parse(row["code"])
    assert (row["macs"], row["params"]) == (RESNET48_MINI.cost(arch).macs, RESNET48_MINI.cost(arch).params)
    assert row["depth"] == sum(int(digit) for digit in row["code"][1:5])
    assert known.answers.shape == (COUNT, len(RESNET48_MINI.decisions))


def test_results_are_percentages_and_means(full_run: RunFolder, joined: pd.DataFrame) -> None:
    holding = views.settings(full_run)[0]
    with Ledger.read(full_run.ledger) as ledger:
        counts = ledger.results(holding.setting)
    row = joined.iloc[3]
    assert row["top1"] == 100 * counts[row["code"]].top1 / example_run.IMAGES
    assert row["loss"] == counts[row["code"]].loss / example_run.IMAGES
    assert joined["top5"].ge(joined["top1"]).all()
    assert joined["images"].eq(example_run.IMAGES).all()


def test_only_candidates_with_results_are_joined(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path)
    example_run.train(run, epochs=1)
    example_run.evaluate(run, 30, done=12)
    holding = views.settings(run)[0]
    frame = views.joined(views.architectures(run), views.results(run, holding.setting))
    assert len(frame) == holding.results == 12
    assert frame["id"].tolist() == [f"arch{i}" for i in range(1, 13)]  # file order, though the ledger sorts by code


def test_ranks_share_ties_and_put_no_number_last() -> None:
    frame = pd.DataFrame({"top1": [50.0, 70.0, np.nan, 70.0], "loss": [2.0, 1.0, np.nan, 3.0]})
    assert views.ranked(frame, TOP1).index.tolist() == [1, 3, 0, 2]
    assert views.ranked(frame, TOP1)["rank"].tolist() == [1, 1, 3, pd.NA]
    assert views.ranked(frame, LOSS).index.tolist() == [1, 0, 3, 2]


def test_the_frontier_is_what_no_cheaper_one_beats() -> None:
    frame = pd.DataFrame(
        {"macs": [1, 2, 2, 3, 4], "top1": [10.0, 9.0, 12.0, 12.0, 20.0], "loss": [3.0, 1, 2, 0.5, np.nan]}
    )
    assert views.frontier(frame, "macs", TOP1).index.tolist() == [0, 2, 4]
    assert views.frontier(frame, "macs", LOSS).index.tolist() == [0, 1, 3]


def test_find_by_id_and_by_code(joined: pd.DataFrame) -> None:
    row = joined.iloc[5]
    assert views.find(joined, row["id"]) == views.find(joined, row["code"]) == joined.index[5]
    assert views.find(joined, "arch0") is None
    found = views.candidate(views.ranked(joined, TOP1), int(joined.index[5]))
    assert (found.id, found.code, found.macs) == (row["id"], row["code"], row["macs"])


def test_sampling_error_is_that_of_a_proportion() -> None:
    assert views.sampling_error(50.0, 10_000) == pytest.approx(0.5)
    assert views.sampling_error(100.0, 10) == 0


def test_labels_name_the_step_while_the_checkpoint_is_there(full_run: RunFolder) -> None:
    (label,) = views.labels(views.settings(full_run), views.checkpoint_steps(full_run))
    assert label.startswith("step 300 · norm calibrate:128")
    (label,) = views.labels(views.settings(full_run), {})
    assert label.startswith("checkpoint ")


def test_labels_are_distinct(full_run: RunFolder) -> None:
    holding = views.settings(full_run)[0]
    assert len(views.labels([holding, holding], {})) == 2


def test_missing_and_damaged_files_are_explained(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path)
    assert views.settings(run) == []
    with pytest.raises(InputError, match="no candidates yet"):
        views.architectures(run)
    run.ledger.write_bytes(b"no ledger at all" * 100)
    with pytest.raises(InputError, match="damaged"):
        views.settings(run)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_blocks_add_up_to_the_network(space) -> None:
    rng = np.random.default_rng(0)
    for arch in (space.largest, space.smallest, *(space.sample(rng) for _ in range(20))):
        drawn = blocks(space, arch)
        assert sum(block.macs for block in drawn) == space.cost(arch).macs
        assert sum(block.params for block in drawn) == space.cost(arch).params


def test_blocks_are_called_by_stage() -> None:
    names = [block.name for block in blocks(RESNET48_MINI, RESNET48_MINI.smallest)]
    assert names[:2] + names[5:8] + names[-2:] == ["stem", "1.1", "1.5", "2.1", "2.2", "4.5", "head"]
    names = [block.name for block in blocks(RESNET20, RESNET20.largest)]
    assert names == ["stem", *(f"{s}.{b}" for s in (1, 2, 3) for b in (1, 2, 3)), "head"]


def test_no_block_is_wider_than_in_the_largest_network() -> None:
    rng = np.random.default_rng(0)
    largest = blocks(RESNET48_MINI, RESNET48_MINI.largest)
    for block, most in zip(blocks(RESNET48_MINI, RESNET48_MINI.sample(rng)), largest, strict=True):
        assert block.widths == () or all(a <= b for a, b in zip(block.widths, most.widths, strict=True))


def test_candidates_within_noise_of_the_best_are_counted() -> None:
    top1 = [90.75, 90.5, 89.0, 70.0, 90.75]
    frame = pd.DataFrame({"top1": top1, "images": 2000.0, "loss": 1.0})
    found = views.noise(frame, TOP1)
    assert (found.alike, found.distinct, found.total) == (4, 4, 5)  # 89 is 1.8 below, 1.96 standard errors are 1.9
    assert views.noise(frame.assign(images=200_000.0), TOP1).alike == 2
    assert views.noise(frame, LOSS).alike is None
    assert views.noise(frame.iloc[:0], TOP1).total == 0


def test_margins_cover_as_they_say() -> None:
    rng = np.random.default_rng(0)
    for share in (0.5, 0.9, 0.99):
        drawn = rng.binomial(500, share, 4000) / 500 * 100
        frame = pd.DataFrame({"top1": drawn, "images": 500.0})
        covered = np.abs(drawn - 100 * share) <= views.margins(frame, TOP1)
        assert covered.mean() > 0.93


@pytest.mark.parametrize("score", [TOP1, LOSS])
@pytest.mark.parametrize("alike", [None, 1, 17])
@pytest.mark.parametrize("total", [0, 40])
def test_the_answer_says_how_many(score: views.Score, alike: int | None, total: int) -> None:
    said = answer(views.Noise(alike, 3, total), score, 40)
    assert said.endswith(".")
    assert "nan" not in said.lower()


def test_filters_leave_candidates_with_the_wanted_branches(full_run: RunFolder) -> None:
    known = views.architectures(full_run)
    options = views.branches(known)
    one = [options["depth4 = 5"], options["depth4 = 2"], options["width4 = 3"]]
    mask = views.having(known, one)
    names = [decision.name for decision in known.space.decisions]
    depth, width = names.index("depth4"), names.index("width4")
    for answers, wanted in zip(known.answers, mask, strict=True):
        said = str(known.space.decisions[depth].options[answers[depth]]) in ("2", "5")
        assert wanted == (said and str(known.space.decisions[width].options[answers[width]]) == "3")
    assert views.having(known, []).all()
