"""NAS-Bench-201 against the benchmark's numbers and rules; what every space must do is in test_spaces.py."""

import csv
import dataclasses
from itertools import product
from pathlib import Path

import pytest
import torch

from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.backends.torch.blocks import Block
from toolkit.backends.torch.norms import Batch
from toolkit.spaces import Arch, Cost
from toolkit.spaces.nasbench201 import NASBENCH201, OPERATIONS
from toolkit.spaces.plans import AvgPool, Cell, Choice, ConvNorm, Head, Identity, NormReLU, Plan, Reduction

CODE = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"
ALLOWED = "allowed: none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3"


@pytest.fixture(scope="module")
def benchmark(shared: Path) -> dict[str, str]:
    """Parameters in millions by arch string; 265 of the numbers above a million are rounded to six digits."""
    with (shared / "data/truth/nasbench201.csv").open(newline="") as file:
        return {row["arch"]: row["params_M_c10"] for row in csv.DictReader(file)}


def every_arch() -> list[Arch]:
    return list(product(range(len(OPERATIONS)), repeat=6))


def test_the_benchmarks_codes_are_the_space_and_cost_what_it_says(benchmark: dict[str, str]) -> None:
    archs = [NASBENCH201.parse(code) for code in benchmark]
    assert [NASBENCH201.format(arch) for arch in archs] == list(benchmark)
    assert set(archs) == set(every_arch())
    assert len(archs) == NASBENCH201.cardinality == 15_625
    params = [NASBENCH201.cost(arch).params for arch in archs]
    assert [f"{count / 1e6:.6g}" for count in params] == [f"{float(text):.6g}" for text in benchmark.values()]
    rounded = [count != round(float(text) * 1e6) for count, text in zip(params, benchmark.values(), strict=True)]
    assert sum(rounded) == 265


@pytest.mark.parametrize(
    ("size", "classes", "smallest", "largest"),
    [
        (32, 10, (7.78305, 0.073306), (220.11969, 1.531546)),
        (32, 100, (7.7889, 0.079156), (220.12554, 1.537396)),
        (16, 120, (1.9534, 0.080456), (None, 1.538696)),
    ],
    ids=["CIFAR-10", "CIFAR-100", "ImageNet16-120"],
)
def test_published_extremes(
    size: int, classes: int, smallest: tuple[float, float], largest: tuple[float | None, float]
) -> None:
    """The ranges that users of the benchmark publish; its FLOPs are our MACs and an addition for each class."""
    space = NASBENCH201.for_images(3, size, classes)
    for arch, (flops, params) in ((space.smallest, smallest), (space.largest, largest)):
        cost = space.cost(arch)
        assert cost.params == round(params * 1e6)
        assert flops is None or cost.macs + classes == round(flops * 1e6)


def test_no_network_is_outside_the_extremes() -> None:
    costs = [NASBENCH201.cost(arch) for arch in every_arch()]
    assert min(cost.macs for cost in costs) == NASBENCH201.cost(NASBENCH201.smallest).macs
    assert max(cost.macs for cost in costs) == NASBENCH201.cost(NASBENCH201.largest).macs
    assert costs.count(NASBENCH201.cost(NASBENCH201.largest)) == 1


def test_plans_of_a_code() -> None:
    plans = NASBENCH201.plans(NASBENCH201.parse(CODE))
    assert len(plans) == 20
    assert plans[0] == ConvNorm(3, 16, 3, stride=1, relu=None, size=32)
    assert plans[6] == Reduction(16, 32, 32)
    assert plans[12] == Reduction(32, 64, 16)
    assert plans[18:] == (NormReLU(64), Head(64, 10))

    def only(name: str, plan: Plan) -> Choice:
        return Choice(32, 32, ((name, plan),))

    def conv(kernel: int) -> Choice:
        return only(f"nor_conv_{kernel}x{kernel}", ConvNorm(32, 32, kernel, stride=1, relu="before", size=16))

    second_stage = Cell(
        32,
        32,
        (
            (conv(3),),
            (None, only("avg_pool_3x3", AvgPool())),
            (only("skip_connect", Identity()), conv(1), conv(3)),
        ),
    )
    assert plans[7:12] == 5 * (second_stage,)


