"""PyTorch and Paddle compute the same: every space, every method, forward, backward and a few steps of training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.methods_made import EVERYWHERE
from tests.networks import KINDS, backend_on_cpu, thin
from tests.parity import Pair
from tests.supernets import SUPERNETS
from toolkit.backends import BACKENDS, get_backend
from toolkit.methods.losses import alpha_divergence
from toolkit.spaces import SPACES
from toolkit.spaces.plans import Block
from toolkit.spaces.primitives import ACTIVATIONS
from toolkit.spaces.wiring import Value, Wiring

STEPS = 3
"""Momentum and moving average differ from gradients and weights from the second on; more would pile up rounding."""


@pytest.fixture(autouse=True)
def both() -> None:
    backend_on_cpu("paddle")


@pytest.mark.parametrize("name", KINDS)
def test_every_space(name: str) -> None:
    exact = Pair(thin(SPACES[name], size=8), "sandwich", "fp64")
    assert exact.logits() < 1e-7
    assert exact.observations() < 1e-7
    assert exact.losses() < 1e-6, "losses are always computed in float32"
    assert exact.gradients() < 1e-6
    assert exact.steps(STEPS) < 1e-3
    assert Pair(thin(SPACES[name]), "sandwich", "fp32").logits() < 1e-5


@pytest.mark.parametrize("method", EVERYWHERE)
def test_every_method(method: str) -> None:
    space = SPACES["resnet48-mini"].for_images(1, 8, 10)
    options = {"look": 1} if method == "progressive" else {}  # five paths would look alike
    exact = Pair(space, method, "fp64", **options)
    assert exact.losses() < 1e-6
    by_likelihood = method in ("parsec", "fpnas")  # exp(32 * loss) weighs gradients, with losses in float32
    assert exact.gradients() < (1e-4 if by_likelihood else 1e-6)
    assert exact.steps(STEPS) < 5e-3, "what losses in float32 make of them, more or less on another processor"
    assert Pair(space, method, "fp32", **options).losses() < 1e-5


@pytest.mark.parametrize("name", SUPERNETS)
def test_enhanced_and_grouped_supernets(name: str) -> None:
    """With the divergence and the rules of the optimiser that others have not; and a second update of each step."""
    space = SUPERNETS[name]
    exact = Pair(space, "progressive", "fp64", move_idle=True, paths=2, look=1, divergence="alpha")
    assert exact.logits() < 1e-6
    assert exact.losses() < 1e-6
    assert exact.gradients() < 1e-6
    assert exact.steps(STEPS) < 1e-3


@dataclass(frozen=True, slots=True)
class Activated(Block):
    """An activation and nothing else."""

    kind: str

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        return g.activation(*inputs, self.kind)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "sigmoid"])
def test_every_activation(name: str) -> None:
    """Forward and backward, where it is steep and where it is flat."""
    import paddle
    import torch

    from toolkit.backends.paddle.blocks import Block as PaddleBlock
    from toolkit.backends.paddle.norms import NoNorm as PaddleNoNorm
    from toolkit.backends.torch.blocks import Block as TorchBlock
    from toolkit.backends.torch.norms import NoNorm as TorchNoNorm

    plan = Activated(name)
    torch_block, paddle_block = TorchBlock(plan), PaddleBlock(plan)
    x = np.concatenate([np.linspace(-100, 100, 64), np.linspace(-3, 3, 64)]).reshape(2, 1, 8, 8)
    for kind, tolerance in (("float32", 1e-5), ("float64", 1e-6)):  # Paddle's SELU has its constants in float32
        first = torch.tensor(x, dtype=getattr(torch, kind), requires_grad=True)
        second = paddle.to_tensor(x, kind, stop_gradient=False)
        ours = torch_block.run(plan, (first * 1,), TorchNoNorm())
        theirs = paddle_block.run(plan, (second * 1,), PaddleNoNorm())
        assert (str(ours.dtype).removeprefix("torch."), str(theirs.dtype).removeprefix("paddle.")) == (kind, kind)
        np.testing.assert_allclose(ours.detach().numpy(), theirs.numpy(), rtol=tolerance, atol=tolerance)
        ours.sum().backward()
        theirs.sum().backward()
        np.testing.assert_allclose(first.grad.numpy(), second.grad.numpy(), rtol=tolerance, atol=tolerance)


def test_alpha_divergences_of_the_most_different_logits() -> None:
    """The same number and gradient in both, and finite ones."""
    rng = np.random.default_rng(0)
    pairs = [(scale * rng.normal(size=(6, 7)), scale * rng.normal(size=(6, 7))) for scale in (1.0, 30.0, 1e4)]
    for logits, target in pairs:
        found: list[tuple[float, Any]] = []
        for name in BACKENDS:
            ops = get_backend(name, "cpu").ops
            x, y = (ops.place(array.astype(np.float32)) for array in (logits, target))
            if name == "torch":
                x.requires_grad_()
            else:
                x.stop_gradient = False
            loss = alpha_divergence(ops, x, y, (-1.0, 1.0), 5.0)
            ops.backward(loss)
            found.append((float(ops.detach(loss)), np.array(x.grad.numpy())))
        (one, gradient), (other, theirs) = found
        assert np.isfinite(one)
        assert np.isfinite(gradient).all()
        assert one == pytest.approx(other, rel=1e-5)
        np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-6)
