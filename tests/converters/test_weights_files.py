"""Formats: what torch, Paddle and safetensors write is read, and what is written they open."""

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from converters.weights import SUFFIXES, read_weights
from converters.weights.files import About, write_weights
from tests import weight_files
from tests.networks import FORMS, thin
from toolkit.backends import get_backend
from toolkit.backends.shapes import shapes
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.spaces import SPACES, SearchSpace, get_space

SMALL = get_space("resnet48-mini")


@pytest.fixture(params=FORMS)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    """Of every class, narrow."""
    return thin(SPACES[request.param])


def test_names_and_shapes_follow_from_plans(space: SearchSpace) -> None:
    backend, arch = get_backend("torch", "cpu"), space.sample(np.random.default_rng(0))
    for plans, network in (
        (space.plans(arch), backend.network(space, space.plans(arch), 0)),
        (space.widest, backend.network(space, space.widest, 0)),
    ):
        assert shapes(plans) == {name: array.shape for name, array in network.weights().items()}


def test_the_official_checkpoint_has_the_names_and_shapes_that_the_specification_lists() -> None:
    official = weight_files.official_2022()
    assert len(official) == 252
    assert sum(map(math.prod, official.values())) == 34_067_880
    renamed = {name: shape[::-1] if len(shape) == 2 else shape for name, shape in official.items()}
    ours = {
        name.replace("running_mean", "_mean").replace("running_var", "_variance"): shape
        for name, shape in shapes(get_space("resnet48").widest).items()
    }
    assert renamed == ours


def test_the_winners_checkpoints_have_as_many_tensors_as_the_specification_says() -> None:
    plain, prelu = weight_files.winner_2021(prelu=False), weight_files.winner_2021(prelu=True)
    assert (len(plain), len(prelu)) == (170, 179)
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    trained = {name: shape for name, shape in plain.items() if not name.endswith(buffers)}
    assert sum(map(math.prod, trained.values())) == 289_812


def some_weights(seed: int = 0) -> dict[str, np.ndarray]:
    return weight_files.fill(shapes(SMALL.widest), seed)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_recognised_by_content(suffix: str, tmp_path: Path) -> None:
    weights = some_weights()
    write_weights(tmp_path / f"w{suffix}", weights, SMALL, About())
    (tmp_path / f"w{suffix}").rename(tmp_path / "weights.bin")
    source = read_weights(tmp_path / "weights.bin")
    assert source.framework == ("paddle" if suffix == ".pdparams" else "torch")
    assert {array.tobytes() for array in weights.values()} - {array.tobytes() for array in source.tensors.values()} == (
        {weights["blocks.24.fc.weight"].tobytes()} if suffix == ".pdparams" else set()
    )


def test_torch_opens_a_pth_without_trusting_it(tmp_path: Path) -> None:
    weights = some_weights()
    write_weights(tmp_path / "w.pth", weights, SMALL, About())
    loaded = torch.load(tmp_path / "w.pth", weights_only=True)
    counters = [name for name in loaded if name.endswith("num_batches_tracked")]
    assert len(counters) == 50
    assert all(loaded[name].dtype == torch.int64 and loaded[name].shape == () for name in counters)
    assert {name: tensor.numpy().tobytes() for name, tensor in loaded.items() if name not in counters} == {
        name: array.tobytes() for name, array in weights.items()
    }


def test_paddle_opens_a_pdparams(tmp_path: Path) -> None:
    paddle = pytest.importorskip("paddle")
    weights = some_weights()
    write_weights(tmp_path / "w.pdparams", weights, SMALL, About())
    loaded = paddle.load(str(tmp_path / "w.pdparams"))
    assert {name: array.numpy().shape for name, array in loaded.items()}["blocks.24.fc.weight"] == (64, 10)
    assert loaded["blocks.7.bn2._variance"].numpy().tobytes() == weights["blocks.7.bn2.running_var"].tobytes()
    network = paddle.nn.Linear(64, 10)
    unmatched = network.set_state_dict(
        {name.removeprefix("blocks.24.fc."): a for name, a in loaded.items() if "24.fc" in name}
    )
    assert unmatched == ([], [])


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_what_paddle_saves_is_read(protocol: int, tmp_path: Path) -> None:
    paddle = pytest.importorskip("paddle")
    network = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 1), paddle.nn.BatchNorm2D(3))
    paddle.save(network.state_dict(), str(tmp_path / "w.pdparams"), protocol=protocol)
    source = read_weights(tmp_path / "w.pdparams")
    wanted = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    assert source.tensors.keys() == wanted.keys()
    assert all(np.array_equal(source.tensors[name], array) for name, array in wanted.items())
    paddle.save({"model": network.state_dict(), "epoch": 3}, str(tmp_path / "all.pdparams"), protocol=protocol)
    source = read_weights(tmp_path / "all.pdparams")
    assert source.tensors.keys() >= {f"model.{name}" for name in wanted}
    assert source.others == ("epoch",)


