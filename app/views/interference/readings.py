"""The table that probes left in a run folder, and the parts of it that figures show."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from app.views.interference.chance import LEVEL, with_chance
from toolkit.interference.table import CHANCE, MEASURES, Measure, read_interference
from toolkit.runs.folder import RunFolder

FloatArray = npt.NDArray[np.float64]

PLACE = ["block", "decision"]
"""What branches belong to: a position of the network, and the decision whose options they are."""


def readings(run: RunFolder) -> pd.DataFrame | None:
    """The table as `toolkit.interference.table` documents it, None if there is none yet.

    Raises:
        InputError: it is damaged.
    """
    return read_interference(run.interference) if run.interference.is_file() else None


def moments(table: pd.DataFrame) -> dict[str, int]:
    """The steps at which something was measured, newest first, by what a reader calls them."""
    known = table.drop_duplicates("step").sort_values("step", ascending=False)
    pairs = zip(known["step"].tolist(), known["epoch"], strict=True)
    return {f"step {step:,} (epoch {epoch:.3g})": step for step, epoch in pairs}


def at(table: pd.DataFrame, step: int | None = None) -> pd.DataFrame:
    """What was known after `step`; everything if that is None.

    Probes during a training measure other decisions each time, so every measure of every decision in every block stands
    as it was measured last.
    """
    known = table if step is None else table[table["step"] <= step]
    return known[known["step"] == known.groupby(["measure", *PLACE])["step"].transform("max")]


def of_blocks(table: pd.DataFrame) -> list[str]:
    """The measures that say something about single blocks, in the registry's order."""
    return _in_registry(table[in_blocks(table)])


def of_paths(table: pd.DataFrame) -> list[str]:
    """The measures that compare whole paths, likewise."""
    return _in_registry(table[table["distance"] >= 0])


def cells(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of a measure that are about a block, its branches, or pairs of these, with the columns of `chance`."""
    return with_chance(table[(table["measure"] == measure) & in_blocks(table)], table)


def pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Of some `cells`, those about two different branches."""
    return table[_is_pair(table)]


def by_block(table: pd.DataFrame, *also: str) -> pd.DataFrame:
    """Some `cells` of one measure in one number a block: `block`, `value`, `error`, `n`, sorted.

    With names of columns, such as `step`, in one for each of their values.

    The block's own number if it has one; else the mean over pairs of different branches, else that over branches.
    """
    keys = ["block", *also]
    kind = pd.Series(np.select([table["first"] == "", _is_pair(table), _is_alone(table)], [0, 1, 2], 3), table.index)
    best = kind.groupby([table[key] for key in keys]).transform("min")
    return means(table[(kind == best) & (kind < 3)], keys)


def by_branch(table: pd.DataFrame) -> pd.DataFrame:
    """Some `cells` of one measure in one number a branch: `block`, `decision`, `branch`, `value`, `error`, `n`.

    A branch that was compared with others is the mean of these comparisons.
    """
    both, alone = pairs(table), table[_is_alone(table)]
    ends = [both.assign(branch=both[end]) for end in ("first", "second")]
    return means(pd.concat([*ends, alone.assign(branch=alone["first"])]), [*PLACE, "branch"])


def means(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The mean of each group: `value`, `error`, `n`; rows without a number have no part.

    Rows of one probe share their images and paths, so their errors do not cancel: the mean has the mean error, of those
    that have one, and the `n` of the scarcest of these; 1 if there are none. So has what chance would make of it.
    """
    known = table.dropna(subset="value")
    grouped = known.assign(n=known["n"].where(known["error"].notna())).groupby(by, sort=True)
    how = {"value": "mean", "error": "mean", "n": "min", "chance": "mean", "chance_error": "mean", "chance_n": "min"}
    found = grouped.agg(**{name: (name, rule) for name, rule in how.items() if name in known}).reset_index()
    return found.assign(n=found["n"].fillna(1).astype(int))


def margin(table: pd.DataFrame) -> FloatArray:
    """Half the width of each value's 95 % interval, from its standard error and Student's t; NaN if not known."""
    freedom = table["n"].to_numpy(np.float64) - 1
    quantile = special.stdtrit(np.where(freedom > 0, freedom, np.nan), (1 + LEVEL) / 2)
    return np.asarray(quantile * table["error"].to_numpy(np.float64), dtype=np.float64)


def ends(values: npt.ArrayLike, halves: npt.ArrayLike, measure: Measure | None) -> tuple[FloatArray, FloatArray]:
    """Both ends of intervals, which stay within what the measure can be."""
    value, half = np.asarray(values, np.float64), np.asarray(halves, np.float64)
    low, high = (measure.low, measure.high) if measure else (-np.inf, np.inf)
    return np.clip(value - half, low, high), np.clip(value + half, low, high)


def in_order(labels: Iterable[str], known: Iterable[str]) -> list[str]:
    """`labels` without repetition, in the order in which they are `known`; strangers last."""
    order = {label: number for number, label in enumerate(known)}
    return sorted(dict.fromkeys(labels), key=lambda label: order.get(label, len(order)))


def _is_pair(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are about two different branches."""
    return (table["second"] != "") & (table["first"] != table["second"])


def _is_alone(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are about a single branch; what belongs to no decision, such as a teacher, is none."""
    return (table["first"] != "") & (table["first"] != CHANCE) & (table["second"] == "") & (table["decision"] != "")


def _in_registry(table: pd.DataFrame) -> list[str]:
    """The measures of a table, in the order in which they are shown."""
    there = set(table["measure"])
    return [name for name in MEASURES if name in there]


def in_blocks(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are about a block, its branches, or pairs of these."""
    return (table["block"] >= 0) & (table["distance"] < 0) & (table["first"] != CHANCE)
