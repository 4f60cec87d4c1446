import numpy as np
import pandas as pd
import pytest

from app.views.interference import lines, readings
from toolkit.interference.table import Row, as_frame
from toolkit.runs.folder import RunFolder


def test_a_course_has_one_point_a_probe(probed_run: RunFolder) -> None:
    table = readings.readings(probed_run)
    assert table is not None
    course = lines.course(table, "gradient_cosine", 17)
    assert course["step"].tolist() == [60, 120, 180, 240, 300]
    assert course["value"].is_monotonic_decreasing
    assert (course["margin"] > 0).all()
    assert lines.course(table, "gradient_cosine", 999).empty


def test_a_block_is_held_against_the_others() -> None:
    rows = [Row("sign_flips", 0.1 * block, 0.01, 8, block) for block in range(5)]
    rows += [Row("feature_cosine", 0.1 * block, 0.01, 8, block) for block in range(5)]
    rows += [Row("parameter_speed", 0.1, 0.01, 8, 4)]
    table = as_frame(rows, 1, 1.0)
    found = lines.at_block(lines.profile(table, readings.of_blocks(table)), 4).set_index("measure")["worse"]
    assert found["sign_flips"] == 1.0  # high is bad
    assert found["feature_cosine"] == 0.0  # low is
    assert np.isnan(found["parameter_speed"])  # neither is


def test_paths_over_training() -> None:
    def probe(step: int, loss: float) -> pd.DataFrame:
        rows = [Row("path_loss", loss, first="p"), Row("path_loss", loss + 1, first="q")]
        ends = {"first": "p", "second": "q", "distance": 2}
        return as_frame([*rows, Row("lookahead", -0.1, **ends), Row("sign_flips", 0.5, block=1)], step, step / 10)

    table = pd.concat([probe(10, 2.0), probe(20, 1.0)], ignore_index=True)
    losses = lines.paths_over_time(table, "path_loss")
    assert losses[["path", "step", "value"]].to_numpy().tolist() == [
        ["p", 10, 2],
        ["p", 20, 1],
        ["q", 10, 3],
        ["q", 20, 2],
    ]
    assert lines.paths_over_time(table, "lookahead")["path"].tolist() == ["q", "q"]  # it happens to the second
    assert lines.paths_over_time(table, "sign_flips").empty


def test_parts_are_what_is_no_branch() -> None:
    rows = [
        Row("times_trained", 9.0, block=1, first="conv1[0:4]"),
        Row("times_trained", 5.0, block=1, decision="d", first="a"),
    ]
    cells = readings.cells(as_frame(rows, 1, 1.0), "times_trained")
    assert lines.parts(cells, 1)["part"].tolist() == ["conv1[0:4]"]
    assert lines.parts(cells, 1)["value"].tolist() == pytest.approx([9.0])


def test_branches_stand_in_the_order_of_options() -> None:
    rows = [Row("times_trained", float(number), block=1, decision="d", first=str(number)) for number in (10, 2, 7)]
    table = lines.branches(as_frame(rows, 1, 1.0), ["2", "7", "10"])
    assert table["part"].tolist() == ["2", "7", "10"]
    assert table["value"].tolist() == [2, 7, 10]
