"""Small spaces whose supernets run as mixtures, and batches for their methods."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from tests.methods_made import begun, make_method
from tests.networks import KINDS, on_backends, randomise, some_images, thin
from toolkit.backends.base import Backend, Network
from toolkit.methods import Batch
from toolkit.methods.mixture import MixtureMethod
from toolkit.spaces import SPACES, Arch
from toolkit.spaces.darts import DARTS
from toolkit.spaces.mixtures import Mixable
from toolkit.spaces.nasbench201 import NASBench201

CELL = cast(Mixable, replace(SPACES["nasbench201"].for_images(1, 8, 10), widths=(4, 6), cells=2))
"""Six edges, one kind of cell; `none` is an option."""

TWO = cast(Mixable, replace(SPACES["darts"].for_images(1, 8, 10), init_channels=4, layers=4))
"""Fourteen edges, two kinds of cell: positions 1 and 4 are normal, 2 and 3 reduce."""

SPACES_OF_CELLS = {"cell": CELL, "two": TWO}
EVERY_CELL = pytest.mark.parametrize(
    ("backend", "kind"), on_backends(zip(SPACES_OF_CELLS), [("cell",)]), indirect=["backend"]
)

_OTHERS = [
    name for name in KINDS if isinstance(SPACES[name], Mixable) and not isinstance(SPACES[name], NASBench201 | DARTS)
]

CHAINS = {name: cast(Mixable, thin(SPACES[name]).for_images(1, 8, 10)) for name in _OTHERS}
"""One of every other class that can be mixed: so far each of them chooses blocks by position."""

MIXED = SPACES_OF_CELLS | CHAINS
EVERY_MIXED = pytest.mark.parametrize(
    ("backend", "kind"), on_backends(zip(MIXED), [("cell",), ("nasbench-macro",)]), indirect=["backend"]
)


def batch_of(
    backend: Backend, space: Mixable, seed: int = 1, progress: float = 0.5, images: int = 8, epoch: int = 0
) -> Batch:
    """On a network of its own, whose weights matter."""
    network = backend.network(space, space.widest, 0)
    randomise(network)
    shown = [
        backend.normalise(backend.place(some_images(space, images, seed=n)), (0.5,), (0.25,)) for n in (seed, seed + 50)
    ]
    labels = backend.place(np.arange(images) % space.classes)
    held_out = shown[1], labels
    rng = np.random.default_rng(seed)
    return Batch(network, shown[0], labels, rng, progress, 0.05, held_out=held_out, epoch=epoch)


def made(name: str, backend: Backend, network: Network, **options: Any) -> MixtureMethod:
    """A method that has begun, on a network."""
    method = begun(make_method(name, network.space, **options), backend, network)
    assert isinstance(method, MixtureMethod)
    return method


def one_hot(space: Mixable, arch: Arch) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Weights of 1 where an architecture has an operation, shape (edges, options)."""
    found = np.zeros(space.something.shape, np.float32)
    options = space.edges[0].options
    if not isinstance(space, DARTS):
        found[np.arange(len(arch)), arch] = 1
        return found
    for kind, cell in zip(space.kinds, space.cells(arch), strict=True):
        for node, edges in enumerate(cell, start=2):
            for edge in edges:
                (row,) = (
                    row
                    for row, each in enumerate(space.edges)
                    if (each.cell, each.source, each.node) == (kind, edge.source, node)
                )
                found[row, options.index(edge.operation)] = 1
    return found
