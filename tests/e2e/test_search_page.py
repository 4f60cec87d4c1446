"""The Search page in a real browser. Screenshots are left in tests/artifacts, to be looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import tiny
from tests.app.test_search_page import searched
from tests.e2e.server import serve

pytestmark = pytest.mark.e2e

FIGURES = ("decided", "rewards", "strips", "advantages", "cloud", "rounds", "blocks")


@pytest.fixture(scope="module")
def site(browser: object, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("search") / "runs"
    method = {"name": "wpnas", "samples": 2, "warmup": 0.0, "held_out": 0.3}
    searched(tiny.train_new(folder / "both", tiny.recipe(method=method, training={"batch_size": 16, "epochs": 1})))
    with serve(root, folder) as address:
        yield address


def test_a_policy_and_a_search(page: Page, site: str, artifacts: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 4200})
    page.goto(f"{site}/search?run=both")
    expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()
    for figure in FIGURES:
        expect(page.locator(f".st-key-{figure}-figure .js-plotly-plot").first).to_be_visible()
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280
    page.wait_for_timeout(600)  # for what fades in
    page.screenshot(path=artifacts / "search.png")
