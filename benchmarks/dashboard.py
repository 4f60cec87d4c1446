"""What pages of the dashboard cost: CPU seconds of server and browser, seconds by the clock, and megabytes sent.

    python benchmarks/dashboard.py [--candidates 45000] [--start documented|command] [PAGE ...]
    python benchmarks/dashboard.py empty chart          # what Streamlit and Plotly cost by themselves

Every page is opened by a fresh server in a fresh browser (first: nothing is kept from earlier ones; cold: what an
earlier server has kept is there), again in the same one (warm), and, on the page of candidates, another score is chosen
(click). From the page of runs it goes on to the candidates, when the server is at rest. By the clock there are two
figures: until the first sentence can be read that answers the page's question, and until all is drawn. Figures of
invented runs, as the browser tests have them: what is measured is the dashboard. CPU seconds and bytes are reliable on
a busy machine, the clock is not.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import FLAGS, SIZE, make_runs  # noqa: E402
from tests.e2e.server import COMMAND, DOCUMENTED, serve  # noqa: E402
from tests.e2e.test_dashboard import FIGURES, HEADINGS, SHOWN  # noqa: E402

STARTS = {"documented": DOCUMENTED, "command": COMMAND}
FIRST = "runs"
PAGES = [path or FIRST for path in HEADINGS]
HEADING = "By itself"
FLOORS = {
    "empty": f"""
import streamlit as st
st.title("{HEADING}")
st.segmented_control("Choice", ["Top-1", "Top-5"])
""",
    "chart": f"""
import plotly.graph_objects as go, streamlit as st
st.title("{HEADING}")
end = 2 if st.segmented_control("Choice", ["Top-1", "Top-5"]) == "Top-5" else 1
st.plotly_chart(go.Figure(go.Scatter(x=[0, 1], y=[0, end])), key="chart")
""",
}
"""Pages without anything of ours: what no page of the dashboard can be cheaper than."""

ANSWERED = ("verdict", "candidates", "decisions", "ranking", "interference", "sweeps")
"""Pages whose answer is a sentence."""

QUIET = ("--browser.gatherUsageStats", "false", "--server.address", "127.0.0.1")
"""As the dashboard's own settings have it."""

DRAWN = 300
"""Milliseconds in which what has been put into the page is drawn; not counted."""

LOOKED = 3000
"""Milliseconds between two looks at what the server does in the background."""

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(root: int) -> float:
    """Seconds of CPU that a process and everything below it has used."""
    below: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        below.setdefault(int(fields[1]), []).append(int(folder.name))
        used[int(folder.name)] = sum(map(int, fields[11:15])) / TICKS
    todo, total = [root], 0.0
    while todo:
        process = todo.pop()
        total += used.get(process, 0.0)
        todo += below.get(process, [])
    return total


def listener(port: int) -> int:
    """The process that listens on a port of this machine."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
            for handle in Path("/proc").glob("[0-9]*/fd/*"):
                try:
                    if str(handle.readlink()) == f"socket:[{fields[9]}]":
                        return int(handle.parts[2])
                except OSError:
                    continue
    raise RuntimeError(f"nobody listens on {port}")


def answer(page: Page, path: str) -> None:
    """Wait until somebody can read what the page is for."""
    own = ".st-key-answer p" if path in ANSWERED else '[aria-label="Runs"] a' if path == "" else "h1"
    page.locator(own).first.wait_for(timeout=120_000)


def rest(page: Page, path: str) -> None:
    """Wait until the script has ended and all its figures are drawn."""
    heading, figures = (HEADING, int(path == "chart")) if path in FLOORS else (HEADINGS[path], FIGURES[path])
    page.get_by_role("heading", level=1, name=heading, exact=True).wait_for(timeout=120_000)
    page.wait_for_function(
        f"document.querySelectorAll('.js-plotly-plot:has(.main-svg)').length === {figures}", timeout=120_000
    )
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=120_000)
    page.wait_for_timeout(DRAWN)


def look(page: Page, server: int) -> None:
    """Look at a page until the server is at rest, which it is within a few seconds on a quiet machine."""
    used = -1.0
    for _ in range(40):
        before, used = used, cpu(server)
        if used - before < 0.1:
            return
        page.wait_for_timeout(LOOKED)


def measure(start: tuple[str, ...], runs: Path, path: str, cache: Path) -> Iterator[dict[str, Any]]:
    """First or cold, warm and click."""
    first = "cold" if any(cache.rglob("*.parquet")) else "first"
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS])
        with serve(ROOT, runs, start, cache) as address:  # the browser is there first, for it is to wait for nobody
            yield from visits(browser, address, path, first)
        browser.close()


def visits(browser: Browser, address: str, path: str, first: str) -> Iterator[dict[str, Any]]:
    """A page for the first time, and what is done with it then."""
    port = urlsplit(address).port
    assert port is not None
    server = listener(port)
    page = browser.new_context(viewport={**SIZE}).new_page()  # type: ignore[arg-type]
    sent = [0]
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: sent.__setitem__(0, sent[0] + len(data))),
    )
    page.goto("about:blank")
    link = address if path in FLOORS else f"{address}/{path}?{urlencode(SHOWN.get(path, {'run': 'spos'}))}"
    actions = {first: lambda: page.goto(link), "warm": lambda: page.reload()}
    if path == "candidates" or path in FLOORS:
        actions["click"] = lambda: page.get_by_text("Top-5", exact=True).first.click()
    if path == "":
        actions["on to Candidates"] = lambda: page.get_by_role("link", name="Candidates", exact=True).click()
    for what, act in actions.items():
        if what in ("warm", "on to Candidates"):
            look(page, server)
        before = (time.perf_counter(), cpu(server), cpu(os.getpid()), sent[0])
        act()
        if what == "click":
            page.wait_for_timeout(200)  # until the script has begun
        reached = "candidates" if what == "on to Candidates" else path
        answer(page, reached)
        answered = time.perf_counter() - before[0]
        rest(page, reached)
        after = (time.perf_counter(), cpu(server), cpu(os.getpid()), sent[0])
        clock, served, everything, bytes_sent = (b - a for a, b in zip(before, after, strict=True))
        yield {
            "page": path or FIRST,
            "what": what,
            "server_cpu_s": round(served, 2),
            "browser_cpu_s": round(everything - served, 2),
            "answer_s": None if what == "click" else round(answered, 2),
            "clock_s": round(clock - DRAWN / 1000, 2),
            "megabytes": round(bytes_sent / 1e6, 3),
        }


def main() -> None:
    """Measure and print, a JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", default=PAGES, choices=[*PAGES, *FLOORS], metavar="PAGE")
    parser.add_argument("--candidates", type=int, default=45_000)
    parser.add_argument("--start", choices=STARTS, default="documented")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        if set(options.pages) - set(FLOORS):
            make_runs(runs, options.candidates)
        for name in options.pages:
            path = "" if name == FIRST else name
            start = STARTS[options.start]
            if path in FLOORS:
                (Path(folder) / f"{path}.py").write_text(FLOORS[path])
                start = ("-m", "streamlit", "run", f"{folder}/{path}.py", *QUIET)
            with tempfile.TemporaryDirectory() as cache:
                for _ in range(1 if path in FLOORS else 2):
                    for found in measure(start, runs, path, Path(cache)):
                        print(json.dumps({"start": options.start} | found), flush=True)


if __name__ == "__main__":
    main()
