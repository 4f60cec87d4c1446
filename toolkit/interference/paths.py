"""Path against path: whether random paths agree on the weights they share, and what training one does to another."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from toolkit.backends.base import Network
from toolkit.backends.shapes import used
from toolkit.interference.draws import Batch, FloatArray, Tally, mean
from toolkit.interference.gradients import Gradient, block_of, gradient, products
from toolkit.interference.table import Row
from toolkit.spaces import Arch, SearchSpace


class Paths:
    """Compares the gradients of fixed paths, batch by batch: one backward pass for each path and batch.

    - `path_cosine` of two paths over all parameters that both use, on the slices that both use (MAGIC, arXiv
      2108.12821); of a block, the mean over pairs of paths.
    - `conflict_rate`: the share of pairs in which it is negative.
    - `signal_to_noise`: |E g|^2 / tr Var(g) over paths and batches, of each block and of the whole network, with the
      bias of |mean g|^2 taken out. The inverse of what PA&DA (CVPR 2023) lowers. Its error is the jackknife's.
    - `path_loss`: cross-entropy with batch statistics.
    - `forgetting`: how much that loss rose since the last probe on the same batches (NSAS, CVPR 2020).
    """

    def __init__(self, network: Network, paths: Sequence[Arch]) -> None:
        self._network, self._paths = network, paths
        self._plans = [network.space.supernet_plans(path) for path in paths]
        self._tally, self._noise = Tally(), Noise()
        self.losses: dict[str, list[float]] = {code: [] for code in self._codes}

    @property
    def _codes(self) -> list[str]:
        return [self._network.space.format(path) for path in self._paths]

    def draw(self, batch: Batch) -> Iterator[Gradient]:
        """One batch. Yields the gradient of each path as soon as it is there; what is compared are all of them."""
        found = []
        for path, code in zip(self._paths, self._codes, strict=True):
            own, loss = gradient(self._network, path, batch)
            self._tally.add(Row("path_loss", 0.0, first=code), loss)
            self.losses[code].append(loss)
            found.append(own)
            yield own
        self._compare(found)
        self._noise.add(found, len(self._plans[0]))

    def _compare(self, gradients: Sequence[Gradient]) -> None:
        alike, differently = products(gradients, [used(each) for each in self._plans], len(self._plans[0]))
        both = alike + differently
        whole, codes = both.together(), self._codes
        pairs = list(combinations(range(len(self._paths)), 2))
        for i, j in pairs:
            row = Row("path_cosine", 0.0, first=codes[i], second=codes[j])
            self._tally.add(
                _with_distance(row, self._network.space, self._paths[i], self._paths[j]), float(whole[i, j])
            )
        for block, cosines in [(-1, whole), *enumerate(both.cosines())]:
            known = [float(cosines[pair]) for pair in pairs if not np.isnan(cosines[pair])]
            self._tally.add(Row("conflict_rate", 0.0, block=block), mean([cosine < 0 for cosine in known]))
            if block >= 0:
                self._tally.add(Row("path_cosine", 0.0, block=block), mean(known))

    def rows(self, before: "dict[str, list[float]] | None" = None) -> Iterator[Row]:
        """All measurements, averaged over batches; `before`: the losses of an earlier probe with the same batches."""
        forgotten = Tally()
        for code, losses in self.losses.items():
            for now, then in zip(losses, (before or {}).get(code, ()), strict=False):
                forgotten.add(Row("forgetting", 0.0, first=code), now - then)
        yield from self._tally.rows()
        yield from forgotten.rows()
        yield from self._noise.rows()


class Lookahead:
    """Look-ahead loss change (Fifty et al., NeurIPS 2021): Z[i->j] = 1 - L_j(theta - eta g_i) / L_j(theta).

    The loss of j after a plain gradient step for i, on the same batch. One backward pass and as many forward passes as
    there are paths, for each path and batch. The weights are put back to the last bit.
    """

    def __init__(self, network: Network, paths: Sequence[Arch], eta: float) -> None:
        self._network, self._paths, self._eta = network, paths, eta
        self._tally = Tally()

    def draw(self, batch: Batch) -> Iterator[None]:
        """One batch. Yields after each path's step."""
        network, space = self._network, self._network.space
        before = self._losses(batch)
        weights = network.weights()
        for path in self._paths:
            step, _ = gradient(network, path, batch)
            moved = {name: array - array.dtype.type(self._eta) * step.get(name, 0) for name, array in weights.items()}
            try:
                network.load_weights(moved)
                after = self._losses(batch)
            finally:
                network.load_weights(weights)
            for j, other in enumerate(self._paths):
                row = Row("lookahead", 0.0, first=space.format(path), second=space.format(other))
                worth = 1 - after[j] / before[j] if before[j] > 0 else math.nan
                self._tally.add(_with_distance(row, space, path, other), worth)
            yield

    def _losses(self, batch: Batch) -> list[float]:
        network, (images, labels) = self._network, batch
        plans = map(network.space.supernet_plans, self._paths)
        with network.ops.constant():
            logits = (network.run(each, images, network.batch_norm(), precise=True) for each in plans)
            return [float(network.ops.cross_entropy(each, labels)) for each in logits]

    def rows(self) -> Iterator[Row]:
        """Every pair in both directions, averaged over batches."""
        return self._tally.rows()


