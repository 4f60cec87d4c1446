"""The same command in two checkouts, in turns.

Is this checkout slower than another commit? Run it from the root of the checkout, with a worktree of the other commit:

    git worktree add ../before COMMIT
    python -m benchmarks.against ../before -- train demo --set training.epochs=8 --out {out}

What follows `--` is a command of `supernet`; `{out}` is a fresh folder of every run, or a copy of that of `--copy RUN`.
The table gives the CPU seconds of both (user and system, of the process and those it starts, start-up included), and
the median over turns of their ratio, which is what to read: other work on the machine slows both.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="the other checkout")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--copy", type=Path, default=None, metavar="RUN", help="what {out} holds at the start")
    parser.add_argument("command", nargs="+", help="of `supernet`, after --")
    options = parser.parse_args()
    checkouts = (options.before.resolve(), Path.cwd())
    pairs = [cpu_seconds_of_both(checkouts, options.command, options.copy, turn) for turn in range(options.turns)]
    before, now = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    ratios = sorted(new / old for old, new in pairs)
    table = Table("before, CPU s", "now, CPU s", "now / before", "lowest", "highest", title=" ".join(options.command))
    cells = (f"{before:.2f}", f"{now:.2f}", f"{statistics.median(ratios):.3f}", f"{ratios[0]:.3f}", f"{ratios[-1]:.3f}")
    table.add_row(*cells)
    Console().print(table)


def cpu_seconds_of_both(
    checkouts: tuple[Path, Path], command: list[str], copy: Path | None, turn: int
) -> tuple[float, float]:
    """One turn; every other one begins with the newer, so that a drift of the machine's speed cancels."""
    if turn % 2:
        now, before = (cpu_seconds(checkout, command, copy) for checkout in reversed(checkouts))
    else:
        before, now = (cpu_seconds(checkout, command, copy) for checkout in checkouts)
    return before, now


def cpu_seconds(checkout: Path, command: list[str], copy: Path | None) -> float:
    """Of one run of the command in this checkout; ends the benchmark if the command fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        if copy is not None:
            shutil.copytree(copy, f"{out}/run")
        arguments = [argument.replace("{out}", f"{out}/run") for argument in command]
        done = subprocess.run(
            [sys.executable, "-m", "toolkit", *arguments],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{checkout}: exit {done.returncode}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
