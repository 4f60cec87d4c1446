"""What a predictor may know of networks without running them: named columns of numbers, one value per network.

Each space declares its own kinds of features (`SearchSpace.feature_kinds`); what several spaces need is here.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from toolkit.spaces.distinct import costs as exact_costs

if TYPE_CHECKING:
    from toolkit.spaces.base import Arch, Decision, SearchSpace

Column = npt.NDArray[np.float64]
Columns = dict[str, Column]
"""By name, shape (networks,)."""

FeatureKind = Callable[[Sequence["Arch"]], Columns]


def one_hot(decisions: Sequence["Decision"], archs: Sequence["Arch"]) -> Columns:
    """1 where a decision has this option, else 0; all 0 where the decision does not apply."""
    answers = _answers(archs)
    return {
        f"{decision.name}={option}": (answers[:, place] == index).astype(np.float64)
        for place, decision in enumerate(decisions)
        for index, option in enumerate(decision.options)
    }


def option_pairs(decisions: Sequence["Decision"], archs: Sequence["Arch"]) -> Columns:
    """1 where two decisions have these two options; the first option of each follows from the others."""
    answers = _answers(archs)
    single = [
        (place, f"{decision.name}={option}", answers[:, place] == index)
        for place, decision in enumerate(decisions)
        for index, option in enumerate(decision.options)
        if index
    ]
    return {
        f"{first}, {second}": (here & there).astype(np.float64)
        for (a, first, here), (b, second, there) in combinations(single, 2)
        if a != b
    }


def costs(space: "SearchSpace", archs: Sequence["Arch"]) -> Columns:
    """Logarithms of parameters and MACs of the stand-alone networks."""
    macs, params = exact_costs(space, archs)
    return log_costs(np.stack((params, macs), axis=1))


def log_costs(counted: npt.ArrayLike) -> Columns:
    """The same of networks whose parameters and MACs are known, shape (networks, 2)."""
    numbers = np.array(counted, dtype=np.float64).reshape(-1, 2)
    return dict(zip(("log params", "log MACs"), np.log(numbers).T, strict=True))


def log_widths(widths: Mapping[str, Column]) -> Columns:
    """log c of each width in channels."""
    return {f"log {name}": np.log(width) for name, width in widths.items()}


def inverse_widths(widths: Mapping[str, Column]) -> Columns:
    """1 / c of each width: a narrow layer hurts more than log c says."""
    return {f"1/{name}": 1 / width for name, width in widths.items()}


def products(columns: Columns) -> Columns:
    """The product of every two columns. Centre them first, or the products repeat what the columns say."""
    return {f"{first} * {second}": columns[first] * columns[second] for first, second in combinations(columns, 2)}


def chosen(decisions: Sequence["Decision"], archs: Sequence["Arch"]) -> dict[str, Column]:
    """The options of decisions that are numbers, by the decision's name; NaN where it does not apply."""
    answers = _answers(archs)
    found = {}
    for place, decision in enumerate(decisions):
        options = np.array([*decision.options, np.nan], dtype=np.float64)  # ABSENT, -1, is the last
        found[decision.name] = options[answers[:, place]]
    return found


def centred_logs(decisions: Sequence["Decision"], archs: Sequence["Arch"]) -> Columns:
    """log c of each width less the mean over its options."""
    return {
        f"log {decision.name}": np.log(width) - np.mean(np.log(np.array(decision.options, dtype=np.float64)))
        for decision, width in zip(decisions, chosen(decisions, archs).values(), strict=True)
    }


def _answers(archs: Sequence["Arch"]) -> npt.NDArray[np.int16]:
    return np.array(archs, dtype=np.int16).reshape(len(archs), -1)
