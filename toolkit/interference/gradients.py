"""Gradients of paths, and how those of several paths agree on the weights that they share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.backends.base import Network, Tensor
from toolkit.interference.draws import Batch, FloatArray
from toolkit.spaces import Arch
from toolkit.spaces.windows import window

Gradient = dict[str, FloatArray]
"""By parameter, shaped as in the supernet, 0 where a path is narrower. Parameters that a path lacks are left out."""


def gradient(
    network: Network, arch: Arch, batch: Batch, watch: Callable[[int, Tensor], None] | None = None
) -> tuple[Gradient, float]:
    """Gradient and loss (cross-entropy) of one path, by one backward pass.

    Batch norms take the statistics of the batch as in training, but nothing is remembered: the network stays as it is.

    Args:
        watch: is shown what leaves each position of the network.
    """
    images, labels = batch
    plans, ops = network.space.supernet_plans(arch), network.ops
    loss = ops.cross_entropy(network.run(plans, images, network.batch_norm(), watch=watch, precise=True), labels)
    ops.backward(loss)
    found = {name: ops.numpy(tensor) for name, tensor in network.gradients().items()}
    return found, float(ops.detach(loss))


def block_of(name: str) -> int:
    """The position of the block that a tensor belongs to."""
    return int(name.split(".")[1])


@dataclass(frozen=True, slots=True)
class Products:
    """Inner products of several paths' gradients, block by block; arrays of shape (blocks, paths, paths).

    Attributes:
        dots: <g_i, g_j>.
        squares: at [:, i, j], |g_i|^2 on the slice that paths i and j both use.
    """

    dots: FloatArray
    squares: FloatArray

    def __add__(self, other: "Products") -> "Products":
        return Products(self.dots + other.dots, self.squares + other.squares)

    def together(self) -> FloatArray:
        """The cosines over all blocks as one vector, shape (paths, paths)."""
        return _cosines(self.dots.sum(0), self.squares.sum(0))

    def cosines(self) -> FloatArray:
        """The cosines of each block, shape (blocks, paths, paths). NaN: nothing is shared, or a gradient is 0."""
        return _cosines(self.dots, self.squares)

    def shortfall(self, blocks: Sequence[int]) -> FloatArray:
        """By how much the cosines of `together` would rise if gradients agreed in these blocks: (paths, paths), >= 0.

        With p the part of a gradient in the blocks, (|p_i| |p_j| - <p_i, p_j>) / (|g_i| |g_j|): of 1 - cosine, what
        lies in the angle between the parts. NaN: nothing is shared there, or a gradient is 0 there.
        """
        here = list(blocks)
        lengths, whole = _lengths(self.squares[here].sum(0)), _lengths(self.squares.sum(0))
        found: FloatArray = np.full_like(whole, np.nan)
        np.divide((lengths - self.dots[here].sum(0)).clip(0), whole, out=found, where=lengths > 0)
        return found


def _cosines(dots: FloatArray, squares: FloatArray) -> FloatArray:
    lengths = _lengths(squares)
    return np.divide(dots, lengths, out=np.full_like(dots, np.nan), where=lengths > 0).clip(-1, 1)


def _lengths(squares: FloatArray) -> FloatArray:
    """|g_i| |g_j| on what both use."""
    lengths: FloatArray = np.sqrt(squares * squares.swapaxes(-1, -2))
    return lengths


def products(
    gradients: Sequence[Gradient], shapes: Sequence[Mapping[str, tuple[int, ...]]], blocks: int
) -> tuple[Products, Products]:
    """Inner products over the tensors that two paths use alike, and over those that one uses more of than the other.

    For the latter only the slice that both use counts: what the narrower path leaves out would dilute the cosine.
    """
    paths = len(gradients)
    dots, squares = np.zeros((2, 2, blocks, paths, paths))
    for name in dict.fromkeys(name for found in gradients for name in found):
        block = block_of(name)
        having = [path for path, found in enumerate(gradients) if name in found]
        stacked = np.stack([gradients[path][name] for path in having])
        flat = stacked.reshape(len(having), -1)
        gram = (flat @ flat.T).astype(np.float64)
        own = [shapes[path][name] for path in having]
        kinds = list(dict.fromkeys(own))
        kind = np.array([kinds.index(shape) for shape in own])
        differ = (kind[:, None] != kind[None, :]).astype(int)  # which of the two products a pair counts for
        within = np.array([_square(stacked, shape) for shape in kinds]) if len(kinds) > 1 else gram.diagonal()[None]
        place = np.ix_(having, having)
        for which in (0, 1):
            counts = differ == which
            dots[which, block][place] += gram * counts
            squares[which, block][place] += within[kind].T * counts
    return Products(dots[0], squares[0]), Products(dots[1], squares[1])


def _square(stacked: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """|g|^2 of each gradient on the part of this shape; outside of its own it is 0 anyway."""
    part = stacked[(slice(None), *window(stacked.shape[1:], shape))].reshape(len(stacked), -1)
    squares: FloatArray = np.einsum("np,np->n", part, part)
    return squares
