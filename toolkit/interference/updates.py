"""Parameter shift: whether consecutive updates of shared weights contradict each other.

Definitions by us after the wording of Pi-NAS (arXiv 2108.09671), with d_t = theta_t - theta_(t-1) of a block's weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from toolkit.interference.draws import FloatArray, mean, standard_error
from toolkit.interference.gradients import block_of
from toolkit.interference.table import CHANCE, Row

WINDOW = 5
"""Updates that are looked at, one after the other."""

Weights = Mapping[str, npt.NDArray[np.floating]]


def update_rows(weights: Sequence[Weights], teachers: Sequence[Weights] = ()) -> Iterator[Row]:
    """What consecutive weights, one optimiser step apart, say of each block.

    - `parameter_contradiction`: mean of max(0, -cos(d_t, d_(t-1))); by chance, half the mean of its size;
    - `parameter_conflict_rate`: share of t with a negative cosine;
    - `sign_flips`: share of the weights that moved in both steps, and in opposite directions;
    - `parameter_speed`: mean of |d_t| / |theta_t|, also that of the `teachers`, the moving averages of these weights;
    - `teacher_gap`: mean distance of the weights from their moving average, relative to the weights.

    Errors take steps for independent, which momentum makes them not quite.
    """
    blocks = _by_block(weights)
    taught = _by_block(teachers)
    for block, thetas in blocks.items():
        updates = [after - before for before, after in pairwise(thetas)]
        cosines, flips = [], []
        for before, after in pairwise(updates):
            lengths = np.linalg.norm(before) * np.linalg.norm(after)
            moved = (before != 0) & (after != 0)
            if lengths > 0:
                cosines.append(float(before @ after / lengths))
            if moved.any():
                flips.append(float((np.sign(before) != np.sign(after))[moved].mean()))
        yield from _row("parameter_contradiction", [max(0.0, -each) for each in cosines], block)
        yield from _row("parameter_contradiction", [abs(each) / 2 for each in cosines], block, CHANCE)
        yield from _row("parameter_conflict_rate", [float(each < 0) for each in cosines], block)
        yield from _row("sign_flips", flips, block)
        yield from _row("parameter_speed", _speeds(thetas), block)
        if block in taught:
            yield from _row("parameter_speed", _speeds(taught[block]), block, "teacher")
            gaps = [_relative(a - b, a) for a, b in zip(thetas, taught[block], strict=False)]
            yield from _row("teacher_gap", gaps, block)


def _by_block(weights: Sequence[Weights]) -> dict[int, list[FloatArray]]:
    """All parameters of each block as one vector, for each moment."""
    names = [name for name in (weights[0] if weights else ()) if not name.endswith(("running_mean", "running_var"))]
    blocks = dict.fromkeys(map(block_of, names))
    return {
        block: [np.concatenate([each[name].ravel() for name in names if block_of(name) == block]) for each in weights]
        for block in blocks
    }


def _speeds(thetas: Sequence[FloatArray]) -> list[float]:
    return [_relative(after - before, after) for before, after in pairwise(thetas)]


def _relative(part: FloatArray, whole: FloatArray) -> float:
    length = np.linalg.norm(whole)
    return float(np.linalg.norm(part) / length) if length > 0 else 0.0


def _row(measure: str, values: Sequence[float], block: int, first: str = "") -> Iterator[Row]:
    if values:
        yield Row(measure, mean(values), standard_error(values), len(values), block=block, first=first)
