"""ONNX models of every space compute what every backend does."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
from onnx import numpy_helper

from converters.logits import largest_difference, run_plans
from converters.onnx import OPSET, build_model
from converters.onnx.latency import measure, open_session
from tests import weight_files
from tests.networks import EVERY_FORM, FORMS, on_backends, some_images, thin
from tests.supernets import ACTIVATED, SUPERNETS
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend
from toolkit.backends.shapes import extracted, shapes
from toolkit.data.base import ImageSpec
from toolkit.errors import InputError
from toolkit.spaces import SPACES, Arch, SearchSpace
from toolkit.spaces.plans import AuxiliaryHead

SIZE = 17
"""An odd height: borders and roundings show."""


@pytest.fixture(params=FORMS)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    """Every space, thin."""
    return thin(SPACES[request.param], SIZE)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    try:
        return get_backend(request.param, "cpu")
    except InputError as error:
        pytest.skip(str(error))


def spec_of(space: SearchSpace) -> ImageSpec:
    return ImageSpec(space.channels, space.size, space.classes, (0.5, 0.4, 0.3), (0.25, 0.2, 0.3))


def run(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    (logits,) = open_session(model.SerializeToString(), 1).run(None, {"images": images})
    return logits


def archs(space: SearchSpace) -> list[Arch]:
    rng = np.random.default_rng(0)
    return [space.smallest, *(space.sample(rng) for _ in range(3))]


@pytest.mark.parametrize(
    ("backend", "name"),
    on_backends(zip((*SUPERNETS, *ACTIVATED)), [("resnet20, winner's",), ("nats-size, weak",)]),
    indirect=["backend"],
)
def test_enhanced_and_grouped_supernets(backend: Backend, name: str) -> None:
    """With the weights of the group that serves a width, and every activation."""
    compare_paths(backend, (SUPERNETS | ACTIVATED)[name])


@EVERY_FORM
def test_a_path_of_the_supernet_as_each_backend_runs_it(backend: Backend, space: SearchSpace) -> None:
    compare_paths(backend, space)


def compare_paths(backend: Backend, space: SearchSpace) -> None:
    weights, spec = weight_files.fill(shapes(space.widest)), spec_of(space)
    network = backend.network(space, space.widest, 0)
    network.load_weights(weights)
    pixels = some_images(space, 3)
    images = backend.normalise(backend.place(pixels), spec.mean, spec.std)
    for arch in archs(space):
        plans = space.supernet_plans(arch)
        expected = run_plans(network, plans, images, network.stored_norm())
        model = build_model(plans, weights, spec, {"code": space.format(arch)})
        onnx.checker.check_model(model, full_check=True)
        assert np.ptp(expected) > 1e-3, "these logits say nothing"
        assert largest_difference(expected, run(model, np.ascontiguousarray(np.asarray(images)))) < 1e-5
        with_pixels = build_model(plans, weights, spec, {}, normalise=True)
        onnx.checker.check_model(with_pixels, full_check=True)
        assert largest_difference(expected, run(with_pixels, pixels)) < 1e-5


def test_the_true_stand_alone_network(space: SearchSpace) -> None:
    """In `resnet20` its shortcuts differ from the supernet's."""
    backend, spec = get_backend("torch", "cpu"), spec_of(space)
    arch = space.sample(np.random.default_rng(1))
    weights = weight_files.fill(shapes(space.plans(arch)))
    network = backend.network(space, space.plans(arch), 0)
    network.load_weights(weights)
    images = backend.normalise(backend.place(some_images(space, 3)), spec.mean, spec.std)
    expected = run_plans(network, space.plans(arch), images, network.stored_norm())
    model = build_model(space.plans(arch), weights, spec, {})
    assert largest_difference(expected, run(model, np.ascontiguousarray(np.asarray(images)))) < 1e-5


def test_file_size_follows_the_width(space: SearchSpace) -> None:
    """A model holds the candidate's parameters, less batch norm's own, and little else."""
    weights, spec = weight_files.fill(shapes(space.widest)), spec_of(space)
    sizes, params = {}, {}
    for name, arch in (("smallest", space.smallest), ("largest", space.largest)):
        plans = space.supernet_plans(arch)
        model = build_model(plans, weights, spec, {})
        own = sum(int(np.prod(s)) for name, s in extracted(plans).items() if name.endswith("weight") and len(s) > 1)
        held = sum(numpy_helper.to_array(constant).size for constant in model.graph.initializer)
        assert own < held < own * 1.2 + 2000
        sizes[name], params[name] = model.ByteSize(), own
        assert 4 * held < sizes[name] < 4 * held + 1000 * (1 + len(model.graph.node))
    assert sizes["smallest"] < sizes["largest"]


def test_the_model_says_what_it_is() -> None:
    space = SPACES["resnet48-mini"]
    spec = replace(spec_of(space), mean=(0.5,), std=(0.25,))
    model = build_model(space.plans(space.smallest), weight_files.fill(shapes(space.widest)), spec, {"code": "x"})
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert said == {"code": "x", "mean": "0.5", "std": "0.25", "input": "(pixels / 255 - mean) / std"}
    assert [(one.domain, one.version) for one in model.opset_import] == [("", OPSET)]
    (given,) = model.graph.input
    first, *others = given.type.tensor_type.shape.dim
    assert first.dim_param == "n"
    assert [one.dim_value for one in others] == [1, 8, 8]
    for count in (1, 5):
        assert run(model, np.zeros((count, 1, 8, 8), np.float32)).shape == (count, 10)
    assert not any(node.op_type == "BatchNormalization" for node in model.graph.node)


def test_a_cell_whose_output_nobody_feeds() -> None:
    """An edge that is absent everywhere: the node is zero, and what follows sees zeros."""
    space = SPACES["nasbench201"].for_images(3, 8, 7)
    code = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    arch, spec = space.parse(code), spec_of(space)
    weights = weight_files.fill(shapes(space.widest))
    model = build_model(space.plans(arch), weights, spec, {})
    onnx.checker.check_model(model, full_check=True)
    logits = run(model, np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32))
    assert np.isfinite(logits).all()
    assert np.array_equal(logits[0], logits[1])


@pytest.mark.parametrize("size", [8, 7])
def test_convolutions_and_poolings_without_padding(backend: Backend, size: int) -> None:
    space, plans = SPACES["darts"].for_images(3, size, 7), (AuxiliaryHead(3, 7, size),)
    weights, spec = weight_files.fill(shapes(plans)), spec_of(space)
    network = backend.network(space, plans, 0)
    network.load_weights(weights)
    images = backend.normalise(backend.place(some_images(space, 3)), spec.mean, spec.std)
    expected = run_plans(network, plans, images, network.stored_norm())
    model = build_model(plans, weights, spec, {})
    onnx.checker.check_model(model, full_check=True)
    assert largest_difference(expected, run(model, np.ascontiguousarray(np.asarray(images)))) < 1e-5


def test_latency_is_measured_on_the_threads_named() -> None:
    space = SPACES["resnet48-mini"]
    spec = ImageSpec(1, 8, 10, (0.5,), (0.25,))
    model = build_model(space.plans(space.smallest), weight_files.fill(shapes(space.widest)), spec, {})
    latency = measure(model.SerializeToString(), np.zeros((1, 1, 8, 8), np.float32), threads=2)
    assert 0 < latency.lower <= latency.median <= latency.upper
    assert str(latency).endswith(f"median of {latency.runs} runs on 2 threads")