def test_paddle_names_and_arrays_in_pairs(tmp_path: Path) -> None:
    """Since 2.1, Paddle pickles each tensor as (its internal name, array)."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "w.pdparams").write_bytes(pickle.dumps({"fc.weight": ("linear_0.w_0", array)}, 4))
    assert read_weights(tmp_path / "w.pdparams").tensors["fc.weight"].tolist() == array.tolist()


def test_paddle_chunks_of_a_big_parameter(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float32)
    chunked: dict[str, Any] = {f"fc.weight@@.{i}": array[10 * i : 10 * i + 10] for i in range(3)}
    chunked["UnpackBigParamInfor@@"] = {"fc.weight": {"OriginShape": (4, 6), "slices": list(chunked)}}
    (tmp_path / "w.pdparams").write_bytes(weight_files.pdparams(chunked, 2))
    source = read_weights(tmp_path / "w.pdparams")
    assert list(source.tensors) == ["fc.weight"]
    assert source.tensors["fc.weight"].tolist() == array.reshape(4, 6).tolist()


@pytest.mark.parametrize("zipped", [True, False])
def test_every_kind_of_tensor_that_torch_saves(zipped: bool, tmp_path: Path) -> None:
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {
        "view": base[1:, ::2],
        "transposed": base.T,
        "shared": base,
        "half": base.half(),
        "bfloat16": base.bfloat16(),
        "double": base.double(),
        "long": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "bytes": torch.arange(3, dtype=torch.uint8),
        "parameter": torch.nn.Parameter(base.clone()),
        "empty": torch.zeros(0, 3),
    }
    torch.save({"net": tensors, "lr": 0.1}, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    source = read_weights(tmp_path / "w.pt")
    assert source.others == ("lr",)
    for name, tensor in tensors.items():
        assert source.tensors[f"net.{name}"].tolist() == tensor.tolist()


def test_a_legacy_file_of_a_gpu_machine_is_read_without_one(tmp_path: Path) -> None:
    """The winner's storages are all tagged `cuda:0`, and torch alone cannot open them on a CPU machine."""
    content = weight_files.legacy_pth({"fc.bias": np.ones(3, np.float32)})
    on_gpu = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert on_gpu != content
    (tmp_path / "w.pt").write_bytes(on_gpu)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(io.BytesIO(on_gpu), weights_only=True)
    source = read_weights(tmp_path / "w.pt")
    assert source.tensors["state_dict.fc.bias"].tolist() == [1, 1, 1]
    assert source.tensors["top1"] == np.float32(69.98)
    assert source.others == ("optimizer", "scheduler", "epoch")


def test_a_supernet_becomes_a_checkpoint_of_ours(tmp_path: Path) -> None:
    weights = some_weights()
    write_weights(tmp_path / "w.safetensors", weights, SMALL, About(step=5, recipe="r"))
    checkpoint = load_checkpoint(tmp_path / "w.safetensors")
    assert (checkpoint.facts.space, checkpoint.facts.size, checkpoint.facts.step) == ("resnet48-mini", 8, 5)
    assert all(np.array_equal(checkpoint.model[name], array) for name, array in weights.items())


def test_a_stand_alone_network_becomes_plain_tensors_that_say_what_they_are(tmp_path: Path) -> None:
    code = SMALL.format(SMALL.smallest)
    weights = weight_files.fill(shapes(SMALL.plans(SMALL.smallest)))
    write_weights(tmp_path / "w.safetensors", weights, SMALL, About(code))
    assert load_file(tmp_path / "w.safetensors").keys() == weights.keys()
    source = read_weights(tmp_path / "w.safetensors")
    assert (source.space, source.code) == ("resnet48-mini", code)


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    for content, why in (
        (b"", "neither"),
        (b"PK\x03\x04", "damaged"),
        (pickle.dumps({"epoch": 3}), "holds no tensors"),
        (pickle.dumps([1, 2]), "holds no tensors"),
        (b"12345678{", "cannot be read as safetensors"),
    ):
        (tmp_path / "w").write_bytes(content)
        with pytest.raises(InputError, match=why):
            read_weights(tmp_path / "w")
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(tmp_path / "absent")
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(tmp_path)


def test_a_damaged_checkpoint_of_ours_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, some_weights(), SMALL, About())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not what was written"):
        read_weights(path)


def test_safetensors_of_others(tmp_path: Path) -> None:
    save_file({"blocks.0.conv.weight": np.ones((8, 1, 3, 3), np.float16)}, tmp_path / "w.safetensors")
    source = read_weights(tmp_path / "w.safetensors")
    assert (source.format, source.space) == ("safetensors", None)
