"""From seeing to doing: which decision to split, into which groups, what it may bring and what it costs."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.backends.shapes import parameters
from toolkit.errors import InputError
from toolkit.interference.draws import FloatArray
from toolkit.runs.recipe import Recipe, parse_recipe
from toolkit.runs.tables import Initial
from toolkit.runs.tables import Split as SplitTable
from toolkit.spaces import Decision, SearchSpace
from toolkit.spaces.splitting import Split, SplitSpace

MEASURE = "split_conflict"
"""What suggestions rest on. Tables of older probes lack it."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A split of one decision's options into two groups.

    Attributes:
        split: the decision and its groups.
        blocks: positions of the network that would be copied.
        gain: how much conflict it ends: `split_conflict` of options in different groups, as a mean over all pairs of
            options. 0: they share none of the weights that it copies.
        error: of the gain; at most, for the errors of cells are added up.
        draws: what that error rests on, the fewest of its cells; 1 if none is known.
        params: parameters that the supernet would have more.
    """

    split: Split
    blocks: tuple[int, ...]
    gain: float
    error: float
    draws: int
    params: int


def suggest_splits(space: SearchSpace, table: pd.DataFrame) -> list[Suggestion]:
    """A suggestion for each decision that was probed and is not split yet, the one that gains most first.

    As in GM-NAS (Hu et al., ICLR 2022), of all partitions of the options into two groups it is the one with the least
    conflict within groups, and decisions are in the order of what ends. GM-NAS copies the whole supernet and so counts
    1 - cosine of all gradients; here a split copies the blocks of its decision, and what counts is the part of this
    that lies there, `split_conflict`. It is a mean over pairs, because our decisions differ in their number of options.
    Each decision counts as it was measured last.

    Args:
        space: the run's, with the splits it has.
        table: what `read_interference` returns.
    """
    base, splits = (space.base, space.splits) if isinstance(space, SplitSpace) else (space, ())
    params = parameters(space.widest)
    found = []
    for decision in base.decisions:
        rows = table[(table["measure"] == MEASURE) & (table["decision"] == decision.name)]
        if rows.empty or decision.name in {split.decision for split in splits}:
            continue
        conflict, error, draws = _matrices(decision, rows[rows["step"] == rows["step"].max()])
        apart = best_partition(conflict)
        options = np.array(list(map(str, decision.options)))
        split = Split(decision.name, (tuple(options[~apart].tolist()), tuple(options[apart].tolist())))
        cut = apart[:, None] != apart[None, :]
        pairs = len(options) * (len(options) - 1)  # either way round
        grown = parameters(SplitSpace(base, (*splits, split)).widest) - params
        gain, uncertain = (float(matrix[cut].sum() / pairs) for matrix in (conflict, error))
        fewest = int(np.nanmin(draws[cut], initial=np.inf)) if np.isfinite(draws[cut]).any() else 1
        found.append(Suggestion(split, decision.blocks, gain, uncertain, fewest, grown))
    return sorted(found, key=lambda suggestion: -suggestion.gain)


def _matrices(decision: Decision, rows: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """`split_conflict` of each pair of options, its error, and how many draws both rest on.

    0, 0 and NaN where they share nothing that a split would copy.
    """
    place = {str(option): number for number, option in enumerate(decision.options)}
    conflict, error = np.zeros((2, len(place), len(place)))
    draws = np.full_like(conflict, np.nan)
    known = rows[rows["value"].notna() & rows["first"].isin(place) & rows["second"].isin(place)]
    i, j = (known[end].map(place).to_numpy(np.intp) for end in ("first", "second"))
    conflict[i, j] = conflict[j, i] = known["value"].to_numpy()
    error[i, j] = error[j, i] = known["error"].to_numpy()
    draws[i, j] = draws[j, i] = known["n"].to_numpy()
    return conflict, error, draws


def best_partition(conflict: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which options to set apart from the first, so that the least conflict is left within the two groups.

    Exhaustive, of equals the first. `conflict` is symmetric, of shape (options, options), with two options at least.
    """
    options = len(conflict)
    numbers = np.arange(1, 2 ** (options - 1))
    apart = np.zeros((len(numbers), options), dtype=bool)
    apart[:, 1:] = numbers[:, None] >> np.arange(options - 1) & 1
    ended = np.zeros(len(numbers))
    for i, j in combinations(range(options), 2):
        ended += conflict[i, j] * (apart[:, i] != apart[:, j])
    best: np.ndarray[tuple[int], np.dtype[np.bool_]] = apart[np.argmax(ended)]
    return best


def split_recipe(recipe: Recipe, checkpoint: Path, suggestions: Sequence[Suggestion]) -> Recipe:
    """The recipe with these splits too, whose training begins at a checkpoint: at first, no candidate changes.

    Raises:
        InputError: nothing is suggested, or a split that would end no conflict.
    """
    if not suggestions:
        raise InputError(f"no split to suggest: no decision was probed, or all are split; probe {MEASURE} first")
    if idle := [s.split.decision for s in suggestions if s.gain == 0]:
        raise InputError(
            f"a split of {', '.join(idle)} ends no conflict: options share none of the weights that it would copy; "
            "split other decisions, or fewer"
        )
    splits = [
        SplitTable(decision=s.split.decision, groups=[list(group) for group in s.split.groups]) for s in suggestions
    ]
    changed = recipe.model_copy(
        update={
            "split": [*(recipe.split or []), *splits],
            "initial": Initial(weights=str(checkpoint.resolve())),
        }
    )
    return parse_recipe(tomllib.loads(changed.to_toml()))
