"""What a reader does on the Rank correlation page. Screenshots and timings are left in tests/artifacts."""

import io
import json
import re
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.looking import still
from toolkit.candidates import read_table
from toolkit.runs.folder import RunFolder

pytestmark = pytest.mark.e2e

VIEWS = {
    "Trust it": (2, "Given MACs"),
    "Who is misjudged": (1, "Each point is one of"),
    "What would I get": (1, "worse than picking blindly"),
    "Plan": (2, "The ceiling is what"),
}
"""The number of figures in each view, and what it says."""

FOLDED = {
    "Trust it": ((1, "From the top", "ever fewer networks are kept"), (2, "Side by side", "Verdicts on several pairs")),
    "Who is misjudged": ((2, "By size and by choice", "Networks sorted by size"),),
    "Plan": ((1, "Over training", "Each point is a checkpoint"),),
}
"""Parts of the views that a click opens: how many figures more, how they begin, what they say."""

ENOUGH = 120.0
"""Seconds in which anything must be done even on a busy machine; what it takes stands in tests/artifacts/timings.json.

On a quiet one with two cores the aim is 3 s to open 45,000 networks, and 1 s to react.
"""


SETTLED = """([figures, words]) => {
    const app = document.querySelector('[data-testid="stApp"]');
    const says = (words) => [...document.querySelectorAll('[data-testid="stMain"] p')]
        .some((text) => text.textContent.includes(words) && text.checkVisibility());
    return app?.dataset.testScriptState === "notRunning"
        && document.querySelector("h1")?.textContent === "Rank correlation"
        && document.querySelectorAll(".js-plotly-plot:has(.main-svg)").length === figures
        && (!words || says(words));
}"""
"""The script has ended, all figures are drawn, and some words can be read."""

DRAWN = """() => {
    const canvas = document.querySelector(".gl-canvas-context");
    if (!canvas) return false;
    const copy = new OffscreenCanvas(100, 100).getContext("2d");
    copy.drawImage(canvas, 0, 0, 100, 100);
    const { data } = copy.getImageData(0, 0, 100, 100);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length > 200;
}"""
"""The points themselves are on the canvas: its frame is there long before."""


def await_that(page: Page, what: str, arg: object = None) -> None:
    """Wait for a condition in JavaScript. `expect` looks ever more rarely, which would blur what is timed."""
    page.wait_for_function(what, arg=arg, polling=25)


def settle(page: Page, figures: int, words: str = "") -> None:
    """Wait until the script has ended and all figures are drawn, and these words are there."""
    await_that(page, SETTLED, [figures, words])
    assert page.locator('[data-testid="stException"]').count() == 0


def visit(page: Page, address: str, figures: int = 1, **query: str) -> float:
    """Open the page by a link; returns the seconds until it is all there."""
    start = time.perf_counter()
    page.goto(f"{address}/ranking?{urlencode(query)}")
    settle(page, figures)
    return time.perf_counter() - start


def turn_to(page: Page, view: str) -> None:
    """Click on a view and wait until it is all there."""
    page.get_by_role("tab", name=view).click()
    settle(page, *VIEWS[view])


def note(artifacts: Path, what: str, seconds: float) -> None:
    """Keep a timing."""
    path = artifacts / "timings.json"
    timings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(timings | {what: round(seconds, 2)}, indent=2))
    assert seconds < ENOUGH


def picture(page: Page, path: Path) -> None:
    """The whole page, which scrolls inside itself, at 1280 pixels."""
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": min(max(800, height + 20), 2600)})
    still(page)
    page.screenshot(path=path)
    page.set_viewport_size({"width": 1280, "height": 800})


