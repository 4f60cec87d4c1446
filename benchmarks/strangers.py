"""Data from strangers, the long form of `tests/test_strangers.py` and `tests/converters/test_weights_budget.py`.

    python -m benchmarks.strangers mutate --count 20000   # spoiled files for every reader: words, or results
    python -m benchmarks.strangers budget                 # what it takes to refuse files that ask for too much
    python -m benchmarks.strangers kill --count 20        # trainings killed at random and resumed, bit for bit
    python -m benchmarks.strangers compare                # beside torch, and fickling and picklescan if installed

Prints one line for each kind: what was tried, and how often something else came out than was promised. Exit status 1 if
that is ever.
"""

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

import torch

from tests.hostile_weights import FILES, READ
from tests.strangers import READERS, hostile, spoiled
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder

SECONDS, MEGABYTES = 30, 500
"""What refusing one small file may take."""

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
            done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
            seconds, memory, said = json.loads(done.stdout)
            bad = said is None or seconds > SECONDS or memory > MEGABYTES
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


_TOOLS = {
    "here": "from converters.weights import read_weights; from pathlib import Path; read_weights(Path(path))",
    "torch weights_only": "import torch; torch.load(path, weights_only=True)",
    "fickling": (
        "import fickling; from fickling.exception import *; ok = fickling.is_likely_safe(path + '.pkl');\n"
        "if not ok: raise ValueError('unsafe')"
    ),
    "picklescan": (
        "from picklescan.scanner import scan_file_path; found = scan_file_path(path);\n"
        "if found.infected_files or found.scan_err: raise ValueError('unsafe')"
    ),
}
"""How each is asked about a file at `path`; whatever it raises is a refusal."""

_ASK = """
import resource, sys, time
path = sys.argv[1]
began = time.perf_counter()
try:
    exec(sys.argv[2])
    said = "accepted"
except ImportError as error:
    said = f"not installed ({error})"
except MemoryError:
    said = "out of memory"
except BaseException as error:
    said = f"refused ({type(error).__name__})"
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{said}, {time.perf_counter() - began:.1f} s, {memory:.0f} MB")
"""


def compare() -> int:
    """What others make of the same files, each in a process of its own with 4 GB of address space and 30 seconds."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))

    def zipped(content: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a/data.pkl", content)
            archive.writestr("a/version", b"3\n")
        return file.getvalue()

    def saved(value: object) -> bytes:
        file = io.BytesIO()
        torch.save(value, file)
        return file.getvalue()

    tensors = {"w": torch.zeros(3)}
    files = {
        "plain tensors": saved(tensors),
        "argparse.Namespace beside": saved({"state_dict": tensors, "args": argparse.Namespace(lr=0.1)}),
        "os.system": zipped(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R."),
        "evil.run (unknown)": zipped(b"\x80\x02cevil\nrun\nX\x04\x00\x00\x00true\x85R."),
        "copies of a mapping": zipped(FILES["mapping"](1.0)),
        "arguments without end": zipped(FILES["arguments of a shape"](1.0)),
        "empty dictionaries": zipped(FILES["empty dictionaries"](1.0)),
    }
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file.pth"
        for what, content in files.items():
            path.write_bytes(content)
            with zipfile.ZipFile(path) as archive:  # fickling asks for the pickle itself
                inner = next(member for member in archive.namelist() if member.endswith("data.pkl"))
                Path(f"{path}.pkl").write_bytes(archive.read(inner))
            for tool, code in _TOOLS.items():
                command = [sys.executable, "-c", _ASK, str(path), code]
                try:
                    done = subprocess.run(
                        command, capture_output=True, text=True, check=False, timeout=30, preexec_fn=limit
                    )
                    said = done.stdout.strip() or f"died ({done.returncode})"
                except subprocess.TimeoutExpired:
                    said = "over 30 s"
                print(f"{what:26} {tool:20} {said}", flush=True)
    return 0


def _train(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "toolkit", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mutate", "budget", "kill", "compare"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    match asked.what:
        case "budget":
            faults = budget()
        case "compare":
            faults = compare()
        case "kill":
            faults = kill(asked.count, asked.seed)
        case _:
            faults = mutate(asked.count, asked.seed)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
