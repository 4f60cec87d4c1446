"""One function per primitive (`toolkit.spaces.primitives`): its layer, if it holds tensors, and how it runs.

What runs is a closure over one step of a program, made once: given the values that the step reads and what the block
runs with (`programs.Given`), it returns what comes out.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn

from toolkit.backends.hypernet import ModulatedNorm, Modulation, head_shapes
from toolkit.backends.paddle.layers import BatchNorm, Conv, Held, Layer, Linear, Plain, PReLU, convolve
from toolkit.backends.programs import Given, Run, See
from toolkit.spaces import primitives as p
from toolkit.spaces.own import group_of
from toolkit.spaces.sharing import Instruction
from toolkit.spaces.windows import Window
from toolkit.spaces.wiring import Step


def layer_of(step: Step) -> Layer | None:
    """The layer that holds a step's tensors, groups of widths and a HyperNet's head beside it; None without tensors."""
    layer = _own_layer(step)
    if layer is not None and step.hyper is not None:
        layer.hyper = Held(head_shapes(step))
    return layer


def _own_layer(step: Step) -> Layer | None:
    match step.op:
        case p.Conv(in_channels, channels, kernel, stride, bias):
            return _grouped(lambda wide: Conv(in_channels, wide, kernel, stride, bias=bias), channels, step.own.convs)
        case p.DepthwiseConv(channels, _, stride, kernels) as op:
            return _grouped(lambda wide: Conv(1, wide, op.whole, stride, kernels=kernels), channels, step.own.convs)
        case p.GroupedConv(in_channels, channels, kernel, groups, stride, bias):
            return Conv(in_channels // groups, channels, kernel, stride, bias=bias)
        case p.Norm(channels, eps):
            return _grouped(lambda wide: BatchNorm(wide, eps), channels, step.own.norms)
        case p.Linear(in_features, features):
            return _grouped(lambda wide: Linear(wide, features), in_features, step.own.convs)
        case p.Activate("prelu"):
            return _grouped(lambda _: PReLU(), step.map.channels, step.own.activations)
    return None


def _grouped(make: Callable[[int], Layer], widest: int, groups: tuple[int, ...]) -> Layer:
    layer = make(widest)
    if groups:
        layer.groups = nn.LayerDict({str(group): make(group) for group in groups})
    return layer


def _serving(layer: Layer | None, width: int, groups: tuple[int, ...]) -> Layer:
    """The layer whose weights serve `width`: of its group, or, without groups, the one that all share."""
    if layer is None:
        raise ValueError("a network runs only layers that it was built with")
    return cast(Layer, layer.groups[str(group_of(width, groups))]) if groups else layer


def closure(instruction: Instruction, layer: Layer | None, see: See | None, modulation: Modulation | None) -> Run:
    """What runs an instruction.

    Args:
        layer: that holds its tensors.
        see: is shown every output of a ReLU.
        modulation: what a HyperNet does to the layer's weights.
    """
    step = instruction.step
    if instruction.slice:
        return _leading(step.map.channels)
    match step.op:
        case p.Conv():
            return _conv(step.op, cast(Conv, _serving(layer, step.op.channels, step.own.convs)), modulation)
        case p.DepthwiseConv():
            return _depthwise(step.op, cast(Conv, _serving(layer, step.op.channels, step.own.convs)), modulation)
        case p.GroupedConv():
            return _groups(step.op, cast(Conv, layer), modulation)
        case p.Norm(channels):
            norm_layer = cast(BatchNorm, _serving(layer, channels, step.own.norms))
            if modulation is None:
                return lambda given, x: given.norm(norm_layer, x)
            return lambda given, x: given.norm(ModulatedNorm(norm_layer, modulation, given.condition), x)
        case p.Linear(in_features, _):
            linear = _serving(layer, in_features, step.own.convs)
            return lambda _, x: linear.forward(x.flatten(1))
        case p.Activate("prelu"):
            prelu = _serving(layer, step.map.channels, step.own.activations)
            return lambda _, x: prelu.forward(x)
        case p.Activate("relu" | "relu6" as kind):
            return _relu(kind, see)
        case p.Activate(kind):
            return _activation(kind)
        case p.MaxPool(kernel, stride):
            return lambda _, x: F.max_pool2d(x, kernel, stride, kernel // 2)
        case p.AvgPool(kernel, stride, valid=True):
            return lambda _, x: F.avg_pool2d(x, kernel, stride)
        case p.AvgPool(kernel, stride, padded):
            pad, up = (kernel - 1) // 2, kernel % 2 == 0  # an odd kernel's padding rounds up already
            return lambda _, x: F.avg_pool2d(x, kernel, stride, pad, ceil_mode=up, exclusive=not padded)
        case p.GlobalPool():
            return lambda _, x: x.mean([2, 3], keepdim=True)
        case p.Shift():
            return lambda _, x: F.pad(x, [0, 1, 0, 1])[:, :, 1:, 1:]
        case p.Resize(size):
            return lambda _, x: F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
        case p.Add():
            return lambda _, x, y: x + y
        case p.Multiply():
            return lambda _, x, factor: x * factor
        case p.Scale(row, column):
            return lambda given, x: x * given.weight(row, column).astype(x.dtype)
        case p.Drop(row):
            return lambda given, x: x * given.kept(row).astype(x.dtype)
        case p.Standardise(_, eps):
            return lambda given, x: given.norm(Plain(x, eps), x)
        case p.Concat():
            return lambda _, *parts: paddle.concat(parts, 1)
        case p.Slice(first, channels):
            return lambda _, x: x[:, first : first + channels]
        case p.SplitSoftmax():
            return _split_softmax(step.op)
        case p.Zeros(channels):
            return lambda _, like: paddle.zeros([len(like), channels, *like.shape[2:]], like.dtype)


def _leading(channels: int) -> Run:
    """The leading channels, dense: several layers will read them."""
    return lambda _, x: x[:, :channels].contiguous()


def _conv(op: p.Conv, layer: Conv, modulation: Modulation | None) -> Run:
    filters = _filters(layer, layer.window((op.channels, op.in_channels, op.kernel, op.kernel)), modulation)
    run = F.conv2d if op.valid else convolve
    stride, channels = op.stride, op.channels
    if not op.bias:
        return lambda given, x: run(x, filters(given), None, stride)
    return lambda given, x: run(x, filters(given), cast(Tensor, layer.bias)[:channels], stride)


def _depthwise(op: p.DepthwiseConv, layer: Conv, modulation: Modulation | None) -> Run:
    kernel = max((after for _, after in op.matrices), default=op.kernel)
    filters = _filters(layer, layer.window((op.channels, 1, kernel, kernel)), modulation, op.matrices)
    stride, channels, dilation = op.stride, op.channels, op.dilation
    return lambda given, x: convolve(x, filters(given), None, stride, channels, dilation)


def _groups(op: p.GroupedConv, layer: Conv, modulation: Modulation | None) -> Run:
    filters = _filters(layer, None, modulation)
    return lambda given, x: convolve(x, filters(given), layer.bias, op.stride, op.groups)


def _filters(
    layer: Conv, part: Window | None, modulation: Modulation | None, matrices: tuple[tuple[int, int], ...] = ()
) -> Callable[[Given], Tensor]:
    """Gives a part of the layer's weight, or what matrices make of it, modulated."""
    plain = partial(layer.made, part, matrices) if matrices else partial(layer.filters, part)
    if modulation is None:
        return lambda _: plain()
    return lambda given: modulation.filters(plain(), given.condition)


def _relu(kind: str, see: See | None) -> Run:
    relu = F.relu6 if kind == "relu6" else F.relu
    if see is None:
        return lambda _, x: relu(x)

    def run(_: Given, x: Tensor) -> Tensor:
        x = relu(x)
        see(x)
        return x

    return run


def _split_softmax(op: p.SplitSoftmax) -> Run:
    def run(_: Given, x: Tensor) -> Tensor:
        parted = x.reshape([len(x), op.groups, op.splits, -1])
        return F.softmax(parted, 2).transpose([0, 2, 1, 3]).reshape([len(x), -1, 1, 1])

    return run


def _activation(kind: str) -> Run:
    match kind:
        case "swish":  # Paddle's own has the gradient NaN where exp(-x) overflows
            return lambda _, x: x * F.sigmoid(x)
        case "mish":
            return lambda _, x: F.mish(x)
        case "selu":
            return lambda _, x: F.selu(x)
        case "h-swish":
            return lambda _, x: F.hardswish(x)
        case "sigmoid":
            return lambda _, x: F.sigmoid(x)
        case "h-sigmoid":
            return lambda _, x: F.hardsigmoid(x, slope=1 / 6)
    raise ValueError(f"unknown activation {kind!r}")
