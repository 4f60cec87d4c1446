"""Conversions that prove themselves: round trips bit for bit, logits before and after, nothing wrong left behind."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from converters.weights import Ask, convert, files, proof, read_weights, recognise
from converters.weights.files import About, write_weights
from tests import weight_files
from tests.networks import KINDS
from tests.weight_files import pdparams, prefixed, with_fn
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.shapes import shapes
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES, get_space

MINI = get_space("resnet48-mini")
SMALL = [name for name in KINDS if name != "bn-nas"]
"""Spaces whose supernets are quickly built."""
EVERY_SPACE = pytest.mark.parametrize(("name", "alone"), list(zip(SMALL, cycle((False, True)))))
"""Every other one with the weights of a candidate alone: its tensors go by the same names."""


def installed() -> list[str]:
    return [name for name in BACKENDS if loads(name)]


def loads(name: str) -> bool:
    try:
        get_backend(name, "cpu")
    except InputError:
        return False
    return True


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(one[name].tobytes() == other[name].tobytes() for name in one)


@EVERY_SPACE
def test_torch_to_paddle_to_torch_is_the_same_bit_for_bit(name: str, alone: bool, tmp_path: Path) -> None:
    space = SPACES[name]
    arch = space.sample(np.random.default_rng(0))
    code = space.format(arch) if alone else None
    weights = weight_files.fill(shapes(space.plans(arch) if alone else space.widest))
    write_weights(tmp_path / "1.pth", weights, space, About())
    ask = Ask(space=name, code=code)
    for one, other in (("1.pth", "2.pdparams"), ("2.pdparams", "3.safetensors"), ("3.safetensors", "4.pth")):
        report = convert(tmp_path / one, tmp_path / other, ask, candidates=0)
        assert len(report.matches) == len(weights)
        assert report.proof is None
    assert (tmp_path / "4.pth").read_bytes() == (tmp_path / "1.pth").read_bytes()
    assert same(recognise(read_weights(tmp_path / "2.pdparams"), ask).weights, weights)


@EVERY_SPACE
def test_the_proof_compares_all_installed_frameworks(name: str, alone: bool, tmp_path: Path) -> None:
    space = SPACES[name]
    arch = space.sample(np.random.default_rng(0))
    plans = space.plans(arch) if alone else space.widest
    write_weights(tmp_path / "1.pth", weight_files.fill(shapes(plans)), space, About())
    ask = Ask(space=name, code=space.format(arch) if alone else None)
    report = convert(tmp_path / "1.pth", tmp_path / "2.pdparams", ask, candidates=2)
    assert report.proof is not None
    frameworks = installed()
    assert (report.proof.before, report.proof.after) == (frameworks[0], frameworks[-1])
    assert report.proof.candidates == (1 if alone else 2)
    assert 0 <= report.proof.difference < 1e-5
    assert f"largest difference {report.proof.difference:.1e}" in str(report.proof)


def test_one_framework_alone_is_said_to_be_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_torch(name: str, device: str) -> object:
        if name != "torch":
            raise InputError(f"{name} is not installed")
        return get_backend(name, device)

    monkeypatch.setattr(proof, "get_backend", only_torch)
    monkeypatch.setattr(proof, "BACKENDS", ("torch", "paddle"))
    write_weights(tmp_path / "1.pth", weight_files.fill(shapes(MINI.widest)), MINI, About())
    report = convert(tmp_path / "1.pth", tmp_path / "2.pdparams", Ask(), candidates=1)
    assert "in torch before and after" in str(report.proof)
    assert "paddle is not installed, so frameworks were not compared" in str(report.proof)


def test_a_conversion_that_computes_something_else_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that forgets to transpose a square linear weight: no shape betrays it."""
    space = MINI.for_images(1, 8, 64)
    write_weights(tmp_path / "1.pth", weight_files.fill(shapes(space.widest)), space, About())
    forgetful = files.to_official

    def forget(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return forgetful(weights) | {"blocks.24.fc.weight": weights["blocks.24.fc.weight"]}

    monkeypatch.setattr(files, "to_official", forget)
    with pytest.raises(InputError, match="do not compute what the original ones do"):
        convert(tmp_path / "1.pth", tmp_path / "2.pdparams", Ask(space=MINI.name), candidates=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.pth"]


def test_the_official_checkpoint_and_the_kits_own(tmp_path: Path) -> None:
    """`resnet48.pdparams`, and what the kit saves of a training: student and teacher, 504 entries. At full size."""
    official = weight_files.fill(weight_files.official_2022())
    teacher = {name: np.zeros(shape, np.float32) for name, shape in weight_files.official_2022().items()}
    (tmp_path / "resnet48.pdparams").write_bytes(pdparams(official))
    (tmp_path / "final.pdparams").write_bytes(
        pdparams(prefixed("model._layers.", with_fn(official)) | prefixed("ofa_teacher_model.model.", teacher))
    )
    report = convert(
        tmp_path / "resnet48.pdparams", tmp_path / "resnet48.safetensors", Ask(space="resnet48"), candidates=0
    )
    assert (len(report.matches), len(report.unmatched), len(report.reshaped)) == (252, 0, 1)
    ours = load_checkpoint(tmp_path / "resnet48.safetensors").model
    assert sum(array.size for array in ours.values()) == 34_067_880
    assert ours["blocks.24.fc.weight"].tobytes() == official["blocks.24.fc.weight"].T.tobytes()
    student = recognise(read_weights(tmp_path / "final.pdparams"), Ask(space="resnet48", network="student"))
    assert (len(student.matches), len(student.unmatched)) == (252, 252)
    assert all(student.weights[name].tobytes() == array.tobytes() for name, array in ours.items())


def test_a_converted_checkpoint_begins_a_training(tmp_path: Path) -> None:
    from tests.tiny import recipe, train_new

    weights = weight_files.fill(shapes(MINI.widest))
    write_weights(tmp_path / "kit.pdparams", weights, MINI, About())
    convert(tmp_path / "kit.pdparams", tmp_path / "kit.safetensors", Ask(), candidates=0)
    asked = recipe(
        initial={"weights": str(tmp_path / "kit.safetensors")}, training={"epochs": 1, "lr": 1e-9, "weight_decay": 0.0}
    )
    run = train_new(tmp_path / "run", asked)
    trained = load_checkpoint(RunFolder(run.path).latest_checkpoint()).model
    assert np.allclose(trained["blocks.4.conv1.weight"], weights["blocks.4.conv1.weight"], atol=1e-6)


def test_the_winners_checkpoints(tmp_path: Path) -> None:
    """Both are of the old format, tagged for a GPU; the second has PReLUs, which are lost only when asked for."""
    for step, prelu in enumerate((False, True), start=1):
        content = weight_files.legacy_pth(weight_files.fill(weight_files.winner_2021(prelu=prelu)))
        content = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
        (tmp_path / f"step{step}.pt").write_bytes(content)
    report = convert(tmp_path / "step1.pt", tmp_path / "1.safetensors", Ask(), candidates=1)
    assert (report.space, len(report.matches), len(report.reshaped)) == ("resnet20", 142, 0)
    assert report.notes == ("not tensors, left behind: optimizer, scheduler, epoch",)
    report = convert(tmp_path / "step2.pt", tmp_path / "2.pdparams", Ask(), candidates=1)
    assert (report.space, len(report.matches)) == ("resnet20", 151)
    report = convert(tmp_path / "step2.pt", tmp_path / "3.pdparams", Ask(drop=("*.p_relu.weight",)), candidates=0)
    assert len(report.matches) == 142


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    write_weights(tmp_path / "1.pth", weight_files.fill(shapes(MINI.widest)), MINI, About())
    before = (tmp_path / "1.pth").read_bytes()
    with pytest.raises(InputError, match="is there already"):
        convert(tmp_path / "1.pth", tmp_path / "1.pth", Ask())
    with pytest.raises(InputError, match=r"the suffix '.onnx' names no format"):
        convert(tmp_path / "1.pth", tmp_path / "1.onnx", Ask())
    assert (tmp_path / "1.pth").read_bytes() == before
    convert(tmp_path / "1.pth", tmp_path / "1.pth", Ask(), candidates=0, overwrite=True)
    assert (tmp_path / "1.pth").read_bytes() == before
