"""HyperNets: how the weights that a block runs on follow from those that all share, and from the architecture.

WPNAS (arXiv 2203.02086) says only that there is one [A]; all of this is ours [R]. Each block has a body, two layers
that read the code of what it knows of the architecture, and each layer that is modulated a linear head, which begins
with zeros: training begins with plain sharing, to the bit. With features h of the body and rho > 0, a weight W of shape
(out, in, k, k) becomes

- `scale`: W * (1 + rho tanh(A h + a)), a factor for each *input* channel (of a depthwise convolution, for each tap: a
  factor for each channel that goes out would be undone by the batch norm behind it); and a batch norm's scale and shift
  move by rho tanh(B h + b), rho tanh(C h + c).
- `low-rank`: W + rho U diag(tanh(A h + a)) V, U of shape (out, rank), V of shape (rank, in, k, k).
- `mixture`: W + rho sum_k (softmax(A h + a)_k - 1/K) W_k: with W in the middle, that of K kernels (K-shot, arXiv
  2106.06442 [A]).

A training may begin with less than rho, and leave answers out (`ConditionedSpace.in_training`).

Written once over `Maths`: a backend's `Ops`, or numpy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from toolkit.spaces.hyper import Hyper
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.primitives import Conv, Convolution, DepthwiseConv, GroupedConv, Norm
from toolkit.spaces.windows import Window, window
from toolkit.spaces.wiring import Step, graph

Shape = tuple[int, ...]
Tensor = Any
Tensors = Mapping[str, Tensor]

NAME = "hyper"
"""What its tensors are called: `blocks.3.hyper.0.weight` of a body, `blocks.3.conv1.hyper.weight` of a head."""

_EPS = 1e-5


class Maths(Protocol):
    """What of `Ops` is needed."""

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """As a tensor."""

    def tanh(self, x: Tensor) -> Tensor:
        """Hyperbolic tangent."""

    def maximum(self, x: Tensor, least: float) -> Tensor:
        """max(x, least)."""

    def sum(self, x: Tensor, axis: int) -> Tensor:
        """Sum over an axis."""

    def mean(self, x: Tensor) -> Tensor:
        """Mean of all."""

    def softmax(self, x: Tensor) -> Tensor:
        """Over the last axis."""


class _Numpy(Maths):
    def place(self, array: npt.NDArray[Any]) -> Tensor:
        return array

    def tanh(self, x: Tensor) -> Tensor:
        return np.tanh(x)

    def maximum(self, x: Tensor, least: float) -> Tensor:
        return np.maximum(x, least)

    def sum(self, x: Tensor, axis: int) -> Tensor:
        return x.sum(axis)

    def mean(self, x: Tensor) -> Tensor:
        return x.mean()

    def softmax(self, x: Tensor) -> Tensor:
        raised = np.exp(x - x.max())
        return raised / raised.sum()


NUMPY = _Numpy()


class Condition(NamedTuple):
    """What the layers of a block are modulated by.

    Attributes:
        features: what the body makes of the block's answers, (hidden,).
        strength: the part of rho that counts, from 0 to 1.
    """

    features: Tensor
    strength: float = 1.0


def is_hyper(name: str) -> bool:
    """Whether a tensor is a HyperNet's, by its full name or that within its block."""
    return NAME in name.split(".")


def body_shapes(hyper: Hyper) -> tuple[dict[str, Shape], ...]:
    """The tensors of each layer of a body."""
    return tuple({"weight": (hyper.hidden, inputs), "bias": (hyper.hidden,)} for inputs in (hyper.inputs, hyper.hidden))


