"""How the ranking grew while the supernet trained: tau over the checkpoints that a ledger knows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.views import training
from app.views.ranking.estimates import estimates
from app.views.ranking.sources import read_results
from app.views.ranking.subject import Subject
from toolkit.backends.base import Score
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Holding, Setting
from toolkit.ranking.metrics import FEW, METRICS
from toolkit.ranking.paired import judge_together
from toolkit.ranking.pairs import pair
from toolkit.runs.folder import RunFolder

METRICS_SHOWN = ("kendall", "top_half")


@dataclass(frozen=True)
class Series:
    """Results that differ in their checkpoint only.

    Attributes:
        label: how they were evaluated.
        settings: by step, in order.
    """

    label: str
    settings: Mapping[int, Setting]


def series(holdings: list[Holding], steps: Mapping[str, int]) -> tuple[list[Series], int]:
    """Everything in a ledger that can be followed over steps, the longest first, and how many results cannot.

    Those of checkpoints that were deleted cannot, since a ledger knows them by digest alone.

    Args:
        holdings, steps: `views.candidates.settings` and `checkpoint_steps`.
    """
    found: dict[str, dict[int, Setting]] = {}
    lost = 0
    for holding in holdings:
        setting = holding.setting
        digest = setting.weights
        if digest not in steps:
            lost += 1
            continue
        averaged = "averaged weights, " if setting.averaged else ""
        averaged += "" if setting.by == "labels" else f"by {setting.by}, "
        label = f"{averaged}norm {setting.norm}, {setting.images:,} images"
        found.setdefault(label, {})[steps[digest]] = setting
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Series(label, dict(sorted(settings.items()))) for label, settings in ordered], lost


def history(run: RunFolder, *, subject: Subject, column: Score, chosen: Series) -> pd.DataFrame:
    """The agreement with the subject's truth after each of these checkpoints.

    `step`, `epoch` (NaN where the run's metrics do not say), `networks`, `metric` (its label), `value`, `low`, `high`.
    Checkpoints with fewer than ten networks in common with the truth are left out.

    Args:
        column: `top1`, `top5` or `loss`.

    Raises:
        InputError: the ledger, or the metrics, cannot be read.
    """
    true, rows = subject.every_truth, []
    curves = training.curves(run)[["step", "epoch"]].dropna()
    for step, setting in chosen.settings.items():
        scores = read_results(run.ledger, setting, column)
        if len(scores.keys() & true.keys()) < FEW:
            continue
        try:
            pairs = pair(scores, true)
        except InputError:  # all networks score alike, as before the first step: no order, no tau
            continue
        (sampled,) = judge_together([pairs.scores], pairs.truth, METRICS_SHOWN)
        told = len(curves) and step <= curves["step"].max()
        epoch = float(np.interp(step, curves["step"], curves["epoch"])) if told else np.nan
        for name, found in estimates(sampled, METRICS_SHOWN).items():
            numbers = (found.value, found.low, found.high)
            rows.append((step, epoch, len(pairs.networks), METRICS[name].label, *numbers))
    columns = ["step", "epoch", "networks", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"value": float, "low": float, "high": float})
