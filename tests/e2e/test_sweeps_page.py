"""The Sweeps page in a real browser. Screenshots are left in tests/artifacts, to be looked at."""

import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app import example_sweep

pytestmark = pytest.mark.e2e


def settle(page: Page) -> None:
    """Wait until the script has ended and the three figures are drawn."""
    expect(page.get_by_role("heading", name="Sweeps", level=1)).to_be_visible()
    expect(page.locator(".js-plotly-plot:has(.main-svg)")).to_have_count(3)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


def test_a_link_opens_the_same_view(page: Page, address: str) -> None:
    page.goto(f"{address}/sweeps?sweep=ablation&order=As+planned")
    settle(page)
    expect(page.get_by_role("radio", name="As planned")).to_be_checked()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280


def test_a_sweep_is_followed_taken_away_and_looked_into(page: Page, address: str, runs: Path) -> None:
    example_sweep.write(runs / "ablation", example_sweep.report(done=5))  # lately, however long other tests took
    page.goto(f"{address}/sweeps?sweep=ablation")
    settle(page)
    expect(page.get_by_text("Compared on seed 0")).to_be_visible()
    figure = page.locator(".st-key-forest-figure")
    files = {}
    for form in ("PNG", "CSV"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=form, exact=True).click()
        files[form] = download.value.path()
        assert download.value.suggested_filename == f"ablation-tau.{form.lower()}"
    assert Image.open(files["PNG"]).width > 1000
    assert set(pd.read_csv(files["CSV"])["kind"]) == {"seed", "mean", "prior"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    assert len(pd.read_csv(download.value.path())) == 6

    example_sweep.write(runs / "ablation", example_sweep.report(done=6))
    expect(page.get_by_text("Compared on seed")).to_have_count(0)  # nobody pressed anything
    expect(page.get_by_text("the mean of 2 seeds")).to_be_visible()
    page.get_by_role("link", name="Candidates", exact=True).nth(1).click()  # the first is in the sidebar
    expect(page).to_have_url(re.compile(r"/candidates\?.*run=ablation%2Fspos%2Fseed-0"))
    expect(page.get_by_role("heading", name="Candidates", level=1)).to_be_visible()
