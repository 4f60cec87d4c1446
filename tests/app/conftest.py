"""Example runs that the dashboard's tests share. They are read only: a test that damages one makes its own."""

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app.pages import page_file
from tests.app import example_interference, example_run
from toolkit.runs.folder import RunFolder


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that has everything."""
    return example_run.full(tmp_path_factory.mktemp("runs") / "full", example_run.COUNT)


@pytest.fixture(scope="session")
def probed_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose interference was measured, and that has everything else."""
    run = example_run.full(tmp_path_factory.mktemp("runs") / "probed", example_run.COUNT)
    example_interference.probe(run)
    return run


@pytest.fixture(scope="session")
def begun_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that has its recipe and nothing else."""
    return example_run.begin(tmp_path_factory.mktemp("runs") / "begun")


@pytest.fixture(scope="session")
def _small_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return example_run.full(tmp_path_factory.mktemp("small") / "run", 40)


@pytest.fixture
def own_run(_small_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A small run that has everything, to be damaged at will."""
    return RunFolder(shutil.copytree(_small_run.path, tmp_path / "run"))


@pytest.fixture(scope="session", autouse=True)
def _scanned_once() -> Iterator[None]:
    """Each `AppTest` looks for components in every installed package, as a server does once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees what another one cached, or leaves anything in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    st.cache_resource.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, root: Path) -> Callable[..., AppTest]:
    """Open a page of the dashboard on a folder of runs, by a link."""

    def open_page(folder: Path, page: str, **query: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["main.py"])
        monkeypatch.setenv("SUPERNET_RUNS", str(folder))
        app = AppTest.from_file(str(root / "app" / "script.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page != "overview":
            app.switch_page(page_file(page)).run()
        assert not app.exception, app.exception[0].value
        return app

    return open_page
