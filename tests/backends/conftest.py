"""Backends and networks to test them with; a new backend is tested by being registered."""

import pytest

from tests.networks import FORMS, backend_on_cpu, thin
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend
from toolkit.spaces import SPACES, SearchSpace


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


@pytest.fixture(params=FORMS)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return thin(SPACES[request.param])
