"""The dashboard in a real Chromium, on a run of 45,000 candidates."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.app import example_interference, example_run
from tests.e2e.server import DOCUMENTED, serve

CANDIDATES = 45_000
SIZE = {"width": 1280, "height": 800}
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE = 60_000
"""Milliseconds: what takes that long has failed, also on a machine that is busy with other things."""

PROBES = ("/_stcore/health", "/_stcore/host-config")
"""What Streamlit asks for below a page's own path before it looks at the root; the 404 is its way of finding out."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, which continuous integration must have and others may lack."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium, and these tests must not be skipped here: apt-get install chromium")
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def artifacts(root: Path) -> Path:
    """Where screenshots and timings are left, to be looked at."""
    folder = root / "tests" / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a full run, one in training, one just begun, and one whose ledger is damaged."""
    folder = tmp_path_factory.mktemp("e2e") / "runs"
    damaged = example_run.full(folder / "damaged", 100)
    damaged.ledger.write_bytes(b"no ledger at all" * 100)
    example_run.begin(folder / "sweep" / "begun", "sandwich", seed=3)
    example_interference.probe(example_run.full(folder / "spos", CANDIDATES), epochs=(30,))
    live = example_run.begin(folder / "live", "sandwich", seed=1)
    example_run.train(live, epochs=12, seed=1, finished=False)
    return folder


@pytest.fixture(scope="session")
def address(browser: Browser, runs: Path, root: Path) -> Iterator[str]:
    """A dashboard that nobody has opened yet, started as the README says."""
    with serve(root, runs, DOCUMENTED) as address:
        yield address


@pytest.fixture(params=["light"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A browser window of a new visitor; errors in its console fail the test."""
    context = browser.new_context(viewport=SIZE, color_scheme=request.param, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(f"{message.text} ({message.location.get('url')})")
            if message.type == "error" and not message.location.get("url", "").endswith(PROBES)
            else None
        ),
    )
    yield page
    context.close()
    assert errors == []
