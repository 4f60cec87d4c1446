"""DARTS against its authors' numbers, a published table and plain PyTorch; what every space must do is elsewhere."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tests.networks import backend_on_cpu, logits, randomise, some_images
from tests.plain_torch import assert_computes_what_the_plain_network_does
from toolkit.backends import BACKENDS
from toolkit.backends.weights import path_weights
from toolkit.errors import InputError
from toolkit.spaces import Arch, Cost
from toolkit.spaces.cost import block_cost, step_cost
from toolkit.spaces.darts import DARTS, DARTS_CIFAR, DARTS_IMAGENET, DARTS_MINI, DARTS_NONE
from toolkit.spaces.genotypes import OPERATIONS
from toolkit.spaces.options import SpaceOptions
from toolkit.spaces.plans import AuxiliaryHead, ConvNorm, DualCell, Head
from toolkit.spaces.primitives import AvgPool, Norm
from toolkit.spaces.wiring import graph

V1 = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
)
V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('max_pool_3x3', 1), ('skip_connect', 2)], reduce_concat=[2, 3, 4, 5])"
)
SHORT = DARTS_CIFAR.with_options(DARTS.options_type(name="darts", init_channels=16, layers=8))  # type: ignore[call-arg]
LONGER = replace(DARTS_CIFAR, init_channels=32, layers=8)
SMALL = replace(DARTS_NONE, init_channels=4, layers=3, classes=7)
seeds = st.integers(0, 2**32 - 1)


def parsed(space: DARTS, text: str) -> Arch:
    return space.parse(space.respelled(text))


def alike(operation: str, pairs: Sequence[tuple[int, int]] = ((0, 1),) * 4) -> str:
    """Both cells with one operation on every edge."""
    cell = " ".join(f"{operation}:{source}" for pair in pairs for source in pair)
    return f"{cell} | {cell}"


LATEST = ((0, 1), (1, 2), (2, 3), (3, 4))


@pytest.mark.parametrize(
    ("space", "text", "params", "macs"),
    [
        (DARTS_CIFAR, V2, 3_349_342, 528_359_040),
        (SHORT, V2, 246_106, 43_444_736),
        (LONGER, V2, 919_722, 159_765_504),
        (DARTS_IMAGENET, V2, 4_718_752, 529_911_552),
        (DARTS_CIFAR, V1, 3_169_414, 500_987_520),
        (SHORT, V1, 232_890, 41_355_776),
        (LONGER, V1, 871_786, 152_441_856),
        (DARTS_IMAGENET, V1, 4_510_432, 505_864_704),
        (DARTS_CIFAR, alike("sep_conv_5x5"), 5_144_086, 817_833_600),
        (DARTS_CIFAR, alike("sep_conv_3x3"), 4_701_718, 711_665_280),
        (DARTS_CIFAR, alike("dil_conv_5x5"), 3_257_110, 522_552_960),
        (DARTS_CIFAR, alike("dil_conv_3x3"), 3_035_926, 469_468_800),
        (DARTS_CIFAR, alike("skip_connect"), 1_580_950, 248_505_984),
        (DARTS_CIFAR, alike("skip_connect", LATEST), 1_449_190, 235_234_944),
        (DARTS_CIFAR, alike("avg_pool_3x3"), 1_370_134, 227_272_320),
        (DARTS_CIFAR, alike("max_pool_3x3", LATEST), 1_370_134, 227_272_320),
    ],
)
def test_costs_of_known_networks(space: DARTS, text: str, params: int, macs: int) -> None:
    assert space.cost(parsed(space, text)) == Cost(macs, params)


def test_costs_of_the_first_cells() -> None:
    plans = DARTS_CIFAR.plans(parsed(DARTS_CIFAR, V2))
    costs = [block_cost(plan) for plan in plans[1:4] if plan is not None]
    assert costs == [Cost(26_210_304, 26_532), Cost(27_537_408, 27_828), Cost(28_864_512, 29_124)]


def test_a_cell_costs_what_its_graph_does() -> None:
    space = replace(DARTS_NONE, init_channels=4, layers=5)
    for plans in (space.widest, *(space.plans(space.sample(np.random.default_rng(seed))) for seed in range(20))):
        for plan in plans:
            assert plan is not None
            assert block_cost(plan) == sum(map(step_cost, graph(plan).steps), Cost(0, 0))


def test_the_supernet_has_the_authors_weights() -> None:
    """Their search network has the same layers, but scales and shifts nothing behind the stem."""
    steps = [step for plan in SHORT.widest if plan is not None for step in graph(plan).steps]
    stem, *others = [step for step in steps if isinstance(step.op, Norm)]
    assert stem.op == Norm(48)
    affine = sum(step_cost(step).params for step in others)
    assert sum(step_cost(step).params for step in steps) - affine == 1_930_618


def test_the_networks_of_a_table_of_545_cost_what_it_says(shared: Path) -> None:
    with (shared / "data/truth-more/darts_cifar10_545_50ep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 545
    for row in rows:
        expected = Cost(int(row["macs"]), int(row["params"]))
        assert DARTS_NONE.cost(parsed(DARTS_NONE, row["code"])) == expected, row["index"]


def test_how_many_there_are() -> None:
    assert DARTS_CIFAR.cardinality == 1_037_664_180**2
    assert DARTS_NONE.cardinality == (180 * 8**8) ** 2
    assert len(DARTS_CIFAR.decisions) == 2 * (3 + 8), "the first node's inputs are no choice"


def test_where_cells_reduce() -> None:
    for layers, reductions in ((20, {6, 13}), (14, {4, 9}), (8, {2, 5}), (5, {1, 3}), (3, {1, 2})):
        space = replace(DARTS_MINI, layers=layers)
        assert space.reductions == reductions
        cells = [plan for plan in space.plans(space.largest) if isinstance(plan, DualCell)]
        assert len(cells) == layers
        assert {place for place, cell in enumerate(cells) if cell.stride == 2} == reductions
        assert {place for place, cell in enumerate(cells) if cell.reduced} == {place + 1 for place in reductions} - {
            layers
        }


def test_the_two_ends() -> None:
    plans = DARTS_MINI.plans(DARTS_MINI.smallest)
    assert (plans[0], plans[-1]) == (ConvNorm(3, 24, 3, 1, None, 16), Head(128, 100))
    first, second = plans[1:3]
    assert isinstance(first, DualCell)
    assert isinstance(second, DualCell)
    assert (first.reads, first.before_channels, first.in_channels) == ((1, 1), 24, 24)
    assert (second.reads, second.before_channels, second.in_channels) == ((2, 1), 24, 32)
    stem = DARTS_IMAGENET.plans(DARTS_IMAGENET.smallest)[:4]
    assert stem[:3] == (
        ConvNorm(3, 24, 3, 2, "after", 224),
        ConvNorm(24, 48, 3, 2, None, 112),
        ConvNorm(48, 48, 3, 2, "before", 56),
    )
    assert isinstance(stem[3], DualCell)
    assert (stem[3].reads, stem[3].reduced, stem[3].before_size, stem[3].size) == ((2, 1), True, 56, 28)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [8, 9])
def test_networks_are_the_plain_ones(seed: int, size: int) -> None:
    """Odd maps too, which the authors' code does not have."""
    space = replace(SMALL, size=size)
    assert_computes_what_the_plain_network_does(space, space.sample(np.random.default_rng(seed)))


