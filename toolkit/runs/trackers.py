"""The metrics of a training in Weights & Biases or MLflow too, where a recipe's `[track]` table asks for it.

TensorBoard files are written in any case. A tracker is told what `metrics.jsonl` holds; a resumed run goes on in the
tracker's run, which RUN/trackers.json names. That a server does not answer ends no training: it is warned of, once, and
the rest of the metrics stay here.
"""

import importlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.files import parse_json, read_bytes, write_json
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tracker:
    """A run that a tracker began: its id there, what takes values at a step, and what ends it."""

    name: str
    id: str
    log: Callable[[Mapping[str, float], int], object]
    close: Callable[[], object]


class Trackers:
    """Those that a run's recipe names; none without a recipe.

    Raises:
        InputError: one is not installed, or cannot begin a run.
    """

    def __init__(self, run: RunFolder) -> None:
        recipe = read_recipe(run.recipe) if run.exists() else None
        self._open = list(_begun(recipe, run)) if recipe is not None else []

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Pass values on, those that are numbers."""
        numbers = {name: value for name, value in values.items() if math.isfinite(value)}
        self._each(lambda tracker: tracker.log(numbers, step))

    def close(self) -> None:
        """End all runs."""
        self._each(lambda tracker: tracker.close())

    def _each(self, do: Callable[[Tracker], object]) -> None:
        for tracker in list(self._open):
            try:
                do(tracker)
            except Exception as error:  # whatever a client raises: the training is worth more than its curves elsewhere
                self._open.remove(tracker)
                _log.warning(f"{tracker.name} is told no more of this run ({error}); metrics.jsonl has everything")


def _begun(recipe: Recipe, run: RunFolder) -> Iterator[Tracker]:
    known: dict[str, str] = {}
    ids = run.path / "trackers.json"
    if ids.is_file():
        found = parse_json(ids, read_bytes(ids))
        known = {name: id_ for name, id_ in found.items() if isinstance(id_, str)} if isinstance(found, dict) else {}
    for name, begin in TRACKERS.items():
        where = getattr(recipe.track, name)
        if where is None:
            continue
        try:
            client = importlib.import_module(name)
        except ImportError:
            raise InputError(
                f"{run.recipe}: track.{name}: {name} is not installed; pip install 'supernet-toolkit[{name}]', or "
                "leave [track] out"
            ) from None
        try:
            tracker = begin(client, where, run.path, recipe, known.get(name))
        except Exception as error:
            raise InputError(
                f"{run.recipe}: track.{name}: no run can begin there ({error}); log in there, name a server that this "
                "client can reach, or leave [track] out"
            ) from error
        known[name] = tracker.id
        write_json(ids, known)
        yield tracker


def _wandb(client: Any, project: str, path: Path, recipe: Recipe, id_: str | None) -> Tracker:
    run = client.init(
        project=project, name=path.resolve().name, dir=str(path), id=id_, resume="allow", config=_flat(recipe)
    )
    return Tracker("wandb", run.id, lambda values, step: run.log(dict(values), step=step), run.finish)


def _mlflow(client: Any, experiment: str, path: Path, recipe: Recipe, id_: str | None) -> Tracker:
    client.set_experiment(experiment)
    run = client.start_run(run_id=id_, run_name=None if id_ else path.resolve().name)
    if id_ is None:
        client.log_params({name: str(value)[:500] for name, value in _flat(recipe).items()})
    return Tracker(
        "mlflow",
        run.info.run_id,
        lambda values, step: client.log_metrics(dict(values), step=step),
        client.end_run,
    )


TRACKERS: dict[str, Callable[[Any, str, Path, Recipe, str | None], Tracker]] = {"wandb": _wandb, "mlflow": _mlflow}
"""By the name of the package: from it, the project, the run folder, the recipe and the id of a run to go on with."""


def _flat(recipe: Recipe) -> dict[str, Any]:
    """Every value of a recipe under its dotted key."""

    def walk(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if isinstance(value, dict):
                yield from walk(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    return dict(walk(recipe.model_dump(mode="json", exclude_none=True), ""))
