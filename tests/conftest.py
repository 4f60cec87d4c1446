"""Fixtures that several packages' tests use."""

import gc
import os
from pathlib import Path

# One thread a process: tests run side by side, and threads that wait for each other's cores cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent

# A busy machine is not a failure. Where a test does not say how many examples; more: --hypothesis-profile thorough
hypothesis.settings.register_profile("toolkit", deadline=None, max_examples=40)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("toolkit")


def pytest_collection_finish() -> None:
    """What was imported never becomes garbage, and Streamlit looks through it after every run of a page."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real data in ../shared, which users do not have")
    return folder
