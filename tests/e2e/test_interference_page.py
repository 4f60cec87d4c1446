"""The Interference page in a real browser. Screenshots and timings are left in tests/artifacts, to be looked at."""

import json
import os
import re
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app import example_interference
from tests.e2e.looking import still
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import parse_recipe

pytestmark = pytest.mark.e2e

PARTS = {"Block": 3, "Along the network": 2, "Paths": 4, "Ranking error": 4, "Split": 2}
"""Views, and how many figures stand on the page with each."""

TALL = {"width": 1280, "height": 2000}
"""A window in which all of the page can be seen."""


def settle(page: Page, figures: int) -> None:
    """Wait until the page's script has ended and all its figures are drawn."""
    expect(page.get_by_role("heading", name="Interference", level=1)).to_be_visible()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    expect(page.locator(".js-plotly-plot:has(.main-svg)")).to_have_count(figures)
    assert page.locator('[data-testid="stException"]').count() == 0


def visit(page: Page, address: str, figures: int, **query: str) -> float:
    """Open the page by its link; returns the seconds until it is all there."""
    start = time.perf_counter()
    words = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in query.items())
    page.goto(f"{address}/interference?{words}")
    settle(page, figures)
    return time.perf_counter() - start


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_every_part_opens_by_its_link(page: Page, address: str, artifacts: Path) -> None:
    page.set_viewport_size(TALL)
    seconds = {"first visit": visit(page, address, PARTS["Block"], run="plain")}  # the browser has to load Plotly
    for part, figures in PARTS.items():
        seconds[part] = visit(page, address, figures, run="plain", part=part)
        still(page)
        name = part.lower().replace(" ", "-")
        page.screenshot(path=artifacts / f"interference-{name}-dark.png")
        assert page.get_by_test_id("stAlertContentError").count() == 0
    path = artifacts / "timings.json"
    timings = json.loads(path.read_text()) if path.exists() else {}
    timings |= {f"Interference, {part}, dark": round(took, 2) for part, took in seconds.items()}
    path.write_text(json.dumps(timings, indent=2))


def test_a_click_on_a_block_shows_it_and_the_link_brings_it_back(page: Page, address: str) -> None:
    visit(page, address, PARTS["Block"], run="plain")
    expect(page.get_by_text("Branch against branch in block 3.7")).to_be_visible()  # the worst
    area = page.locator(".st-key-strip0-figure .nsewdrag").first.bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] * (6 + 0.6) / 26, area["y"] + area["height"] / 2  # the seventh of 25 blocks
    page.mouse.move(x, y)
    expect(page.locator(".st-key-strip0-figure .hoverlayer .hovertext").first).to_contain_text("2.1")
    page.mouse.click(x, y)
    expect(page.get_by_text("Branch against branch in block 2.1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"block=2\.1"))
    settle(page, PARTS["Block"])

    page.goto(page.url)  # what a colleague would do with the link
    settle(page, PARTS["Block"])
    expect(page.get_by_text("Branch against branch in block 2.1")).to_be_visible()


def test_two_runs_stand_one_below_the_other(page: Page, address: str, artifacts: Path) -> None:
    visit(page, address, 3 + 3, run="plain", other="calm", measure="Gradient cosine of two branches")
    expect(page.get_by_text("calm less plain")).to_be_visible()
    page.set_viewport_size(TALL)
    still(page)
    page.screenshot(path=artifacts / "interference-two-runs.png")


def test_figures_and_their_data_can_be_taken_away(page: Page, address: str) -> None:
    visit(page, address, PARTS["Block"], run="plain")
    figure = page.locator(".st-key-strip0-figure")
    files = {}
    for label in ("PNG", "SVG", "HTML", "CSV"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=label, exact=True).click()
        files[label] = download.value.path()
        assert download.value.suggested_filename.startswith("plain-gradient_cosine-strip0")
    assert Image.open(files["PNG"]).width > 1000
    assert "<svg" in files["SVG"].read_text()
    assert "plotly" in files["HTML"].read_text()
    table = pd.read_csv(files["CSV"], dtype={"name": str})
    assert table["value"].notna().all()
    assert set(table["name"]) >= {"stem", "3.7", "head"}


def test_the_page_follows_a_training(page: Page, address: str, runs: Path) -> None:
    live = RunFolder(runs / "watched")
    os.utime(live.metrics)
    visit(page, address, PARTS["Block"], run="watched")
    expect(page.get_by_text("Measured after step 60.")).to_be_visible()
    os.utime(live.metrics)
    example_interference.probe(live, seed=2, epochs=(8,))
    expect(page.get_by_text("Measured after step 80.")).to_be_visible()  # nobody pressed anything


def test_a_split_is_downloaded_as_a_recipe(page: Page, address: str, runs: Path) -> None:
    visit(page, address, PARTS["Split"], run="plain", part="Split")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download split-middle3.7.toml").click()
    recipe = parse_recipe(tomllib.loads(download.value.path().read_text()))
    assert [split.decision for split in recipe.splits] == ["middle3.7"]
    assert recipe.initial is not None
    assert Path(recipe.initial.weights) == RunFolder(runs / "plain").latest_checkpoint()
