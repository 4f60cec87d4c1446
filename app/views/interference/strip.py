"""The whole network in one strip: every block, and the branches of each, in one number for a measure."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from app.views.blocks import Block, blocks
from app.views.interference.chance import is_sure
from app.views.interference.readings import PLACE, by_block, by_branch
from toolkit.files import digest
from toolkit.spaces import SearchSpace


@dataclass(frozen=True)
class Strip:
    """One measure all over a network.

    Attributes:
        network: the largest network of the space, one entry per position.
        blocks: `block`, `value`, `error`, `n`, `sure` (`chance.is_sure`), and the columns of `chance.with_chance`.
        branches: the same with `decision`, `branch` and `row` and `group`: counted from 0 in each block,
            branches and decisions; those of the decision that shapes the fewest blocks first.
    """

    network: list[Block]
    blocks: pd.DataFrame
    branches: pd.DataFrame

    @cached_property
    def table(self) -> pd.DataFrame:
        """Everything that is shown, for download; `name` is the block's, blocks without branch come first."""
        both = pd.concat([self.blocks, self.branches.drop(columns=["row", "group"])], ignore_index=True)
        both.insert(1, "name", [self.network[block].name for block in both["block"]])
        order = ["block", "name", "decision", "branch", "value", "error", "n", "sure", "chance"]
        return both.reindex(columns=order).fillna({"decision": "", "branch": ""})

    @cached_property
    def digest(self) -> str:
        """Equal for strips that look equal only."""
        rows = pd.util.hash_pandas_object(self.table, index=False)
        return digest(repr(self.network).encode() + rows.to_numpy().tobytes())

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; zeros without any."""
        values = pd.concat([self.blocks["value"], self.branches["value"]]).dropna()
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def strip(space: SearchSpace, cells: pd.DataFrame) -> Strip:
    """The strip of a measure's `cells` in a run on `space`."""
    whole, parts = by_block(cells), by_branch(cells)
    return Strip(blocks(space, space.largest), _judged(whole, cells), _stacked(space, _judged(parts, cells)))


def difference(first: Strip, second: Strip) -> Strip:
    """How much more the second run has, where both have a value; the errors of two runs are independent."""
    return Strip(
        first.network,
        _less(first.blocks, second.blocks, ["block"]),
        _less(first.branches, second.branches, [*PLACE, "branch"]),
    )


def _judged(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """With `sure`; `cells` says of which measure the table is."""
    named = table.assign(measure=cells["measure"].iloc[0] if len(cells) else "")
    return table.assign(sure=is_sure(named))


def _stacked(space: SearchSpace, branches: pd.DataFrame) -> pd.DataFrame:
    """In the order of decisions and options, with `row` and `group`."""
    decisions = sorted(space.decisions, key=lambda decision: len(decision.blocks))
    known = [(decision.name, str(option)) for decision in decisions for option in decision.options]
    places = {branch: place for place, branch in enumerate(known)}
    named = list(zip(branches["decision"], branches["branch"], strict=True))
    stacked = branches.assign(_place=[places.get(branch, len(places)) for branch in named])
    stacked = stacked.sort_values(["block", "_place"], kind="stable", ignore_index=True).drop(columns="_place")
    rows: list[int] = []
    groups: list[int] = []
    for _, block in stacked.groupby("block", sort=False):
        rows += range(len(block))
        groups += pd.factorize(block["decision"])[0].tolist()
    return stacked.assign(row=rows, group=groups)


def _less(first: pd.DataFrame, second: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    both = first.merge(second.drop(columns=["row", "group"], errors="ignore"), on=on, suffixes=("_first", "_second"))
    table = both.assign(
        value=both["value_second"] - both["value_first"],
        error=np.hypot(both["error_first"], both["error_second"]),
        n=both[["n_first", "n_second"]].min(axis=1),
    )
    kept = [*on, "value", "error", "n", *(name for name in ("row", "group") if name in table)]
    return table[kept].assign(sure=is_sure(table[kept]))
