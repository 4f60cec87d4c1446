"""What a user does with the dashboard. Screenshots and timings are left in tests/artifacts, for somebody to look at."""

import io
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app import example_run
from tests.e2e.conftest import SIZE
from tests.e2e.looking import still
from tests.e2e.server import serve
from toolkit.candidates import read_table
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics

try:
    from axe_playwright_python import sync_playwright as axe
except ImportError:  # pragma: no cover - then contrast and names are not looked at
    axe = None

pytestmark = pytest.mark.e2e

HEADINGS = {
    "": "Runs",
    "verdict": "Verdict",
    "training": "Training",
    "candidates": "Candidates",
    "decisions": "What decides it",
    "ranking": "Rank correlation",
    "predictor": "Predictor",
    "search": "Search",
    "interference": "Interference",
    "sweeps": "Sweeps",
    "submission": "Submission",
    "weights": "Weights",
}
FIGURES = {
    "": 0,
    "verdict": 1,
    "training": 1,
    "candidates": 2,
    "decisions": 2,
    "ranking": 2,
    "predictor": 4,
    "search": 9,
    "interference": 3,
    "sweeps": 3,
    "submission": 0,
    "weights": 0,
}
SHOWN = {"predictor": {"run": "labels"}, "search": {"run": "policy"}, "sweeps": {"sweep": "ablation"}}
"""What a page is looked at with, if not the run of 45,000 candidates."""

LOOKS: dict[Literal["light", "dark"], tuple[int, ...]] = {"light": (1280, 390), "dark": (1280, 1920, 390)}
"""Widths of the window in which every page is looked at; with the first, contrasts."""

HEIGHTS = {390: 844}

STREAMLIT = {"scrollable-region-focusable"}
"""What axe-core finds in its own parts: rows of widgets and blocks of code scroll out of the keyboard's reach."""

ENOUGH = 120.0
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


PALE = r"""() => {
    const rgb = (words) => words.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
        .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
        .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = light(rgb(getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor));
    const inside = "[class*='heatmap-label'], .bartext-inside, .hoverlayer, .textpoint [style*='rgb(255, 255, 255)']";
    return [...document.querySelectorAll(".js-plotly-plot text")].filter((text) => {
        if (!text.textContent.trim() || text.closest(inside) || text.matches(inside)) return false;
        const own = light(rgb(getComputedStyle(text).fill));
        return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05) < 4.5;
    }).map((text) => text.textContent);
}"""
"""Letters of figures on the page's ground whose contrast is below 4.5:1, which axe-core does not see in SVG."""


GROUND = """(dark) => {
    const ground = getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor;
    return (Number(ground.match(/\\d+/)[0]) < 128) === dark;
}"""
"""The page has the colour scheme that the reader's system asks for."""


@pytest.mark.parametrize("path", HEADINGS)
def test_every_page_opens_by_its_link_and_can_be_read(page: Page, path: str, address: str, artifacts: Path) -> None:
    """On a desk and on a phone, in light and, when evening comes, in dark: nothing is wider than the window, axe-core
    finds nothing serious.
    """
    sent = [0]
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda data: sent.__setitem__(0, sent[0] + len(data)))
    )
    seconds = visit(page, address, path, **SHOWN.get(path, {"run": "spos"}))
    note(artifacts, f"{HEADINGS[path]} by link", seconds)
    assert seconds < ENOUGH
    assert 0 < sent[0] < 500_000, "bytes, after the libraries"
    assert page.get_by_test_id("stAlertContentError").count() == (path == "")  # the damaged run, in the overview
    assert levels(page) == list(range(1, len(levels(page)) + 1)), "no heading without one of the level above"
    if path == "candidates":
        still(page)
        assert_cloud(page)
    for scheme, widths in LOOKS.items():
        page.set_viewport_size({"width": widths[0], "height": SIZE["height"]})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(GROUND, arg=scheme == "dark")
        settle(page, path)  # a page may draw its figures anew
        still(page)  # what fades in has less contrast
        assert page.evaluate(PALE) == []
        if axe is not None:
            found = axe.Axe().run(page).response["violations"]
            serious = [each for each in found if each["impact"] in ("serious", "critical")]
            assert [(each["id"], each["nodes"][0]["html"]) for each in serious if each["id"] not in STREAMLIT] == []
        for width in widths:
            page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 900)})
            page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
            still(page)
            page.screenshot(path=artifacts / f"{HEADINGS[path].lower()}-{scheme}-{width}.png")
        answer = page.locator(".st-key-answer p").first
        if answer.count():
            box = answer.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= min(widths)


def levels(page: Page) -> list[int]:
    """The levels of headings, each once, as they come up first; 2 before 3, or the outline has a hole."""
    seen = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all("all => all.map(each => Number(each.tagName[1]))")
    return list(dict.fromkeys(seen))


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
    visit(page, address, "", find="resnet48-mini")
    rows = page.get_by_role("region", name="Runs").get_by_role("row")
    for down in (False, True):  # those without a tau come last
        page.get_by_role("button", name="Kendall τ").press("Enter")
        expect(rows.nth(0).get_by_role("columnheader", name="Kendall τ")).to_have_attribute(
            "aria-sort", "descending" if down else "ascending"
        )
        taus = [float(tau[1]) for row in rows.all_inner_texts() if (tau := re.search(r"(-?\d\.\d+) \[", row))]
        assert taus == sorted(taus, reverse=down)
        assert len(taus) > 2
    link = page.get_by_role("link", name="spos", exact=True)
    link.focus()
    page.get_by_role("checkbox", name="Compare live").evaluate("box => box.click()")  # the focus stays
    expect(page).to_have_url(re.compile("compare=live"))
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    expect(page.get_by_role("checkbox", name="Compare live")).to_be_checked()
    expect(link).to_be_focused()  # the table was drawn anew
    page.keyboard.press("Enter")
    settle(page, "verdict")
    expect(page).to_have_url(re.compile(r"/verdict\?.*run=spos"))
    for path in ("submission", "ranking", "candidates"):
        start = time.perf_counter()
        page.get_by_role("link", name=HEADINGS[path], exact=True).click()
        settle(page, path)
        note(artifacts, f"{HEADINGS[path]} by click", time.perf_counter() - start)
        expect(page).to_have_url(re.compile(rf"/{path}\?.*run=spos"))
    table = page.get_by_test_id("stDataFrame").bounding_box()
    assert table is not None
    page.mouse.move(table["x"] + 90, table["y"] + 120)  # the third row of what is one canvas
    still(page)
    page.mouse.down()
    still(page)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"candidate=arch\d+"))


