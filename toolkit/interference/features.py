"""Feature shift: how the input of a block, and the statistics of its batch norms, depend on the path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from toolkit.backends.base import Network, Tensor
from toolkit.backends.ops import Ops
from toolkit.backends.shapes import used_by
from toolkit.interference.draws import Batch, FloatArray, Tally, mean
from toolkit.interference.table import CHANCE, Row
from toolkit.spaces import Arch, Plans
from toolkit.spaces.primitives import EPS

_FLOOR = 0.01
"""Added to the variances of features, as a share of their mean over channels.

A ReLU silences a channel on one path and not on another: without it, few such channels would drown all others.
"""


DIVERGENCES = ("feature_kl", "norm_disagreement")
"""Measures that are above 0 for the same network on other images."""

_Moments = tuple[FloatArray, FloatArray]
"""Mean and variance of each channel, over images and pixels."""


@dataclass(frozen=True, slots=True)
class Maps:
    """What is kept of the feature maps of a batch.

    Attributes:
        pooled: their averages over pixels; shape (images, channels).
        moments: of each channel.
    """

    pooled: FloatArray
    moments: _Moments

    @classmethod
    def of(cls, ops: Ops, state: Tensor) -> "Maps":
        """Of maps of shape (images, channels, height, width)."""
        state = ops.detach(state)
        pooled, square = (ops.numpy(ops.mean(each, (2, 3))) for each in (state, state * state))
        return cls(pooled, (pooled.mean(0), square.mean(0) - pooled.mean(0) ** 2))

    def against(self, other: "Maps") -> dict[str, float]:
        """How alike two are, by name of the measure, on the leading channels that both have; NaN: no number."""
        channels = min(self.pooled.shape[1], other.pooled.shape[1])
        x, y = self.pooled[:, :channels], other.pooled[:, :channels]
        return {
            "feature_cosine": cosine(x, y),
            "feature_kl": self._shift(other, channels),
            "feature_cka": cka(x, y),
        }

    def _shift(self, other: "Maps", channels: int) -> float:
        variance = np.mean([each.moments[1][:channels].mean() for each in (self, other)])
        return float(divergence(self.moments, other.moments, _FLOOR * variance).mean()) if variance > 0 else np.nan


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one path showed at one block.

    Attributes:
        input: the block's input.
        norms: what each of the block's batch norms saw, by name: paths may have different ones.
    """

    input: Maps
    norms: dict[str, _Moments]


class Features:
    """Compares what paths make of the same images, block by block, one forward pass for each path and batch.

    All four are means over pairs of paths that have the block, on the leading channels that both have, with the
    statistics of the batch. Definitions by us after the wording of Pi-NAS (arXiv 2108.09671), but for CKA.

    - `feature_cosine`: mean over images of cos(GAP h_i, GAP h_j), h the block's input, GAP the average over pixels.
    - `feature_kl`: mean over channels of (KL(i||j) + KL(j||i)) / 2 of the normal distributions with the mean and
      variance of h; 1 % of the variance's mean over channels is added to each variance.
    - `feature_cka`: linear CKA of GAP h, |Xi' Xj|_F^2 / (|Xi' Xi|_F |Xj' Xj|_F) with centred columns (Kornblith et al.,
      arXiv 1905.00414). It rises as images become fewer than channels.
    - `norm_disagreement`: the same of what the block's batch norms saw, to whose variances they add 1e-5.

    Both divergences also by `CHANCE`: between what a path made of a batch and of the one before, mean over paths.
    """

    def __init__(self, network: Network, paths: Sequence[Arch]) -> None:
        self._network = network
        self._plans = [network.space.supernet_plans(path) for path in paths]
        self._tally = Tally()
        self._before: list[dict[int, _Seen]] = []

    def draw(self, batch: Batch) -> Iterator[None]:
        """One batch. Yields after each path's pass; what is compared are all of them."""
        images, _ = batch
        seen: list[dict[int, _Seen]] = []
        for plans in self._plans:
            seen.append(self._pass(plans, images))
            yield
        for block in range(len(self._plans[0])):
            here = [each[block] for each in seen if block in each]
            cells = [_compared(first, second) for first, second in combinations(here, 2)]
            for measure in cells[0] if cells else ():
                known = [each[measure] for each in cells if not np.isnan(each[measure])]
                self._tally.add(Row(measure, 0.0, block=block), mean(known))
            selves = [_compared(b[block], a[block]) for b, a in zip(self._before, seen, strict=False) if block in a]
            for measure in DIVERGENCES if selves else ():
                known = [each[measure] for each in selves if not np.isnan(each[measure])]
                self._tally.add(Row(measure, 0.0, block=block, first=CHANCE), mean(known))
        self._before = seen

    def _pass(self, plans: Plans, images: Tensor) -> dict[int, _Seen]:
        network, norm = self._network, self._network.calibrating_norm(len(images))
        inputs = {0: Maps.of(network.ops, images)}

        def see(index: int, state: Tensor) -> None:
            if plans[index] is None:
                inputs[index + 1] = inputs[index]
            elif index + 1 < len(plans):  # beyond the last are logits
                inputs[index + 1] = Maps.of(network.ops, state)

        with network.ops.constant():
            network.run(plans, images, norm, watch=see, precise=True)
        statistics = iter(network.statistics(norm))  # norms take their turns in the order of execution
        found = {}
        for index, plan in enumerate(plans):
            if plan is not None:
                names = [name for name in used_by(plan) if name.endswith("running_mean")]
                moments = {name: (each.mean, each.variance) for name, each in zip(names, statistics, strict=False)}
                found[index] = _Seen(inputs[index], moments)
        return found

    def rows(self) -> Iterator[Row]:
        """Each block, averaged over batches."""
        return self._tally.rows()


def _compared(first: _Seen, second: _Seen) -> dict[str, float]:
    """All measures of one pair of paths at one block; NaN: no number."""
    norms = [divergence(first.norms[name], second.norms[name], EPS) for name in first.norms if name in second.norms]
    disagreement = float(np.concatenate(norms).mean()) if norms else np.nan
    return first.input.against(second.input) | {"norm_disagreement": disagreement}


def divergence(first: _Moments, second: _Moments, floor: float) -> FloatArray:
    """Symmetric Kullback-Leibler divergence of normal distributions (mean, variance), on the leading common channels.

    (KL(1||2) + KL(2||1)) / 2; the logarithms of the two cancel. `floor` is added to every variance.
    """
    channels = min(len(first[0]), len(second[0]))
    (mean1, variance1), (mean2, variance2) = ([each[:channels] for each in end] for end in (first, second))
    v1, v2, apart = variance1.clip(0) + floor, variance2.clip(0) + floor, (mean1 - mean2) ** 2
    result: FloatArray = ((v1 + apart) / v2 + (v2 + apart) / v1 - 2) / 4
    return result


def cosine(x: FloatArray, y: FloatArray) -> float:
    """Mean over rows of the cosine between those of x and y; rows of zeros do not count."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    known = lengths > 0
    return float(((x * y).sum(1)[known] / lengths[known]).mean()) if known.any() else np.nan


def cka(x: FloatArray, y: FloatArray) -> float:
    """Linear centred kernel alignment of two (images, channels) arrays; NaN if one does not tell images apart."""
    x, y = x - x.mean(0), y - y.mean(0)
    lengths = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / lengths) if lengths > 0 else np.nan
