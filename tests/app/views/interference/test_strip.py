import numpy as np
import pandas as pd
import pytest

from app.views.interference import readings
from app.views.interference.sentence import answer
from app.views.interference.strip import difference, strip
from app.views.interference.worst import worst_rows
from tests.app.example_run import space_of
from toolkit.interference.table import MEASURES, Row, as_frame
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")


def cells(*rows: Row) -> pd.DataFrame:
    return readings.cells(as_frame(rows, 10, 1.0), rows[0].measure)


def pair(
    value: float, first: str, second: str, decision: str = "middle3.1", block: int = 11, error: float = 0.01
) -> Row:
    return Row("gradient_cosine", value, error, 16, block, decision, first, second)


def test_branches_stand_in_the_order_of_decisions_and_options() -> None:
    found = strip(SPACE, cells(pair(0.1, "1", "2", "width3"), pair(0.2, "3", "1"), pair(0.3, "5", "1")))
    table = found.branches
    assert list(zip(table["decision"], table["branch"], table["row"], table["group"], strict=True)) == [
        ("middle3.1", "1", 0, 0),
        ("middle3.1", "3", 1, 0),
        ("middle3.1", "5", 2, 0),
        ("width3", "1", 3, 1),  # it shapes more blocks
        ("width3", "2", 4, 1),
    ]
    assert found.network[11].name == "3.1"
    assert found.table["name"].unique().tolist() == ["3.1"]


def test_a_difference_has_the_errors_of_both_and_only_what_both_have() -> None:
    first = strip(SPACE, cells(pair(0.1, "1", "2", error=0.03), pair(0.9, "1", "2", block=12)))
    second = strip(SPACE, cells(pair(0.5, "1", "2", error=0.04)))
    less = difference(first, second)
    (row,) = less.blocks.to_dict("records")
    assert (row["block"], row["value"], row["error"]) == pytest.approx((11, 0.4, 0.05))
    assert row["sure"]
    assert less.branches["value"].tolist() == pytest.approx([0.4, 0.4])
    assert less.branches["row"].tolist() == [0, 1]
    assert not difference(first, first).blocks["sure"].any()


def test_a_full_run(probed_run: RunFolder) -> None:
    table = readings.at(readings.readings(probed_run))
    space = space_of(probed_run)
    for measure in readings.of_blocks(table):
        found = strip(space, readings.cells(table, measure))
        assert found.ends[0] <= found.ends[1]
        assert len(found.table) == len(found.blocks) + len(found.branches)
        assert answer(found, readings.cells(table, measure))


def test_the_answer_names_the_worst_block_and_counts_conflicts() -> None:
    rows = cells(
        pair(-0.5, "1", "2"), pair(-0.5, "1", "2", block=12), pair(0.5, "1", "3"), pair(-0.01, "2", "3", error=0.2)
    )
    said = answer(strip(SPACE, rows), rows)
    assert said.startswith("Least agreement in block 3.2 (−0.5 ±")
    assert "1 of 3 pairs of branches pull in opposite directions" in said  # the same pair in two blocks counts once
    assert "Worst decision: middle3.1" in said
    worst = worst_rows(strip(SPACE, rows), rows)
    assert worst[["what", "block"]].to_numpy().tolist()[0] == ["middle3.1: 1 and 2", "3.1"]
    assert worst["sure"].tolist() == [True, False, True]


@pytest.mark.parametrize("name", [name for name in MEASURES if name.startswith("feature_")])
def test_features_that_are_alike_are_no_conflict(name: str) -> None:
    """High is good, unlike the shift: the headline names the least alike, and counts nothing."""
    rows = cells(*(Row(name, value, 0.01, 16, block, "d", "a", "b") for block, value in ((3, 0.9), (5, -0.2))))
    said = answer(strip(SPACE, rows), rows)
    assert said in (
        "Features least alike in block 1.5 (−0.2 ± 0.021). Worst decision: d (0.35 on average over its pairs).",
        "Features least alike in block 1.5 (−0.2, 0 to 0). Worst decision: d (0.35 on average over its pairs).",
        "Features furthest apart in block 1.3 (0.9 ± 0.021). Worst decision: d (0.35 on average over its pairs).",
    )
    assert said.startswith("Features furthest") == (name == "feature_kl")


def test_every_measure_that_has_a_bad_side_says_what_is_worst() -> None:
    along = {name for name, measure in MEASURES.items() if measure.bad and measure.worst == "worst"}
    assert along == {"lookahead", "path_loss", "forgetting", "probe_cost"}, (
        "these are of paths and of time, not of blocks"
    )


def test_the_answer_without_a_bad_side_and_without_numbers() -> None:
    rows = cells(Row("parameter_speed", 0.1, 0.01, 8, 3), Row("parameter_speed", 0.3, 0.01, 8, 5))
    assert answer(strip(SPACE, rows), rows).startswith("From block 1.3 (0.1 ± 0.024) to block 1.5")
    nothing = cells(pair(np.nan, "1", "2"))
    assert "No block has a number" in answer(strip(SPACE, nothing), nothing)
