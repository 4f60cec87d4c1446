"""The run folder: where everything that belongs to one run lies, and the only thing the dashboard reads."""

import re
from collections.abc import Iterator
from pathlib import Path

from toolkit.errors import InputError

_CHECKPOINT = re.compile(r"step_(\d{8})\.safetensors")


class RunFolder:
    """Paths inside one run folder. The layout is documented in ARCHITECTURE.md."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.recipe = self.path / "recipe.toml"
        self.steps = self.path / "steps.toml"
        self.metrics = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.candidates = self.path / "candidates.json"
        self.ledger = self.path / "ledger.sqlite"
        self.judges = self.path / "judges"
        self.standalone = self.path / "standalone.json"
        self.standalone_seeds = self.path / "standalone.csv"
        self.standalone_ledger = self.path / "standalone.sqlite"
        self.submission = self.path / "submission.json"
        self.rank = self.path / "rank.json"
        self.search = self.path / "search.json"
        self.derived = self.path / "derived.json"
        self.interference = self.path / "interference.parquet"
        self.skipped_images = self.path / "skipped-images.txt"

    @property
    def name(self) -> str:
        """The folder's name, by which people call the run."""
        return self.path.resolve().name

    def exists(self) -> bool:
        """Whether a run lives here: its recipe is the first thing that is written."""
        return self.recipe.is_file()

    @property
    def whole(self) -> Path:
        """The folder to resume: this one, or that of the run of which this is a step."""
        around = self.path.parent.parent
        return around if self.path.parent.name == "steps" and RunFolder(around).steps.is_file() else self.path

    @classmethod
    def open(cls, path: Path | str) -> "RunFolder":
        """The run at `path`.

        Raises:
            InputError: there is none.
        """
        run = cls(path)
        if not run.exists() and run.steps.is_file():
            raise InputError(
                f"{path}: its last step has not begun; go on with `supernet train --resume --out {path}`, or take one "
                f"of those in {path}/steps"
            )
        if not run.exists():
            raise InputError(f"{path}: not a run folder, for it has no recipe.toml; make one with `supernet train`")
        return run

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint after `step` optimiser steps lies."""
        return self.path / "checkpoints" / f"step_{step:08d}.safetensors"

    def checkpoints(self) -> dict[int, Path]:
        """Every checkpoint there is, by step, oldest first."""
        found = {}
        for path in self.path.glob("checkpoints/*.safetensors"):
            if match := _CHECKPOINT.fullmatch(path.name):
                found[int(match[1])] = path
        return dict(sorted(found.items()))

    def latest_checkpoint(self) -> Path:
        """The newest checkpoint.

        Raises:
            InputError: nothing was trained here yet.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            raise InputError(f"{self.path}: no checkpoint yet; train with `supernet train --resume --out {self.whole}`")
        return checkpoints[max(checkpoints)]


def find_runs(folder: Path | str) -> Iterator[RunFolder]:
    """Every run in `folder` or in folders below it (three levels), by name; `folder` may itself be a run."""
    folder = Path(folder)
    recipes = {recipe for depth in ("", "*/", "*/*/", "*/*/*/") for recipe in folder.glob(f"{depth}recipe.toml")}
    for recipe in sorted(recipes):
        yield RunFolder(recipe.parent)
