"""How far features and parameters shift during training, run by run: means over blocks and pairs of paths."""

from collections.abc import Mapping

import pandas as pd

from toolkit.interference.measures import CHANCE

SHIFTS = {
    "feature shift": ("feature_cosine", ""),
    "feature shift (distribution)": ("feature_kl", ""),
    "parameter shift": ("parameter_contradiction", ""),
    "speed of the student": ("parameter_speed", ""),
    "speed of the teacher": ("parameter_speed", "teacher"),
    "gap between student and teacher": ("teacher_gap", ""),
}
"""By name: the measure, and of what (`first` of the table). A feature shift is 1 - the cosine."""

MEANINGS = {
    "feature shift": "1 - cosine of the features that a block reads along two paths: how much its input depends on the "
    "path in front of it",
    "feature shift (distribution)": "the same by means and variances of its channels (symmetric KL)",
    "parameter shift": "how far consecutive updates of a block's weights, made under different paths, contradict each "
    "other",
    "speed of the student": "length of an update relative to the weights",
    "speed of the teacher": "the same of the moving average; a mean teacher that works is much slower",
    "gap between student and teacher": "their distance relative to the weights",
}


def shifts(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One number for each run, moment and kind of shift: `run`, `step`, `epoch`, `shift`, `value`.

    Args:
        tables: `views.interference.readings.readings` by name of the run.
    """
    found = [pd.DataFrame(columns=["run", "step", "epoch", "shift", "value"])]
    for run, table in tables.items():
        for shift, (measure, whose) in SHIFTS.items():
            rows = table[(table["measure"] == measure) & (table["block"] >= 0) & (table["first"] != CHANCE)]
            if measure == "parameter_speed":
                rows = rows[rows["first"] == whose]
            means = rows.groupby(["step", "epoch"])["value"].mean().dropna().reset_index()
            if measure == "feature_cosine":
                means["value"] = 1 - means["value"]
            if len(means):
                found.append(means.assign(run=run, shift=shift))
    return pd.concat([part for part in found if len(part)] or found, ignore_index=True)[list(found[0].columns)]
