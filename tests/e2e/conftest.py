"""The dashboard in a real Chromium, on a run of 45,000 candidates and many small ones."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.app import example_interference, example_ranking, example_run, example_search, example_sweep
from tests.app.test_predictor_page import train_alone
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
    """A folder with runs for every page. It is made once, however many processes test; each has its own copy."""
    own = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make_runs(own / "runs")
        return own / "runs"
    made = own.parent / "runs"
    with (own.parent / "runs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make_runs(own.parent / "begun")
            (own.parent / "begun").rename(made)
    return Path(shutil.copytree(made, own / "runs"))


def make_runs(folder: Path, candidates: int = CANDIDATES) -> None:
    """By name of the run:

    spos: many candidates, each with a truth, probed once.
    damaged: its ledger is.
    live: in training; watched: likewise, and probed once.
    cells, cells2: another space, with truths.
    plain, calm: probed often; plain has candidates too.
    labels: some candidates are trained alone.
    policy: a learned policy, and a search by one.
    ablation: a sweep that goes on.
    sweep/begun: just begun.
    """
    spos = example_run.full(folder / "spos", candidates)
    example_interference.probe(spos, epochs=(30,))
    example_ranking.know_all(spos)
    damaged = example_run.full(folder / "damaged", 100)
    damaged.ledger.write_bytes(b"no ledger at all" * 100)
    example_run.begin(folder / "sweep" / "begun", "sandwich", seed=3)
    live = example_run.begin(folder / "live", "sandwich", seed=1)
    example_run.train(live, epochs=12, seed=1, finished=False)
    example_ranking.cells(folder / "cells", 500)
    example_ranking.cells(folder / "cells2", 500, seed=1)
    example_interference.probe(example_run.full(folder / "plain", 600))
    example_interference.probe(example_run.begin(folder / "calm", seed=1), seed=1, calm=0.8)
    watched = example_run.begin(folder / "watched", "sandwich", seed=2)
    example_run.train(watched, epochs=8, seed=2, finished=False)
    example_interference.probe(watched, seed=2, epochs=(6,))
    train_alone(example_run.full(folder / "labels", 300, luck=1), 40)
    policy = example_run.begin(folder / "policy")
    example_search.learned(policy)
    example_search.searched(policy)
    example_sweep.make(folder / "ablation", example_sweep.report(done=5))


@pytest.fixture(scope="session")
def address(browser: Browser, runs: Path, root: Path) -> Iterator[str]:
    """A dashboard that nobody has opened yet, started as the README says; all tests of a process share it."""
    with serve(root, runs, DOCUMENTED) as address:
        yield address


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """A visitor's browser by colour scheme. Its tabs share what was loaded, as they do in life."""
    known: dict[str, BrowserContext] = {}

    def window(scheme: str) -> BrowserContext:
        if scheme not in known:
            known[scheme] = browser.new_context(viewport=SIZE, color_scheme=scheme, accept_downloads=True)
        return known[scheme]

    yield window
    for context in known.values():
        context.close()


@pytest.fixture(params=["light"])
def page(request: pytest.FixtureRequest, windows: Callable[[str], BrowserContext]) -> Iterator[Page]:
    """A new tab; errors in its console fail the test."""
    page = windows(request.param).new_page()
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
    page.close()
    assert errors == []