COMPARED = {
    "candidates": "plain and labels agree with Kendall tau",
    "decisions": "No decision tells plain from labels beyond chance",  # they differ by chance alone
    "training": "What differs between the recipes",
}
"""What a page says of two runs."""


def test_what_is_ticked_is_compared_on_every_page(page: Page, address: str, artifacts: Path) -> None:
    page.goto(f"{address}/?run=plain&find=labels")
    page.get_by_role("checkbox", name="Compare labels").press(" ")
    expect(page).to_have_url(re.compile("compare=labels"))
    page.set_viewport_size({"width": 1280, "height": 3000})
    for path, words in COMPARED.items():
        page.get_by_role("link", name=HEADINGS[path], exact=True).click()
        expect(page.get_by_text(words).first).to_be_visible()
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        assert page.locator('[data-testid="stException"]').count() == 0
        if path == "candidates":
            expect(page.locator(".st-key-ranks-figure .main-svg").first).to_be_visible()
            mover = page.locator(".st-key-ranks-figure .trace").last.locator(".point").first
            box = mover.bounding_box()
            assert box is not None
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            hover = page.locator(".st-key-ranks-figure .hovertext").first
            expect(hover).to_contain_text("there")
            named = re.match(r"arch\d+?(?=rank)", hover.text_content() or "")
            assert named is not None
            page.mouse.click(x, y)
            expect(page).to_have_url(re.compile(rf"candidate={named[0]}\b"))
        still(page)
        page.screenshot(path=artifacts / f"{HEADINGS[path].lower()}-two-runs.png")


def test_clicking_a_point_selects_it_and_the_link_brings_it_back(
    page: Page, address: str, runs: Path, artifacts: Path
) -> None:
    visit(page, address, "candidates", run="spos", colour="width4")
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] * 0.45, area["y"] + area["height"] * 0.5  # in the thick of it
    page.mouse.move(x, y)
    hover = page.locator(".hoverlayer .hovertext").first
    expect(hover).to_contain_text("the best of")
    named = re.match(r"(arch\d+), the best of", hover.text_content() or "")
    assert named is not None
    candidate = named[1]
    code = read_table(RunFolder(runs / "spos").candidates).codes[candidate]
    start = time.perf_counter()
    page.mouse.click(x, y)
    expect(page.locator("pre").get_by_text(code)).to_be_visible()
    note(artifacts, "candidate by click", time.perf_counter() - start)
    expect(page).to_have_url(re.compile(rf"candidate={candidate}\b"))
    settle(page, "candidates")

    page.goto(page.url)  # what a colleague would do with the link
    settle(page, "candidates")
    expect(page.locator("pre").get_by_text(code)).to_be_visible()
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
    """Of the results that come with the repository: a real ranking beside a real truth."""
    with serve(root, root / "results") as address:
        visit(page, address, "decisions", run="resnet20-guided")
        still(page)
        page.screenshot(path=root / "docs" / "images" / "dashboard.png")


def test_options_are_brushed_with_the_keyboard_and_filter_the_table(page: Page, address: str, artifacts: Path) -> None:
    visit(page, address, "decisions", run="spos")
    expect(page.get_by_text("45,000 of 45,000 networks")).to_be_visible()
    option = page.get_by_role("button", name="score highest", exact=True)
    start = time.perf_counter()
    option.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="score highest", exact=True)).to_have_attribute("aria-pressed", "true")
    kept = page.get_by_text(re.compile(r"^[\d,]+ of 45,000 networks"))
    expect(kept).not_to_contain_text("45,000 of 45,000")
    note(artifacts, "brush", time.perf_counter() - start)
    assert 8000 < int(re.sub(r"\D", "", (kept.text_content() or "").split(" of ")[0])) < 10_000
    page.keyboard.press("Enter")  # it still has the focus
    expect(page.get_by_text("45,000 of 45,000 networks")).to_be_visible()


def test_the_verdict_is_downloaded_as_one_page(page: Page, address: str, tmp_path: Path) -> None:
    visit(page, address, "verdict", run="spos")
    with page.expect_download() as download:
        page.get_by_role("button", name="This page as one HTML file").click()
    path = tmp_path / "verdict.html"
    download.value.save_as(path)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="spos", level=1)).to_be_visible()
    expect(page.get_by_role("img", name="Kendall tau with 95 % intervals")).to_be_visible()
    assert all(url.startswith("file:") for url in requests)


def test_a_run_that_begins_is_shown_by_itself(page: Page, address: str, runs: Path) -> None:
    page.goto(f"{address}/training?run=later")
    expect(page.get_by_text("There is no run later")).to_be_visible()
    example_run.begin(runs / "later")
    expect(page.get_by_text("Nothing trained yet")).to_be_visible()  # nobody pressed anything
    shutil.rmtree(runs / "later")
