"""The weights page in a real browser. Screenshots are left in tests/artifacts, for somebody to look at."""

import os
import pickle
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from converters.weights import Ask, read_weights, recognise, to_official
from tests import weight_files
from tests.e2e.looking import still
from tests.weight_files import prefixed, with_fn
from toolkit.backends.shapes import shapes
from toolkit.spaces import get_space

pytestmark = pytest.mark.e2e

WEIGHTS = weight_files.fill(shapes(get_space("resnet48-mini").widest))


def settle(page: Page) -> None:
    expect(page.get_by_role("heading", name="Weights", level=1)).to_be_visible()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


def upload(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator('input[type="file"]').set_input_files(file)


def test_a_kits_checkpoint_becomes_one_of_ours(page: Page, address: str, root: Path, tmp_path: Path) -> None:
    page.goto(f"{address}/weights?to=PyTorch+(.pth)")
    settle(page)
    official = to_official(WEIGHTS)
    both = prefixed("model._layers.", with_fn(official)) | prefixed("ofa_teacher_model.model.", official)
    upload(page, "final.pdparams", weight_files.pdparams(both))
    problems = page.get_by_test_id("stAlertContentError")
    expect(problems).to_contain_text("final.pdparams: holds several networks: student, teacher; choose one")
    page.get_by_role("textbox", name="Network").fill("student")
    page.get_by_role("textbox", name="Network").press("Enter")
    # Both frameworks are loaded first, in a process of their own.
    expect(page.get_by_test_id("stAlertContentSuccess")).to_contain_text("252 tensors matched", timeout=180_000)
    expect(page.get_by_text("largest difference").first).to_be_visible()
    settle(page)
    artifacts = root / "tests" / "artifacts"
    artifacts.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        still(page)
        page.screenshot(path=artifacts / f"weights-{scheme}.png")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download final.pth").click()
    (tmp_path / "final.pth").write_bytes(download.value.path().read_bytes())
    found = recognise(read_weights(tmp_path / "final.pth"), Ask())
    assert all(found.weights[name].tobytes() == array.tobytes() for name, array in WEIGHTS.items())


class _Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.system, (f"touch {self.mark}",)


def test_a_malicious_upload_does_nothing_and_a_big_one_is_read(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/weights")
    settle(page)
    mark = tmp_path / "executed"
    upload(page, "resnet48.pdparams", pickle.dumps({"blocks.0.conv.weight": _Evil(mark)}))
    problems = page.get_by_test_id("stAlertContentError")
    expect(problems).to_contain_text("refers to posix.system, which no file of weights needs; nothing was executed")
    assert not mark.exists()
    big = tmp_path / "big.pth"
    big.write_bytes(bytes(40_000_000))  # as large as weights are, and larger than what other pages take
    page.locator('input[type="file"]').set_input_files(big)
    expect(problems).to_contain_text("big.pth: cannot be read as weights")