class Noise:
    """Gradient signal to noise of each block, from the sums that leave one batch out."""

    def __init__(self) -> None:
        self._sums: list[Gradient] = []
        self._squares: list[FloatArray] = []
        self._counts: list[FloatArray] = []

    def add(self, gradients: Sequence[Gradient], blocks: int) -> None:
        """The gradients of all paths on one batch; a path counts for the blocks whose parameters it uses."""
        total: Gradient = {}
        squares, counts = np.zeros((2, blocks))
        for found in gradients:
            for name, array in found.items():
                total[name] = total[name] + array if name in total else array
                squares[block_of(name)] += np.vdot(array, array)
            counts[list({block_of(name) for name in found})] += 1
        self._sums.append(total)
        self._squares.append(squares)
        self._counts.append(counts)

    def rows(self) -> Iterator[Row]:
        """Each block with parameters."""
        if not self._sums:
            return
        batches = len(self._sums)
        ratio, counts = self._ratio(range(batches))
        left_out = np.array([self._ratio([b for b in range(batches) if b != out])[0] for out in range(batches)])
        spread = left_out - left_out.mean(0)
        error = np.sqrt((batches - 1) / batches * (spread**2).sum(0)) if batches > 1 else np.full_like(ratio, np.nan)
        for block in np.flatnonzero(counts):
            yield Row("signal_to_noise", float(ratio[block]), float(error[block]), batches, block=int(block))

    def _ratio(self, batches: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        """The ratio of each block over some batches, and how many gradients it rests on."""
        squares = np.zeros_like(self._squares[0])
        counts, lengths = np.zeros_like(squares), np.zeros_like(squares)
        for batch in batches:
            squares += self._squares[batch]
            counts += self._counts[batch]
        for name in dict.fromkeys(name for batch in batches for name in self._sums[batch]):
            parts = [self._sums[batch][name] for batch in batches if name in self._sums[batch]]
            total = np.sum(parts, axis=0)
            lengths[block_of(name)] += np.vdot(total, total)
        with np.errstate(divide="ignore", invalid="ignore"):
            lengths /= counts**2  # |mean g|^2
            variance = (squares / counts - lengths) * counts / (counts - 1)
            ratio = (lengths - variance / counts) / variance
        return np.where(variance > 0, ratio, np.nan), counts


def _with_distance(row: Row, space: SearchSpace, first: Arch, second: Arch) -> Row:
    return replace(row, distance=space.distance(first, second))