def middle(page: Page, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """A place in the first figure, as shares of its width and height."""
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    return area["x"] + area["width"] * x, area["y"] + area["height"] * y


def test_45000_networks_open_and_react(page: Page, address: str, artifacts: Path) -> None:
    start = time.perf_counter()
    visit(page, address, 2, run="spos")
    note(artifacts, "Rank correlation, 45,000 networks, first visit", time.perf_counter() - start)
    start = time.perf_counter()
    turn_to(page, "Who is misjudged")
    await_that(page, DRAWN)
    note(artifacts, "Rank correlation, 45,000 networks, who is misjudged", time.perf_counter() - start)
    assert_cloud(page)
    start = time.perf_counter()
    page.mouse.click(*middle(page))
    await_that(page, """() => document.body.textContent.includes("One other choice")""")
    note(artifacts, "Rank correlation, 45,000 networks, point by click", time.perf_counter() - start)
    visit(page, address, 3, run="spos", cut="true")
    slider = page.get_by_role("slider")
    page.get_by_test_id("stMetric").first.wait_for()
    metric = """() => document.querySelector('[data-testid="stMetric"]').textContent"""
    before = page.evaluate(metric)
    start = time.perf_counter()
    slider.press("ArrowLeft")
    await_that(page, f"(before) => ({metric})() !== before", before)
    note(artifacts, "Rank correlation, 45,000 networks, slider", time.perf_counter() - start)
    expect(page).to_have_url(re.compile(r"share=49"))


def assert_cloud(page: Page) -> None:
    """The canvas shows points: WebGL fails without a word."""
    figure = page.locator(".js-plotly-plot").first
    expect(figure.locator(".gl-canvas-context")).to_be_visible()
    for _ in range(40):
        pixels = np.asarray(Image.open(io.BytesIO(figure.screenshot())).convert("HSV")).reshape(-1, 3)
        if np.count_nonzero(pixels[:, 1] > 30) > 10_000:
            return
        page.wait_for_timeout(250)
    pytest.fail("the networks are not drawn")


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_every_view_and_every_folded_part(page: Page, address: str, artifacts: Path) -> None:
    visit(page, address, 2, run="cells")
    for view, (figures, words) in VIEWS.items():
        page.get_by_role("tab", name=view).click()
        settle(page, figures, words)
        for more, begins, words in FOLDED.get(view, ()):
            page.get_by_text(re.compile(f"^{begins}")).first.click()
            figures += more
            settle(page, figures, words)
        assert page.get_by_test_id("stAlertContentError").count() == 0
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280
        picture(page, artifacts / f"ranking-{view.lower().replace(' ', '-')}-dark.png")


def test_a_clicked_point_is_inspected_and_the_link_brings_it_back(
    page: Page, address: str, runs: Path, artifacts: Path
) -> None:
    visit(
        page, address, 4, run="cells", view="Who is misjudged", network="arch1", show="Values"
    )  # with the cell, the blocks, the neighbours
    code = read_table(RunFolder(runs / "cells").submission).codes["arch1"]
    expect(page.locator("pre").get_by_text(code)).to_be_visible()
    expect(page.get_by_text("Of the 24 networks that differ from it in one choice, 24 have a score")).to_be_visible()
    picture(page, artifacts / "ranking-network.png")

    visit(page, address, run="cells", view="Who is misjudged", show="Values")
    for across in np.linspace(0.3, 0.8, 40):  # until a point is hit
        page.mouse.move(*middle(page, across, 1 - across))
        if page.locator(".hoverlayer .hovertext").count():
            break
    hover = page.locator(".hoverlayer .hovertext").first
    expect(hover).to_contain_text("predicted")
    found = re.match(r"(arch\d+)\|", hover.text_content() or "")
    assert found is not None
    page.mouse.click(*middle(page, across, 1 - across))
    expect(page).to_have_url(re.compile(rf"network={found[1]}\b"))
    expect(page.get_by_role("heading", name=found[1], exact=True)).to_be_visible()
    page.goto(page.url)  # what a colleague would do with the link
    expect(page.get_by_role("heading", name=found[1], exact=True)).to_be_visible()
    expect(page.get_by_role("radio", name="Values")).to_be_checked()


def test_a_figure_is_taken_away_in_every_form(page: Page, address: str) -> None:
    visit(page, address, 3, run="cells", cut="true")
    begins = {"PNG": b"\x89PNG", "SVG": b"<svg", "HTML": b"<!doctype html>", "CSV": b"share,networks,estimator"}
    for form, beginning in begins.items():
        with page.expect_download() as download:
            page.locator(".st-key-cuts-figure").get_by_role("button", name=form, exact=True).click()
        content = download.value.path().read_bytes()
        assert content.startswith(beginning), form
        assert download.value.suggested_filename == f"cells-cuts.{form.lower()}"


def test_two_files_are_compared_without_a_run(page: Page, address: str, runs: Path) -> None:
    page.goto(f"{address}/ranking?source=Files")
    chooser = page.locator('input[type="file"]')
    expect(chooser).to_have_count(2)
    chooser.first.set_input_files(runs / "cells" / "submission.json")
    expect(page.get_by_text("Now the truth")).to_be_visible()
    chooser.nth(1).set_input_files(runs / "cells" / "standalone.json")
    expect(page.get_by_text("Kendall tau 0.").first).to_be_visible()
    settle(page, 2)
    chooser.nth(1).set_input_files({"name": "cut.json", "mimeType": "application/json", "buffer": b'{"arch1": '})
    expect(page.get_by_text("cut.json: is not a table in JSON")).to_be_visible()


def test_columns_of_a_table_are_kept_in_the_link(page: Page, address: str) -> None:
    rows = "\n".join(f"n{i},{i * 7 % 40},{i},{i % 3}" for i in range(40))
    table = {"name": "t.csv", "mimeType": "text/csv", "buffer": f"code,mine,alone,other\n{rows}\n".encode()}
    page.goto(f"{address}/ranking?source=Files&scores=mine&truths=alone")
    chooser = page.locator('input[type="file"]')
    expect(chooser).to_have_count(2)  # or the first may be that of the truth
    chooser.first.set_input_files(table)
    expect(page.get_by_text("on 40 networks")).to_be_visible()
    settle(page, 1)
    expect(page).to_have_url(re.compile("scores=mine.*truths=alone"))
