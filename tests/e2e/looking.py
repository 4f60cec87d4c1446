"""What tests wait for before they look at a page."""

from playwright.sync_api import Page


def still(page: Page) -> None:
    """Wait until nothing fades or moves, and the last layout is drawn."""
    page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
