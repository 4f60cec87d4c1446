"""What the strip says, in words, for somebody who reads nothing else."""

import numpy as np
import pandas as pd

from app import text
from app.views.interference.readings import LEVEL, is_sure, margin, pairs
from app.views.interference.strip import Strip
from toolkit.interference.table import MEASURES, Measure


def answer(strip: Strip, cells: pd.DataFrame) -> str:
    """Where a measure is worst, and how many of its places cannot be told from 0.

    Args:
        strip: of these `cells` of one measure.
    """
    known = strip.blocks.dropna(subset="value")
    if known.empty:
        return "No block has a number for this measure."
    measure = MEASURES[cells["measure"].iloc[0]]
    said = [_worst(strip, known, measure) if measure.bad else _most(strip, known)]
    both = (
        pairs(cells).dropna(subset="value").drop_duplicates(["decision", "first", "second", "value"])
    )  # not per block
    if measure.opposed and len(both):
        hurt = int(np.sum(is_sure(both) & (both["value"] < 0)))
        chance = (1 - LEVEL) / 2 * len(both)
        said.append(
            f"{hurt:,} of {text.count(len(both), 'pair')} of branches pull in opposite directions (chance alone would "
            f"make about {chance:.0f} look so)."
        )
    return " ".join(said)


def _worst(strip: Strip, known: pd.DataFrame, measure: Measure) -> str:
    place = known["value"].idxmin() if measure.bad == "low" else known["value"].idxmax()
    return f"{text.sentence(measure.worst)} in block {_shown(strip, known, place)}."


def _most(strip: Strip, known: pd.DataFrame) -> str:
    ends = [known["value"].idxmin(), known["value"].idxmax()]
    return "From block {} to block {}.".format(*(_shown(strip, known, place) for place in ends))


def _shown(strip: Strip, known: pd.DataFrame, place: object) -> str:
    row = known.loc[[place]]
    half = float(margin(row)[0])
    error = f" ± {number(half)}" if np.isfinite(half) else ""
    return f"{strip.network[int(row['block'].iloc[0])].name} ({number(row['value'].iloc[0])}{error})"


def number(value: float) -> str:
    """As many digits as anybody reads: `0.39`, `1,240`."""
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}").replace("-", "−")
