"""Values along something: over training, or along the network."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.views.interference.readings import at, by_block, cells, in_blocks, in_order, margin, means
from toolkit.interference.table import MEASURES

SIGNS = {"high": 1.0, "low": -1.0, "": np.nan}
"""What turns a value into one that is bad where it is high."""


def course(table: pd.DataFrame, measure: str, block: int) -> pd.DataFrame:
    """A block's mean over training: `step`, `epoch`, `value`, `margin`.

    Args:
        table: of all steps.
    """
    own = cells(table, measure)
    own = own[own["block"] == block]
    epochs = own.drop_duplicates("step").set_index("step")["epoch"].sort_index()
    known = pd.concat([own.head(0), *(at(own, step).assign(step=step) for step in epochs.index)])
    found = by_block(known, "step")
    return found.assign(epoch=found["step"].map(epochs), margin=margin(found))[["step", "epoch", "value", "margin"]]


def profile(table: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Several measures along the network: `measure`, `block`, `value`, `margin`."""
    found = by_block(table[table["measure"].isin(measures) & in_blocks(table)], "measure")
    place = {measure: number for number, measure in enumerate(measures)}
    ordered = found.sort_values("measure", key=lambda names: names.map(place), kind="stable", ignore_index=True)
    return ordered.assign(margin=margin(ordered))[["measure", "block", "value", "margin"]]


def at_block(profiles: pd.DataFrame, block: int) -> pd.DataFrame:
    """Everything measured of a block: `measure`, `value`, `margin`, `worse` (share of blocks that it is worse than).

    The last is NaN for measures of which no side is bad.

    Args:
        profiles: `profile`.
    """
    signs = profiles["measure"].map({name: SIGNS[measure.bad] for name, measure in MEASURES.items()})
    bad = profiles["value"] * signs
    ranks = bad.groupby(profiles["measure"]).rank(method="min") - 1
    others = bad.groupby(profiles["measure"]).transform("count") - 1
    table = profiles.assign(worse=ranks / others.where(others > 0))
    return table.loc[table["block"] == block, ["measure", "value", "margin", "worse"]].reset_index(drop=True)


def paths_over_time(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A measure of whole paths over training: `step`, `epoch`, `path`, `value`, `margin`, sorted by path and step.

    Where paths are compared in pairs, a path stands for the mean of what happens to it: it is the second of each.
    """
    rows = table[(table["measure"] == measure) & (table["block"] < 0) & (table["first"] != "")]
    rows = rows[rows["first"] != rows["second"]]
    path = rows["second"].where(rows["second"] != "", rows["first"])
    found = means(rows.assign(path=path), ["path", "step", "epoch"])
    return found.assign(margin=margin(found))[["step", "epoch", "path", "value", "margin"]]


def branches(cells: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """The options of one decision in one block, in this order: `part`, `value`, `margin`.

    Args:
        cells: about single branches of that decision there.
    """
    table = cells.assign(part=cells["first"], margin=margin(cells))[["part", "value", "margin"]]
    places = [in_order(table["part"], order).index(part) for part in table["part"]]
    return table.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def parts(cells: pd.DataFrame, block: int) -> pd.DataFrame:
    """What belongs to a block but is no branch, such as slices of channels: `part`, `value`, `margin`.

    Args:
        cells: of one measure.
    """
    own = cells[(cells["block"] == block) & (cells["first"] != "") & (cells["decision"] == "")]
    return own.assign(part=own["first"], margin=margin(own))[["part", "value", "margin"]].reset_index(drop=True)
