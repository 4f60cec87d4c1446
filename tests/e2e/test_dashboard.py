"""What a user does with the dashboard. Screenshots and timings are left in tests/artifacts, for somebody to look at."""

import io
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.server import serve
from toolkit.candidates import read_table
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics

pytestmark = pytest.mark.e2e

HEADINGS = {
    "": "Runs",
    "training": "Training",
    "candidates": "Candidates",
    "ranking": "Rank correlation",
    "submission": "Submission",
}
FIGURES = {"": 0, "training": 1, "candidates": 2, "ranking": 1, "submission": 0}
BOTH = pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
ENOUGH = 30.0
"""Seconds in which a page must open even on a busy machine; what it takes stands in tests/artifacts/timings.json."""


def settle(page: Page, path: str) -> None:
    """Wait until the page's script has ended and all its figures are drawn."""
    expect(page.get_by_role("heading", name=HEADINGS[path], level=1)).to_be_visible()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    expect(page.locator(".js-plotly-plot:has(.main-svg)")).to_have_count(FIGURES[path])
    assert page.locator('[data-testid="stException"]').count() == 0


def visit(page: Page, address: str, path: str, **query: str) -> float:
    """Open a page by its link; returns the seconds until it is all there."""
    start = time.perf_counter()
    page.goto(f"{address}/{path}?" + "&".join(f"{name}={value}" for name, value in query.items()))
    settle(page, path)
    return time.perf_counter() - start


@BOTH
@pytest.mark.parametrize("path", ["candidates", "", "training", "ranking", "submission"])  # a deep link first of all
def test_every_page_opens_by_its_link(page: Page, address: str, path: str, artifacts: Path, request) -> None:
    seconds = visit(page, address, path, run="spos")
    assert page.get_by_test_id("stAlertContentError").count() == (path == "")  # the damaged run, in the overview
    page.wait_for_timeout(500)  # for what fades in
    scheme = request.node.callspec.params["page"]
    if path == "candidates":
        assert_cloud(page)
    page.screenshot(path=artifacts / f"{HEADINGS[path].lower()}-{scheme}.png")
    note(artifacts, f"{HEADINGS[path]} by link, {scheme}", seconds)
    assert seconds < ENOUGH


def note(artifacts: Path, what: str, seconds: float) -> None:
    """Keep a timing."""
    path = artifacts / "timings.json"
    timings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(timings | {what: round(seconds, 2)}, indent=2))


def assert_cloud(page: Page) -> None:
    """The canvas shows points: WebGL fails without a word."""
    figure = page.locator(".js-plotly-plot").first
    expect(figure.locator(".gl-canvas-context")).to_be_visible()
    for _ in range(40):
        pixels = np.asarray(Image.open(io.BytesIO(figure.screenshot())).convert("HSV")).reshape(-1, 3)
        if np.count_nonzero(pixels[:, 1] > 80) > 20_000:  # coloured, in a figure of some 300,000
            return
        page.wait_for_timeout(250)
    pytest.fail("the cloud of candidates is not drawn")


def test_clicking_through_a_run(page: Page, address: str, artifacts: Path) -> None:
    visit(page, address, "")
    page.get_by_role("link", name="spos", exact=True).click()
    settle(page, "training")
    expect(page).to_have_url(re.compile(r"/training\?run=spos"))
    for path in ("submission", "ranking", "candidates"):
        start = time.perf_counter()
        page.get_by_role("link", name=HEADINGS[path], exact=True).click()
        settle(page, path)
        note(artifacts, f"{HEADINGS[path]} by click", time.perf_counter() - start)
        expect(page).to_have_url(re.compile(rf"/{path}\?run=spos"))
    table = page.get_by_test_id("stDataFrame").bounding_box()
    assert table is not None
    page.mouse.move(table["x"] + 90, table["y"] + 120)  # the third row of what is one canvas
    page.wait_for_timeout(200)
    page.mouse.down()
    page.wait_for_timeout(50)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"candidate=arch\d+"))


