"""The 2021 space against the numbers and rules of the challenge; what every space must do is in test_spaces.py."""

import dataclasses
import json
from pathlib import Path
from statistics import median_high

import pytest

from toolkit.spaces import Cost
from toolkit.spaces.cost import network_cost
from toolkit.spaces.plans import BasicBlock, Head, Stem
from toolkit.spaces.resnet20 import RESNET20

MAXIMUM = "-".join(7 * ["16"] + 6 * ["32"] + 7 * ["64"])
MINIMUM = "-".join(20 * ["4"])
ARCH1 = "16-4-12-16-8-16-16-24-12-8-16-4-32-52-52-52-20-40-8-44"


@pytest.fixture(scope="module")
def official(shared: Path) -> list[str]:
    """The 50,000 codes of the challenge."""
    entries = json.loads((shared / "data/candidates/Track1_final_archs.json").read_bytes())
    return [entry["arch"] for entry in entries.values()]


@pytest.mark.parametrize(
    ("code", "official_rule", "always_project"),
    [
        (MAXIMUM, Cost(41_081_088, 278_612), Cost(42_653_952, 289_812)),
        (MINIMUM, Cost(1_293_712, 3_424), Cost(1_336_720, 3_568)),
        (ARCH1, Cost(16_626_464, 106_900), Cost(16_626_464, 106_900)),
    ],
    ids=["maximum", "minimum", "arch1"],
)
def test_golden_costs(code: str, official_rule: Cost, always_project: Cost) -> None:
    arch = RESNET20.parse(code)
    assert RESNET20.cost(arch) == official_rule
    assert network_cost(RESNET20.supernet_plans(arch)) == always_project
    unshared = dataclasses.replace(RESNET20, always_project=False)
    assert unshared.cost(arch) == network_cost(unshared.supernet_plans(arch)) == official_rule


def test_official_codes_round_trip_and_cost_what_is_known(official: list[str]) -> None:
    assert len(official) == 50_000
    archs = [RESNET20.parse(code) for code in official]
    assert list(map(RESNET20.format, archs)) == official
    costs = [RESNET20.cost(arch) for arch in archs]
    macs, params = [cost.macs for cost in costs], [cost.params for cost in costs]
    assert (min(params), median_high(params), max(params)) == (16_308, 84_592, 221_980)
    assert (min(macs), median_high(macs), max(macs)) == (4_056_816, 14_063_472, 30_591_456)


def test_extremes_are_the_known_codes() -> None:
    assert RESNET20.format(RESNET20.largest) == MAXIMUM
    assert RESNET20.format(RESNET20.smallest) == MINIMUM
    assert RESNET20.cardinality == 2**60


def test_plans_of_the_first_candidate() -> None:
    plans = RESNET20.plans(RESNET20.parse(ARCH1))
    assert len(plans) == 11
    assert plans[:2] == (
        Stem(3, 16, kernel=3, stride=1, pool=False, size=32),
        BasicBlock(16, 4, 12, stride=1, project=True, size=32),
    )
    assert plans[4] == BasicBlock(16, 24, 12, stride=2, project=True, size=32)
    assert plans[9:] == (BasicBlock(20, 40, 8, stride=1, project=True, size=8), Head(8, 100))


def test_shortcuts_project_where_the_official_network_does() -> None:
    """Stage 1 keeps its width in block 2 and changes it in block 3; the first block projects in any case."""
    code = "-".join(["16", "4", "16", "4", "16", "4", "12"] + 6 * ["8"] + 7 * ["8"])
    blocks = RESNET20.plans(RESNET20.parse(code))[1:10]
    assert [block.project for block in blocks if isinstance(block, BasicBlock)] == [
        *(True, False, True),
        *(True, False, False),
        *(True, False, False),
    ]


def test_the_last_entry_means_nothing() -> None:
    """The official network builds its classifier from entry 19."""
    first, second = RESNET20.parse(ARCH1), RESNET20.parse(ARCH1.removesuffix("44") + "4")
    assert first != second
    assert RESNET20.plans(first) == RESNET20.plans(second)


def entry(position: int, text: str) -> str:
    """ARCH1 with another entry, counted from 1."""
    entries = ARCH1.split("-")
    entries[position - 1] = text
    return "-".join(entries)


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 1 entries, allowed: 20 widths joined by '-'"]),
        (ARCH1.removesuffix("-44"), ["found 19 entries, allowed: 20 widths joined by '-'"]),
        (ARCH1 + "-4", ["found 21 entries, allowed: 20 widths joined by '-'"]),
        (entry(1, "0"), ["entry 1: found '0', allowed: a multiple of 4 from 4 to 16"]),
        (entry(2, "20"), ["entry 2: found '20', allowed: a multiple of 4 from 4 to 16"]),
        (entry(8, "6"), ["entry 8: found '6', allowed: a multiple of 4 from 4 to 32"]),
        (entry(20, "68"), ["entry 20: found '68', allowed: a multiple of 4 from 4 to 64"]),
        *(
            (entry(14, text), [f"entry 14: found {text!r}, allowed: a multiple of 4 from 4 to 64"])
            for text in ("04", "+4", " 4", "4 ", "4.0", "٤", "four", "", "4\n")
        ),
        (
            entry(1, "5").replace("-52-52-52-", "-52-x-52-"),
            [
                "entry 1: found '5', allowed: a multiple of 4 from 4 to 16",
                "entry 15: found 'x', allowed: a multiple of 4 from 4 to 64",
            ],
        ),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    assert RESNET20.problems(code) == problems
