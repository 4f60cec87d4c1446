"""How weakly a supernet shares its weights: read from them, without any image."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Network, Weights
from toolkit.backends.hypernet import Condition, Modulation, is_hyper, modulations
from toolkit.backends.weights import path_weights
from toolkit.interference.draws import Tally
from toolkit.interference.gradients import block_of
from toolkit.interference.table import Row
from toolkit.spaces import Arch, Plans
from toolkit.spaces.plans import unconditioned
from toolkit.spaces.windows import window
from toolkit.spaces.wiring import Step

_Array = npt.NDArray[np.floating]


def sharing_degree(network: Network, paths: Sequence[Arch]) -> Iterator[Row]:
    """Of each block, the mean over pairs of paths, as if each were a draw; nothing where weights are plainly shared.

    - `weight_modulation`: |W~(i) - W~(j)| / |W| over the filters that both run on, W the shared ones.
    - `modulation_cosine`: between what the HyperNet says of both; near 1 it has collapsed, and is deaf to its code.
    """
    weights = network.weights()
    if not any(map(is_hyper, weights)):
        return
    found = [_Path(network.space.supernet_plans(path), weights) for path in paths]
    tally = Tally()
    for block in sorted({block_of(name) for path in found for name in path.said}):
        for one, other in combinations(found, 2):
            tally.add(Row("weight_modulation", 0.0, block=block), one.apart(other, block))
            tally.add(Row("modulation_cosine", 0.0, block=block), one.cosine(other, block))
    yield from tally.rows()


class _Path:
    """What a path runs on, by layer: the shared filters, the modulated ones, and what heads say."""

    def __init__(self, plans: Plans, weights: Weights) -> None:
        self.said: dict[str, _Array] = {}
        modulations(plans, weights, self._listen)
        self.shared = path_weights(unconditioned(plans), weights)
        self.own = path_weights(plans, weights)

    def _listen(self, name: str, _: Step, modulation: Modulation, condition: Condition) -> None:
        self.said[name] = modulation.says(condition.features)

    def apart(self, other: "_Path", block: int) -> float:
        """Relative distance of the filters of a block; NaN without any in common."""
        distance = length = 0.0
        for name in self._common(other, block):
            filters = f"{name}.weight"
            mine, theirs = _overlap(self.shared[filters], other.shared[filters])
            if mine.ndim == 4 and np.array_equal(mine, theirs):  # else they are of different groups
                distance += float(np.square(np.subtract(*_overlap(self.own[filters], other.own[filters]))).sum())
                length += float(np.square(mine).sum())
        return float(np.sqrt(distance / length)) if length > 0 else np.nan

    def cosine(self, other: "_Path", block: int) -> float:
        """Of all that the heads of a block say; NaN without any in common, or as long as they say nothing."""
        pairs = [_overlap(self.said[name], other.said[name]) for name in self._common(other, block)]
        if not pairs:
            return np.nan
        mine, theirs = (np.concatenate([each.ravel() for each in side]) for side in zip(*pairs, strict=True))
        lengths = np.linalg.norm(mine) * np.linalg.norm(theirs)
        return float(mine @ theirs / lengths) if lengths > 0 else np.nan

    def _common(self, other: "_Path", block: int) -> list[str]:
        return [name for name in self.said if name in other.said and block_of(name) == block]


def _overlap(first: _Array, second: _Array) -> tuple[_Array, _Array]:
    shape = tuple(map(min, first.shape, second.shape))
    return first[window(first.shape, shape)], second[window(second.shape, shape)]
