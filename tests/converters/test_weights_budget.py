"""What a small file may ask for: refused within its budget, whatever it repeats, copies, multiplies or compares."""

import argparse
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.weights import Ask, read_weights, recognise
from converters.weights.budget import Budget, OverBudget
from tests import weight_files
from tests.hostile_weights import FILES, READ
from toolkit.backends.shapes import shapes
from toolkit.errors import InputError
from toolkit.spaces import get_space

MEGABYTES = 300
"""What refusing any of them may take, the interpreter and its libraries included."""


def test_every_hostile_file_is_refused_within_its_budget(tmp_path: Path) -> None:
    paths = []
    for number, make in enumerate(FILES.values()):
        paths.append(tmp_path / f"{number}.pth")
        paths[-1].write_bytes(make(0.05))
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, timeout=300, check=True
    )
    found = dict(zip(FILES, map(json.loads, done.stdout.splitlines()), strict=True))
    assert [name for name, (_, _, said) in found.items() if said is None or ".pth: " not in said] == []
    assert all(len(said) < 7000 for _, _, said in found.values())
    assert {name: size for name, (_, size, _) in found.items() if size > MEGABYTES} == {}


def test_the_cases_kept() -> None:
    """What was found by others, where it is kept."""
    folder = Path(__file__).parents[3] / "shared/cases"
    cases = [*folder.glob("*.pdparams"), *folder.glob("*.safetensors")]
    if not cases:
        pytest.skip("shared/cases is not beside this checkout")
    for path in cases:
        with pytest.raises(InputError) as caught:
            recognise(read_weights(path), Ask())
        assert str(caught.value).isprintable() or "\n" in str(caught.value)
        assert "\x1b" not in str(caught.value)


def test_a_budget_is_proportional() -> None:
    small, large = Budget(1000), Budget(10**9)
    with pytest.raises(OverBudget):
        small.charge(size=10**9)
    large.charge(size=10**9)
    with pytest.raises(OverBudget):
        large.charge(10**9)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_training_scripts_arguments_are_opaque(zipped: bool, tmp_path: Path) -> None:
    """As timm and others save them: tensors are read, and what is no weight is told."""
    space = get_space("resnet48-mini")
    weights = weight_files.fill(shapes(space.widest))
    arguments = argparse.Namespace(lr=0.1, out=Path("x"), kinds={"a", "b"}, loss=np.float64(3), dtype=torch.float16)
    found: dict[str, Any] = {
        "state_dict": {name: torch.from_numpy(array) for name, array in weights.items()},
        "args": arguments,
        "epoch": 3,
    }
    torch.save(found, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    source = read_weights(tmp_path / "w.pth")
    assert "argparse.Namespace" in source.opaque
    assert source.others == ("args", "epoch")
    recognised = recognise(source, Ask(space=space.name))
    assert all(np.array_equal(recognised.weights[name], array) for name, array in weights.items())
    assert any("argparse.Namespace" in note for note in recognised.notes)


def test_a_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    arrays = {"blocks.0.conv.weight": np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)}
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, tmp_path / "zip")
    contents = {
        "pdparams": pickle.dumps(arrays, 4),
        "old.pdparams": pickle.dumps(arrays, 2),
        "zip": (tmp_path / "zip").read_bytes(),
        "legacy": weight_files.legacy_pth(arrays),
    }
    for kind, content in contents.items():
        for share in (0.5, 0.9, 0.99):
            (tmp_path / kind).write_bytes(content[: int(share * len(content))])
            with pytest.raises(InputError, match="cut off"):
                read_weights(tmp_path / kind)


@pytest.mark.parametrize("name", ["os.system", "posix.system", "builtins.eval", "subprocess.Popen", "torch.hub.load"])
def test_what_would_run_a_program_is_no_opaque_object(name: str, tmp_path: Path) -> None:
    module, _, last = name.rpartition(".")
    (tmp_path / "w").write_bytes(b"\x80\x02c" + f"{module}\n{last}\n".encode() + b"X\x02\x00\x00\x00id\x85R.")
    with pytest.raises(InputError, match=f"refers to {name}.*nothing was executed"):
        read_weights(tmp_path / "w")
