from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import report
from app.views import runs, submission, verdict
from app.views.interference import readings
from app.views.ranking import estimates, sentence
from tests.app import example_ranking, example_run
from toolkit.ranking.report import Estimate
from toolkit.runs.folder import RunFolder


def judged(run: RunFolder) -> verdict.Ranking:
    subject = example_ranking.subject_of(run)
    return verdict.Ranking(subject, estimates.judge(subject), None)


def of(run: RunFolder, ranking: verdict.Ranking | None = None, where: str | None = None) -> verdict.Verdict:
    return verdict.verdict("run", run, runs.summary(run), submission.count_problems(run), ranking, where)


def test_a_run_just_begun_is_told_to_train(begun_run: RunFolder) -> None:
    found = of(begun_run)
    assert [step.state for step in found.steps] == ["missing"] * 5
    assert found.next.command == ("supernet", "train", "--resume", "--out", str(begun_run.path))
    assert "nothing to hand in" in found.headline


def test_each_step_leads_to_the_next(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path / "run")
    example_run.train(run, epochs=3, finished=False)
    assert of(run).next.title == "Trained"
    example_run.train(run)
    assert of(run).next.title == "Evaluated"
    assert of(run).next.command[:4] == ("supernet", "candidates", "--space", "resnet48-mini")  # there are none yet
    candidates = example_run.evaluate(run, 40, done=30)
    assert of(run).next.title == "Evaluated"
    assert "30 of 40" in of(run).steps[1].said
    assert of(run).next.command[:2] == ("supernet", "evaluate")
    candidates = example_run.evaluate(run, 40)
    assert of(run).next.command[:2] == ("supernet", "submit")
    example_run.submit(run, candidates)
    assert of(run).next.command[:2] == ("supernet", "standalone")
    example_run.rank(run, candidates)
    assert of(run, judged(run)).next.command[:2] == ("supernet", "probe")
    assert of(run, judged(run), "Worst in block 3.").next is None


def test_an_invalid_submission_cannot_be_handed_in(own_run: RunFolder) -> None:
    own_run.submission.write_text('{"arch1": {"acc": 0.5, "arch": "1"}}')
    found = of(own_run)
    assert "cannot be handed in" in found.headline
    assert found.steps[2].state == "bad"


def test_the_ranking_stands_beside_the_priors_overall_and_at_the_top(full_run: RunFolder) -> None:
    found = of(full_run, judged(full_run))
    assert list(found.taus["metric"].unique()) == ["Kendall tau", "in the true top half"]  # a tenth of 60 is too few
    assert {"score", "MACs", "parameters"} <= set(found.taus["estimator"])


def changed(ranking: verdict.Ranking, name: str, overall: float, top: float) -> verdict.Ranking:
    """The same, but for how far the score is ahead of a prior, overall and in the true top tenth."""

    def estimate(value: float) -> Estimate:
        return Estimate(value=value, low=value - 0.01, high=value + 0.01)

    less = {**ranking.judgement.differences}
    for each in less:
        less[each] = less[each] | {"kendall": estimate(0.2), "top_half": estimate(0.1), "top_tenth": estimate(0.1)}
    less[name] = less[name] | {"kendall": estimate(overall), "top_half": estimate(top), "top_tenth": estimate(top)}
    tau = {"score": ranking.judgement.estimators["score"] | {"kendall": estimate(0.7)}}
    judgement = replace(
        ranking.judgement,
        estimators=ranking.judgement.estimators | tau,
        differences=less,
        errors=dict.fromkeys(less, 0.005),
        drawn=True,
    )
    return verdict.Ranking(ranking.subject, judgement, None)


def test_the_headline_does_not_hide_who_wins_at_the_top(full_run: RunFolder) -> None:
    own = judged(full_run)
    assert "Do not trust" in of(full_run, changed(own, "parameters", -0.1, -0.1)).headline
    beaten = changed(own, "parameters", 0.1, -0.1)
    assert "but in the true top half it is worse than parameters" in of(full_run, beaten).headline
    assert "it ranks worse than parameters" in sentence.answer(own.subject, beaten.judgement, None)
    better = changed(own, "parameters", 0.1, 0.1)
    assert of(full_run, better).headline.endswith("costs nothing, also in the true top half.")
    assert "it ranks better than all of these" in sentence.answer(own.subject, better.judgement, None)


def test_where_interference_sits(probed_run: RunFolder) -> None:
    table = readings.readings(probed_run)
    space = example_run.space_of(probed_run)
    assert "in block" in verdict.where_it_sits(space, table)
    assert verdict.where_it_sits(example_run.get_space("resnet20"), table.assign(block=99)) is None


def test_the_file_needs_nothing_else_and_runs_nothing(full_run: RunFolder) -> None:
    found = of(full_run, judged(full_run), "<script>alert(1)</script>")
    page = report.to_html(verdict.Verdict("<b>run</b>", found.headline, found.steps, found.taus))
    assert "<script" not in page
    assert "<b>run" not in page
    assert "http" not in page
    assert "supernet" in report.to_html(of(full_run))
    assert "Kendall" in page


def test_the_file_stands_without_intervals(full_run: RunFolder) -> None:
    found = of(full_run, judged(full_run))
    for gone in (["low", "high"], ["low", "high", "value"]):
        taus = found.taus.assign(**dict.fromkeys(gone, np.nan))
        page = report.to_html(verdict.Verdict("run", "", found.steps, taus))
        assert "nan" not in page.partition("<svg")[2].partition("</svg>")[0]


@pytest.mark.parametrize("damaged", ["ledger", "candidates", "submission", "standalone", "interference", "recipe"])
def test_a_damaged_file_takes_away_only_what_it_held(damaged: str, own_run: RunFolder, open_page) -> None:
    getattr(own_run, damaged).write_bytes(b"\xff garbage" * 40)
    app = open_page(own_run.path.parent, "verdict")
    assert app.error
    assert len(app.header) == 5


def test_the_next_step_at_a_glance(begun_run: RunFolder, full_run: RunFolder, probed_run: RunFolder) -> None:
    steps = {}
    for run in (begun_run, full_run, probed_run):
        steps[run.name] = verdict.next_step(run, runs.summary(run), submission.count_problems(run))
    assert steps["begun"].command[:2] == ("supernet", "train")
    assert steps["full"].command[:2] == ("supernet", "probe")
    assert steps["probed"] is None