@pytest.mark.parametrize("operation", [*OPERATIONS, "none"])
def test_every_operation_is_the_plain_one(operation: str) -> None:
    """With `none` all that comes out are the classifier's biases."""
    assert_computes_what_the_plain_network_does(SMALL, parsed(SMALL, alike(operation, LATEST)))


def test_the_form_of_imagenet_is_the_plain_one() -> None:
    space = replace(DARTS_IMAGENET, init_channels=4, layers=4, size=40, classes=7)
    assert_computes_what_the_plain_network_does(space, space.sample(np.random.default_rng(0)))


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_extracted_is_the_path_bit_for_bit(name: str) -> None:
    backend = backend_on_cpu(name)
    supernet = backend.network(SMALL, SMALL.widest, 0)
    randomise(supernet)
    for seed in range(3):
        arch = SMALL.sample(np.random.default_rng(seed))
        plans = SMALL.plans(arch)
        alone = backend.network(SMALL, plans, 1)
        alone.load_weights(path_weights(plans, supernet.weights()))
        for norm in ("stored_norm", "batch_norm"):
            path, true = (
                logits(backend, network, arch, some_images(SMALL, 4), getattr(network, norm)(), plans)
                for network in (supernet, alone)
            )
            assert np.ptp(path) > 1e-3
            assert np.array_equal(path, true)


