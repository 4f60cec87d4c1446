"""Whether trainings give the same numbers as before, to the bit: digests of what a few steps leave.

    python -m benchmarks.digests --out before.json            # on the commit before
    python -m benchmarks.digests --against before.json        # after the change: exit status 1 if anything differs

Every method trains every space that it supports, and some recipes that use what the plain ones do not, on tiny images
with one thread in fp32 through the ordinary trainer. A digest is the SHA-256 of the last checkpoint's weights, of its
optimiser's and method's state, and of what was logged. It depends on the machine and on the framework's build, so
compare on one machine only.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from toolkit.errors import InputError
from toolkit.methods import METHODS
from toolkit.runs.recipe import parse_recipe
from toolkit.spaces import SPACES
from toolkit.training.trainer import prepare_run, train

Digests = dict[str, dict[str, str]]

_DATA = {"calibration": 1700, "validation": 57}  # leaves 40 of the digits to train on
_TRAINING = {"epochs": 1, "batch_size": 8, "lr": 0.05, "warmup_epochs": 0.5}
_FULL = {"nesterov": True, "clip_norm": 1.0, "ema": 0.9, "weight_decay": 1e-3, "decay_bias": True}

_SPECIAL: dict[str, tuple[str, str, dict[str, dict[str, Any]]]] = {
    "averaged": ("resnet48-mini", "sandwich", {"training": _FULL, "method": {"label_smoothing": 0.1}}),
    "idle": ("resnet48-mini", "spos", {"training": {"move_idle": True}, "method": {"paths": 2}}),
    "groups": ("resnet20", "progressive", {"supernet": {"groups": 2}, "method": {"teacher": "frozen"}}),
    "groups' trunk": ("resnet20", "largest", {"supernet": {"groups": 2, "activation": "prelu"}}),
    "symmetric": ("resnet48-mini", "pgonas", {"method": {"rank_loss": "symmetric", "schedule": "constant"}}),
    "softplus": ("resnet48-mini", "landmark", {"method": {"form": "softplus", "pairs": "all"}}),
    "attentive": ("resnet48-mini", "spos", {"method": {"sampling": {"name": "attentive"}}}),
    "balanced": ("resnet48-mini", "spos", {"method": {"sampling": {"name": "balanced"}}}),
    "fair": ("nasbench201", "spos", {"method": {"sampling": {"name": "fair"}, "paths": 5}}),
    "two epochs": ("nats-size", "nsas", {"training": {"epochs": 2}}),
}
"""Space, method, and what the recipe says besides, by name."""


def main() -> int:
    """Exit status 0, or 1 if digests differ from those before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("torch", "paddle"), default="torch")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches, such as '^spos '")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the digests to this JSON file")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with this one")
    given = parser.parse_args()
    before: Digests = json.loads(given.against.read_text()) if given.against else {}
    digests: Digests = {}
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="digests-") as folder:
        for number, (name, tables) in enumerate(_cases(given.backend).items()):
            if not re.search(given.only, name):
                continue
            started = time.perf_counter()
            digests[name] = _digest(tables, Path(folder) / str(number))
            words = ""
            if given.against:
                differing = [part for part, digest in digests[name].items() if before.get(name, {}).get(part) != digest]
                words = f"DIFFERS in {', '.join(differing)}" if differing else "equal"
                wrong += bool(differing)
            print(
                f"{name:40} {digests[name]['model'][:12]} {time.perf_counter() - started:5.1f} s  {words}", flush=True
            )
    if given.out:
        given.out.write_text(json.dumps(digests, indent=1) + "\n")
    if given.against:
        print(f"{len(digests) - wrong} of {len(digests)} are equal")
    return int(wrong > 0)


def _cases(backend: str) -> dict[str, dict[str, Any]]:
    """Recipes by name, without those that a method does not support."""
    plain = {f"{method} {space}": (space, method, {}) for method in METHODS for space in SPACES}
    cases: dict[str, tuple[str, str, dict[str, dict[str, Any]]]] = plain | _SPECIAL
    return {name: _recipe(backend, *case) for name, case in cases.items()}


def _recipe(backend: str, space: str, method: str, changes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    tables: dict[str, dict[str, Any]] = {"data": _DATA, "training": _TRAINING, "method": {"name": method}}
    merged = {key: tables.get(key, {}) | changes.get(key, {}) for key in {**tables, **changes}}
    return {"space": space, "backend": backend, "device": "cpu", "threads": 1, "seed": 3, **merged}


def _digest(tables: dict[str, Any], folder: Path) -> dict[str, str]:
    folder.mkdir()
    if tables["method"]["name"] == "landmark":
        tables = tables | {"method": tables["method"] | {"truth": str(_truth(tables["space"], folder / "truth.json"))}}
    try:
        recipe, run = prepare_run(parse_recipe(tables), folder / "run", resume=False)
        checkpoint = train(recipe, run)
    except InputError:  # a method that does not go with a space
        return {"model": "refused"}
    tensors = load_file(checkpoint)
    parts: dict[str, dict[str, Any]] = {"model": {}, "optimizer": {}, "ema": {}, "method": {}}
    for name, array in tensors.items():
        if (part := name.partition(".")[0]) in parts:  # checkpoints of before counted nothing
            parts[part][name] = array
    # Lines in between come by the clock; the last one always.
    logged = json.loads(run.metrics.read_text().splitlines()[-1])
    parts["logged"] = {
        name: np.float64(value)
        for name, value in logged.items()
        if isinstance(value, (int, float)) and name != "images_per_second"
    }
    return {part: _sha(arrays) for part, arrays in parts.items()}


def _truth(space: str, path: Path) -> Path:
    """Different accuracies of a few networks, in the candidates format."""
    rng = np.random.default_rng(0)
    codes = sorted({SPACES[space].format(SPACES[space].sample(rng)) for _ in range(6)})
    entries = {f"arch{n}": {"acc": 0.5 + n / 100, "arch": code} for n, code in enumerate(codes, start=1)}
    path.write_text(json.dumps(entries))
    return path


def _sha(arrays: Mapping[str, Any]) -> str:
    sha = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        array = np.asarray(value)
        sha.update(f"{name} {array.dtype} {array.shape} ".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
