"""Export from a run: compared with its backend before the file is left in place, or no file."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from converters.onnx import TOLERANCE, Chosen, Options, best, build_model, chosen_by_code, export
from converters.onnx.graph import Graph
from converters.onnx.latency import open_session
from tests.tiny import recipe, run, train_new, trained
from toolkit.backends import BACKENDS, get_backend
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.data import open_dataset
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space

__all__ = ["run", "trained"]

MINI = get_space("resnet48-mini")
CODES = [MINI.format(MINI.largest), MINI.format(MINI.smallest)]


def test_candidates_are_cut_to_size_and_compute_what_the_supernet_does(trained: RunFolder, tmp_path: Path) -> None:
    largest, smallest = export(trained.path, chosen_by_code(CODES, tmp_path), Options())
    assert max(largest.difference, smallest.difference) < 1e-5 < TOLERANCE
    assert [one.code for one in (largest, smallest)] == CODES
    assert largest.path.stat().st_size == largest.size > 3 * smallest.size
    assert largest.latency is None
    said = {prop.key: prop.value for prop in onnx.load(largest.path).metadata_props}
    assert (said["space"], said["code"], said["batch_norm"]) == ("resnet48-mini", CODES[0], "stored")
    assert len(said["checkpoint"]) == 64


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("policy", ["stored", "calibrate:32"])
def test_a_run_of_any_backend(run: RunFolder, tmp_path: Path, backend: str, policy: str) -> None:
    try:
        get_backend(backend, "cpu")
    except InputError as error:
        pytest.skip(str(error))
    run.recipe.write_text(run.recipe.read_text().replace('backend = "torch"', f'backend = "{backend}"'))
    (one,) = export(run.path, [Chosen(CODES[1], tmp_path / "x.onnx")], Options(policy=NormPolicy.parse(policy)))
    assert one.difference < 1e-5


@pytest.mark.parametrize("policy", ["stored", "calibrate:64"])
def test_accuracy_is_that_of_the_evaluation(run: RunFolder, tmp_path: Path, policy: str) -> None:
    """The file, fed with the very validation images, gets the counts that the ledger holds."""
    norm = NormPolicy.parse(policy)
    candidates = draw_candidates(MINI, 3, 0)
    evaluate_candidates(Job(run.path, run.latest_checkpoint(), norm), candidates)
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(ledger.settings()[0].setting)
    data = open_dataset("digits", size=None, seed=0, calibration=1600, validation=64, bad_images="error")
    pixels = data.validation.images(np.arange(64))
    for code in candidates.values():
        options = Options(policy=norm, normalise=True)
        (one,) = export(run.path, [Chosen(code, tmp_path / f"{code}.onnx")], options)
        (logits,) = open_session(one.path.read_bytes(), 1).run(None, {"images": pixels})
        assert int((logits.argmax(1) == data.validation.labels).sum()) == counts[code].top1


def test_the_best_of_the_ledger(run: RunFolder, tmp_path: Path) -> None:
    options = Options(latency=True)
    with pytest.raises(InputError, match="there are no results yet"):
        best(run.path, 3, tmp_path, options)
    candidates = draw_candidates(MINI, 6, 0)
    write_candidates(run.candidates, candidates)
    evaluate_candidates(Job(run.path, run.latest_checkpoint(), NormPolicy.parse("stored")), candidates)
    chosen = best(run.path, 3, tmp_path / "best", options)
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(ledger.settings()[0].setting)
    others = set(counts) - {one.code for one in chosen}
    assert min(counts[one.code].top1 for one in chosen) >= max(counts[code].top1 for code in others)
    ids = {code: name for name, code in candidates.items()}
    assert [one.path.name for one in chosen] == [f"{i}-{ids[one.code]}.onnx" for i, one in enumerate(chosen, start=1)]
    exported = export(run.path, chosen, options)
    assert all(one.path.is_file() and one.latency and one.latency.threads == 1 for one in exported)
    with pytest.raises(InputError, match="holds no results of"):
        best(run.path, 3, tmp_path, replace(options, averaged=True))


def test_the_moving_average_is_another_network(tmp_path: Path) -> None:
    averaged = train_new(tmp_path / "run", recipe(training={"ema": 0.5, "epochs": 1, "lr": 0.5}))
    files = []
    for ema in (False, True):
        (one,) = export(averaged.path, [Chosen(CODES[1], tmp_path / f"{ema}.onnx")], Options(averaged=ema))
        files.append(one.path.read_bytes())
    assert files[0] != files[1]


def test_a_model_that_computes_something_else_leaves_no_file(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Graph._affine
    monkeypatch.setattr(Graph, "_affine", lambda graph, norm, _: right(graph, norm, 0.5))
    with pytest.raises(InputError, match="not written, for its logits differ from those of backend torch"):
        export(trained.path, chosen_by_code(CODES[1:], tmp_path / "wrong.onnx"), Options())
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_the_checker_refuses_leaves_no_file(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dangling(*arguments: Any, **options: Any) -> onnx.ModelProto:
        model = build_model(*arguments, **options)
        model.graph.node[0].input[0] = "nowhere"
        return model

    monkeypatch.setattr("converters.onnx.exporting.build_model", dangling)
    with pytest.raises(InputError, match=r"onnx\.checker refuses it"):
        export(trained.path, chosen_by_code(CODES[1:], tmp_path / "wrong.onnx"), Options())
    assert list(tmp_path.iterdir()) == []


def test_what_the_user_may_get_wrong(trained: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a file cannot hold statistics of images it has not seen"):
        export(trained.path, [], Options(policy=NormPolicy.parse("batch")))
    with pytest.raises(InputError, match="the data keeps only 1600 images for calibration"):
        export(trained.path, [], Options(policy=NormPolicy.parse("calibrate:5000")))
    with pytest.raises(InputError, match="several candidates go to a folder"):
        chosen_by_code(CODES, tmp_path / "x.onnx")
    with pytest.raises(InputError, match="not a run folder"):
        export(tmp_path, [], Options())
    with pytest.raises(InputError, match="holds no moving average"):
        export(trained.path, [], Options(averaged=True))
    (tmp_path / "there.onnx").write_bytes(b"precious")
    wrong = [
        Chosen(CODES[0], tmp_path / "there.onnx"),
        Chosen("123", tmp_path / "1.onnx"),
        Chosen("456", tmp_path / "2"),
    ]
    with pytest.raises(InputError) as caught:
        export(trained.path, wrong, Options())
    there, *codes = caught.value.problems
    assert there.endswith("there.onnx: is there already; choose another place, or replace it: --overwrite")
    assert len(codes) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_bytes() == b"precious"


def test_codes_become_file_names(tmp_path: Path) -> None:
    code = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    (one,) = chosen_by_code([code], tmp_path)
    assert one.path.parent == tmp_path
    assert one.path.name == "nor_conv_3x3~0-none~0-nor_conv_1x1~1-skip_connect~0-none~1-avg_pool_3x3~2.onnx"
    (one,) = chosen_by_code(["../../etc/passwd"], tmp_path)
    assert one.path.parent == tmp_path


def test_without_the_packages_it_says_what_to_install() -> None:
    script = """
import sys
sys.modules["onnxruntime"] = None
from toolkit.cli.main import main
sys.argv = ["supernet", "export", "run", "1", "--out", "x.onnx"]
main()
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "pip install onnx onnxruntime" in result.stderr
    assert "Traceback" not in result.stderr