@pytest.mark.parametrize(("space", "params"), [(DARTS_CIFAR, 476_426), (DARTS_IMAGENET, 1_260_776)])
def test_the_auxiliary_classifier_is_the_authors(space: DARTS, params: int) -> None:
    found = replace(space, auxiliary_weight=0.4).auxiliary
    assert found is not None
    assert block_cost(found.plan).params == params
    pool = next(step for step in graph(found.plan).steps if isinstance(step.op, AvgPool))
    assert (pool.op, pool.map.size) == (AvgPool(5, 2 if space.imagenet else 3, valid=True), 2)
    assert space.auxiliary is None


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("size", [7, 8, 4, 2])
def test_the_auxiliary_classifier_computes_what_plain_modules_do(name: str, size: int) -> None:
    backend = backend_on_cpu(name)
    plan = AuxiliaryHead(6, 5, size, norm=size != 7)
    network = backend.network(SMALL, (plan,), 0)
    randomise(network)
    held = {name.removeprefix("blocks.0."): torch.from_numpy(array) for name, array in network.weights().items()}
    images = np.random.default_rng(0).standard_normal((3, 6, size, size)).astype(np.float32)

    def norm(x: torch.Tensor, layer: str) -> torch.Tensor:
        mean, variance, scale, shift = (
            held[f"{layer}.{tensor}"] for tensor in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, scale, shift)

    window = {8: (5, 3), 7: (5, 2), 4: (3, 1), 2: (1, 1)}[size]
    y = functional.avg_pool2d(torch.relu(torch.from_numpy(images)), *window)
    y = torch.relu(norm(functional.conv2d(y, held["conv1.weight"]), "bn1"))
    y = functional.conv2d(y, held["conv2.weight"])
    y = torch.relu(norm(y, "bn2") if plan.norm else y).flatten(1)
    expected = y @ held["fc.weight"].T + held["fc.bias"]
    with network.inference():
        found = network.ops.numpy(network.run((plan,), backend.place(images), network.stored_norm()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_an_auxiliary_classifier_needs_more_than_a_pixel() -> None:
    with pytest.raises(InputError, match=r"no auxiliary_weight for images of 4x4, .*take larger ones"):
        _ = replace(SMALL, auxiliary_weight=0.4, size=4).auxiliary


def test_what_leads_nowhere_is_known() -> None:
    def connected(text: str, space: DARTS = DARTS_NONE) -> bool:
        return space.connected(parsed(space, text))

    none = alike("none").split(" | ")[0]
    assert connected(V2)
    assert not connected(alike("none"))
    alive = alike("skip_connect").split(" | ")[0]
    assert connected(f"{alive} | {none}"), "a cell of nothing is passed over"
    assert not connected(f"{alive} | {none}", replace(DARTS_NONE, layers=3)), "not two of them"
    one = none.replace("none:0", "skip_connect:0", 1)
    assert connected(f"{one} | {one}"), "every second cell is enough where 20 of them begin with the stem"


def spelled(space: DARTS, arch: Arch, shape: str, rng: np.random.Generator) -> str:
    """One of the shapes in which people write genotypes, a node's edges in any order."""
    nodes = [
        [[(edge.operation, edge.source) for edge in rng.permutation(np.array(node, dtype=object))] for node in cell]
        for cell in space.cells(arch)
    ]
    flat = [[edge for node in cell for edge in node] for cell in nodes]
    numbers = [[(source, OPERATIONS.index(name)) for name, source in cell] for cell in flat]
    normal, reduce = nodes if "grouped" in shape else flat
    match shape:
        case "authors" | "grouped":
            return f"Genotype({normal=}, normal_concat=[2, 3, 4, 5], {reduce=}, reduce_concat=[2, 3, 4, 5])"
        case "ranges" | "grouped ranges":
            return f"Genotype({normal=}, normal_concat=range(2, 6), {reduce=}, reduce_concat=range(2, 6))"
        case "lines":
            return f"Genotype(\n  {reduce=},\n  {normal=},\n  reduce_concat=(2, 3, 4, 5),\n  normal_concat=[2,3,4,5],)"
        case "lists of numbers":
            return str(numbers).replace(" ", "")
        case "tuples of numbers":
            return str(tuple(map(tuple, numbers)))
    return " | ".join(" ".join(f"{name}:{source}" for name, source in cell) for cell in flat)


@given(
    seed=seeds,
    shape=st.sampled_from(
        [
            "authors",
            "grouped",
            "ranges",
            "grouped ranges",
            "lines",
            "lists of numbers",
            "tuples of numbers",
            "edges",
        ]
    ),
)
def test_every_spelling_means_the_same(seed: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    arch = DARTS_MINI.sample(rng)
    text = spelled(DARTS_MINI, arch, shape, rng)
    assert DARTS_MINI.respelled(text) == DARTS_MINI.format(arch)
    assert parsed(DARTS_MINI, text) == arch


def test_the_order_of_a_node_s_edges_is_no_other_network() -> None:
    turned = V2.replace("('sep_conv_3x3', 0), ('sep_conv_3x3', 1)", "('sep_conv_3x3', 1), ('sep_conv_3x3', 0)")
    assert turned != V2
    assert parsed(DARTS_CIFAR, turned) == parsed(DARTS_CIFAR, V2)
    (problem,) = DARTS_CIFAR.problems(turned)
    assert problem == f"found another spelling, allowed: {V2}"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["found no genotype, allowed: Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat="]),
        ("9" * 5000, ["found 5,000 characters, allowed: up to 4,096"]),
        (V2[:-1], ["found brackets, quotes or commas that do not match, allowed: Genotype(normal="]),
        (f"[{'not ' * 900}1]", ["found 'not not not not not not not not not not..., allowed: lists, "]),
        ("(" * 4000, ["found brackets, quotes or commas that do not match, allowed: Genotype(normal="]),
        (V2.replace("Genotype", "print"), ["found no genotype, allowed: Genotype(normal="]),
        (
            V2.replace("normal=[", "normal=[open('x'), "),
            ["found \"open('x')\", allowed: lists, pairs, texts and whole"],
        ),
        (V2.replace("[2, 3, 4, 5]", "range(2, 5)", 1), ["normal_concat: found [2, 3, 4], allowed: [2, 3, 4, 5]"]),
        (V2.replace("[2, 3, 4, 5]", "range(0, 999999999)", 1), ["normal_concat: found [0, 1, 2, 3, 4, 5, 6"]),
        (V2.replace("reduce_concat", "reduced"), ["found no reduce_concat, allowed: ", "found 'reduced', allowed: "]),
        (V2.replace("('skip_connect', 0), ", "", 1), ["normal: found 7 edges, allowed: 8, two for each of four nodes"]),
        (
            V2.replace("sep_conv_3x3", "sep_conv_9x9", 1).replace("('max_pool_3x3', 0)", "('max_pool_3x3', 2)", 1),
            [
                "normal, node 2: found operation 'sep_conv_9x9', allowed: max_pool_3x3, ",
                "reduce, node 2: found input 2, allowed: 0 to 1",
            ],
        ),
        (
            V2.replace("('sep_conv_3x3', 0), ('sep_conv_3x3', 1)", "('sep_conv_3x3', 1), ('sep_conv_3x3', 1)", 1),
            ["normal, node 2: found two edges from 1, allowed: from different nodes"],
        ),
        (V2.replace("'sep_conv_3x3'", "3", 1), ["normal, node 2: found [3, 0], allowed: pairs of an operation and"]),
        (V2.replace("('dil_conv_3x3', 2)", "True"), ["found 'True', allowed: lists, pairs, texts and whole numbers"]),
        (alike("none"), ["found operation none, allowed: max_pool_3x3, avg_pool_3x3, "]),
        (alike("skip_connect").replace("|", ""), ["found 1 cells, allowed: two with a bar between them"]),
        ("(((0,7),(1,0)),((0,0),(1,0)))", ["normal: found 2 edges, allowed: 8", "reduce: found 2 edges, allowed: 8"]),
    ],
)
def test_what_is_wrong_is_said(text: str, problems: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parsed(DARTS_CIFAR, text)
    found = [problem.partition("is not in space darts: ")[2] for problem in caught.value.problems]
    assert len(found) == len(problems), found
    for problem, start in zip(found, problems, strict=True):
        assert problem.startswith(start), problem


def test_numbers_are_those_of_nasbench301() -> None:
    cell = "((0,0),(1,1),(0,2),(1,3),(0,4),(1,5),(0,6),(1,0))"
    first, _ = DARTS_CIFAR.cells(parsed(DARTS_CIFAR, f"({cell},{cell})"))
    assert [edge.operation for node in first for edge in node] == [*OPERATIONS, "max_pool_3x3"]


def test_counts() -> None:
    text = (
        "sep_conv_3x3:0 none:1 dil_conv_5x5:2 skip_connect:0 max_pool_3x3:1 sep_conv_5x5:3 none:4 avg_pool_3x3:0 | "
        + alike("skip_connect", LATEST).split(" | ")[1]
    )
    columns = DARTS_NONE.feature_kinds["counts"]([parsed(DARTS_NONE, text)])
    found = {name: float(column[0]) for name, column in columns.items()}
    assert (found["normal sep_conv_3x3"], found["normal sep_conv_3x3 on inputs"]) == (1, 1)
    assert (found["normal dil_conv_5x5"], found["normal dil_conv_5x5 on inputs"]) == (1, 0)
    assert (found["normal none"], found["normal none on inputs"]) == (2, 1)
    assert (found["normal edges from 0"], found["normal edges from 1"]) == (3, 1)
    assert (found["normal longest depth"], found["normal mean depth"]) == (5, (2 + 3 + 5 + 0) / 4)
    assert (found["reduce skip_connect"], found["reduce skip_connect on inputs"]) == (8, 3)
    assert found["reduce longest depth"] == 0


def test_options_change_networks_and_no_codes() -> None:
    assert issubclass(DARTS.options_type, SpaceOptions)
    arch = DARTS_CIFAR.sample(np.random.default_rng(0))
    assert SHORT.format(arch) == DARTS_CIFAR.format(arch)
    assert (SHORT.init_channels, SHORT.layers) == (16, 8)
    for wrong in ({"layers": 2}, {"init_channels": 5}, {"init_channels": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DARTS.options_type(name="darts", **wrong)  # type: ignore[arg-type]
