"""Weights that somebody uploads, converted: nothing is stored, nothing in them is executed."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pandas as pd
from pydantic import TypeAdapter

import toolkit
from converters.weights import Ask, Report
from toolkit.errors import InputError

UPLOAD_MB = 300
"""The 2022 kit's checkpoint, a ResNet-48 and its teacher, has 273."""

PATIENCE = 600
"""Seconds that a conversion may take."""

MEMORY = 8 * 2**30
"""Bytes of address space that its process may take, beside several times the file: a framework's libraries, mostly."""

_LIMITED = """
import runpy, sys
try:
    import resource
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = int(sys.argv[1])
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
except ImportError:  # not on every system
    pass
sys.argv[:2] = ["supernet"]
runpy.run_module("toolkit", run_name="__main__")
"""
"""What the process does: it limits itself, for nothing may happen between fork and exec in a server of many threads."""

FORMATS = {
    "Paddle (.pdparams)": ".pdparams",
    "PyTorch (.pth)": ".pth",
    "This toolkit's checkpoint (.safetensors)": ".safetensors",
}
"""What a file may become, and its suffix."""


@dataclass(frozen=True)
class Converted:
    """A converted file, ready for download, and what became of every tensor."""

    name: str
    content: bytes
    report: Report


def convert_upload(name: str, content: bytes, suffix: str, ask: Ask, candidates: int) -> Converted:
    """An uploaded file in another format; it lies in a private folder while it is worked on.

    The `supernet` command does the work in a process of its own: frameworks stay out of the dashboard, and whatever a
    file does to its reader ends with that process.

    Raises:
        InputError: as `converters.weights.convert` does; files go by their own names.
    """
    given = PurePosixPath(name.replace("\\", "/")).name or "weights"
    target = f"{Path(given).stem}{suffix}"
    here = f"in/{given}"
    with TemporaryDirectory() as folder:
        (Path(folder) / "in").mkdir()
        (Path(folder) / here).write_bytes(content)
        try:
            options = [f"--candidates={candidates}", "--json", *_options(ask)]
            memory = MEMORY + 16 * len(content)
            said = _run(["convert", *options, here, f"out/{target}"], folder, memory)
        except InputError as error:
            raise InputError(problem.replace(here, given) for problem in error.problems) from error
        report = TypeAdapter(Report).validate_json(said)
        return Converted(target, (Path(folder) / "out" / target).read_bytes(), report)


def _options(ask: Ask) -> list[str]:
    """What is asked for, in the command's terms."""
    one = {"space": ask.space, "code": ask.code, "network": ask.network, "size": ask.size}
    return [f"--{name}={value}" for name, value in one.items() if value] + [f"--drop={each}" for each in ask.drop]


def _run(arguments: list[str], folder: str, memory: int) -> str:
    """What `supernet ARGUMENTS` prints, in `folder`; its process has `memory` bytes of address space."""
    paths = [str(Path(toolkit.__file__).parents[1]), os.environ.get("PYTHONPATH")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUTF8": "1"}
    command = [sys.executable, "-P", "-c", _LIMITED, str(memory), *arguments]  # -P: nothing is imported from `folder`
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"the conversion took more than {PATIENCE} s; use the command `supernet convert`") from error
    if done.returncode == 0:
        return done.stdout
    problems = [line.removeprefix("✗ ") for line in done.stderr.splitlines() if line.startswith("✗ ")]
    raise InputError(problems or [f"the conversion ended with status {done.returncode}: {done.stderr[-500:]}"])


def key_table(report: Report) -> pd.DataFrame:
    """One row per tensor of the file: its name there, ours or a dash, and what was done with it."""
    rows = [(match.key, match.name, match.change or "taken over") for match in report.matches]
    rows += [(one.key, "—", f"left behind: {one.why}") for one in report.unmatched]
    return pd.DataFrame(rows, columns=["key", "name", "what"])