def head_shapes(step: Step) -> dict[str, Shape]:
    """The tensors of a layer's head: of the widest layer those that there are, of a narrower one the part it uses."""
    op, hyper = step.op, step.hyper
    if hyper is None:
        return {}
    if isinstance(op, Norm):
        return {"weight": (2, op.channels, hyper.hidden), "bias": (2, op.channels)}
    if hyper.form == "scale":
        if isinstance(op, DepthwiseConv):
            return {"weight": (hyper.hidden, 1, op.kernel, op.kernel), "bias": (1, 1, op.kernel, op.kernel)}
        channels = cast(Conv | GroupedConv, op).in_channels
        return {"weight": (channels, hyper.hidden), "bias": (channels,)}
    out, *rest = filters_shape(cast(Convolution, op))
    head: dict[str, Shape] = {"weight": (hyper.terms, hyper.hidden), "bias": (hyper.terms,)}
    if hyper.form == "low-rank":
        return head | {"left": (out, hyper.terms), "right": (hyper.terms, *rest)}
    return head | {f"kernel{k}": (out, *rest) for k in range(hyper.terms)}


def filters_shape(op: Convolution) -> Shape:
    """The shape of a convolution's weight."""
    match op:
        case Conv(in_channels, channels, kernel):
            return channels, in_channels, kernel, kernel
        case DepthwiseConv(channels, kernel):
            return channels, 1, kernel, kernel
        case GroupedConv(in_channels, channels, kernel, groups):
            return channels, in_channels // groups, kernel, kernel


