"""A kind of block is written once: what holds for the toolkit's own holds for kinds that it has never seen."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from app.views.blocks import blocks
from tests.evaluation.test_memory import peak
from tests.networks import logits, noise_dataset, randomise, some_images
from tests.odd_space import ODD, Twins
from toolkit.backends import get_backend
from toolkit.backends.base import Backend
from toolkit.backends.shapes import shapes, used
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.memory import memory_need
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_tree
from toolkit.priors.zen import features
from toolkit.spaces import Arch, Cost
from toolkit.spaces.cost import block_cost
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace, elastic_layers
from toolkit.spaces.plans import Plans
from toolkit.spaces.windows import window

ARCHS: list[Arch] = [
    ODD.canonical(answers) for answers in product(*(range(len(decision.options)) for decision in ODD.decisions))
]


@pytest.mark.parametrize("arch", ARCHS[::7])
def test_alone_is_a_window_of_the_supernet(backend: Backend, arch: Arch) -> None:
    supernet = backend.network(ODD, ODD.widest, seed=0)
    randomise(supernet)
    held, alone = supernet.weights(), backend.network(ODD, ODD.plans(arch), seed=0)
    alone.load_weights({name: held[name][window(held[name].shape, s)] for name, s in shapes(ODD.plans(arch)).items()})
    images = some_images(ODD)
    for norm in ("stored_norm", "batch_norm"):
        path, true = (
            logits(backend, net, arch, images, getattr(net, norm)(), ODD.plans(arch)) for net in (supernet, alone)
        )
        np.testing.assert_allclose(path, true, rtol=1e-5, atol=1e-5)
        assert np.ptp(path) > 1e-3


def test_costs_are_what_torch_counts() -> None:
    backend = get_backend("torch", "cpu")
    for arch in ARCHS:
        network = backend.network(ODD, ODD.plans(arch), seed=0)
        image = backend.place(np.zeros((1, 3, 12, 12), np.float32))
        with FlopCounterMode(display=False) as counter, network.inference():
            network.run(ODD.plans(arch), image, network.stored_norm())
        assert isinstance(network, torch.nn.Module)
        assert ODD.cost(arch) == Cost(counter.get_total_flops() // 2, sum(p.numel() for p in network.parameters()))


def test_names_and_shapes(backend: Backend) -> None:
    network = backend.network(ODD, ODD.widest, seed=0)
    assert {name: array.shape for name, array in network.weights().items()} == shapes(ODD.widest)
    assert shapes(ODD.widest)["blocks.2.excite.bias"] == (8,)
    images = backend.normalise(backend.place(some_images(ODD)), (0.5,) * 3, (0.25,) * 3)
    backend.ops.backward(backend.ops.mean(network.run(ODD.plans(ODD.smallest), images)))
    for name, gradient in network.gradients().items():
        array = backend.ops.numpy(gradient).copy()
        array[window(array.shape, used(ODD.plans(ODD.smallest))[name])] = 0
        assert not array.any(), f"{name}: a gradient beyond the path"


@pytest.mark.parametrize(
    "policy", [NormPolicy("stored"), NormPolicy("batch", 40), NormPolicy("calibrate", 40)], ids=str
)
def test_together_as_one_by_one(backend: Backend, policy: NormPolicy) -> None:
    network = backend.network(ODD, ODD.widest, seed=0)
    randomise(network)
    evaluator = Evaluator(backend, network, EvaluationSet.of(noise_dataset(ODD), policy), chunk=80)
    together, alone = evaluator.evaluate(ARCHS), [evaluator.evaluate([arch])[0] for arch in ARCHS]
    assert [(one.top1, one.top5) for one in together] == [(one.top1, one.top5) for one in alone]
    np.testing.assert_allclose([one.loss for one in together], [one.loss for one in alone], rtol=1e-5)
    assert len({one.loss for one in together}) > len(ARCHS) / 2


def test_the_bound_on_memory_holds() -> None:
    backend, policy = get_backend("torch", "cpu"), NormPolicy("calibrate", 40)
    network = backend.network(ODD, ODD.widest, seed=0)
    evaluator = Evaluator(backend, network, EvaluationSet.of(noise_dataset(ODD), policy), chunk=80)
    evaluator.evaluate(ARCHS[:1])
    need = memory_need(prefix_tree([(arch, ODD.plans(arch)) for arch in ARCHS]), ODD.channels, ODD.size)
    found = peak(evaluator, ARCHS)
    assert found <= need.of(80) <= 3 * found


def test_groups_of_widths(backend: Backend) -> None:
    """Every width that varies is found, named by the plan's own attribute, and grouping changes no output."""
    found = {(layers.position, layers.field): sorted(layers.users) for layers in elastic_layers(ODD)}
    assert found == {
        (1, "channels"): [4, 6],
        (2, "half_channels"): [2, 3, 4],
        (2, "channels"): [4, 6, 8],
        (3, "channels"): [4, 8],
        (4, "in_channels"): [4, 8],
    }
    grouped = GroupedSpace(ODD, "widths")
    assert shapes(grouped.widest)["blocks.2.conv_b.groups.3.weight"] == (3, 6, 5, 5)
    plain, own = backend.network(ODD, ODD.widest, seed=3), backend.network(grouped, grouped.widest, seed=3)
    for arch in ARCHS[::5]:
        first, second = (
            logits(backend, net, arch, some_images(ODD), net.batch_norm(), space.supernet_plans(arch))
            for net, space in ((plain, ODD), (own, grouped))
        )
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


def test_enhancement_maps_its_widths() -> None:
    richer = EnhancedSpace(ODD, widths=((2, 3),)).supernet_plans(ODD.smallest)[2]
    assert isinstance(richer, Twins)
    assert (richer.half_channels, richer.channels) == (3, 6)


def test_onnx(backend: Backend) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from tests.converters.test_onnx_models import compare_paths

    compare_paths(backend, ODD)


def test_it_is_drawn() -> None:
    drawn = blocks(ODD, ODD.largest)
    assert [block.name for block in drawn] == ["resize", "conv", "1.1", "2.1", "head"], "the pooling halves the map"
    assert drawn[2].widths == (4, 8)
    assert drawn[2].text.startswith("1x1 to 4, 5x5 to 4")
    assert drawn[2].macs == block_cost(ODD.plans(ODD.largest)[2]).macs  # type: ignore[arg-type]


def test_priors_see_its_features() -> None:
    plans: Plans = ODD.plans(ODD.largest)
    assert features(plans) == plans[:-1]
