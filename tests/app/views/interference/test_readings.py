from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.views.interference import lines, readings
from app.views.interference.chance import is_known, is_sure, words
from toolkit.errors import InputError
from toolkit.interference.table import CHANCE, MEASURES, Row, as_frame
from toolkit.runs.folder import RunFolder


def frame(*rows: Row, step: int = 10) -> pd.DataFrame:
    return as_frame(rows, step, step / 10)


def pair(value: float, first: str = "a", second: str = "b", block: int = 1, **more: float) -> Row:
    return Row("gradient_cosine", value, block=block, decision="d", first=first, second=second, **more)  # type: ignore[arg-type]


def test_a_block_is_the_mean_of_its_pairs_of_different_branches() -> None:
    table = frame(pair(0.2, error=0.1, n=8), pair(0.4, second="c", error=0.3, n=4), pair(1.0, second="a"))
    (row,) = readings.by_block(table).to_dict("records")
    assert row == pytest.approx({"block": 1, "value": 0.3, "error": 0.2, "n": 4})  # errors do not cancel


def test_what_was_measured_once_does_not_make_the_others_uncertain() -> None:
    (row,) = readings.by_block(frame(pair(0.2, error=0.1, n=8), pair(0.4, second="c", n=1))).to_dict("records")
    assert row == pytest.approx({"block": 1, "value": 0.3, "error": 0.1, "n": 8})
    assert readings.by_block(frame(pair(0.2, n=1)))["n"].tolist() == [1]


def test_a_blocks_own_number_comes_before_that_of_its_branches() -> None:
    own = Row("conflict_rate", 0.7, 0.1, 5, block=1)
    branches = [Row("conflict_rate", 0.1, block=block, decision="d", first="a", second="b") for block in (1, 2)]
    found = readings.by_block(frame(own, *branches))
    assert found.set_index("block")["value"].to_dict() == {1: 0.7, 2: 0.1}


def test_each_measure_of_several_by_its_own_rule() -> None:
    own = Row("path_cosine", 0.9, block=1)
    found = readings.by_block(frame(own, pair(0.2), pair(0.4, second="c")), "measure")
    assert found[["measure", "block", "value"]].values.tolist() == [
        ["gradient_cosine", 1, pytest.approx(0.3)],
        ["path_cosine", 1, 0.9],
    ]


def test_what_is_no_branch_counts_neither_as_one_nor_for_the_block() -> None:
    rows = [Row("parameter_speed", 0.01, block=1), Row("parameter_speed", 9.0, block=1, first="teacher")]
    slices = [
        Row("times_trained", 5.0, block=1, decision="d", first="a"),
        Row("times_trained", 9.0, block=1, first="c"),
    ]
    assert readings.by_block(frame(*rows))["value"].tolist() == [0.01]
    assert readings.by_branch(frame(*rows)).empty
    assert readings.by_block(frame(*slices))["value"].tolist() == [5.0]
    assert readings.by_branch(frame(*slices))["branch"].tolist() == ["a"]


def test_a_branch_is_the_mean_of_its_pairs_with_others() -> None:
    found = readings.by_branch(frame(pair(0.0), pair(1.0, second="c"), pair(0.5, "b", "c"), pair(-1.0, second="a")))
    assert found.set_index("branch")["value"].to_dict() == {"a": 0.5, "b": 0.25, "c": 0.75}


def test_no_number_is_not_0() -> None:
    assert readings.by_block(frame(pair(np.nan), pair(0.5, second="c")))["value"].tolist() == [0.5]
    assert readings.by_block(frame(pair(np.nan))).empty


def test_what_is_more_than_chance() -> None:
    table = frame(
        pair(0.33, error=0.1, n=4),  # 95 % of Student's t with 3 degrees of freedom: 3.18; but there are four of them
        pair(0.50, error=0.1, n=4),
        pair(-0.50, error=0.1, n=4),
        pair(0.9, n=1),  # a single draw says nothing
        pair(np.nan, error=0.1, n=4),
        pair(0.0, error=0.0, n=4),
    )
    assert is_sure(table).tolist() == [False, True, True, False, False, False]
    assert is_sure(table.head(1)).tolist() == [True]
    assert readings.margin(table)[0] == pytest.approx(0.3182, abs=1e-4)


