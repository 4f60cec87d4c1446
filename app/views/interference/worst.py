"""The places that a reader should look at first, by name."""

import pandas as pd

from app.views.interference.chance import is_sure
from app.views.interference.readings import margin, pairs
from app.views.interference.strip import Strip
from toolkit.interference.table import MEASURES

ROWS = 5


def worst_decision(cells: pd.DataFrame) -> tuple[str, float] | None:
    """The decision whose pairs of branches fare worst on average, and that average; None without pairs or a bad side.

    Args:
        cells: of one measure.
    """
    both = _pairs(cells)
    if both.empty or not MEASURES[both["measure"].iloc[0]].bad:
        return None
    means = both.groupby("decision")["value"].mean()
    worst = int(means.argmin() if MEASURES[both["measure"].iloc[0]].bad == "low" else means.argmax())
    return str(means.index[worst]), float(means.iloc[worst])


def worst_rows(strip: Strip, cells: pd.DataFrame, count: int = ROWS) -> pd.DataFrame:
    """The worst pairs of the worst decision, or the worst blocks where no branches are compared.

    `what`, `block` (its name), `value`, `margin`, `sure`; none where neither side is bad.
    """
    columns = ["what", "block", "value", "margin", "sure"]
    decision = worst_decision(cells)
    if decision is None:
        table = strip.blocks.dropna(subset="value").assign(measure=cells["measure"].iloc[0] if len(cells) else "")
        what = ["the block"] * len(table)
    else:
        table = _pairs(cells)
        table = table.assign(sure=is_sure(table))
        table = table[table["decision"] == decision[0]]
        what = [f"{row.decision}: {row.first} and {row.second}" for row in table.itertuples()]
    if table.empty or not (bad := MEASURES[table["measure"].iloc[0]].bad):
        return pd.DataFrame(columns=columns)
    names = [strip.network[block].name for block in table["block"]]
    table = table.assign(what=what, block=names, margin=margin(table))
    return table.sort_values("value", ascending=bad == "low", kind="stable").head(count)[columns]


def _pairs(cells: pd.DataFrame) -> pd.DataFrame:
    """Without what stands once for each block of a decision."""
    return pairs(cells).dropna(subset="value").drop_duplicates(["decision", "first", "second", "value"])
