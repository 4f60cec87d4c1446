"""A sweep's report in words: which variant is ahead, by how much, and whether that is decided."""

from collections.abc import Iterator

from toolkit.ranking.metrics import FEW, MAIN, METRICS
from toolkit.ranking.report import Estimate
from toolkit.sweeps.report import Ranked, SweepReport


def answer(report: SweepReport) -> str:
    """The verdict as one text: see `lines`."""
    return " ".join(lines(report))


def lines(report: SweepReport) -> tuple[str, ...]:
    """The verdict in up to three short lines: what costs nothing, the variant that is highest, and by how much.

    A variant leads only if it is better than every other with 95 % confidence, and no prior is better than it. Such as:

        For nothing: MACs 0.38, parameters 0.60. Better than sandwich: parameters.
        sandwich is highest, but does not lead: Kendall tau 0.55 [0.51, 0.58] on 500 networks, the mean of 2 seeds.
        Better than spos by 0.06 [0.02, 0.10], with each of 2 seeds.
    """
    leader = next((each for each in report.variants if each.name == report.leader), None)
    if leader is None:
        return (f"Nothing can be compared yet: {len(report.finished())} of {len(report.runs)} runs are finished.",)
    if leader.tau.value is None:
        return (f"No variant orders the {report.networks:,} networks at all: {METRICS[MAIN].label} is undefined.",)
    seeds = f"the mean of {len(report.seeds)} seeds" if len(report.seeds) > 1 else "with one seed"
    others = sorted((e for e in report.variants if e is not leader), key=lambda e: -(e.tau.value or -2.0))
    told = others[:1] + [each for each in others[1:] if each.name == report.baseline]
    against = [_against(report, leader, other) for other in told]
    against += _grouped(report, [other for other in others if other not in told])
    said = f"{METRICS[MAIN].label} {leader.tau.show()} on {report.networks:,} networks, {seeds}"
    if not others:
        second = f"{leader.name} has {said}."
    elif leads(report, leader):
        second = f"{leader.name} leads with {said}."
    else:
        second = f"{leader.name} is highest, but does not lead: {said}."
    found = (". ".join(_priors(report)), second.rstrip("."), ". ".join(against))
    return tuple(f"{line}." for line in found if line)


def leads(report: SweepReport, leader: Ranked) -> bool:
    """Whether it is better than every other variant, and no prior better than it, with 95 % confidence."""
    others = [each for each in report.variants if each is not leader]
    better = all(side(each.behind, report.networks) > 0 for each in others)
    return better and not any(side(prior.behind, report.networks) < 0 for prior in report.priors)


def notes(report: SweepReport) -> Iterator[str]:
    """What a reader should know before believing it."""
    if todo := sum(run.state == "to do" for run in report.runs):
        yield f"{todo} of {len(report.runs)} runs are still to do; if it was stopped, the same command goes on."
    if failed := [run.folder for run in report.runs if run.state == "failed"]:
        yield f"Failed: {_and(failed)}."
    if report.networks < FEW:
        yield f"{report.networks} networks are too few: no verdict is given below {FEW}."
    if not report.variants:
        return
    if report.score != "top1":
        yield f"Networks are ranked by {'minus the loss' if report.score == 'loss' else 'top-5 accuracy'}."
    if len(report.finished()) > len(report.seeds) * len(report.variants):
        seeds = f"seed{'s' if len(report.seeds) > 1 else ''} {_and(list(map(str, report.seeds)))}"
        yield f"Compared on {seeds}, which all these variants have finished; what else is finished does not count yet."
    spreads = [each.spread for each in report.variants if each.spread is not None]
    if len(report.seeds) == 1:
        yield "One seed each: what another seed would have given is not known. Verdicts go as far as networks go."
    elif spreads:
        yield (
            f"Between seeds tau scatters by up to {max(spreads):.2f} (standard deviation). Intervals and verdicts say "
            "what other networks could have given, not what other seeds could have."
        )


def side(difference: Estimate | None, networks: int) -> int:
    """On which side of 0 a difference is with 95% confidence; 0 if that is undecided."""
    return (difference.side or 0) if difference and networks >= FEW else 0


def _against(report: SweepReport, leader: Ranked, other: Ranked) -> str:
    """The leader against one other, with the difference and the seeds."""
    decided = side(other.behind, report.networks)
    first = "Better than" if decided > 0 else "Ahead of"
    words = f"{first} {other.name} by {other.behind.show() if other.behind else 'an unknown margin'}"
    if len(report.seeds) > 1:
        pairs = [(a, b) for a, b in zip(leader.by_seed, other.by_seed, strict=True) if a is not None and b is not None]
        ahead = sum(a > b for a, b in pairs)
        share = f"each of {len(pairs)}" if ahead == len(pairs) else f"{ahead} of {len(pairs)}"
        words += f", with {share} seeds"
    return words if decided else f"{words}: undecided, as far as {report.networks:,} networks can tell"


def _grouped(report: SweepReport, others: list[Ranked]) -> Iterator[str]:
    better = [each.name for each in others if side(each.behind, report.networks) > 0]
    undecided = [each.name for each in others if each.name not in better]
    if better:
        yield f"Better than {_and(better)} too"
    if undecided:
        yield f"Undecided against {_and(undecided)}"


def _priors(report: SweepReport) -> Iterator[str]:
    known = [prior for prior in report.priors if prior.tau.value is not None]
    if not known:
        return
    yield "For nothing: " + ", ".join(f"{prior.name} {prior.tau.brief()}" for prior in known)
    if ahead := [prior.name for prior in known if side(prior.behind, report.networks) < 0]:
        yield f"Better than {report.leader}: {_and(ahead)}"


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
