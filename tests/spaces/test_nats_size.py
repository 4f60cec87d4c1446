"""The NATS-Bench size space against the benchmark's numbers; what every space must do is in test_spaces.py."""

import csv
from itertools import product
from pathlib import Path

import pytest

from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.spaces import Cost
from toolkit.spaces.nats_size import NATS_SIZE
from toolkit.spaces.plans import Cell, Choice, ConvNorm, Head, Identity, NormReLU, Reduction

CODE = "8:64:32:16:16"


@pytest.mark.parametrize(
    ("code", "flops", "params"),
    [
        ("8:8:8:8:8", 4.481114, 11_714),
        ("8:8:16:40:40", None, 107_826),
        ("64:64:64:64:64", 274.399882, 713_674),
    ],
)
def test_published_costs(code: str, flops: float | None, params: int) -> None:
    """As the benchmark stores them for CIFAR-10; its FLOPs are our MACs and an addition for each class."""
    cost = NATS_SIZE.cost(NATS_SIZE.parse(code))
    assert cost.params == params
    assert flops is None or cost.macs + 10 == round(flops * 1e6)


def test_codes_of_the_benchmark_round_trip(shared: Path) -> None:
    with (shared / "data/truth/nats_size_cifar10_half.csv").open(newline="") as file:
        codes = [":".join(row[f"c{i}"] for i in range(1, 6)) for row in csv.DictReader(file)]
    assert len(set(codes)) == NATS_SIZE.cardinality / 2 == 16_384
    assert [NATS_SIZE.format(NATS_SIZE.parse(code)) for code in codes] == codes


def test_no_network_is_outside_the_extremes() -> None:
    costs = [NATS_SIZE.cost(arch) for arch in product(range(8), repeat=5)]
    assert len(costs) == NATS_SIZE.cardinality
    by_macs = sorted(costs, key=lambda cost: cost.macs)
    assert by_macs[0] == NATS_SIZE.cost(NATS_SIZE.smallest) == Cost(4_481_104, 11_714)
    assert by_macs[-1] == NATS_SIZE.cost(NATS_SIZE.largest) == Cost(274_399_872, 713_674)


def test_plans_of_a_code() -> None:
    """The cell that keeps its width has an identity where the other has a projection."""
    first = ConvNorm(64, 32, 3, stride=1, relu="before", size=16)
    later = ConvNorm(32, 32, 3, stride=1, relu="before", size=16)
    projection = ConvNorm(64, 32, 1, stride=1, relu=None, size=16)
    kept = ConvNorm(16, 16, 3, stride=1, relu="before", size=8)
    plans = NATS_SIZE.plans(NATS_SIZE.parse(CODE))
    assert plans[0] == ConvNorm(3, 8, 3, stride=1, relu=None, size=32)
    assert plans[2:] == (
        Reduction(8, 64, 32),
        Cell(64, 32, ((first,), (first, later), (Choice(64, 32, (("projection", projection),)), later, later))),
        Reduction(32, 16, 16),
        Cell(16, 16, ((kept,), (kept, kept), (Choice(16, 16, (("identity", Identity()),)), kept, kept))),
        NormReLU(16),
        Head(16, 10),
    )


def test_both_skip_connections_are_the_plain_ones() -> None:
    assert_computes_what_the_plain_network_does(NATS_SIZE.for_images(3, 10, 7), NATS_SIZE.parse(CODE))


def test_the_supernet_holds_both_skip_connections_where_a_width_may_change() -> None:
    skips = [plan.nodes[2][0] for plan in NATS_SIZE.widest if isinstance(plan, Cell)]
    names = [[name for name, _ in skip.branches] for skip in skips if isinstance(skip, Choice)]
    assert names == [["identity"], ["identity", "projection"], ["identity", "projection"]]


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 1 entries, allowed: 5 widths joined by ':'"]),
        (CODE + ":8", ["found 6 entries, allowed: 5 widths joined by ':'"]),
        ("8-64-32-16-16", ["found 1 entries, allowed: 5 widths joined by ':'"]),
        *(
            (f"8:{text}:32:16:16", [f"entry 2: found {text!r}, allowed: a multiple of 8 from 8 to 64"])
            for text in ("0", "4", "72", "08", "+8", " 8", "8.0", "٨", "", "8\n")
        ),
        (
            "8:12:32:x:16",
            [
                "entry 2: found '12', allowed: a multiple of 8 from 8 to 64",
                "entry 4: found 'x', allowed: a multiple of 8 from 8 to 64",
            ],
        ),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    assert NATS_SIZE.problems(code) == problems
