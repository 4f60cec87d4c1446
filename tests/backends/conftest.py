"""Backends and networks to test them with; a new backend is tested by being registered."""

from dataclasses import replace

import pytest

from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend
from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.nasbench201 import NASBench201
from toolkit.spaces.nasbench_macro import NASBenchMacro
from toolkit.spaces.resnet20 import ResNet20
from toolkit.spaces.resnet48 import ResNet48


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return get_backend(request.param, "cpu")


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    """Every space, thin and for small images, and with equal plans in supernet and alone, so that slices fit."""
    space = SPACES[request.param].for_images(3, 16, 7)
    match space:
        case ResNet48(divisor=8):
            return replace(space, base=tuple(base // 8 for base in space.base), divisor=1)
        case ResNet20():
            return replace(space, always_project=False)
        case NASBench201():
            return replace(space, widths=(4, 8, 16), cells=2)
        case NASBenchMacro():
            return replace(space, width=8, last=40)
    return space