def first_tensors(shapes: Mapping[str, Shape], seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """What the tensors of HyperNets, by their full names, begin with: heads and biases with zeros, others He-normal."""
    rng = np.random.default_rng([seed, *NAME.encode()])
    found = {}
    for name, shape in sorted(shapes.items()):
        *_, before, last = name.split(".")
        array = np.zeros(shape, np.float32)
        if (before.isdecimal() and last == "weight") or last not in ("weight", "bias"):
            fan = {"weight": shape[-1] / 2, "left": shape[-1], "right": np.prod(shape[1:]) / 2}
            spread = fan.get(last, shape[0] * np.prod(shape[2:]) / 2)
            array = rng.standard_normal(shape, np.float32) * np.float32(spread**-0.5)
        found[name] = array
    return found


def features(maths: Maths, body: Sequence[Tensors], hyper: Hyper, answers: tuple[int, ...]) -> Tensor:
    """What a body makes of answers: (hidden,), of length about 1, so that heads learn no faster than other weights."""
    x = maths.place(_code(hyper.options, answers))
    for layer in body:
        x = maths.sum(layer["weight"] * x, -1) + layer["bias"]
        x = x - maths.mean(x)
        x = maths.maximum(x / (maths.mean(x * x) + _EPS) ** 0.5, 0.0)
    return x / hyper.hidden**0.5


def condition(maths: Maths, body: Sequence[Tensors], plan: Plan) -> Condition:
    """Of a block that has answers, whose HyperNet has this body."""
    return Condition(features(maths, body, cast(Hyper, plan.hyper), plan.answers), plan.strength)


@lru_cache(maxsize=1 << 12)
def _code(options: tuple[int, ...], answers: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """One-hot, decision by decision; what does not apply, or is not told, is zeros. Do not change it."""
    code = np.zeros(sum(options), np.float32)
    start = 0
    for count, answer in zip(options, answers, strict=True):
        if answer >= 0:
            code[start + answer] = 1
        start += count
    return code


class Modulation:
    """What a HyperNet does to the weights of one step, given the condition of its block.

    Args:
        head: the tensors of the layer's head, those of the widest; asked for anew every time, for they may be replaced.
    """

    def __init__(self, maths: Maths, step: Step, head: Tensors) -> None:
        if step.hyper is None:
            raise ValueError("a step without a HyperNet is not modulated")
        self._maths, self._op, self._hyper, self._head = maths, step.op, step.hyper, head
        self._parts: dict[str, Window | None] = {
            name: None if tuple(head[name].shape) == shape else window(head[name].shape, shape)
            for name, shape in head_shapes(step).items()
        }

    def says(self, features: Tensor) -> Tensor:
        """What the head puts out, bounded: in [-1, 1], zero at the start."""
        hyper, op = self._hyper, self._op
        if hyper.form == "scale" and isinstance(op, DepthwiseConv):
            return self._maths.tanh(self._linear(features[:, None, None, None], 0))
        said = self._linear(features, -1)
        if hyper.form == "mixture":
            return self._maths.softmax(said) - 1 / hyper.terms
        return self._maths.tanh(said)

    def filters(self, weight: Tensor, condition: Condition | None) -> Tensor:
        """A convolution's weight, (out, in / groups, k, k), modulated; as it is without a condition."""
        if condition is None:
            return weight
        said, hyper, op = self.says(condition.features), self._hyper, self._op
        rho = hyper.rho * condition.strength
        match hyper.form:
            case "scale" if isinstance(op, DepthwiseConv):
                return weight * (1 + rho * said)
            case "scale" if isinstance(op, GroupedConv):
                out, inside, kernel, _ = weight.shape
                grouped = weight.reshape((op.groups, out // op.groups, inside, kernel, kernel))
                factor = (1 + rho * said).reshape((op.groups, 1, inside, 1, 1))
                return (grouped * factor).reshape((out, inside, kernel, kernel))
            case "scale":
                return weight * (1 + rho * said)[None, :, None, None]
            case "low-rank":
                left, right = self._tensor("left") * said, self._tensor("right")
                rank, *rest = right.shape
                return weight + rho * (left @ right.reshape((rank, -1))).reshape((left.shape[0], *rest))
            case "mixture":
                for k in range(hyper.terms):
                    weight = weight + rho * said[k] * self._tensor(f"kernel{k}")
                return weight

    def affine(self, scale: Tensor, shift: Tensor, condition: Condition | None) -> tuple[Tensor, Tensor]:
        """A batch norm's scale and shift, (channels,), modulated; as they are without a condition."""
        if condition is None:
            return scale, shift
        moved = self._hyper.rho * condition.strength * self.says(condition.features)
        return scale + moved[0], shift + moved[1]

    def _linear(self, features: Tensor, axis: int) -> Tensor:
        return self._maths.sum(self._tensor("weight") * features, axis) + self._tensor("bias")

    def _tensor(self, name: str) -> Tensor:
        part = self._parts[name]
        return self._head[name] if part is None else self._head[name][part]


@dataclass(frozen=True, slots=True)
class ModulatedNorm:
    """A batch norm's layer as one condition has it: what sources of statistics ask for is the same."""

    layer: Any
    modulation: Modulation
    condition: Condition | None

    @property
    def eps(self) -> float:
        """What is added to a variance."""
        return float(self.layer.eps)

    def leading(self, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of the leading channels: running mean, running variance, scale, shift."""
        mean, variance, scale, shift = self.layer.leading(channels)
        return mean, variance, *self.modulation.affine(scale, shift, self.condition)


Each = Callable[[str, Step, Modulation, Condition], object]


def modulations(plans: Plans, weights: Mapping[str, npt.NDArray[np.float32]], each: Each) -> None:
    """Call `each` with the full name of every layer that is modulated on a path, its step, how, and by what.

    Args:
        weights: of the supernet, or cut to what the path uses.
    """
    for index, plan in enumerate(plans):
        if plan is not None and plan.answers:
            _block_modulations(plan, f"blocks.{index}", weights, each)


def _block_modulations(plan: Plan, at: str, weights: Mapping[str, npt.NDArray[np.float32]], each: Each) -> None:
    hyper = cast(Hyper, plan.hyper)
    body = [
        {tensor: weights[f"{at}.{NAME}.{layer}.{tensor}"] for tensor in shapes}
        for layer, shapes in enumerate(body_shapes(hyper))
    ]
    known = condition(NUMPY, body, plan)
    for step in graph(plan).steps:
        if step.hyper is not None:
            name = f"{at}.{step.name}"
            head = {tensor: weights[f"{name}.{NAME}.{tensor}"] for tensor in head_shapes(step)}
            each(name, step, Modulation(NUMPY, step, head), known)
