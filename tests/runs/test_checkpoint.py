import contextlib
import errno
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from tests.networks import forward
from toolkit.backends import get_backend
from toolkit.backends.base import SGD, Weights
from toolkit.errors import InputError
from toolkit.runs import checkpoint as module
from toolkit.runs.checkpoint import Checkpoint, Facts, load_checkpoint, save_checkpoint
from toolkit.runs.setup import load_weights
from toolkit.spaces import SPACES, SearchSpace

MINI: SearchSpace = SPACES["resnet48-mini"].for_images(1, 8, 10)
FACTS = Facts("resnet48-mini", 1, 8, 10, 40, "0" * 64)


def weights(seed: int) -> Weights:
    """Any bits at all: NaN with a payload, infinity, negative zero, subnormals."""
    rng = np.random.default_rng(seed)

    def bits(*shape: int) -> Any:
        return rng.integers(0, 2**32, shape, dtype=np.uint32).view(np.float32)

    return {"blocks.0.conv.weight": bits(4, 1, 3, 3), "blocks.1.fc.bias": bits(10), "blocks.1.fc.weight": bits(10, 4)}


def assert_same_bits(first: Weights, second: Weights) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype == np.float32
        assert array.shape == second[name].shape
        assert array.tobytes() == second[name].tobytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint with everything in it."""
    path = tmp_path / "checkpoints" / "step_00000040.safetensors"
    optimizer = {f"momentum.{name}": array for name, array in weights(1).items()}
    save_checkpoint(path, FACTS, weights(0), optimizer=optimizer, ema=weights(2))
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ")
    assert "\n" not in problem
    return problem


def test_a_checkpoint_comes_back_bit_for_bit(path: Path) -> None:
    found = load_checkpoint(path)
    assert found.facts == FACTS
    assert_same_bits(found.model, weights(0))
    assert_same_bits(found.optimizer, {f"momentum.{name}": array for name, array in weights(1).items()})
    assert_same_bits(found.ema, weights(2))


def test_equal_checkpoints_are_equal_files(path: Path) -> None:
    """Results are filed under the digest of the file."""
    found = load_checkpoint(path)
    again = path.with_name("again.safetensors")
    parts: dict[str, Any] = {"optimizer": found.optimizer, "ema": found.ema}
    save_checkpoint(again, found.facts, dict(reversed(found.model.items())), **parts)
    assert again.read_bytes() == path.read_bytes()
    assert load_checkpoint(again).digest == found.digest
    save_checkpoint(again, replace(found.facts, step=41), found.model, **parts)
    assert load_checkpoint(again).digest != found.digest


def test_what_an_optimizer_really_holds_comes_back(tmp_path: Path) -> None:
    space: SearchSpace = SPACES["resnet48-mini"].for_images(1, 8, 10)
    backend = get_backend("torch", "cpu")
    config = SGD(weight_decay=5e-4, clip_norm=5.0)
    network = backend.network(space, space.widest, 0)
    optimizer = backend.optimizer(network, config)
    images = backend.place(np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32))
    network.ops.backward(
        network.ops.cross_entropy(forward(network, space.smallest, images), backend.place(np.arange(4)))
    )
    optimizer.step(0.1)
    save_checkpoint(tmp_path / "c.safetensors", FACTS, network.weights(), optimizer=optimizer.state())

    found = load_checkpoint(tmp_path / "c.safetensors")
    other = backend.network(space, space.widest, 1)
    restored = backend.optimizer(other, config)
    load_weights(other, found, "c")
    restored.load_state(found.optimizer)
    assert_same_bits(other.weights(), network.weights())
    assert_same_bits(restored.state(), optimizer.state())
    assert 0 < len(found.optimizer) < len(found.model), "momentum only where the path went"


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_checkpoint_that_was_cut_off(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.safetensors"
    save_checkpoint(path, FACTS, weights(0))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "damaged, cut off, or no checkpoint" in refused(path)


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), header=st.booleans())
def test_a_changed_byte_is_noticed(
    place: float, value: int, header: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    save_checkpoint(path, FACTS, weights(0))
    content = bytearray(path.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little") if header else len(content)
    content[int(place * end)] = value
    path.write_bytes(content)
    with contextlib.suppress(InputError):  # unless the byte was the same, or between two words of the header
        found = load_checkpoint(path)
        assert found.facts == FACTS
        assert_same_bits(found.model, weights(0))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 8, b"\xff" * 64, b'{"a": 1}', b"PK\3\4" + b"\0" * 100, b"\x80\x04\x95" + b"\0" * 100],
    ids=["empty", "zeros", "ones", "JSON", "a zip, such as torch.save's", "a pickle"],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    assert "no checkpoint of this toolkit" in refused(tmp_path / "model.pt")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"supernet_toolkit": "not JSON"}])
def test_somebody_elses_safetensors(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file(weights(0), tmp_path / "model.safetensors", metadata)
    assert "no checkpoint of this toolkit" in refused(tmp_path / "model.safetensors")


def test_absent_or_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "absent.safetensors")
    assert "cannot be read" in refused(tmp_path)


def forged(path: Path, **changes: Any) -> Path:
    """A checkpoint whose facts were changed, with the checksum that belongs to them."""
    facts = {key: value for key, value in (asdict(FACTS) | changes).items() if value != "absent"}
    tensors = {f"model.{name}": array for name, array in weights(0).items()}
    checksum = module._checksum(facts, tensors)
    path.write_bytes(save(tensors, {module.FACTS: json.dumps(facts | {module._CHECKSUM: checksum})}))
    return path


def test_a_newer_format(tmp_path: Path) -> None:
    path = forged(tmp_path / "c.safetensors", format=2, space={"renamed": "since"})
    assert "written by a newer version of this toolkit (format 2); update it" in refused(path)
    assert load_checkpoint(forged(path)).facts == FACTS


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "40"},
        {"step": -1},
        {"step": 1.5},
        {"step": True},
        {"space": 5},
        {"recipe": None},
        {"classes": [10]},
        {"format": "1"},
        {"step": "absent"},
        {"format": "absent"},
    ],
    ids=str,
)
def test_facts_of_the_wrong_kind(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert "no checkpoint of this toolkit" in refused(forged(tmp_path / "c.safetensors", **changes))


def test_a_full_disk_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {file: file.read_bytes() for file in path.parent.iterdir()}

    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for place in (path, path.with_name("step_00000041.safetensors")):
        with pytest.raises(InputError, match=f"{place}: cannot be written .No space left on device.; free some space"):
            save_checkpoint(place, replace(FACTS, step=41), weights(3))
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


@pytest.fixture
def small() -> Checkpoint:
    """Of the mini space, for 8x8 digits, without a moving average."""
    network = get_backend("torch", "cpu").network(MINI, MINI.widest, 0)
    return Checkpoint(FACTS, network.weights(), {}, {}, {}, {}, "0" * 64)


@pytest.mark.parametrize(
    ("space", "needed"),
    [
        (SPACES["resnet48-mini"].for_images(1, 8, 7), "resnet48-mini for 1x8x8 and 7 classes"),
        (SPACES["resnet48-mini"].for_images(3, 32, 10), "resnet48-mini for 3x32x32 and 10 classes"),
        (SPACES["resnet20"].for_images(1, 8, 10), "resnet20 for 1x8x8 and 10 classes"),
    ],
    ids=["classes", "images", "space"],
)
def test_weights_of_another_space_are_refused_with_both_named(
    small: Checkpoint, space: SearchSpace, needed: str
) -> None:
    network = get_backend("torch", "cpu").network(space, space.widest, 1)
    before = network.weights()
    with pytest.raises(InputError) as caught:
        load_weights(network, small, "c.safetensors")
    assert caught.value.problems == (
        "c.safetensors: a checkpoint of space resnet48-mini for 1x8x8 images and 10 classes; needed is " + needed,
    )
    assert_same_bits(network.weights(), before)


def test_weights_that_do_not_fit_are_named_with_the_file(small: Checkpoint) -> None:
    network = get_backend("torch", "cpu").network(MINI, MINI.widest, 1)
    wrong = dict(small.model)
    del wrong["blocks.0.conv.weight"]
    wrong["blocks.0.bn.bias"] = np.zeros(3, np.float32)
    with pytest.raises(InputError) as caught:
        load_weights(network, replace(small, model=wrong), "c.safetensors")
    assert [problem.split(": ")[0] for problem in caught.value.problems] == 2 * ["c.safetensors"]
    with pytest.raises(InputError, match=r"c.safetensors: holds no moving average .* training.ema"):
        load_weights(network, small, "c.safetensors", averaged=True)
