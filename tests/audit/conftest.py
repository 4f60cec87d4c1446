"""A trained run for everybody here."""

from tests.tiny import run, trained

__all__ = ["run", "trained"]