def test_clicking_a_point_selects_it_and_the_link_brings_it_back(
    page: Page, address: str, runs: Path, artifacts: Path
) -> None:
    visit(page, address, "candidates", run="spos", colour="width4")
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] * 0.45, area["y"] + area["height"] * 0.5  # in the thick of it
    page.mouse.move(x, y)
    hover = page.locator(".hoverlayer .hovertext").first
    expect(hover).to_contain_text("MACs")
    named = re.match(r"(arch\d+?)(\d{52})\D", hover.text_content() or "")  # one line below the other
    assert named is not None
    candidate, code = named.groups()
    assert read_table(RunFolder(runs / "spos").candidates).codes[candidate] == code
    start = time.perf_counter()
    page.mouse.click(x, y)
    expect(page.get_by_test_id("stCode").get_by_text(code)).to_be_visible()
    note(artifacts, "candidate by click", time.perf_counter() - start)
    expect(page).to_have_url(re.compile(rf"candidate={candidate}\b"))
    settle(page, "candidates")

    page.goto(page.url)  # what a colleague would do with the link
    settle(page, "candidates")
    expect(page.get_by_test_id("stCode").get_by_text(code)).to_be_visible()
    expect(page.get_by_role("combobox", name="Colour")).to_have_value("width4")


def test_a_broken_upload_lists_its_problems(page: Page, address: str, runs: Path) -> None:
    visit(page, address, "submission", run="spos")
    chooser = page.locator('input[type="file"]')
    chooser.set_input_files({"name": "cut.json", "mimeType": "application/json", "buffer": b'{"arch1": {"acc": 0.5,'})
    expect(page.get_by_text("cut.json: is not JSON")).to_be_visible()
    entries = json.loads((runs / "spos" / "submission.json").read_text())
    del entries["arch7"]
    entries["arch8"]["acc"] = 73.0
    chooser.set_input_files(
        {"name": "worse.json", "mimeType": "application/json", "buffer": json.dumps(entries).encode()}
    )
    problems = page.get_by_test_id("stAlertContentError")
    expect(problems).to_contain_text("arch7")
    expect(problems).to_contain_text("percent")


def test_the_built_submission_is_downloaded_as_it_would_be_written(page: Page, address: str, runs: Path) -> None:
    visit(page, address, "submission", run="spos")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download submission.json").click()
    assert download.value.path().read_bytes() == (runs / "spos" / "submission.json").read_bytes()


def test_curves_follow_a_training(page: Page, address: str, runs: Path) -> None:
    live = RunFolder(runs / "live")
    os.utime(live.metrics)
    visit(page, address, "training", run="live")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("training")
    last = read_metrics(live)[-1]
    with live.metrics.open("a") as file:
        file.write(json.dumps(last | {"step": 777}) + "\n")
    expect(page.get_by_test_id("stMetric").filter(has_text="Steps")).to_contain_text("777")  # nobody pressed anything


def test_a_damaged_run_is_explained_and_the_others_stay_open(page: Page, address: str) -> None:
    page.goto(f"{address}/candidates?run=damaged")
    expect(page.get_by_text("is damaged or no SQLite file")).to_be_visible()
    page.get_by_role("link", name="Submission", exact=True).click()
    expect(page.get_by_text("A valid submission: 100 of 100")).to_be_visible()


@pytest.mark.skipif("UPDATE_SCREENSHOTS" not in os.environ, reason="draws the README's picture only when asked to")
def test_picture_for_the_readme(page: Page, root: Path) -> None:
    """UPDATE_SCREENSHOTS names a folder of real runs, the newest of which has results."""
    with serve(root, Path(os.environ["UPDATE_SCREENSHOTS"]).resolve()) as address:
        visit(page, address, "candidates")
        page.wait_for_timeout(2000)  # for the cloud
        page.screenshot(path=root / "docs" / "images" / "dashboard.png")
