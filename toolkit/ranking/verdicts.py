"""Which differences are more than chance, where several are looked at: Holm's step-down (Scand. J. Statist. 1979).

Of twenty rivals as good as a score, each would be called better or worse in one of twenty cases, and so at least one of
them in nearly two of three if all were different. Held together, that happens in one of twenty.
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from toolkit.ranking.metrics import FEW
from toolkit.ranking.report import Estimate, Verdict
from toolkit.ranking.uncertainty import LEVEL


def verdicts(differences: Sequence[Estimate], errors: Sequence[float], networks: int) -> list[Verdict]:
    """What differences of Kendall's tau say together; nothing where so few networks were compared.

    The interval of a difference has to leave out 0 in any case. That is all if it is the only one; of several, the
    surest has to be as sure as their number asks for, the next as sure as the number of the rest does, and so on.

    Args:
        differences: with 95% intervals; those without one are no comparisons.
        errors: their standard errors.
        networks: how many all of them rest on.
    """
    found: list[Verdict] = ["undecided"] * len(differences)
    compared = [number for number, each in enumerate(differences) if each.side is not None]
    if networks < FEW:
        return found
    chance = {number: _chance(differences[number], errors[number]) for number in compared}
    for place, number in enumerate(sorted(compared, key=lambda number: chance[number])):
        rest = len(compared) - place
        side = differences[number].side
        if not side or (rest > 1 and chance[number] > (1 - LEVEL) / rest):
            break
        found[number] = "better" if side > 0 else "worse"
    return found


def together(differences: Sequence[Estimate]) -> str:
    """A sentence on how verdicts on these were reached; nothing if it is one, at most."""
    count = sum(each.side is not None for each in differences)
    if count < 2:
        return ""
    return (
        f"Verdicts on {count} comparisons hold together with {LEVEL:.0%} confidence (Holm), intervals each by itself."
    )


def _chance(difference: Estimate, error: float) -> float:
    """How often chance alone makes as large a difference (two-sided; a normal distribution)."""
    if difference.value is None or not error > 0:
        return 0.0 if difference.value else 1.0
    return float(2 * special.ndtr(-np.abs(difference.value) / error))