def test_counts_are_certain_without_an_error() -> None:
    exact = next(name for name, measure in MEASURES.items() if measure.exact)
    assert is_sure(frame(Row(exact, 3.0, block=1))).tolist() == [True]


def split(value: float, first: str = "a", second: str = "b", error: float = 0.01) -> Row:
    return Row("split_conflict", value, error, 16, 1, "d", first, second)


def test_what_cannot_be_negative_is_held_against_its_own_chance() -> None:
    """0.2 of conflict is far from 0 in any case; only what is above the network's own on other images counts."""
    rows = [split(0.2), split(0.3, second="c"), split(0.05, "b", "c")]
    cells = readings.cells(frame(*rows), "split_conflict")
    assert not is_known(cells)
    assert not is_sure(cells).any()
    assert "probe again" in words(MEASURES["split_conflict"], known=False)
    table = frame(*rows, split(0.2, CHANCE, ""))
    cells = readings.cells(table, "split_conflict")
    assert len(cells) == 3, "what is chance is no branch"
    assert is_sure(cells).tolist() == [False, True, False]
    (block,) = readings.by_block(cells).to_dict("records")
    assert (block["chance"], block["chance_n"]) == (pytest.approx(0.2), 16)
    assert "other images" in words(MEASURES["split_conflict"])


def test_rates_are_held_against_a_coin() -> None:
    """Also those that came out the same in all draws, and so have no error."""
    draws = enumerate([(1.0, 4), (0, 30), (0.5, 4)])
    rows = [Row("conflict_rate", value, 0.0, n, block) for block, (value, n) in draws]
    cells = readings.cells(frame(*rows), "conflict_rate")
    assert is_sure(cells).tolist() == [False, True, False]
    assert "one half" in words(MEASURES["conflict_rate"])


def test_what_only_says_more_and_less_is_told_from_nothing() -> None:
    assert is_sure(frame(Row("sign_flips", 0.4, 0.3, 4, 1))).tolist() == [True]
    assert words(MEASURES["sign_flips"]) == ""


def test_intervals_end_where_the_measure_does() -> None:
    low, high = readings.ends([0.02, 0.97], [0.1, 0.1], MEASURES["conflict_rate"])
    assert low.tolist() == pytest.approx([0, 0.87])
    assert high.tolist() == pytest.approx([0.12, 1])


def test_every_measure_stands_as_it_was_measured_last() -> None:
    early = as_frame([pair(0.1), Row("sign_flips", 0.4, block=1)], 10, 1.0)
    table = pd.concat([early, as_frame([pair(0.2)], 20, 2.0)], ignore_index=True)
    assert readings.at(table)["value"].tolist() == [0.4, 0.2]
    assert readings.at(table, 10)["value"].tolist() == [0.1, 0.4]
    assert readings.moments(table) == {"step 20 (epoch 2)": 20, "step 10 (epoch 1)": 10}


def test_a_decision_that_the_last_probe_left_out_stands_as_before() -> None:
    def of(decision: str, value: float) -> Row:
        return Row("gradient_cosine", value, 0.1, 4, 1, decision, "a", "b")

    early = as_frame([of("d", 0.1), of("e", 0.3)], 10, 1.0)
    table = pd.concat([early, as_frame([of("d", 0.5)], 20, 2.0)], ignore_index=True)
    assert readings.at(table)[["decision", "value"]].to_numpy().tolist() == [["e", 0.3], ["d", 0.5]]
    assert lines.course(table, "gradient_cosine", 1)["value"].tolist() == pytest.approx([0.2, 0.4])


def test_measures_by_what_they_are_about() -> None:
    table = frame(
        Row("path_cosine", 0.5, first="p", second="q", distance=3), Row("sign_flips", 0.4, block=1), pair(0.1)
    )
    assert readings.of_blocks(table) == ["gradient_cosine", "sign_flips"]
    assert readings.of_paths(table) == ["path_cosine"]


def test_no_table_and_a_damaged_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert readings.readings(run) is None
    run.interference.write_bytes(b"garbage")
    with pytest.raises(InputError, match=r"interference\.parquet"):
        readings.readings(run)
