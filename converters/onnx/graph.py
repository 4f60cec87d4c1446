"""A graph under construction: nodes and constants, with the few operators that our networks are made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from toolkit.backends.base import EPS, Weights
from toolkit.spaces.plans import Activation


class Graph:
    """Every method adds what it is called after to the end of the graph, and returns the name of the result.

    Args:
        weights: those of the very network that is built, cut to its size, by our names.
    """

    def __init__(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._weights: Weights = dict(weights)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one result."""
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """An array of numbers; floats in float32."""
        values = values.astype(np.float32) if values.dtype.kind == "f" else values
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def relu(self, x: str) -> str:
        """max(x, 0)."""
        return self.node("Relu", x)

    def activation(self, x: str, kind: Activation, name: str) -> str:
        """An activation; PReLU's slope is the weight called `name`."""
        match kind:
            case "relu":
                return self.relu(x)
            case "prelu":
                return self.node("PRelu", x, self.constant(f"{name}.weight", self._weights[f"{name}.weight"]))
            case "swish":
                return self.node("Mul", x, self.node("Sigmoid", x))
            case "mish":
                return self.node("Mul", x, self.node("Tanh", self.node("Softplus", x)))
            case "selu":
                return self.node("Selu", x)

    def add(self, *parts: str) -> str:
        """The sum of one or more activations."""
        total, *others = parts
        for other in others:
            total = self.node("Add", total, other)
        return total

    def conv(self, x: str, name: str, stride: int = 1) -> str:
        """A convolution without batch norm."""
        return self._conv(x, name, self._weights[f"{name}.weight"], None, stride, 1)

    def conv_norm(self, x: str, conv: str, norm: str, stride: int = 1, *, depthwise: bool = False) -> str:
        """A convolution and the batch norm after it, folded into one convolution with bias."""
        weight = self._weights[f"{conv}.weight"]
        scale, shift = self._affine(norm)
        folded = weight * scale[:, None, None, None]
        return self._conv(x, conv, folded, shift, stride, len(weight) if depthwise else 1)

    def norm(self, x: str, name: str) -> str:
        """A batch norm that follows no convolution: scale and shift of each channel."""
        scale, shift = (self.constant(f"{name}.{part}", values[:, None, None]) for part, values in self._parts(name))
        return self.node("Add", self.node("Mul", x, scale), shift)

    def linear(self, x: str, name: str) -> str:
        """A fully connected layer with bias."""
        weight, bias = (self.constant(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("Gemm", x, weight, bias, transB=1)

    def pool(self, operator: str, x: str, kernel: int, stride: int, pad: int, **attributes: int) -> str:
        """A square pooling."""
        both = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        return self.node(operator, x, **both, **attributes)

    def zeros(self, x: str, name: str, in_channels: int, channels: int) -> str:
        """Zeros of shape (n, channels, h, w) for activations x (n, in_channels, h, w)."""
        return self._conv(x, name, np.zeros((channels, in_channels, 1, 1), np.float32), None, 1, 1)

    def _conv(
        self,
        x: str,
        name: str,
        weight: npt.NDArray[np.floating],
        bias: npt.NDArray[np.floating] | None,
        stride: int,
        groups: int,
    ) -> str:
        inputs = [x, self.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        kernel = weight.shape[-1]
        return self.node(
            "Conv", *inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4, group=groups
        )

    def _affine(self, norm: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """A batch norm as scale and shift of each channel, in float64: folding should add no rounding."""
        names = ("weight", "bias", "running_mean", "running_var")
        weight, bias, mean, variance = (self._weights[f"{norm}.{name}"].astype(np.float64) for name in names)
        scale = weight / np.sqrt(variance + EPS)
        return scale, bias - mean * scale

    def _parts(self, norm: str) -> tuple[tuple[str, npt.NDArray[np.float64]], ...]:
        scale, shift = self._affine(norm)
        return ("scale", scale), ("shift", shift)
