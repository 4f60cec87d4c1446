"""What the strip says, in words, for somebody who reads nothing else."""

import numpy as np
import pandas as pd

from app import text
from app.views.interference.chance import is_known, is_sure
from app.views.interference.readings import ends, margin, pairs
from app.views.interference.strip import Strip
from app.views.interference.worst import worst_decision
from toolkit.interference.table import CHANCE, MEASURES, Measure


def answer(strip: Strip, cells: pd.DataFrame) -> str:
    """Where a measure is worst, in which decision, and how many of its places are more than chance.

    Args:
        strip: of these `cells` of one measure.
    """
    known = strip.blocks.dropna(subset="value")
    if known.empty:
        return "No block has a number for this measure."
    measure = MEASURES[cells["measure"].iloc[0]]
    said = [_worst(strip, known, measure) if measure.bad else _most(strip, known, measure)]
    if (decision := worst_decision(cells)) is not None:
        said.append(f"Worst decision: {decision[0]} ({number(decision[1])} on average over its pairs).")
    both = (
        pairs(cells).dropna(subset="value").drop_duplicates(["decision", "first", "second", "value"])
    )  # not per block
    places = text.count(len(both), "pair") + " of branches" if len(both) else text.count(len(known), "block")
    table = both if len(both) else known.assign(measure=cells["measure"].iloc[0])
    if measure.opposed and len(both):
        hurt = int(np.sum(is_sure(both) & (both["value"] < 0)))
        said.append(f"{hurt:,} of {places} pull in opposite directions, beyond chance.")
    elif measure.chance == CHANCE and is_known(table):
        said.append(f"{int(is_sure(table).sum()):,} of {places} show more of it than chance.")
    elif measure.chance == 0.5:
        hurt = int(np.sum(is_sure(table) & (table["value"] > 0.5)))
        said.append(f"{hurt:,} of {places} disagree more often than a coin would.")
    return " ".join(said)


def _worst(strip: Strip, known: pd.DataFrame, measure: Measure) -> str:
    place = known["value"].idxmin() if measure.bad == "low" else known["value"].idxmax()
    return f"{text.sentence(measure.worst)} in block {_shown(strip, known, place, measure)}."


def _most(strip: Strip, known: pd.DataFrame, measure: Measure) -> str:
    places = [known["value"].idxmin(), known["value"].idxmax()]
    return "From block {} to block {}.".format(*(_shown(strip, known, place, measure) for place in places))


def _shown(strip: Strip, known: pd.DataFrame, place: object, measure: Measure) -> str:
    row = known.loc[[place]]
    said = with_interval(row["value"].iloc[0], float(margin(row)[0]), measure)
    return f"{strip.network[int(row['block'].iloc[0])].name} ({said})"


def with_interval(value: float, half: float, measure: Measure | None = None) -> str:
    """`0.31 ± 0.04`; `0.03, 0 to 0.07` where the measure ends sooner than the interval would."""
    if not np.isfinite(half):
        return number(value)
    low, high = ends(value, half, measure)
    if high - low < 1.999 * half:
        return f"{number(value)}, {number(float(low))} to {number(float(high))}"
    return f"{number(value)} ± {number(half)}"


def number(value: float) -> str:
    """As many digits as anybody reads: `0.39`, `1,240`."""
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}").replace("-", "−")
