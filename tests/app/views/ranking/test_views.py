"""Cuts, groups, picks, noise, neighbours, other scores and history: each against what it should say."""

import numpy as np
import pytest

from app.views import candidates
from app.views.ranking import cuts, history, misjudged, neighbours, noise, picks, together
from app.views.ranking.subject import SCORE, TRUTH, Subject
from tests.app import example_ranking
from toolkit.errors import InputError
from toolkit.ranking.formulas import TAU_B
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES


@pytest.mark.parametrize("by", ["truth", "score"])
def test_a_cut_keeps_the_best(subject: Subject, by: cuts.By) -> None:
    table, rows = subject.table, cuts.kept(subject, 0.3, by)
    side = {"truth": "true", "score": "predicted"}[by]
    assert table[side].iloc[rows].min() > table[side].drop(rows).max()
    found = cuts.cut(subject, 0.3, by)
    assert found.networks == len(rows)
    assert found.tau is not None
    assert found.tau.value == TAU_B.of_columns(subject.pairs.scores[rows], subject.pairs.truth[rows])
    assert set(found.others) == set(subject.beside)


def test_a_cut_that_leaves_too_few_says_nothing(subject: Subject) -> None:
    assert cuts.cut(subject, 0.01, "truth").tau is None


def test_the_curve_begins_with_all_networks(subject: Subject) -> None:
    table = cuts.table(cuts.curve(subject, "truth"))
    first = table.iloc[0]
    assert (first["share"], first["networks"], first["estimator"]) == (1.0, len(subject), SCORE)
    assert table["networks"].min() >= 10


def test_quintiles_hold_everybody_once(subject: Subject) -> None:
    table = misjudged.quintiles(subject)
    assert set(table["size"]) == {"MACs", "parameters"}  # all cells are equally deep and wide
    assert (table.groupby("size")["networks"].sum() == len(subject)).all()
    weighted = (table["shift"] * table["networks"]).groupby(table["size"]).sum()
    assert np.allclose(weighted, 0, atol=1e-9)


def test_branches_hold_everybody_once_for_each_decision(subject: Subject) -> None:
    table = misjudged.branches(subject)
    assert subject.space is not None
    assert (table.groupby("decision")["networks"].sum() == len(subject)).all()
    assert set(table["decision"]) == {decision.name for decision in subject.space.decisions}


def test_an_unknown_space_has_no_groups(subject: Subject) -> None:
    unknown = Subject("s", "t", subject.pairs, {}, {}, None, subject.every_score, subject.every_truth)
    assert misjudged.quintiles(unknown).empty
    assert misjudged.branches(unknown).empty


def test_picks_end_with_no_regret(subject: Subject) -> None:
    table = picks.picks(subject)
    truth = subject.pairs.truth
    first = table[(table["estimator"] == SCORE) & (table["size"] == 1)].iloc[0]
    assert first["best"] == truth[np.argmax(subject.pairs.scores)]
    assert first["regret"] == truth.max() - first["best"]
    blind = table[table["estimator"] == picks.BLIND]
    assert blind["regret"].is_monotonic_decreasing
    assert picks.first(subject, 3)["predicted"].is_monotonic_decreasing


def test_noise_of_images_lowers_the_ceiling(subject: Subject) -> None:
    few, many = (noise.ceiling(subject, images) for images in (200, 20_000))
    assert few.images is not None
    assert many.images is not None
    assert few.images < many.images < 1
    assert few.both == few.images
    assert noise.ceiling(subject, None).both is None
    alike = noise.ceiling(subject, 200, 0.5).images
    assert alike is not None
    assert alike > few.images


def test_seeds_lower_the_ceiling(cells_run: RunFolder, tmp_path) -> None:
    run = example_ranking.cells(tmp_path / "run", 60)
    example_ranking.add_seeds(run)
    subject = example_ranking.subject_of(run)
    found = noise.ceiling(subject, None)
    assert found.trainings == 2
    assert found.seeds is not None
    assert 0.5 < found.seeds < 1


