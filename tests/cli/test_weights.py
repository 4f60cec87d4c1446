"""`supernet convert` and `supernet export` as a user runs them."""

import json
from pathlib import Path

import numpy as np
import pytest

from converters.weights import to_official
from tests import weight_files
from tests.command import supernet
from tests.weight_files import pdparams, prefixed, with_fn
from toolkit.backends.shapes import shapes
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space

MINI = get_space("resnet48-mini")
PADDLE = to_official(weight_files.fill(shapes(MINI.widest)))
CODE = MINI.format(MINI.smallest)


def test_convert_accounts_for_every_tensor(tmp_path: Path) -> None:
    source, target = tmp_path / "kit.pdparams", tmp_path / "ours.safetensors"
    source.write_bytes(pdparams(with_fn(PADDLE) | {"queue": np.ones(3, np.float32), "queue_ptr": np.zeros(1)}))
    done = supernet("convert", source, target, "--candidates", 1)
    assert (done.status, done.err) == (0, "")
    first, reshaped, unmatched, proof = done.out.splitlines()
    assert first.endswith("252 tensors matched, 1 of them reshaped, 2 unmatched")
    assert reshaped == "  blocks.24.fc.fn.weight → blocks.24.fc.weight ((64, 10) transposed to (10, 64))"
    assert unmatched == "  unmatched, not part of a network: queue, queue_ptr"
    assert proof.startswith(f"{target}: the weights read and the weights written compute the same: logits of 1 network")
    assert "Not shown, for no tensor tells: " in proof
    assert target.is_file()
    back = supernet("convert", target, tmp_path / "back.pdparams", "--candidates", 0, "--keys")
    assert back.out.count(" → ") == 252
    assert back.out.endswith("written; nothing was compared, as asked\n")


def test_convert_as_json(tmp_path: Path) -> None:
    (tmp_path / "kit.pdparams").write_bytes(pdparams(PADDLE))
    done = supernet("convert", tmp_path / "kit.pdparams", tmp_path / "w.pth", "--json", "--candidates", 1)
    report = json.loads(done.out)
    assert (report["space"], report["network"], len(report["matches"])) == ("resnet48-mini", "plain", 252)
    assert report["proof"]["difference"] < 1e-5


def test_convert_refuses_to_guess(tmp_path: Path) -> None:
    both = prefixed("model.", with_fn(PADDLE)) | prefixed("ofa_teacher_model.model.", PADDLE)
    (tmp_path / "kit.pdparams").write_bytes(pdparams(both))
    done = supernet("convert", tmp_path / "kit.pdparams", tmp_path / "w.pth")
    assert (done.status, done.out) == (1, "")
    assert "holds several networks: student, teacher; choose one with --network" in done.err
    assert not (tmp_path / "w.pth").exists()
    done = supernet("convert", tmp_path / "kit.pdparams", tmp_path / "w.pth", "--network=teacher", "--candidates=0")
    assert done.status == 0
    assert "unmatched, of another network in the file, student: " in done.out
    assert "and 249 more, which --keys lists" in done.out


def test_a_run_goes_to_paddle_and_back_without_a_word_about_its_space(trained: RunFolder, tmp_path: Path) -> None:
    done = supernet("convert", trained.latest_checkpoint(), tmp_path / "run.pdparams", "--candidates", 1)
    assert done.status == 0
    assert "unmatched, of another network in the file, optimizer.momentum" in done.out
    assert supernet("convert", tmp_path / "run.pdparams", tmp_path / "w.safetensors", "--candidates", 0).status == 0


def test_export_one_several_and_the_best(run: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    done = supernet("export", run.path, CODE, "--out", tmp_path / "net.onnx", "--latency", "--threads", 1)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'net.onnx'}: 0.")
    assert "of the largest (allowed: 1e-04)" in lines[1]
    assert "ms an image" in lines[2]
    assert lines[2].endswith("on 1 thread")
    candidates = draw_candidates(MINI, 3, 0)
    write_candidates(run.candidates, candidates)
    assert supernet("evaluate", run.path, "--norm", "stored", "--candidates", run.candidates).status == 0
    done = supernet("export", run.path, "--top", 2, "--out", tmp_path / "best", "--norm", "calibrate:32", "--json")
    files = json.loads(done.out)["files"]
    assert [Path(one["path"]).parent for one in files] == [tmp_path / "best"] * 2
    assert all(Path(one["path"]).stat().st_size == one["size"] for one in files)
    done = supernet("export", run.path, *candidates.values(), "--out", tmp_path / "all")
    assert len(list((tmp_path / "all").iterdir())) == 3


def test_export_says_what_is_wrong(trained: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    out = tmp_path / "net.onnx"
    assert supernet("export", trained.path, "--out", out).status == 2
    assert supernet("export", trained.path, CODE, "--top", 1, "--out", out).status == 2
    done = supernet("export", trained.path, "123", "--out", out)
    assert done.status == 1
    assert "is not in space resnet48-mini" in done.err
    done = supernet("export", trained.path, CODE, "--norm", "batch", "--out", out)
    assert "a file cannot hold statistics of images it has not seen" in done.err
    done = supernet("export", tmp_path / "nowhere", CODE, "--out", out)
    assert "not a run folder" in done.err
    assert not out.exists()
