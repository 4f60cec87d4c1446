"""The Predictor page in a real browser. Screenshots are left in tests/artifacts, to be looked at."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looking import still

pytestmark = pytest.mark.e2e


def settle(page: Page) -> None:
    """Wait until the script has ended and the four figures are drawn."""
    expect(page.get_by_role("heading", name="Predictor", level=1)).to_be_visible()
    expect(page.locator(".js-plotly-plot:has(.main-svg)")).to_have_count(4)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


def test_a_link_opens_labels_and_decision(page: Page, address: str, artifacts: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 2900})
    page.goto(f"{address}/predictor?run=labels&labels=Trained+alone&decision=width2&compare=plain")
    settle(page)
    expect(page.get_by_text("40", exact=True).first).to_be_visible()
    expect(page.get_by_role("combobox", name="Decision")).to_have_value("width2")
    expect(page.locator(".st-key-curve-figure .legendtext")).to_have_text(["labels", "plain"])
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280
    still(page)
    page.screenshot(path=artifacts / "predictor-two-runs.png")


def test_the_queue_is_taken_away(page: Page, address: str) -> None:
    page.goto(f"{address}/predictor?run=labels")
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="next.json").click()
    assert len(json.loads(Path(download.value.path()).read_text())) == 50
