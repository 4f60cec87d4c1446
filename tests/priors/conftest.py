"""Backends and spaces, thin: the same as for the networks that scores are taken from."""

from tests.backends.conftest import backend, space

__all__ = ["backend", "space"]
