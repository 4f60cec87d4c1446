import numpy as np
import pytest

from app.views.ranking import estimates, sentence
from app.views.ranking.subject import SCORE, Subject
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.metrics import METRICS
from toolkit.ranking.pairs import pair
from toolkit.ranking.report import Estimate


def made(scores: np.ndarray, truth: np.ndarray, **beside: np.ndarray) -> Subject:
    names = [f"n{i:05}" for i in range(len(truth))]
    by_name = [dict(zip(names, side.tolist(), strict=True)) for side in (scores, truth)]
    return Subject("score", "truth", pair(*by_name), {}, beside, None, *by_name)


@pytest.fixture(scope="module")
def large() -> Subject:
    """So many that the jackknife serves."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=1500)
    return made(truth + rng.normal(size=1500), truth, MACs=truth + 2 * rng.normal(size=1500))


def test_are_those_of_the_command(subject: Subject) -> None:
    report = rank_report(subject.pairs, subject.beside)
    found = estimates.judge(subject)
    assert found.drawn
    for each in (report.score, *report.priors):
        for name in estimates.SHOWN:
            value, low, high = (getattr(found.estimators[each.name][name], end) for end in ("value", "low", "high"))
            assert value == each.metrics[name].value
            assert low == pytest.approx(each.metrics[name].low)
            assert high == pytest.approx(each.metrics[name].high)
    assert found.verdicts == {prior.name: prior.verdict for prior in report.priors}
    assert found.given_macs["kendall"].value == pytest.approx(report.partial["kendall"].value)


def test_many_networks_are_judged_by_the_jackknife(large: Subject) -> None:
    found = estimates.judge(large)
    report = rank_report(large.pairs, large.beside, resamples=400)
    assert not found.drawn
    assert found.tau.value == report.score.metrics["kendall"].value
    assert found.tau.low == pytest.approx(report.score.metrics["kendall"].low, abs=0.01)
    assert found.differences["MACs"]["kendall"].low == pytest.approx(
        report.priors[0].difference["kendall"].low, abs=0.01
    )
    assert found.verdicts == {"MACs": "better"}


def test_tables_have_a_row_for_each(subject: Subject) -> None:
    found = estimates.judge(subject)
    table = estimates.table(found.estimators)
    assert len(table) == len(found.estimators) * len(estimates.SHOWN)
    assert table["estimator"].iloc[0] == SCORE
    every = estimates.every_metric(subject, beside=False)
    assert len(every) == len(METRICS)
    assert list(estimates.every_metric(subject, beside=True).columns) == ["metric", *found.estimators]
    assert every[SCORE].iloc[0] == found.tau.value


def test_equal_priors_and_few_networks_break_nothing() -> None:
    truth = np.arange(5.0)
    subject = made(truth[::-1].copy(), truth, MACs=np.ones(5))
    found = estimates.judge(subject)
    assert found.verdicts == {"MACs": "undecided"}
    assert found.estimators["MACs"]["kendall"] == Estimate(value=None, low=None, high=None)
    text = sentence.answer(subject, found, None)
    assert "5 networks" in text
    assert any("too few" in note for note in sentence.notes(subject, found))


def test_the_answer_says_what_matters(large: Subject) -> None:
    found = estimates.judge(large)
    text = sentence.answer(large, found, 0.934)
    assert text.startswith(f"Kendall tau {found.tau.show()} on 1,500 networks; MACs alone")
    assert "; ceiling about 0.93; " in text
    assert "in the true top tenth" in text
    assert "It ranks better than MACs." in text
    assert text.endswith("In the true top tenth, it cannot be told from MACs.")


def test_no_skill_and_backwards_are_said() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=300)
    none, back = made(rng.normal(size=300), truth), made(-truth + 0.1 * rng.normal(size=300), truth)
    for subject, words in ((none, "shows no skill"), (back, "backwards")):
        assert words in sentence.answer(subject, estimates.judge(subject), None)
    assert any("a loss" in note for note in sentence.notes(back, estimates.judge(back)))


def test_scores_never_filled_in_are_noted() -> None:
    truth = np.random.default_rng(0).normal(size=2000)
    scores = np.zeros(2000)
    scores[0] = 0.7
    subject = made(scores, truth)
    found = estimates.judge(subject)
    assert "cannot be told" in sentence.answer(subject, found, None)
    assert any("1,999 scores are exactly 0" in note for note in sentence.notes(subject, found))
