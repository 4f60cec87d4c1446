"""What costs count, and tables of latencies with everything that can be wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from tests.constrained_space import GROWING
from toolkit.errors import InputError
from toolkit.search.costs import cost_of, latency_of, priced
from toolkit.spaces import get_space


def table(path: Path, rows: list[str], header: str = "code,phone,board") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


ARCHS = sorted({GROWING.sample(np.random.default_rng(seed)) for seed in range(200)})
CODES = [GROWING.format(arch) for arch in ARCHS]
ROWS = [f"{code},{n + 1.5},{n + 2}" for n, code in enumerate(CODES)]
LAST, LINE = CODES[-1], len(CODES) + 1


def test_macs_and_parameters_are_those_of_the_stand_alone_network() -> None:
    space = get_space("nasbench-macro")
    assert cost_of("macs", space)(space.largest) == space.cost(space.largest).macs
    assert cost_of("parameters", space)(space.largest) == space.cost(space.largest).params


def test_latencies_come_from_a_table(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", ROWS)
    assert [latency_of(path, GROWING, "board")(arch) for arch in ARCHS] == [n + 2 for n in range(len(ARCHS))]
    assert cost_of("latency", GROWING, path, "phone")(ARCHS[2]) == 3.5
    assert latency_of(table(path, ROWS, "arch,a,b"), GROWING, "a")(ARCHS[0]) == 1.5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[:-1], f"has {LINE - 2} of the {LINE - 1} networks"),
        ([*ROWS[:-1], f"{LAST},4.5,"], f"has {LINE - 2} of the {LINE - 1} networks"),
        ([*ROWS[:-1], f"{LAST},4.5,-1"], "a latency is above 0"),
        ([*ROWS[:-1], f"{LAST},4.5,nan"], "a latency is above 0"),
        ([*ROWS[:-1], f"{LAST},4.5"], f"line {LINE} has 2 cells, the header 3"),
        ([*ROWS, f"{LAST},4.5,600"], f"line {LINE + 1} is a network that stands there before with another board"),
        ([*ROWS, "zz,4.5,6"], f'line {LINE + 1}: "zz" is not in space growing'),
    ],
)
def test_gaps_and_nonsense_are_said(rows: list[str], message: str, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", rows)
    with pytest.raises(InputError) as refusal:
        latency_of(path, GROWING, "board")
    assert message in "\n".join(refusal.value.problems)
    assert all(str(path) in problem for problem in refusal.value.problems)


def test_a_missing_column_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no device phoen; did you mean 'phone'"):
        latency_of(table(tmp_path / "t.csv", ROWS), GROWING, "phoen")
    with pytest.raises(InputError, match="no column code or arch"):
        latency_of(table(tmp_path / "t.csv", ROWS, "name,phone,board"), GROWING, "phone")
    with pytest.raises(InputError, match="name its file"):
        cost_of("latency", GROWING)


def test_forms() -> None:
    assert priced(3.0, 1.5, "linear", 0.1) == pytest.approx(2.85)
    assert priced(3.0, 1.5, "hinge", 0.1) == pytest.approx(2.95)
    assert priced(3.0, 0.5, "hinge", 0.1) == 3.0
    assert priced(3.0, 2.0, "power", 0.07) == pytest.approx(3 * 2**-0.07)
    assert priced(3.0, 0.5, "power", 0.07) == 3.0
