"""Data from strangers, the long form of `tests/test_strangers.py` and `tests/converters/test_weights_budget.py`.

    python -m benchmarks.strangers mutate --count 20000   # spoiled files for every reader: errors in words, or results
    python -m benchmarks.strangers budget                 # seconds and memory of refusing files that ask for too much
    python -m benchmarks.strangers kill --count 20        # a training killed at random, resumed, and compared bit for bit

Prints one line for each kind: what was tried, and how often something else came out than was promised. Exit status 1 if
that is ever.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.hostile_weights import FILES
from tests.strangers import READERS, hostile, spoiled
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder

SECONDS, MEGABYTES = 30, 500
"""What refusing one small file may take."""

_READ = """
import json, resource, sys, time
from pathlib import Path
from converters.weights import Ask, read_weights, recognise
from toolkit.errors import InputError
began = time.perf_counter()
try:
    recognise(read_weights(Path(sys.argv[1])), Ask())
    said = "read"
except InputError as error:
    said = str(error).splitlines()[0]
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - began, memory, said]))
"""

_RECIPE = """
space = "resnet48-mini"
method = { name = "sandwich", paths = 3 }
data = { calibration = 1460, validation = 64 }
training = { epochs = 4, batch_size = 32, lr = 0.1, warmup_epochs = 0.5, ema = 0.9 }
checkpoints = { keep = 9 }
"""


def mutate(count: int, seed: int) -> int:
    """`count` spoiled files, spread over the readers; the number of tracebacks and of files that took too long."""
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for reader in READERS:
            path = folder / (reader.own_name or f"spoiled.{reader.suffix}")
            good, refused, bad, slowest = reader.good(folder), 0, 0, 0.0
            contents = [*hostile(good), *(spoiled(good, seed + i) for i in range(count // len(READERS)))]
            for content in contents:
                path.write_bytes(content)
                began = time.perf_counter()
                try:
                    reader.read(path)
                except InputError:
                    refused += 1
                except Exception:
                    bad += 1
                    traceback.print_exc(limit=-3)
                slowest = max(slowest, time.perf_counter() - began)
            faults += bad + (slowest > SECONDS)
            print(f"{reader.name:14} {len(contents):6,} tried, {refused:6,} refused, {bad} tracebacks, {slowest:.2f} s")
    return faults


def budget() -> int:
    """Every hostile file of weights at full size, each in a process of its own; how many cost too much."""
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "hostile.pth"
        for what, make in FILES.items():
            path.write_bytes(make(1.0))
            done = subprocess.run([sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, check=True)
            seconds, memory, said = json.loads(done.stdout)
            bad = said == "read" or seconds > SECONDS or memory > MEGABYTES
            faults += bad
            print(
                f"{what:30} {path.stat().st_size / 1e6:5.1f} MB, {seconds:5.1f} s, {memory:4.0f} MB{bad * '  TOO MUCH'}"
            )
    return faults


def kill(count: int, seed: int) -> int:
    """Trainings that end by SIGKILL at a random moment, and are resumed; how many end in another last checkpoint."""
    draw, faults = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.toml").write_text(_RECIPE)
        straight = RunFolder(folder / "straight")
        began = time.perf_counter()
        _train("train", folder / "recipe.toml", "--out", straight.path).wait()
        lasted = time.perf_counter() - began
        for number in range(count):
            run = RunFolder(folder / f"run{number}")
            process = _train("train", folder / "recipe.toml", "--out", run.path)
            time.sleep(draw.uniform(0.2, 1.0) * lasted)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            again = ("--resume",) if run.exists() else (folder / "recipe.toml",)
            _train("train", *again, "--out", run.path).wait()
            same = run.latest_checkpoint().read_bytes() == straight.latest_checkpoint().read_bytes()
            faults += not same
        print(f"kill           {count:6,} tried, {faults} with another result; a run takes {lasted:.1f} s")
    return faults


def _train(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "toolkit", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mutate", "budget", "kill"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    faults = (
        budget() if asked.what == "budget" else (mutate if asked.what == "mutate" else kill)(asked.count, asked.seed)
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
