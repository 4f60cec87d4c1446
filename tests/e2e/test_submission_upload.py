"""Part files of other teams, put together in the browser. Screenshots are left in tests/artifacts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from converters.tables import SHAPES, Results, Row, dump, in_unit, read_results
from tests.e2e.looking import still
from toolkit.runs.folder import RunFolder

pytestmark = pytest.mark.e2e

CUT = 20_000


@pytest.fixture(scope="module")
def whole(runs: Path) -> Results:
    return read_results(RunFolder(runs / "spos").submission)


def part(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def settled(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


def photograph(page: Page, path: Path) -> None:
    """The page in both colour schemes."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        still(page)
        page.screenshot(path=path.with_name(f"{path.name}-{scheme}.png"))


def test_mixed_parts_become_the_submission(page: Page, address: str, runs: Path, root: Path, whole: Results) -> None:
    """Lines in percent and a dictionary by code with stale rows: all problems, then the repaired file."""
    rows = tuple(row._replace(top5=0.9) for row in whole.rows)
    lines = dump(in_unit(replace(whole, rows=rows[:CUT]), "percent"), SHAPES["lines"])
    stale = tuple(Row(row.id, row.code, row.top1 / 2) for row in whole.rows[:644])
    inverted = dump(replace(whole, rows=stale + whole.rows[CUT:]), SHAPES["inverted"])
    page.goto(f"{address}/submission?run=spos")
    chooser = page.locator('input[type="file"]')
    chooser.set_input_files([part("channel_sample.txt", lines), part("gpu_1.json", inverted)])
    problems = page.get_by_test_id("stAlertContentError")
    expect(problems).to_contain_text("channel_sample.txt: percentages, but gpu_1.json: fractions")
    settled(page)
    folder = root / "tests" / "artifacts"
    folder.mkdir(exist_ok=True)
    page.set_viewport_size({"width": 1280, "height": 1500})
    expect(page.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible()
    photograph(page, folder / "submission-upload")

    page.get_by_test_id("stButtonGroup").get_by_text("fractions").click()
    expect(problems).to_contain_text("arch1..arch644 (644 entries) look stale")
    page.get_by_role("combobox", name="Suspects and contradictions").click()
    page.get_by_role("option", name="suspects are set aside").click()
    expect(page.get_by_text("A valid submission: 45,000 of 45,000")).to_have_count(
        3
    )  # and this run's, and the built one
    page.get_by_text("Repair counts").click()
    expect(page.get_by_text("counts repaired, as asked for")).to_be_visible()
    settled(page)
    photograph(page, folder / "submission-merged")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download repaired.json").click()
    assert download.value.path().read_bytes() == (runs / "spos" / "submission.json").read_bytes()


def test_files_of_strangers_are_explained_and_run_nothing(page: Page, address: str, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    page.goto(f"{address}/submission?run=spos")
    chooser = page.locator('input[type="file"]')
    markup = '<img src=x onerror="document.title=1">'
    chooser.set_input_files(
        [
            part("pickle.json", f"cos\nsystem\n(S'touch {owned}'\ntR.".encode()),
            part("deep.json", b'{"a":' * 100_000),
            part("latin.txt", "arch1 caf\xe9 1 2".encode("latin-1")),
            part(f"{markup}.json", json.dumps({markup: {"acc": 0.5, "arch": "![x](http://localhost/x)"}}).encode()),
            part("empty.json", b""),
        ]
    )
    problems = page.get_by_test_id("stAlertContentError")
    for says in (
        "pickle.json: is in none of the shapes",
        "deep.json: is JSON with far too many brackets",
        "latin.txt: is not a text file in UTF-8",
        "1 ids are not in the candidates file",
        "empty.json: is empty",
    ):
        expect(problems).to_contain_text(says)
    settled(page)
    assert page.locator('[data-testid="stAlertContentError"] img').count() == 0
    assert page.title() != "1"
    assert not owned.exists()
    assert page.get_by_role("button", name="Download repaired.json").count() == 0
