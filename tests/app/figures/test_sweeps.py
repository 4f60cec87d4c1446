import json

import pytest

from app import theme
from app.chart import to_html
from app.figures import sweeps as figures
from app.views import sweeps as views
from tests.app import example_sweep
from toolkit.sweeps.report import SweepReport

REPORTS = {
    "all": example_sweep.report(),
    "half": example_sweep.report(done=4),
    "none": example_sweep.report(done=0),
    "one network's worth": example_sweep.report({"only": 1.0}, (7,)),
}


def colors(report: SweepReport) -> dict[str, str]:
    return {name: theme.color(number) for number, name in enumerate(views.ordered(report, "As planned"))}


@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_of_every_report_can_be_drawn(name: str) -> None:
    report = REPORTS[name]
    names, taus = views.ordered(report, "Best first"), views.taus(report)
    priors = taus[taus["kind"] == views.PRIOR]
    forest = figures.forest(taus, names, colors(report), report.baseline)
    costs = figures.costs(views.costs(report), priors, names, colors(report))
    differences = figures.differences(views.differences(report), names, colors(report))
    for figure in (forest, costs, differences):
        assert "<script" in to_html(figure)
        json.loads(figure.to_json())
    assert len(forest.layout.shapes) == len(priors)


def test_rows_stand_in_order_with_their_seeds_below_and_numbers_beside() -> None:
    report = REPORTS["all"]
    names = views.ordered(report, "Best first")
    figure = figures.forest(views.taus(report), names, colors(report), report.baseline)
    assert list(figure.layout.yaxis.ticktext) == ["spos (baseline)", *reversed(names[:-1])]
    seeds, mean = figure.data[0], figure.data[1]
    assert len(seeds.x) == 3
    assert seeds.y[0] < mean.y[0]
    beside = [each.text for each in figure.layout.annotations if each.xref == "paper"]
    assert all("[" in words for words in beside)
    assert len(beside) == 3


def test_what_is_undecided_is_hollow() -> None:
    report = example_sweep.report({"one": 1.0, "same": 1.0, "sharp": 0.1})
    less = views.differences(report)
    verdicts = less[less["kind"] == "mean"].set_index("name")["verdict"]
    assert verdicts.to_dict() == {"same": "undecided", "sharp": "better"}
    figure = figures.differences(less, ["same", "sharp"], colors(report))
    symbols = [trace.marker.symbol for trace in figure.data[1::2]]
    assert symbols == ["diamond", "diamond-open"]  # from below


def test_names_cannot_bring_markup() -> None:
    report, marked = REPORTS["all"], {"spos": "<b>x</b>", "MACs": "<i>y</i>"}
    names = [marked.get(name, name) for name in colors(report)]
    shades = dict(zip(names, colors(report).values(), strict=True))
    taus, costs = views.taus(report).replace(marked), views.costs(report).replace(marked)
    for figure in (
        figures.forest(taus, names, shades, "<b>x</b>"),
        figures.costs(costs, taus[taus["kind"] == "prior"], names, shades),
    ):
        drawn = figure.to_json()
        assert "<b>" not in drawn.replace("<br>", "").replace("\\u003c", "<")
        assert "<i>" not in drawn.replace("\\u003c", "<")