def test_losses_are_no_accuracies(subject: Subject) -> None:
    losses = Subject("s", "t", subject.pairs, {}, {}, None, {}, {})
    negative = Subject("s", "t", type(subject.pairs)(
        subject.pairs.networks, -subject.pairs.scores, subject.pairs.truth, 0, 0
    ), {}, {}, None, {}, {})  # fmt: skip
    assert noise.accuracies(losses, None) is not None
    assert noise.accuracies(negative, 100) is None
    assert noise.ceiling(negative, 100).both is None


def test_more_networks_are_surer_and_more_images_reach_higher(subject: Subject) -> None:
    assert noise.certainty(0.5, 100)["half_width"].is_monotonic_decreasing
    lie = noise.accuracies(subject, None)
    assert lie is not None
    assert noise.reach(lie, 0.0)["tau"].is_monotonic_increasing


def test_neighbours_are_one_choice_away(subject: Subject) -> None:
    known = neighbours.scored(subject)
    code = neighbours.find(subject, "arch1")
    assert code is not None
    near = neighbours.neighbours(subject, known, code)
    assert len(near) == neighbours.possible(SPACES["nasbench201"], code) == 24
    assert (near["apart"] == 1).all()
    assert near["change"].str.contains("→").all()
    row = near.iloc[0]
    assert row["predicted_change"] == row["predicted"] - subject.every_score[code]
    ranks = subject.table.set_index("code")["true_rank"]
    assert row["true_places"] == ranks[code] - ranks[row["code"]]


def test_where_nobody_is_near_the_nearest_are_shown(full_run: RunFolder) -> None:
    subject = example_ranking.subject_of(full_run)
    code = next(code for code in subject.every_score if code not in subject.every_truth)
    near = neighbours.neighbours(subject, neighbours.scored(subject), code)
    assert len(near) == neighbours.NEAREST
    assert near["apart"].min() > 1
    assert near["true_change"].isna().all()


def test_networks_are_found_by_id_and_by_code(subject: Subject) -> None:
    code = subject.pairs.networks[3]
    assert neighbours.find(subject, code) == code
    assert neighbours.find(subject, subject.ids[code]) == code
    assert neighbours.find(subject, "nobody") is None


def test_scores_are_compared_on_what_they_share(subject: Subject) -> None:
    other = dict(list({code: -value for code, value in subject.every_score.items()}.items())[:100])
    found = together.together(together.Scores({"one": subject.every_score, "other": other}, subject.every_truth))
    assert found.networks == 100
    assert found.taus.loc["one", "other"] == pytest.approx(-1)
    assert found.taus.loc[TRUTH, TRUTH] == pytest.approx(1)
    assert np.allclose(found.taus, found.taus.T)
    (test,) = found.tests
    assert (test.first, test.second, test.verdict) == ("one", "other", "better")


def test_scores_of_other_networks_cannot_be_compared(subject: Subject) -> None:
    with pytest.raises(InputError, match="in common"):
        together.together(together.Scores({"one": subject.every_score, "other": {"x": 1.0}}, subject.every_truth))


@pytest.mark.parametrize("column", ["top1", "loss"])
def test_history_follows_the_checkpoints(cells_run: RunFolder, subject: Subject, column: str) -> None:
    holdings, steps = candidates.settings(cells_run), candidates.checkpoint_steps(cells_run)
    (series,), lost = history.series(holdings, steps)
    assert lost == 0
    assert list(series.settings) == list(example_ranking.STEPS)
    table = history.history(cells_run, subject=subject, column=column, chosen=series)
    taus = table[table["metric"] == "Kendall tau"]
    assert taus["step"].tolist() == list(example_ranking.STEPS)
    assert taus["epoch"].tolist() == [10.0, 20.0, 30.0]
    assert taus["value"].is_monotonic_increasing
    assert (taus["low"] < taus["value"]).all()


def test_results_of_checkpoints_that_are_gone_are_counted(cells_run: RunFolder) -> None:
    steps = candidates.checkpoint_steps(cells_run)
    kept = dict(list(steps.items())[:1])
    series, lost = history.series(candidates.settings(cells_run), kept)
    assert (len(series), lost) == (1, 2)
