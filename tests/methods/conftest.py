"""Both backends."""

import pytest

from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend


@pytest.fixture(params=BACKENDS, scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)
