"""axe-core on every page: no serious violation that is ours."""

import pytest
from playwright.sync_api import Page

from tests.e2e.test_dashboard import BOTH, HEADINGS, visit

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")

pytestmark = pytest.mark.e2e

STREAMLIT = {"scrollable-region-focusable"}
"""Its rows of widgets and blocks of code scroll, and the keyboard does not reach them; no option of it does."""


@BOTH
@pytest.mark.parametrize("path", HEADINGS)
def test_no_serious_violation(page: Page, address: str, path: str) -> None:
    visit(page, address, path, run="spos")
    page.wait_for_timeout(500)  # what fades in has less contrast
    found = axe.Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical") and each["id"] not in STREAMLIT]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []
