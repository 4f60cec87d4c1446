"""One function per primitive (`toolkit.spaces.primitives`): each adds its node to a graph and returns its name."""

from collections.abc import Sequence

from converters.onnx.graph import Graph, Named
from toolkit.errors import InputError
from toolkit.spaces import primitives as p
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import Step


def add_step(graph: Graph, step: Step, inputs: Sequence[str], name: str, before: Map, norm: Named | None = None) -> str:
    """The nodes of a step, whose tensors are called `name`.

    Args:
        before: the shape of its first input.
        norm: the batch norm that follows a convolution and becomes part of it.
    """
    x = inputs[0]
    match step.op:
        case p.Conv(stride=stride, valid=valid):
            return graph.conv(x, name, stride, valid=valid, norm=norm)
        case p.DepthwiseConv(channels, stride=stride, dilation=dilation):
            return graph.conv(x, name, stride, groups=channels, dilation=dilation, norm=norm)
        case p.GroupedConv(groups=groups, stride=stride):
            return graph.conv(x, name, stride, groups=groups, norm=norm)
        case p.Norm(eps=eps):
            return graph.norm(x, name, eps)
        case p.Linear():
            return graph.linear(graph.node("Flatten", x), name)
        case p.Activate(kind):
            return graph.activation(x, kind, name)
        case p.MaxPool(kernel, stride):
            return graph.pool("MaxPool", x, kernel, stride, pad=kernel // 2)
        case p.AvgPool(kernel, stride, valid=True):
            return graph.pool("AveragePool", x, kernel, stride, pad=0)
        case p.AvgPool(kernel, stride, padded):
            up = {"ceil_mode": 1} if before.size % stride and kernel % 2 == 0 else {}
            pad, count = (kernel - 1) // 2, int(padded)
            return graph.pool("AveragePool", x, kernel, stride, pad=pad, count_include_pad=count, **up)
        case p.GlobalPool():
            return graph.node("GlobalAveragePool", x)
        case p.Shift():
            return graph.shift(x, f"{name}shift{len(graph.nodes)}")
        case p.Resize(size):
            return graph.resize(x, f"{name}resize{len(graph.nodes)}", before.channels, size)
        case p.Add():
            return graph.node("Add", *inputs)
        case p.Multiply():
            return graph.node("Mul", *inputs)
        case p.Scale() | p.Standardise() | p.Drop():
            raise InputError("a weighted sum of operations is no candidate: export the one that it comes to")
        case p.Concat():
            return graph.node("Concat", *inputs, axis=1)
        case p.Slice(first, channels):
            return graph.channels(x, f"{name}slice{len(graph.nodes)}", first, channels)
        case p.SplitSoftmax(splits, groups):
            return graph.split_softmax(x, f"{name}splits{len(graph.nodes)}", splits, groups, before.channels)
        case p.Zeros(channels):
            return graph.zeros(x, f"{name}zeros{len(graph.nodes)}", before.channels, channels)
