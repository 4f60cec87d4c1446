"""Each score against the same score from its definition, on every space; and on toys with known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.networks import EVERY_FORM, backend_on_cpu
from tests.priors import plain_scores
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend
from toolkit.priors import PRIORS, Prior, gradients, naswot, synflow, zen
from toolkit.priors.base import draw_weights, generator
from toolkit.priors.grad_norm import GradNorm
from toolkit.priors.gradients import GradientOptions
from toolkit.priors.images import Noise
from toolkit.priors.naswot import Agreement, Naswot, NaswotOptions, log_determinant
from toolkit.priors.snip import Snip
from toolkit.priors.synflow import SynFlow
from toolkit.priors.zen import Zen, ZenOptions, features
from toolkit.spaces import Arch, SearchSpace, get_space
from toolkit.spaces.plans import Cell, ConvNorm, Head, Plans
from toolkit.spaces.primitives import Add, Linear
from toolkit.spaces.wiring import graph

BATCH = 6
ENOUGH = 16
"""Images for gradients: with six, a batch norm of single pixels may divide by next to nothing and blow rounding up."""
NETWORKS = [name for name, kind in PRIORS.items() if "seed" in kind.options_type.model_fields]


@pytest.fixture
def arch(space: SearchSpace) -> Arch:
    return space.sample(np.random.default_rng(1))


def small(name: str, **options: object) -> Prior:
    """A prior on as few images as it is worth."""
    kind = PRIORS[name].options_type
    batch = {"batch": BATCH} if "batch" in kind.model_fields else {}
    repeats = {"repeats": 1} if "repeats" in kind.model_fields else {}
    return PRIORS[name](kind(**(batch | repeats | options)))  # type: ignore[arg-type]


def backend_for(backend: Backend, prior: Prior) -> Backend:
    return get_backend(backend.name, "cpu", prior.precision)


@pytest.mark.parametrize("name", ["snip", "grad_norm"])
@EVERY_FORM
def test_scores_of_a_gradient(name: str, backend: Backend, space: SearchSpace, arch: Arch) -> None:
    measures = {"snip": lambda w, g: (w * g).abs().sum(), "grad_norm": lambda w, g: g.norm()}
    prior = small(name, batch=ENOUGH)
    with plain_scores.watch(gradients, "draw_weights") as drawn:
        score = prior.score(backend, space, arch, Noise())
    x, labels = Noise().batch(get_backend("torch", "cpu"), space, ENOUGH, generator(GradientOptions(), 0))
    expected = plain_scores.gradient_score(space.plans(arch), drawn[0], x, labels, measures[name])
    assert score == pytest.approx(expected, rel=2e-3)


@EVERY_FORM
def test_naswot(backend: Backend, space: SearchSpace, arch: Arch) -> None:
    with plain_scores.watch(naswot, "draw_weights") as drawn:
        score = small("naswot").score(backend, space, arch, Noise())
    x, _ = Noise().batch(get_backend("torch", "cpu"), space, BATCH, generator(NaswotOptions(), 0))
    expected = plain_scores.naswot(space.plans(arch), drawn[0], x)
    assert score == pytest.approx(expected, rel=1e-3)  # an input next to 0 may fall on either side


@EVERY_FORM
def test_synflow(backend: Backend, space: SearchSpace, arch: Arch) -> None:
    prior = small("synflow")
    with plain_scores.watch(synflow, "draw_weights") as drawn:
        score = prior.score(backend_for(backend, prior), space, arch, Noise())
    shape = (1, space.channels, space.size, space.size)
    assert score == pytest.approx(math.log(plain_scores.synflow(space.plans(arch), drawn[0], shape)), rel=1e-7)


@EVERY_FORM
def test_zen(backend: Backend, space: SearchSpace, arch: Arch) -> None:
    """Two repetitions, because running variances go on from one to the next."""
    prior = small("zen", repeats=2)
    with plain_scores.watch(zen, "draw_weights") as drawn:
        score = prior.score(backend, space, arch, Noise())
    plain, shape = plain_scores.PlainZen(space.plans(arch)), (BATCH, space.channels, space.size, space.size)
    fresh = get_backend("torch", "cpu").network(space, features(space.plans(arch)), 0).weights()
    order = [name for name, array in fresh.items() if array.ndim > 1]
    expected = []
    for repeat, weights in enumerate(drawn):
        rng = generator(ZenOptions(), repeat)
        x, change = (torch.from_numpy(rng.standard_normal(shape, np.float32)) for _ in range(2))
        expected.append(plain.repetition([weights[name] for name in order], x, change))
    assert score == pytest.approx(sum(expected) / 2, rel=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_score_is_a_function_of_architecture_and_seed(name: str) -> None:
    space = tiny()
    prior, other = small(name), small(name, seed=1)
    backend = get_backend("torch", "cpu", prior.precision)
    arch = space.sample(np.random.default_rng(3))
    score = prior.score(backend, space, arch, Noise())
    prior.score(backend, space, space.smallest, Noise())
    assert prior.score(backend, space, arch, Noise()) == score
    assert other.score(backend, space, arch, Noise()) != score
    both = small(name, repeats=2).score(backend, space, arch, Noise())
    assert both != score
    assert math.isfinite(both)


def test_repetitions_are_averaged() -> None:
    space, backend = tiny(), get_backend("torch", "cpu")
    one, two = (small("snip", repeats=repeats).score(backend, space, space.smallest, Noise()) for repeats in (1, 2))
    weights = generator(GradientOptions(), 1)
    x, labels = Noise().batch(backend, space, BATCH, weights)
    drawn = draw_weights(backend.network(space, space.plans(space.smallest), 0).weights(), weights, 2.0)
    second = plain_scores.gradient_score(
        space.plans(space.smallest), drawn, x, labels, lambda w, g: (w * g).abs().sum()
    )
    assert two == pytest.approx((one + second) / 2, rel=1e-3)


def tiny() -> SearchSpace:
    return get_space("resnet20").for_images(3, 8, 5)


class Chain:
    """A chain of 1x1 convolutions and a classifier of one feature for one class: everything is a scalar."""

    def __init__(self, blocks: int) -> None:
        convs = [ConvNorm(1, 1, 1, 1, "after", 1) for _ in range(blocks)]
        self.plans: Plans = (*convs, Head(1, 1))
        self.space = get_space("resnet20").for_images(1, 1, 1)


@pytest.fixture(params=BACKENDS)
def chain_backend(request: pytest.FixtureRequest) -> str:
    return backend_on_cpu(request.param).name


def on_chain(monkeypatch: pytest.MonkeyPatch, chain: Chain) -> tuple[SearchSpace, Arch]:
    """A space in which every architecture is the chain."""
    monkeypatch.setattr(type(chain.space), "plans", lambda self, arch: chain.plans)
    return chain.space, chain.space.smallest


def test_synflow_of_a_chain_is_the_product_of_its_weights_once_for_each(
    monkeypatch: pytest.MonkeyPatch, chain_backend: str
) -> None:
    space, arch = on_chain(monkeypatch, Chain(3))
    with plain_scores.watch(synflow, "draw_weights") as drawn:
        score = SynFlow().score(get_backend(chain_backend, "cpu", "fp64"), space, arch, Noise())
    weights = [float(array.item()) for array in drawn[0].values() if array.ndim > 1]
    assert len(weights) == 4
    assert min(weights) < 0 < max(weights)
    assert math.exp(score) == pytest.approx(4 * abs(math.prod(weights)), rel=1e-9)


def test_synflow_stays_in_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow that is nothing in 32 bits, though all its weights are ordinary numbers."""
    space, arch = on_chain(monkeypatch, Chain(600))
    with plain_scores.watch(synflow, "draw_weights") as drawn:
        score = SynFlow().score(get_backend("torch", "cpu", "fp64"), space, arch, Noise())
    logs = [math.log(abs(float(array.item()))) for array in drawn[0].values() if array.ndim > 1]
    assert score == pytest.approx(math.log(601) + math.fsum(logs))
    assert score < math.log(np.finfo(np.float32).smallest_subnormal)


