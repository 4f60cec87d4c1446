"""Backends and networks to test them with; a new backend is tested by being registered."""

from dataclasses import replace

import pytest

from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend
from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.resnet20 import ResNet20
from toolkit.spaces.resnet48 import ResNet48


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return get_backend(request.param, "cpu")


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    """Every space, thin and for small images, and with equal plans in supernet and alone, so that slices fit."""
    space = SPACES[request.param].for_images(3, 16, 7)
    if isinstance(space, ResNet48) and space.divisor == 8:
        space = replace(space, base=tuple(base // 8 for base in space.base), divisor=1)
    return replace(space, always_project=False) if isinstance(space, ResNet20) else space
