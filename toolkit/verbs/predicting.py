"""Rank every candidate from the labels of a few; nothing is trained or evaluated."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.submission import write_submission
from toolkit.backends import get_backend
from toolkit.errors import InputError
from toolkit.evaluation.budget import show_seconds
from toolkit.evaluation.ledger import Ledger
from toolkit.predictors.inputs import read_inputs
from toolkit.predictors.networks import FAMILIES
from toolkit.predictors.prediction import Predicted
from toolkit.predictors.prediction import predict as predict_all
from toolkit.predictors.predictor import Options
from toolkit.ranking.tables import CODE, VALUE
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space
from toolkit.verbs.outputs import refuse_existing

MARGIN = 1e-3
"""The least that is written, in units: 0 would mean that there is no score."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted and how well; the file, if it was written; what the labels of a run cost; and notes."""

    found: Predicted
    written: Path | None
    cost: str | None
    notes: tuple[str, ...]


def predict(
    run: Path | str | None = None,
    *,
    space: str | None = None,
    labels: Path | str | None = None,
    candidates: Path | str | None = None,
    out: Path | str | None = None,
    scores: Sequence[Path] = (),
    options: Options | None = None,
    backend: str | None = None,
    code_columns: Sequence[str] = (CODE,),
    label_column: str = VALUE,
    loss: bool = False,
    keep_labels: bool = False,
    drop_one: bool = False,
    overwrite: bool = False,
) -> Prediction:
    """Fit a predictor to the labels of some networks, and rank all candidates by it.

    Args:
        run: a run folder, whose space, candidates and networks trained alone are the defaults.
        labels: scores of some networks, or a table; in a submission 0 means: none yet.
        candidates: all to be predicted.
        out: the file to write, every candidate in it; of losses exp(-loss), as everywhere.
        scores: further scores of all networks, such as a supernet's.
        backend: torch or paddle, for models that are networks; the run's by default, else torch.
        loss: labels are losses: less is better.
        keep_labels: labelled candidates keep their label; by default all get fitted values, which are smoother.
        drop_one: say what each score and kind of features adds.

    Raises:
        InputError: nothing to learn from, labels that cannot be used, or `out` is there already.
    """
    out = None if out is None else Path(out)
    refuse_existing(out, overwrite=overwrite)
    folder = None if run is None else RunFolder.open(run)
    if folder is not None:
        recipe = read_recipe(folder.recipe)
        space, backend = space or recipe.space, backend or recipe.backend
        candidates = candidates or folder.candidates
        labels = labels or (folder.standalone if label_column == VALUE else folder.standalone_seeds)
    problems = []
    if space is None:
        problems.append("whose codes? Give --space SPACE, or a run folder")
    if labels is None:
        problems.append("learned from what? Give --labels FILE, or a run folder with a standalone.json")
    if candidates is None:
        problems.append("predict whom? Give --candidates FILE, or a run folder")
    if space is None or labels is None or candidates is None:
        raise InputError(problems)
    inputs = read_inputs(
        get_space(space),
        Path(labels),
        Path(candidates),
        scores,
        code_columns=list(code_columns),
        label_column=label_column,
        loss=loss,
    )
    options = options or Options()
    if options.model in FAMILIES and options.backend is None:
        options = replace(options, backend=get_backend(backend or "torch"))
    found = predict_all(inputs, options, keep_labels=keep_labels, drop=drop_one)
    notes = list(found.notes)
    if out is not None:
        values, squeezed = _as_accuracies(found.values, float(inputs.labels.max()), loss=loss)
        notes += [*squeezed, *write_submission(out, inputs.candidates, values).notes]
    return Prediction(found, out, None if folder is None else _cost(folder, Path(labels)), tuple(notes))


def _as_accuracies(values: Mapping[str, float], best: float, *, loss: bool) -> tuple[dict[str, float], list[str]]:
    """In the same order what the format allows: above 0 and up to 1 (100, if the `best` label is more); and notes."""
    found = {key: math.exp(min(value, 700.0)) if loss else value for key, value in values.items()}
    least, most = min(found.values()), max(found.values())
    unit = 1.0 if best <= 1 else 100.0  # of losses negated, `best` is below 0
    if least > 0 and most <= unit:
        return found, []
    low, high = max(least, MARGIN * unit), min(most, unit)
    low, high = (low, high) if low < high else (MARGIN * unit, unit)
    scale = (high - low) / (most - least or 1.0)
    note = f"values from {least:.4g} to {most:.4g} are written as {low:.4g} to {high:.4g}, in the same order"
    return {key: min(high, low + scale * (value - least)) for key, value in found.items()}, [note]


def _cost(folder: RunFolder, labels: Path) -> str | None:
    """What the labels of a run cost, if they are its own."""
    if labels not in (folder.standalone, folder.standalone_seeds) or not folder.standalone_ledger.exists():
        return None
    with Ledger.read(folder.standalone_ledger) as ledger:
        holdings = [each for each in ledger.settings() if each.setting.norm != "training"]
    trained, seconds = sum(each.results for each in holdings), sum(each.seconds for each in holdings)
    return f"{trained:,} trainings in {folder.standalone_ledger}, {show_seconds(seconds)} of computing"
