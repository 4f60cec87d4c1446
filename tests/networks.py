"""Helpers for tests that run networks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend, Network, Norm, Precision
from toolkit.data.arrays import ArraySplit
from toolkit.data.base import Dataset, ImageSpec
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace
from toolkit.spaces.darts import DARTS
from toolkit.spaces.nasbench201 import NASBench201
from toolkit.spaces.nasbench_macro import NASBenchMacro
from toolkit.spaces.ofa import OFA, Stage
from toolkit.spaces.pinas import PiNAS
from toolkit.spaces.proxyless import Proxyless
from toolkit.spaces.resnet20 import ResNet20
from toolkit.spaces.resnet48 import ResNet48


def backend_on_cpu(name: str, precision: Precision = "fp32") -> Backend:
    """The backend of that name; the test is skipped where its framework is not installed."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return get_backend(name, "cpu", precision)


def thin(space: SearchSpace, size: int = 16) -> SearchSpace:
    """A space made narrow, for small images, and with equal plans in supernet and alone, so that slices fit."""
    space = space.for_images(3, size, 7)
    match space:
        case ResNet48(divisor=8):
            return replace(space, base=tuple(base // 8 for base in space.base), divisor=1)
        case ResNet20():
            return replace(space, always_project=False)
        case NASBench201():
            return replace(space, widths=(4, 8, 16), cells=2)
        case NASBenchMacro():
            return replace(space, width=8, last=40)
        case PiNAS(deep=True):
            return replace(space, planes=(4, 4, 16, 16), layers=(1, 1, 1, 1), stem=8)
        case PiNAS():
            return replace(space, planes=(4, 4, 16), layers=(1, 1, 1), stem=8)
        case OFA():
            stages = Stage(16, 2, squeeze=True), Stage(16, 1, nonlinearity="h-swish"), Stage(16, 2, elastic=False)
            resolutions = (size // 2, size)
            mixed = 48 if space.mixed else 0
            return replace(space, stages=stages, expanded=32, mixed=mixed, stem_stride=1, resolutions=resolutions)
        case Proxyless():
            return replace(space, stem=8, first=4, widths=(4, 8), strides=(1, 2), blocks=(2, 1), last=16, skipped=(1,))
        case DARTS():
            return replace(space, init_channels=4, layers=3)
    return space


KINDS = list({type(space): name for name, space in SPACES.items()}.values())
"""A space of each class: those of one class differ in numbers, and hardly any more once they are thin."""

FORMS = [*KINDS, "resnet48", "pinas", "ofa-proxyless", "darts-imagenet"]
"""Besides, those with stems, heads or activations of their own."""

UNALIKE = ["resnet48", "nasbench201", "ofa-mini"]
"""Of residual blocks, of cells, of inverted residuals: for what a framework could get wrong, not a space."""


def on_backends(every: Iterable[tuple[Any, ...]], few: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Cases that begin with the name of a backend: every one for the first backend, a few for each other.

    Others are held to the first on every class of space and with every method by tests/backends/test_parity.py.
    """
    first, *others = BACKENDS
    few = list(few)
    return [(first, *case) for case in every] + [(other, *case) for other in others for case in few]


def with_one_of(options: Sequence[Any], names: Iterable[str] = KINDS) -> list[tuple[str, Any]]:
    """Spaces with the last of three options, which does what the others do and more; those of UNALIKE with each."""
    *others, last = options
    return [(name, last) for name in names] + [(name, other) for name in UNALIKE for other in others]


EVERY_FORM = pytest.mark.parametrize(("backend", "space"), on_backends(zip(FORMS), zip(UNALIKE)), indirect=True)
"""For tests with fixtures `backend` and `space`."""


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


def forward(network: Network, arch: Arch, images: Any, norm: Norm | None = None) -> Any:
    """A path through a supernet as training runs it: normalised images to logits."""
    return network.run(network.space.supernet_plans(arch), images, norm)


def logits(
    backend: Backend,
    network: Network,
    arch: Arch,
    images: npt.NDArray[np.uint8],
    norm: Norm,
    plans: Plans | None = None,
) -> Any:
    """Logits of uint8 images as evaluation computes them, by default through a supernet: float32, (n, classes)."""
    channels = images.shape[1]
    state = backend.normalise(backend.place(images), (0.5,) * channels, (0.25,) * channels)
    with network.inference():
        return network.ops.numpy(network.run(plans or network.space.supernet_plans(arch), state, norm))


def some_images(space: Any, count: int = 8, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Random images of a space's shape."""
    return np.random.default_rng(seed).integers(0, 256, (count, space.channels, space.size, space.size), dtype=np.uint8)


def noise_dataset(space: SearchSpace, calibration: int = 40, validation: int = 80) -> Dataset:
    """A data set of noise in a space's shape, with a single image to train on."""
    spec = ImageSpec(space.channels, space.size, space.classes, (0.5,) * space.channels, (0.25,) * space.channels)
    parts = (
        ArraySplit(some_images(space, count, seed), np.arange(count) % space.classes, flip=False)
        for seed, count in enumerate((1, calibration, validation))
    )
    return Dataset("noise", spec, *parts)