def test_a_gradient_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """One class leaves nothing to learn: the loss is 0 whatever the weights, and so are its gradients."""
    space, arch = on_chain(monkeypatch, Chain(2))
    backend = get_backend("torch", "cpu")
    assert Snip().score(backend, space, arch, Noise()) == 0
    assert GradNorm().score(backend, space, arch, Noise()) == 0


def test_a_classifier_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images of ones, both of the first class, under a classifier: the gradient is softmax minus one-hot."""
    chain = Chain(0)
    chain.plans = (Head(2, 2),)
    chain.space = get_space("resnet20").for_images(2, 1, 2)
    space, arch = on_chain(monkeypatch, chain)

    class Two:
        name, count = "two", 2

        def batch(self, backend, space, count, rng):  # type: ignore[no-untyped-def]
            return backend.place(np.ones((2, 2, 1, 1), np.float32)), backend.place(np.array([0, 0]))

    with plain_scores.watch(gradients, "draw_weights") as drawn:
        options = GradientOptions(batch=2)
        backend = get_backend("torch", "cpu")
        snip, norm = (kind(options).score(backend, space, arch, Two()) for kind in (Snip, GradNorm))
    w, bias = drawn[0]["blocks.0.fc.weight"], drawn[0]["blocks.0.fc.bias"]
    assert not bias.any()
    a, b = w.sum(axis=1)
    wrong = 1 / (1 + math.exp(a - b))  # the softmax of the class that is not there
    gradient = np.array([[-wrong, -wrong], [wrong, wrong]])
    assert norm == pytest.approx(2 * wrong, rel=1e-5)
    assert snip == pytest.approx(np.abs(w * gradient).sum(), rel=1e-5)


def test_images_that_no_unit_tells_apart_are_worth_nothing() -> None:
    class Same(Noise):
        def batch(self, backend, space, count, rng):  # type: ignore[no-untyped-def]
            images, labels = super().batch(backend, space, count, rng)
            return images[:1] + 0 * images, labels

    space = tiny()
    assert small("naswot").score(get_backend("torch", "cpu"), space, space.smallest, Same()) == -math.inf


def test_agreement_by_hand() -> None:
    agreement = Agreement(get_backend("torch", "cpu").ops, 3)
    agreement.see(torch.tensor([[0.0, 2.0], [1.0, 0.5], [0.0, 0.0]]))
    agreement.see(torch.tensor([[[3.0]], [[0.0]], [[3.0]]]))
    # Codes 011, 110, 001.
    np.testing.assert_array_equal(agreement.kernel, [[3, 1, 2], [1, 3, 0], [2, 0, 3]])
    assert log_determinant(agreement.kernel) == pytest.approx(math.log(27 - 3 - 12))
    assert log_determinant(np.ones((3, 3))) == -math.inf


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_passes_nothing_on(name: str) -> None:
    space = replace(get_space("nasbench201"), widths=(4, 8, 16), cells=1).for_images(3, 8, 5)  # type: ignore[type-var]
    arch = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    prior = small(name)
    score = prior.score(get_backend("torch", "cpu", prior.precision), space, arch, Noise())
    assert score == {"zen": -math.inf, "synflow": -math.inf, "snip": 0, "grad_norm": 0}.get(name, score)
    assert not math.isnan(score)


def test_weights_are_normal_and_seeded() -> None:
    space, backend = get_space("resnet48-mini"), get_backend("torch", "cpu")
    fresh = backend.network(space, space.plans(space.largest), 0).weights()
    he, again = (draw_weights(fresh, generator(ZenOptions(), 0), 2.0) for _ in range(2))
    plain = draw_weights(fresh, generator(ZenOptions(), 0), None)
    assert he.keys() == fresh.keys()
    for name, array in he.items():
        np.testing.assert_array_equal(array, again[name])
        if array.ndim > 1:
            np.testing.assert_allclose(array * (array[0].size / 2) ** 0.5, plain[name], rtol=1e-5)
        else:
            assert set(array) == {float(name.endswith((".weight", ".running_var")))}
    many = np.concatenate([array.ravel() for array in plain.values() if array.ndim > 1])
    assert abs(many.mean()) < 5 / many.size**0.5
    assert many.std() == pytest.approx(1, rel=0.01)


def test_features_are_the_network_without_shortcuts_and_head(space: SearchSpace) -> None:
    arch = space.sample(np.random.default_rng(4))
    plans = space.plans(arch)
    found = features(plans)
    steps = [step.op for plan in found if plan is not None for step in graph(plan).steps]
    assert not any(isinstance(op, Linear) or op == Add(residual=True) for op in steps)
    assert [plan for plan in found if isinstance(plan, Cell)] == [plan for plan in plans if isinstance(plan, Cell)]
    assert features(plans, residual=True) == tuple(plan for plan in plans if plan is not None)[:-1]


@pytest.mark.parametrize("options", [{"residual": True}, {"variance": "batch"}, {"mixture": 0.1}, {"batch": 9}])
def test_zen_options_change_the_score(options: dict[str, object]) -> None:
    space, backend = tiny(), get_backend("torch", "cpu")
    arch = space.sample(np.random.default_rng(0))
    default, other = (small("zen", **some).score(backend, space, arch, Noise()) for some in ({}, options))
    assert math.isfinite(other)
    assert abs(other - default) > 1e-3


def test_zen_is_invariant_to_what_batch_norm_takes_away() -> None:
    """With the variance of the batch, the score of a chain of linear layers counts the scale of each layer's output.

    Scaling a filter by 2 changes nothing after its batch norm, and adds log 2 for it.
    """
    space, backend = tiny(), get_backend("torch", "cpu")
    prior, arch = small("zen", variance="batch"), space.smallest
    before = prior.score(backend, space, arch, Noise())
    draw = zen.draw_weights

    def doubled(*arguments, **options):  # type: ignore[no-untyped-def]
        weights = draw(*arguments, **options)
        (name,) = (each for each in weights if each.startswith("blocks.3.") and weights[each].ndim == 4)
        return weights | {name: 2 * weights[name]}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zen, "draw_weights", doubled)
        after = prior.score(backend, space, arch, Noise())
    assert after - before == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize("name", ["macs", "params", "depth"])
def test_closed_forms(name: str, space: SearchSpace) -> None:
    arch = space.sample(np.random.default_rng(2))
    score = PRIORS[name]().score(get_backend("torch", "cpu"), space, arch, Noise())
    blocks = sum(plan is not None for plan in space.plans(arch))
    assert score == {"macs": space.cost(arch).macs, "params": space.cost(arch).params, "depth": blocks}[name]


def test_kinds_are_told_apart() -> None:
    assert all(kind.name == name and kind.summary for name, kind in PRIORS.items())
    assert isinstance(Zen().options, ZenOptions)
    assert Naswot().options.model_dump() == {"seed": 0, "repeats": 1, "batch": 128}
