"""Helpers for tests that run networks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Backend, Network, Norm
from toolkit.spaces import Arch


def randomise(network: Network, seed: int = 0) -> None:
    """Give every tensor values that matter.

    A fresh network has silent residual branches and statistics 0 and 1; and without positive shifts, channels die.
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, array in network.weights().items():
        if name.endswith("running_var"):
            weights[name] = rng.uniform(0.5, 2.0, array.shape).astype(np.float32)
        elif array.ndim == 1:
            weights[name] = rng.normal(1.0 if name.endswith("weight") else 0.3, 0.3, array.shape).astype(np.float32)
        else:
            fan_in = array[0].size
            weights[name] = rng.normal(0.0, fan_in**-0.5, array.shape).astype(np.float32)
    network.load_weights(weights)


def logits(backend: Backend, network: Network, arch: Arch, images: npt.NDArray[np.uint8], norm: Norm) -> Any:
    """Logits of uint8 images, block by block, as evaluation computes them: float32, shape (n, classes)."""
    channels = images.shape[1]
    state = backend.normalise(backend.place(images), (0.5,) * channels, (0.25,) * channels)
    with network.inference():
        for index, plan in enumerate(network.plans(arch)):
            if plan is not None:
                state = network.run_block(index, plan, state, norm)
    return np.asarray(state)


def some_images(space: Any, count: int = 8, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Random images of a space's shape."""
    return np.random.default_rng(seed).integers(0, 256, (count, space.channels, space.size, space.size), dtype=np.uint8)
