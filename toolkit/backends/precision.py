"""Which precision trains faster here: bf16 pays where a processor multiplies it natively, and costs elsewhere."""

import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from toolkit.backends.base import SGD, Backend, Precision
from toolkit.errors import InputError
from toolkit.spaces import get_space

Chosen = Literal["fp32", "tf32", "bf16", "fp64", "auto"]
"""A precision, or whichever of fp32 and bf16 trains faster on this machine."""

_PAYS = 0.9
"""bf16 loses digits, so it must save a tenth of the time."""
_HOPELESS = 2.0
"""Without native products bf16 takes up to fourteen times as long; one step shows it."""


def faster(open_as: Callable[[Precision], Backend]) -> Precision:
    """fp32 or bf16: measured by a few training steps of a small network; well under a second.

    Args:
        open_as: makes the backend in this precision. The processes of a data-parallel run must agree, so there nothing
            is measured, and fp32 is chosen.

    Raises:
        InputError: the backend cannot be opened at all.
    """
    full = open_as("fp32")
    if full.world > 1:
        return "fp32"
    try:
        half = _step(open_as("bf16"))
    except InputError:  # the framework does not compute so on this device
        return "fp32"
    whole = _step(full)
    seconds, other = whole(), half()
    if other < _HOPELESS * seconds:
        seconds, other = min(whole() for _ in range(3)), min(half() for _ in range(3))
    return "bf16" if other < _PAYS * seconds else "fp32"


def _step(backend: Backend) -> Callable[[], float]:
    """What takes a training step and returns its seconds; it has taken one to warm up."""
    space = get_space("resnet20").for_images(3, 16, 10)
    network = backend.network(space, space.widest, 0)
    optimizer = backend.optimizer(network, SGD())
    images = backend.normalise(backend.place(np.zeros((32, 3, 16, 16), np.uint8)), (0.5,) * 3, (0.25,) * 3)
    labels = backend.place(np.zeros(32, np.int64))

    def step() -> float:
        backend.synchronise()
        start = time.perf_counter()
        network.ops.backward(network.ops.cross_entropy(network.run(space.widest, images), labels))
        optimizer.step(0.0)
        backend.synchronise()
        return time.perf_counter() - start

    step()
    return step
