"""What may be chance: every value against what its measure would show without interference."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from toolkit.interference.table import CHANCE, MEASURES, Measure

LEVEL = 0.95
"""Of what is said to be more than chance, one in twenty is none on average."""

CHANCE_COLUMNS = {"chance": "value", "chance_error": "error", "chance_n": "n"}
"""What `with_chance` adds, and which columns of the probe's own rows that is."""

_ON = ["step", "block", "decision"]


def with_chance(own: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of one measure with what chance would make of each: `chance`, `chance_error`, `chance_n`; NaN: not known.

    Args:
        own: the rows, of one measure.
        table: where the probe's own rows about chance stand.
    """
    if own.empty or "chance" in own:
        return own
    name = own["measure"].iloc[0]
    known = MEASURES[name].chance
    if known != CHANCE:
        return own.assign(chance=np.nan if known is None else known, chance_error=0.0, chance_n=np.inf)
    rows = table[(table["measure"] == name) & (table["first"] == CHANCE)]
    found = rows.set_index(_ON)[list(CHANCE_COLUMNS.values())].set_axis(list(CHANCE_COLUMNS), axis="columns")
    return own.join(found[~found.index.duplicated()].astype(float), on=_ON)


def is_sure(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Where a value is more than chance (or less, if chance is a number), with all values of the table considered.

    The false discovery rate is held at 5 % (Benjamini and Hochberg 1995), p-values are Student's. Where nothing is to
    be told from chance, as with counts, all values are sure. Without the columns of `with_chance`, chance is 0.
    """
    value = table["value"].to_numpy(np.float64)
    if len(table) and "measure" in table:
        measure = MEASURES[table["measure"].iloc[0]]
        if measure.exact or measure.chance is None:
            return np.asarray(np.isfinite(value))
    found = p_values(table)
    known = np.isfinite(found)
    sure = np.zeros(len(table), dtype=bool)
    if known.any():
        sure[known] = _adjusted(found[known]) < 1 - LEVEL
    return sure


def _adjusted(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """p-values so that the share of false discoveries is held; `scipy.stats` has it too, but takes long to import."""
    order = np.argsort(found)
    stepped = found[order] * len(found) / np.arange(1, len(found) + 1)
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum.accumulate(stepped[::-1])[::-1]
    return np.minimum(adjusted, 1)


def p_values(table: pd.DataFrame) -> npt.NDArray[np.float64]:
    """How often chance alone would go as far; NaN where that is not known, as after a single draw.

    On both sides if chance is a number, which has no error; else above it, for less than chance would be no finding.
    """
    value, error, n = (table[name].to_numpy(np.float64) for name in ("value", "error", "n"))
    chance, chance_error, chance_n = np.zeros_like(value), np.zeros_like(value), np.full_like(value, np.inf)
    if "chance" in table:
        chance, chance_error, chance_n = (table[name].to_numpy(np.float64) for name in CHANCE_COLUMNS)
    # Rates that are 0 or 1 in all draws have no spread, yet are not sure: then that of a coin.
    coin = (chance == 0.5) & np.isinf(chance_n)
    error = np.where(coin & (error == 0), 0.5 / np.sqrt(np.maximum(n, 1)), error)
    freedom = np.minimum(n, chance_n) - 1
    spread = np.hypot(error, chance_error)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(value == chance, 0.0, (value - chance) / spread)
    t = np.where(np.isfinite(value + chance + spread), t, np.nan)
    above = special.stdtr(np.where(freedom > 0, freedom, np.nan), -np.where(np.isinf(chance_n), np.abs(t), t))
    return np.asarray(np.where(np.isinf(chance_n), 2, 1) * above)


def is_known(cells: pd.DataFrame) -> bool:
    """Whether it is known what chance would make of some of these."""
    return "chance" not in cells or bool(cells["chance"].notna().any())


def words(measure: Measure, *, known: bool = True) -> str:
    """What hatched grey means, one sentence; nothing for measures that only say more and less.

    Args:
        known: chance was measured, where the probe has to.
    """
    if measure.exact or measure.chance is None:
        return ""
    if measure.chance == CHANCE and not known:
        return (
            "Nothing is told from chance, for this table is of an older probe, or of one on a single batch: probe "
            "again with supernet probe RUN."
        )
    if measure.chance == CHANCE:
        by = "a coin for the sign of each update" if measure.label.startswith("contradiction") else "other images"
        against = f"more than what {by} alone would make of it"
    else:
        against = "different from 0" if measure.chance == 0 else "different from one half, what a coin would give"
    return f"Hatched grey is not shown to be {against}, all cells considered together, or was measured once only."
