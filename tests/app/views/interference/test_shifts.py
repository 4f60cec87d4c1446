"""Shifts over steps: means of what probes measured, run by run."""

import pandas as pd
import pytest

from app.figures.interference.shifts import shifts as draw
from app.views.interference.shifts import MEANINGS, SHIFTS, shifts
from toolkit.interference.table import Row, as_frame


def table(rows: list[Row], step: int = 4) -> pd.DataFrame:
    return as_frame(rows, step, step / 2)


def test_means_over_blocks_and_pairs() -> None:
    rows = [
        Row("feature_cosine", 0.5, block=1),
        Row("feature_cosine", 0.9, block=2),
        Row("feature_cosine", float("nan"), block=3),
        Row("parameter_speed", 0.2, block=1),
        Row("parameter_speed", 0.01, block=1, first="teacher"),
        Row("teacher_gap", 0.3, block=1),
    ]
    found = shifts({"a": table(rows), "b": table([Row("parameter_contradiction", 0.25, block=1)], 8)})
    values = {
        (run, shift): value for run, shift, value in zip(found["run"], found["shift"], found["value"], strict=True)
    }
    assert values == {
        ("a", "feature shift"): pytest.approx(0.3),
        ("a", "speed of the student"): 0.2,
        ("a", "speed of the teacher"): 0.01,
        ("a", "gap between student and teacher"): 0.3,
        ("b", "parameter shift"): 0.25,
    }
    assert set(found["step"]) == {4, 8}
    figure = draw(found)
    assert [title.text for title in figure.layout.annotations] == [
        kind for kind in SHIFTS if kind in set(found["shift"])
    ]
    assert {trace.name for trace in figure.data} == {"a", "b"}


def test_nothing_measured_is_an_empty_table() -> None:
    assert shifts({}).empty
    assert shifts({"a": table([Row("lookahead", 0.1, block=1)])}).empty
    assert MEANINGS.keys() == SHIFTS.keys()
