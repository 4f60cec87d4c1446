"""Losses for a pair of paths of which one should be better than the other."""

import math
from typing import Literal

from toolkit.backends.ops import Ops, Tensor
from toolkit.methods.losses import hinge

Form = Literal["relu", "softplus", "tanh", "weighted"]


def rank_loss(ops: Ops, form: Form, excess: Tensor, *, beta: float = 1.0, gap: float = 1.0) -> Tensor:
    """A scalar whose gradient is that of f(x), for x = `excess`: the better path's loss less the worse one's.

    `relu` max(0, x); `softplus` log(1 + exp(beta x)) / beta, with beta = 1 the cross-entropy of sigmoid(-x); `tanh`
    max(0, tanh x); `weighted` max(0, gap x). Source: the zoo of PGONAS's author (PicoNAS).

    Written by its gradient, f'(x), a constant, times that of x: the value is f(x) for `relu` and `weighted` only.
    """
    match form:
        case "relu":
            return hinge(excess)
        case "weighted":
            return gap * hinge(excess)
        case "softplus":
            return _sigmoid(beta * ops.detach(excess)) * excess
        case "tanh":
            s = _sigmoid(2 * ops.detach(excess))
            return 4 * s * (1 - s) * hinge(excess)


def _sigmoid(x: Tensor) -> Tensor:
    """Of a constant; finite for every x, for where exp overflows its inverse is 0."""
    return 1 / (1 + math.e ** (-x))
