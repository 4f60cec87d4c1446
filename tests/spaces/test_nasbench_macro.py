"""NAS-Bench-Macro against the benchmark's numbers; what every space must do is in test_spaces.py."""

import csv
import dataclasses
from itertools import product
from pathlib import Path

import pytest

from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.spaces import Cost
from toolkit.spaces.nasbench_macro import NASBENCH_MACRO
from toolkit.spaces.plans import Choice, ConvNorm, Head, InvertedResidual, Stem

CODE = "01200210"
ALLOWED = "allowed: 0 (identity), 1 (mb3_k3), 2 (mb6_k5)"


def test_the_benchmarks_codes_are_the_space_and_cost_what_it_says(shared: Path) -> None:
    with (shared / "data/truth/nasbench_macro_cifar10.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    archs = [NASBENCH_MACRO.parse(row["arch"]) for row in rows]
    assert [NASBENCH_MACRO.format(arch) for arch in archs] == [row["arch"] for row in rows]
    assert set(archs) == set(product(range(3), repeat=8))
    assert len(archs) == NASBENCH_MACRO.cardinality == 6_561
    costs = [NASBENCH_MACRO.cost(arch) for arch in archs]
    assert costs == [Cost(int(row["flops"]), int(row["params"])) for row in rows]
    assert min(costs, key=lambda cost: cost.macs) == NASBENCH_MACRO.cost(NASBENCH_MACRO.smallest)
    assert max(costs, key=lambda cost: cost.macs) == NASBENCH_MACRO.cost(NASBENCH_MACRO.largest)


def test_what_the_benchmark_trained_once_is_one_network(shared: Path) -> None:
    """It trained a network once for all codes whose present blocks are the same, and so do ours count."""
    with (shared / "data/truth/nasbench_macro_cifar10.csv").open(newline="") as file:
        trained = {row["arch"]: tuple(row[f"acc{i}"] for i in range(3)) for row in csv.DictReader(file)}
    results: dict[tuple[object, ...], set[tuple[str, ...]]] = {}
    for code, accuracies in trained.items():
        plans = NASBENCH_MACRO.plans(NASBENCH_MACRO.parse(code))
        results.setdefault(tuple(plan for plan in plans if plan is not None), set()).add(accuracies)
    assert len(results) == 3_969
    assert all(len(accuracies) == 1 for accuracies in results.values())


def test_plans_of_a_code() -> None:
    """The identity is a projection where the stride is 2, else an absent block."""

    def only(name: str, plan: ConvNorm | InvertedResidual) -> Choice:
        return Choice(plan.in_channels, plan.channels, ((name, plan),))

    assert NASBENCH_MACRO.plans(NASBENCH_MACRO.parse(CODE)) == (
        Stem(3, 32, kernel=3, stride=1, pool=False, size=32),
        only("identity", ConvNorm(32, 64, 1, stride=2, relu=None, size=32)),
        only("mb3_k3", InvertedResidual(64, 192, 64, kernel=3, stride=1, size=16)),
        only("mb6_k5", InvertedResidual(64, 384, 128, kernel=5, stride=2, size=16)),
        None,
        None,
        only("mb6_k5", InvertedResidual(128, 768, 256, kernel=5, stride=2, size=8)),
        only("mb3_k3", InvertedResidual(256, 768, 256, kernel=3, stride=1, size=4)),
        None,
        ConvNorm(256, 1280, 1, stride=1, relu="after", size=4),
        Head(1280, 10),
    )


@pytest.mark.parametrize("code", [CODE, "12121212", "00000000"])
def test_every_choice_is_the_plain_one(code: str) -> None:
    small = dataclasses.replace(NASBENCH_MACRO, width=4, last=20, size=9)
    assert_computes_what_the_plain_network_does(small, small.parse(code))


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 0 characters, allowed: 8 digits"]),
        (CODE + "0", ["found 9 characters, allowed: 8 digits"]),
        ("3" + CODE[1:], [f"block 1: found '3', {ALLOWED}"]),
        (CODE[:7] + "\n", [f"block 8: found '\\n', {ALLOWED}"]),
        ("0١2-0210", [f"block 2: found '١', {ALLOWED}", f"block 4: found '-', {ALLOWED}"]),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    assert NASBENCH_MACRO.problems(code) == problems
