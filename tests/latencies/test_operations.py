"""Tables of operations: what adds up, what is missing, and everything that can be wrong with a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks import FORMS, thin
from toolkit.errors import InputError
from toolkit.latencies import Operation, OperationTable, operations, read_latencies, read_operations, write_operations
from toolkit.latencies.operations import CALL, COLUMNS, all_operations, key
from toolkit.search.costs import latency_of
from toolkit.spaces import SPACES, Arch, get_space

SPACE = get_space("nats-size")
HEADER = ",".join(COLUMNS)


def table(archs: Sequence[Arch], ms: float = 1.0) -> OperationTable:
    keys = [(CALL, ""), *all_operations(SPACE, archs)]
    return OperationTable(SPACE, {each: Operation(ms, ms, ms) for each in keys})


@pytest.mark.parametrize("name", FORMS)
def test_an_operation_is_known_by_its_words_and_shape(name: str) -> None:
    """Blocks that are called alike are alike, and those called otherwise differ."""
    space = thin(SPACES[name])
    rng = np.random.default_rng(0)
    archs = [space.smallest, space.largest, *(space.sample(rng) for _ in range(6))]
    plans = {plan for arch in archs for plan in operations(space.plans(arch))}
    assert len({key(plan) for plan in plans}) == len(plans)
    assert all_operations(space, archs).keys() == {key(plan) for plan in plans}


def test_a_network_is_a_call_and_its_blocks() -> None:
    whole = table([SPACE.smallest, SPACE.largest])
    blocks = operations(SPACE.plans(SPACE.largest))
    assert whole.get(SPACE.largest) == 1 + len(blocks)
    assert whole.missing(SPACE.largest) == []
    assert table([SPACE.smallest]).get(SPACE.largest) is None
    assert set(table([SPACE.smallest]).missing(SPACE.largest)) <= set(map(key, blocks))


@given(st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    path = tmp_path_factory.mktemp("tables") / "operations.csv"
    given = {"one": table([SPACE.smallest], numbers[0]), 'a, "two"': table([SPACE.largest], numbers[1])}
    write_operations(path, given)
    found = read_operations(path, SPACE)
    assert found.keys() == given.keys()
    for device, expected in given.items():
        assert found[device].rows.keys() == expected.rows.keys()
        for each in (SPACE.smallest, SPACE.largest):
            added = expected.get(each)
            assert read_latencies(path, SPACE)[device].get(each) == (added and pytest.approx(added, rel=1e-5))
    assert read_operations(path.with_name("none.csv"), SPACE) == {}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["operation,ms", "call,1"], "has the columns operation, ms"),
        ([HEADER], "holds no operation"),
        ([HEADER, "call,,cpu,1,1"], "line 2 has 5 cells, the header 6"),
        ([HEADER, "call,,cpu,1,1,quick"], 'line 2 has "quick" milliseconds'),
        ([HEADER, "call,,cpu,1,-1,1"], 'line 2 has "-1" milliseconds'),
        ([HEADER, "call,,cpu,1,1,1", "call,,cpu,1,1,1"], "line 3 has an operation that stands there before"),
        ([HEADER, "Stem(),3x32x32,cpu,1,1,1"], 'has no row call for "cpu"'),
    ],
)
def test_problems_are_named(lines: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "operations.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as refusal:
        read_latencies(path, SPACE)
    assert said in "\n".join(refusal.value.problems)
    assert all(str(path) in problem for problem in refusal.value.problems)


def test_a_search_adds_up_and_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "operations.csv"
    rng = np.random.default_rng(1)
    everything = [SPACE.sample(rng) for _ in range(3000)]
    write_operations(path, {"cpu": table(everything)})
    assert latency_of(path, SPACE, "cpu")(SPACE.largest) == 1 + len(operations(SPACE.plans(SPACE.largest)))
    write_operations(path, {"cpu": table([SPACE.largest])})
    with pytest.raises(InputError, match="was not measured on cpu; `supernet latency 8:8:8:8:8 --space nats-size"):
        latency_of(path, SPACE, "cpu")
    with pytest.raises(InputError, match="has no device gpu"):
        latency_of(path, SPACE, "gpu")
