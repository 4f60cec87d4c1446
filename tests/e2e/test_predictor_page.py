"""The Predictor page in a real browser. Screenshots are left in tests/artifacts, to be looked at."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app import example_run
from tests.app.test_predictor_page import train_alone
from tests.e2e.server import serve

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(browser: object, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("predictor") / "runs"
    train_alone(example_run.full(folder / "run", 300), 40)
    with serve(root, folder) as address:
        yield address


def settle(page: Page) -> None:
    """Wait until the script has ended and the four figures are drawn."""
    expect(page.get_by_role("heading", name="Predictor", level=1)).to_be_visible()
    expect(page.locator(".js-plotly-plot:has(.main-svg)")).to_have_count(4)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_a_link_opens_labels_and_decision(
    page: Page, site: str, artifacts: Path, request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": 1280, "height": 2900})
    page.goto(f"{site}/predictor?run=run&labels=Trained+alone&decision=width2")
    settle(page)
    expect(page.get_by_text("40", exact=True).first).to_be_visible()
    expect(page.get_by_role("heading", name="Which decisions matter")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280
    page.wait_for_timeout(600)  # for what fades in
    page.screenshot(path=artifacts / f"predictor-{request.node.callspec.params['page']}.png")


def test_the_queue_is_taken_away(page: Page, site: str) -> None:
    page.goto(f"{site}/predictor?run=run")
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="next.json").click()
    assert len(json.loads(Path(download.value.path()).read_text())) == 50
