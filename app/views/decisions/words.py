"""What decides a score, in a few sentences."""

from collections.abc import Mapping

from app.text import printable
from app.views.decisions.additive import MISJUDGED, PER_EFFECT, PREDICTED, TRUE, Fit

FEW = 3


def answer(fits: Mapping[str, Fit | None]) -> str:
    """The decisions that matter most, to the score, to the truth, and to how the two differ."""
    predicted, true, misjudged = (fits.get(name) for name in (PREDICTED, TRUE, MISJUDGED))
    if predicted is None:
        return f"Too few networks have a score: it takes {PER_EFFECT} for every decision."
    said = [f"{_most(predicted, 'the score')}. Additively, decisions explain {predicted.explained:.0%} of it"]
    if TRUE in fits and true is None:
        said.append(f"The truth has too few networks for the same: it takes {PER_EFFECT} for every decision")
    if true is not None:
        said.append(f"{_most(true, 'the truth')}, on {true.networks:,} networks")
    if misjudged is not None:
        wrong = _sure(misjudged)
        said.append(f"The supernet misjudges {_and(wrong)} most" if wrong else "None is misjudged beyond chance")
    return ". ".join(said) + "."


def beside(name: str, other: str, fits: Mapping[str, Fit | None]) -> str:
    """Which decisions two runs see differently most.

    Args:
        fits: `additive.fits` with the other run's score as the truth.
    """
    name, other = printable(name), printable(other)
    difference = fits.get(MISJUDGED)
    if fits.get(TRUE) is None:
        return f"{name} and {other} have too few networks in common: it takes {PER_EFFECT} for every decision."
    if difference is None:
        return f"{name} and {other} score all networks alike."
    sure = _sure(difference)
    on = f"on {difference.networks:,} networks"
    if not sure:
        return f"No decision tells {name} from {other} beyond chance, {on}."
    shares = difference.importance.set_index("decision")["share"]
    most = _and([f"{each} ({shares[each]:.0%} of what they differ in)" for each in sure])
    return f"{name} and {other} differ most on {most}, {on}."


def _most(fit: Fit, what: str) -> str:
    sure = _sure(fit)
    if not sure:
        return f"No decision can be shown to matter to {what}"
    shares = fit.importance.set_index("decision")["share"]
    return f"{_and([f'{name} ({shares[name]:.0%})' for name in sure])} decide most of {what}"


def _sure(fit: Fit) -> list[str]:
    return [str(name) for name in fit.importance.loc[fit.importance["sure"], "decision"].head(FEW)]


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
