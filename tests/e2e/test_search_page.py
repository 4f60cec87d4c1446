"""The Search page in a real browser. Screenshots are left in tests/artifacts, to be looked at."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looking import still

pytestmark = pytest.mark.e2e

FIGURES = ("decided", "rewards", "strips", "advantages", "cloud", "rounds", "blocks")


def test_a_policy_and_a_search(page: Page, address: str, artifacts: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 4200})
    page.goto(f"{address}/search?run=policy")
    expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()
    for figure in FIGURES:
        expect(page.locator(f".st-key-{figure}-figure .js-plotly-plot").first).to_be_visible()
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280
    still(page)
    page.screenshot(path=artifacts / "search.png")
