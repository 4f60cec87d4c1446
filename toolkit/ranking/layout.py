"""The rank report as titled tables of text, the same on the screen, in Markdown and in HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from toolkit.ranking.metrics import CORE, MAIN, METRICS
from toolkit.ranking.report import Estimate, RankReport
from toolkit.ranking.verdicts import together

_BESIDE = (*CORE, "top_half", "top_tenth")


@dataclass(frozen=True, slots=True)
class Section:
    """A table.

    Attributes:
        title: what it answers.
        heading: of its columns; the first column names the rows.
        rows: as many cells each.
        note: what helps to read it.
    """

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def sections(report: RankReport) -> Iterator[Section]:
    """All tables of a report, the most important first."""
    yield _beside(report)
    if report.priors or report.rivals:
        yield _ahead(report)
    yield _every_metric(report)
    if report.score.picks:
        yield _picks(report)
    if report.given:
        yield _sizes(report, report.given)


def _beside(report: RankReport) -> Section:
    rows = [
        (each.name, each.metrics[MAIN].show(), *(each.metrics[name].brief() for name in _BESIDE[1:]))
        for each in (report.score, *report.priors, *report.rivals)
    ]
    if report.seeds:
        again = [report.seeds.between[name] for name in _BESIDE]
        rows.append(("another training", *("undefined" if value is None else f"{value:.2f}" for value in again)))
    heading = ("", *(METRICS[name].label for name in CORE), "top half", "top tenth")
    return Section("Agreement with the truth", heading, tuple(rows), "Top half and top tenth: Kendall tau in them.")


def _ahead(report: RankReport) -> Section:
    rows = tuple(
        (
            other.name,
            other.difference[MAIN].show("+"),
            *(other.difference[name].brief("+") for name in CORE[1:]),
            other.verdict,
        )
        for other in (*report.priors, *report.rivals)
    )
    note = together([other.difference[MAIN] for other in (*report.priors, *report.rivals)])
    return Section(
        "How far the score is ahead", ("of", *(METRICS[name].label for name in CORE), "the score is"), rows, note
    )


def _every_metric(report: RankReport) -> Section:
    rows = [(metric.label, report.score.metrics[name].show()) for name, metric in METRICS.items()]
    rows += [(f"{METRICS[name].label} given {report.given}", value.show()) for name, value in report.partial.items()]
    rows.append(("rank difference RD", f"{report.score.rank_difference:.3f}"))
    return Section("The score by every metric", ("metric", "score"), tuple(rows))


def _picks(report: RankReport) -> Section:
    rows = tuple(
        (
            f"{pick.size:,}",
            f"{pick.size / report.networks:.2%}",
            _percent(pick.top),
            _percent(pick.bottom),
            f"{pick.best_rank:,}",
            f"{pick.worst_rank:,}",
            f"{pick.regret:.4g}",
        )
        for pick in report.score.picks
    )
    heading = ("first K", "of all", "P@top, %", "P@bottom, %", "best rank", "worst rank", "regret")
    note = (
        "P: the share of the first (last) K that are truly among the first (last) K. Best rank is N@K, as a share of "
        "all networks BR@K; worst rank likewise WR@K. Regret: what the best of them lacks to the best of all."
    )
    return Section("Taking the first K", heading, rows, note)


def _sizes(report: RankReport, by: str) -> Section:
    rows = tuple(
        (
            f"{_number(group.low)} to {_number(group.high)}",
            f"{group.networks:,}",
            _percent(group.shift, "+"),
            f"{100 * group.under:.1f}",
        )
        for group in report.groups[by]
    )
    note = "True less predicted rank, as a share of all networks: positive where the score under-estimates them."
    return Section(f"Who is under-estimated, by {by}", (by, "networks", "shift of rank, %", "RD, %"), rows, note)


def _percent(share: Estimate, sign: Literal["", "+"] = "") -> str:
    if share.value is None:
        return "undefined"
    if share.low is None or share.high is None:
        return f"{100 * share.value:{sign}.1f}"
    return f"{100 * share.value:{sign}.1f} [{100 * share.low:{sign}.1f}, {100 * share.high:{sign}.1f}]"


def _number(value: float) -> str:
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"