@pytest.mark.parametrize("answers", ["101010", "012344", "444444", "203401", "140432"])
def test_every_operation_is_the_plain_one(answers: str) -> None:
    small = dataclasses.replace(NASBENCH201, widths=(4, 8), cells=2, size=9)
    assert_computes_what_the_plain_network_does(small, tuple(map(int, answers)))


def test_a_cell_whose_result_is_nothing_gives_zeros() -> None:
    cell = Cell(4, 6, ((None,), (None, None), (None, None, None)))
    images = torch.randn(2, 4, 5, 5)
    assert torch.equal(Block(cell).run(cell, (images,), Batch()), torch.zeros(2, 6, 5, 5))
    assert NASBENCH201.cost((0,) * 6) == Cost(7_783_040, 73_306)


def test_a_skip_connection_does_not_change_what_others_read() -> None:
    """Edges from one node start from the same activations, so none may write into them."""
    for arch in ((1, 1, 1, 1, 1, 1), (1, 3, 4, 2, 1, 3)):
        plan = NASBENCH201.plans(arch)[1]
        assert isinstance(plan, Cell)
        images = torch.randn(2, 16, 6, 6)
        before = images.clone()
        block = Block(plan)
        for parameter in block.parameters():
            torch.nn.init.normal_(parameter)
        block.run(plan, (images,), Batch())
        assert torch.equal(images, before)


def test_pooling_averages_the_pixels_that_are_there() -> None:
    ones = torch.ones(1, 1, 4, 4)
    assert torch.equal(Block(AvgPool()).run(AvgPool(), (ones,), Batch()), ones)


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        ("", ["found 1 nodes, allowed: 3 joined by '+', as in |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"]),
        (CODE + "+", ["found 4 nodes, allowed: 3 joined by '+', as in |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"]),
        (CODE[1:], ["node 1: found 'nor_conv_3x3~0|', allowed: the form |op~0|"]),
        (CODE + " ", [f"node 3: found {CODE.split('+')[2] + ' '!r}, allowed: the form |op~0|op~1|op~2|"]),
        (
            "+|none~0|none~1|+|",
            ["node 1: found '', allowed: the form |op~0|", "node 3: found '|', allowed: the form |op~0|op~1|op~2|"],
        ),
        (CODE.replace("|avg_pool_3x3~1", ""), ["node 2: found '|none~0|', allowed: the form |op~0|op~1|"]),
        (CODE.replace("none", "zero"), [f"node 2, edge 1: found 'zero', {ALLOWED}"]),
        (CODE.replace("none", "None"), [f"node 2, edge 1: found 'None', {ALLOWED}"]),
        (CODE.replace("none", ""), [f"node 2, edge 1: found '', {ALLOWED}"]),
        (CODE.replace("none~0", "none"), ["node 2, edge 1: found '', allowed: '~0', its input"]),
        (CODE.replace("none~0", "none~00"), ["node 2, edge 1: found '~00', allowed: '~0', its input"]),
        (CODE.replace("none~0", "none~٠"), ["node 2, edge 1: found '~٠', allowed: '~0', its input"]),
        (
            CODE.replace("none~0", "max_pool_3x3~1").replace("nor_conv_3x3~2", "nor_conv_5x5~2"),
            [
                f"node 2, edge 1: found 'max_pool_3x3', {ALLOWED}",
                "node 2, edge 1: found '~1', allowed: '~0', its input",
                f"node 3, edge 3: found 'nor_conv_5x5', {ALLOWED}",
            ],
        ),
    ],
)
def test_every_violation_is_named(code: str, problems: list[str]) -> None:
    assert NASBENCH201.problems(code) == problems


def test_a_novel_is_cut_in_messages() -> None:
    (problem,) = NASBENCH201.problems(CODE.replace("none", 1_000_000 * "x"))
    assert len(problem) < 300
