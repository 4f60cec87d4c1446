"""The report as tables, as Markdown, as plots and as HTML."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from toolkit.ranking import figures
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.html import to_html
from toolkit.ranking.layout import sections
from toolkit.ranking.markdown import to_markdown
from toolkit.ranking.metrics import METRICS
from toolkit.ranking.pairs import Pairs
from toolkit.ranking.report import RankReport

NASTY = "<script>alert(1)</script>|`x`\n*b*[a](http://example.org)"

Made = tuple[RankReport, Pairs[str], dict[str, FloatArray]]


@pytest.fixture(scope="module")
def made() -> Made:
    """A report with everything in it, and names that would like to be more than names."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0.7, 0.05, size=150)
    seeds = truth + 0.01 * rng.normal(size=(2, 150))
    scores = np.clip(truth + 0.05 * rng.normal(size=150), 0, 1)
    names = tuple(f"{NASTY}{number:03}" for number in range(150))
    rival = truth + 0.1 * rng.normal(size=150)
    pairs = Pairs(names, scores, seeds.mean(axis=0), 0, 2, rivals={NASTY: rival}, seeds=seeds)
    priors = {"MACs": 1e9 * (truth + 0.05 * rng.normal(size=150)), "depth": np.full(150, 7.0)}
    report = rank_report(pairs, priors, resamples=100, images=5000, remarks=(f"About {NASTY}",))
    return report, pairs, priors | dict(pairs.rivals)


@pytest.fixture(scope="module")
def bare() -> Made:
    """A report with as little in it as there can be."""
    values = np.arange(3.0)
    pairs = Pairs(("a", "b", "c"), values, values, 0, 0)
    return rank_report(pairs, {}, resamples=100), pairs, {}


def test_tables_have_a_heading_for_every_cell(made: Made, bare: Made) -> None:
    for report, *_ in (made, bare):
        for section in sections(report):
            assert section.rows
            assert {len(row) for row in section.rows} == {len(section.heading)}
    assert [section.title for section in sections(made[0])] == [
        "Agreement with the truth",
        "How far the score is ahead",
        "The score by every metric",
        "Taking the first K",
        "Who is under-estimated, by MACs",
    ]
    assert len(list(sections(bare[0]))) == 3


def test_tables_show_everybody_and_every_metric(made: Made) -> None:
    beside, ahead, metrics, picks, sizes = sections(made[0])
    assert [row[0] for row in beside.rows] == ["score", "MACs", "depth", NASTY, "another training"]
    assert beside.rows[0][1] == made[0].score.metrics["kendall"].show()
    assert beside.rows[2][1] == "undefined"
    assert [row[-1] for row in ahead.rows] == [other.verdict for other in (*made[0].priors, *made[0].rivals)]
    assert [row[0] for row in metrics.rows][: len(METRICS)] == [metric.label for metric in METRICS.values()]
    assert "Kendall tau given MACs" in {row[0] for row in metrics.rows}
    assert [row[0] for row in picks.rows] == ["1", "5", "7", "10", "15", "20", "30", "50", "75"]
    assert re.fullmatch(r"\d\d\d M to \d\d\d M", sizes.rows[0][0])


def test_markdown(made: Made) -> None:
    text = to_markdown(made[0])
    assert text.startswith("**Kendall tau 0.")
    assert text.count("\n### ") == 5
    for line in text.splitlines():
        assert "<script" not in line.replace("\\<", "")
        assert "](" not in line
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {3, 5, 6, 7, 8}
    assert "> About" in text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_needs_nothing_else_and_runs_nothing_from_names(made: Made) -> None:
    report, pairs, others = made
    page = to_html(report, pairs, others)
    reader = _Reader()
    reader.feed(page)
    tags = [tag for tag, _ in reader.tags]
    assert (tags.count("table"), tags.count("h1")) == (5, 1)
    assert [attributes["id"] for tag, attributes in reader.tags if tag == "div" and "id" in attributes] == [
        "plot-0", "plot-1", "plot-2", "plot-3",
    ]  # fmt: skip
    assert not any("src" in attributes or "href" in attributes for _, attributes in reader.tags)
    assert "<script>alert(1)" not in page
    assert report.summary in reader.texts


def test_a_bare_report_is_a_page_too(bare: Made) -> None:
    page = to_html(*bare)
    assert page.count("<table>") == 3
    assert 'id="plot-2"' in page
    assert 'id="plot-3"' not in page
    assert to_markdown(bare[0]).count("### ") == 3


def test_agreement_shows_everybody_with_intervals(made: Made) -> None:
    report, *_ = made
    figure = figures.agreement(report)
    assert len(figure.data) == 4
    score = figure.data[0]
    kendall = report.score.metrics["kendall"]
    assert score.x[0] == pytest.approx(kendall.value)
    assert score.x[0] + score.error_x.array[0] == pytest.approx(kendall.high)
    assert score.x[0] - score.error_x.arrayminus[0] == pytest.approx(kendall.low)
    assert [note.text for note in figure.layout.annotations] == ["ceiling"]


def test_ranks_begin_at_the_best(made: Made) -> None:
    _, pairs, _ = made
    points = figures.ranks(pairs).data[0]
    assert pairs.scores[np.argmin(points.x)] == pairs.scores.max()
    assert pairs.truth[np.argmin(points.y)] == pairs.truth.max()


def test_the_cut_begins_with_all_and_holds_the_halves(made: Made) -> None:
    report, pairs, others = made
    band, score, *rest = figures.cut(pairs, others).data
    assert score.x[0] == 100
    assert min(score.x) >= 7  # of 150 networks, 10 are left
    assert score.y[0] == pytest.approx(report.score.metrics["kendall"].value)
    assert score.y[list(score.x).index(50)] == pytest.approx(report.score.metrics["top_half"].value)
    assert len(rest) == len(others)
    assert len(band.x) == 2 * len(score.x)


def test_shifts_are_shown_for_every_prior(made: Made) -> None:
    report, *_ = made
    macs, depth = figures.shifts(report).data
    assert [macs.y[0], macs.y[-1]] == pytest.approx([100 * (report.groups["MACs"][i].shift.value or 0) for i in (0, 4)])
    assert len(depth.y) == 1
