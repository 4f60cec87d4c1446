"""The alpha-divergence: its gradient against the definition, and no NaN whatever comes."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.methods.watching import SPACE, Gradients, assert_sum
from tests.networks import backend_on_cpu, forward
from toolkit.backends.base import Backend, Network
from toolkit.errors import InputError
from toolkit.methods.losses import alpha_divergence
from toolkit.runs.recipe import parse_recipe

SHAPE = (6, 4)
"""Images and classes."""

UNCLIPPED = 1e30
moderate = arrays(np.float32, SHAPE, elements=st.floats(-3, 3, width=16))
wild = arrays(np.float32, SHAPE, elements=st.floats(-1e4, 1e4, width=32))
alphas = st.sampled_from([-1.0, -0.5, 0.5, 1.0, 2.0])

Floats = npt.NDArray[np.floating]


def divergences(logits: Floats, target: Floats, alpha: float) -> Floats:
    """D_alpha of each image, by its definition."""
    q, p = (np.exp(x - x.max(1, keepdims=True)) for x in (np.float64(logits), np.float64(target)))
    q, p = q / q.sum(1, keepdims=True), p / p.sum(1, keepdims=True)
    if alpha == 1:
        return np.asarray((p * np.log(p / q)).sum(1))
    return np.asarray(((q * (p / q) ** alpha).sum(1) - 1) / (alpha * (alpha - 1)))


def numeric_gradient(logits: Floats, target: Floats, alpha: float, h: float = 1e-5) -> Floats:
    """Of D_alpha of each image by its logits, by central differences."""
    found = np.zeros(SHAPE)
    for place in range(SHAPE[1]):
        step = np.zeros(SHAPE)
        step[:, place] = h
        found[:, place] = divergences(logits + step, target, alpha) - divergences(logits - step, target, alpha)
    return found / (2 * h)


def gradient(
    backend: Backend,
    logits: Floats,
    target: Floats,
    pair: tuple[float, float],
    clip: float,
    bf16: bool = False,
    clip_kl: bool = False,
) -> tuple[float, Floats]:
    """The loss, and its gradient by the logits."""
    q, p = (backend.place(x) for x in (logits, target))
    if bf16:
        q, p = q.bfloat16(), p.bfloat16()
    if backend.name == "torch":
        q.requires_grad_()
    else:
        q.stop_gradient = False
    loss = alpha_divergence(backend.ops, q, p, pair, clip, clip_kl=clip_kl)
    loss.backward()
    return float(loss.detach()), np.asarray(q.grad.astype("float32") if backend.name == "paddle" else q.grad.float())


@given(logits=moderate, target=moderate, alpha=alphas)
@settings(max_examples=15)
def test_its_gradient_is_that_of_the_divergence(backend: Backend, logits: Floats, target: Floats, alpha: float) -> None:
    _, found = gradient(backend, logits, target, (alpha, alpha), UNCLIPPED)
    expected = numeric_gradient(logits, target, alpha) / SHAPE[0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@given(logits=moderate, target=moderate)
@settings(max_examples=15)
def test_the_larger_of_two_counts_image_by_image(backend: Backend, logits: Floats, target: Floats) -> None:
    sizes = [divergences(logits, target, alpha) for alpha in (-1.0, 1.0)]
    assume(np.all(np.abs(sizes[0] - sizes[1]) > 1e-3))
    _, found = gradient(backend, logits, target, (-1.0, 1.0), UNCLIPPED)
    slopes = [numeric_gradient(logits, target, alpha) / SHAPE[0] for alpha in (-1.0, 1.0)]
    expected = np.where((sizes[0] > sizes[1])[:, None], *slopes)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@given(logits=wild, target=wild, bf16=st.booleans(), pair=st.tuples(alphas, alphas))
@settings(max_examples=40)
def test_it_is_finite_whatever_comes(
    backend: Backend, logits: Floats, target: Floats, bf16: bool, pair: tuple[float, float]
) -> None:
    loss, found = gradient(backend, logits, target, pair, 5.0, bf16)
    assert np.isfinite(loss)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 2 * 5.0 / min(map(abs, pair)), "and bounded by the clipped weight"


@pytest.mark.parametrize("bf16", [False, True])
def test_a_sure_student_and_a_sure_teacher_who_disagree(backend: Backend, bf16: bool) -> None:
    logits = np.array([[1e4, -1e4, 0, 0], [0, 0, 0, 0]], np.float32)
    target = np.array([[-1e4, 1e4, 0, 0], [1e4, -1e4, 1e4, 0]], np.float32)
    for first, second in ((logits, target), (target, logits), (logits, logits)):
        loss, found = gradient(backend, first, second, (-1.0, 1.0), 5.0, bf16)
        assert np.isfinite(loss)
        assert np.isfinite(found).all()


def test_at_1_it_is_clipped_only_if_asked(backend: Backend) -> None:
    """AlphaNet's published code leaves KL(p || q) as it is, whose gradient is q - p."""
    rng = np.random.default_rng(0)
    logits, target = (4 * rng.normal(size=SHAPE).astype(np.float32) for _ in range(2))
    q, p = (np.exp(x - x.max(1, keepdims=True)) for x in (logits, target))
    q, p = q / q.sum(1, keepdims=True), p / p.sum(1, keepdims=True)
    _, found = gradient(backend, logits, target, (1.0, 1.0), 1.5)
    np.testing.assert_allclose(found, (q - p) / SHAPE[0], atol=1e-5)
    _, clipped = gradient(backend, logits, target, (1.0, 1.0), 1.5, clip_kl=True)
    weight = np.minimum(p / q, 1.5) * q
    np.testing.assert_allclose(clipped, (weight.sum(1, keepdims=True) * q - weight) / SHAPE[0], atol=1e-5)


@pytest.mark.parametrize("clip_kl", [False, True])
def test_a_recipe_asks_for_it(clip_kl: bool) -> None:
    """A student learns as much from it as the loss says."""
    backend = backend_on_cpu("torch")
    given = {"divergence": "alpha", "alphas": [-2, 1.0], "alpha_clip": 1.1, "alpha_clip_kl": clip_kl, "paths": 2}
    recipe = parse_recipe({"space": "resnet48-mini", "method": {"name": "sandwich"} | given})
    gradients = Gradients(backend)
    found = gradients.of_method(recipe.make_method(SPACE))
    largest, images, labels = SPACE.largest, gradients.images, gradients.labels

    def learn(net: Network) -> None:
        logits = forward(net, largest, images)
        net.ops.backward(net.ops.cross_entropy(logits, labels))
        target = net.ops.detach(logits)
        student = forward(net, SPACE.smallest, images)
        net.ops.backward(alpha_divergence(net.ops, student, target, (-2.0, 1.0), 1.1, clip_kl=clip_kl))

    assert_sum(found, (1.0, gradients.of(learn)))


def test_alpha_0_is_refused() -> None:
    with pytest.raises(InputError, match=r"method\.alphas\.1: the divergence has a pole at 0"):
        parse_recipe({"space": "resnet48-mini", "method": {"name": "sandwich", "alphas": [-1, 0]}})
