"""Splits that the measurements of a run suggest."""

from collections.abc import Sequence

import pandas as pd

from app.views.candidates import space_of
from app.views.interference.readings import margin, readings
from toolkit.interference.splits import Suggestion, suggest_splits
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces.splitting import SplitSpace


def suggested(run: RunFolder) -> list[Suggestion]:
    """A split for each decision that was probed and is not split, the one that gains most first.

    Raises:
        InputError: the recipe or the table is damaged.
    """
    found = readings(run)
    if found is None:
        return []
    space, splits = space_of(run), read_recipe(run.recipe).splits
    return suggest_splits(SplitSpace(space, splits) if splits else space, found)


def table(suggestions: Sequence[Suggestion]) -> pd.DataFrame:
    """`decision`, `groups`, `blocks` (how many), `gain`, `error`, `params`."""
    return pd.DataFrame(
        [
            (s.split.decision, " | ".join(map(", ".join, s.split.groups)), len(s.blocks), s.gain, s.error, s.params)
            for s in suggestions
        ],
        columns=["decision", "groups", "blocks", "gain", "error", "params"],
    )


def gains(suggestions: Sequence[Suggestion]) -> pd.DataFrame:
    """Of each decision: `part` (its name), `value` (the gain), `margin` (half its 95 % interval; NaN if not known)."""
    rows = [(s.split.decision, s.gain, s.error, s.draws) for s in suggestions]
    found = pd.DataFrame(rows, columns=["part", "value", "error", "n"])
    return found.assign(margin=margin(found))[["part", "value", "margin"]]
