"""A graph under construction: nodes and constants, with the few operators that our networks are made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from toolkit.backends.base import Weights
from toolkit.spaces.primitives import Nonlinearity

Named = tuple[str, float]
"""A batch norm: what its tensors are called, and what it adds to the variance."""


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

    def activation(self, x: str, kind: Nonlinearity, name: str) -> str:
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
            case "relu6":
                bounds = (self.constant(f"relu6.{len(self.nodes)}.{end}", np.array(float(end))) for end in (0, 6))
                return self.node("Clip", x, *bounds)
            case "h-swish":
                return self.node("Mul", x, self.activation(x, "h-sigmoid", name))
            case "sigmoid":
                return self.node("Sigmoid", x)
            case "h-sigmoid":
                return self.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)

    def conv(
        self,
        x: str,
        name: str,
        stride: int,
        *,
        groups: int = 1,
        dilation: int = 1,
        valid: bool = False,
        norm: Named | None = None,
    ) -> str:
        """A square convolution, with the batch norm `norm` folded into it if there is one.

        It is padded by half its kernel, `dilation` times, or, if `valid`, not at all.
        """
        weight: npt.NDArray[np.floating] = self._weights[f"{name}.weight"]
        bias: npt.NDArray[np.floating] | None = self._weights.get(f"{name}.bias")
        if norm is not None:
            scale, shift = self._affine(*norm)
            bias = shift if bias is None else shift + scale * bias
            weight = weight * scale[:, None, None, None]
        inputs = [x, self.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        kernel = weight.shape[-1]
        both = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "pads": [0 if valid else dilation * (kernel // 2)] * 4,
        }
        dilated = {"dilations": [dilation] * 2} if dilation > 1 else {}
        return self.node("Conv", *inputs, **both, **dilated, group=groups)

    def norm(self, x: str, name: str, eps: float) -> str:
        """A batch norm that follows no convolution: scale and shift of each channel."""
        parts = zip(("scale", "shift"), self._affine(name, eps), strict=True)
        scale, shift = (self.constant(f"{name}.{part}", values[:, None, None]) for part, values in parts)
        return self.node("Add", self.node("Mul", x, scale), shift)

    def linear(self, x: str, name: str) -> str:
        """A fully connected layer with bias."""
        weight, bias = (self.constant(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("Gemm", x, weight, bias, transB=1)

    def pool(self, operator: str, x: str, kernel: int, stride: int, pad: int, **attributes: int) -> str:
        """A square pooling."""
        both = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        return self.node(operator, x, **both, **attributes)

    def shift(self, x: str, name: str) -> str:
        """`primitives.Shift` of x."""
        return self.node("Pad", x, self.constant(f"{name}.pads", np.array([0, 0, -1, -1, 0, 0, 1, 1])))

    def zeros(self, x: str, name: str, in_channels: int, channels: int) -> str:
        """Zeros of shape (n, channels, h, w) for activations x (n, in_channels, h, w)."""
        weight = self.constant(f"{name}.weight", np.zeros((channels, in_channels, 1, 1), np.float32))
        return self.node("Conv", x, weight, kernel_shape=[1, 1])

    def channels(self, x: str, name: str, first: int, channels: int) -> str:
        """So many channels of x, from the one numbered `first` on."""
        bounds = {"start": first, "stop": first + channels, "axis": 1}
        start, stop, axis = (self.constant(f"{name}.{part}", np.array([place])) for part, place in bounds.items())
        return self.node("Slice", x, start, stop, axis)

    def split_softmax(self, x: str, name: str, splits: int, groups: int, channels: int) -> str:
        """`primitives.SplitSoftmax` of x (n, channels, 1, 1)."""
        parted = self.constant(f"{name}.parted", np.array([0, groups, splits, channels // groups // splits]))
        flat = self.constant(f"{name}.flat", np.array([0, channels, 1, 1]))
        weights = self.node("Softmax", self.node("Reshape", x, parted), axis=2)
        return self.node("Reshape", self.node("Transpose", weights, perm=[0, 2, 1, 3]), flat)

    def resize(self, x: str, name: str, channels: int, size: int) -> str:
        """Bilinear interpolation to (n, channels, size, size)."""
        start, stop, shape = (
            self.constant(f"{name}.{part}", np.array(values, np.int64))
            for part, values in (("start", [0]), ("stop", [1]), ("shape", [channels, size, size]))
        )
        images = self.node("Slice", self.node("Shape", x), start, stop)
        sizes = self.node("Concat", images, shape, axis=0)
        return self.node("Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")

    def _affine(self, norm: str, eps: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """A batch norm as scale and shift of each channel, in float64: folding should add no rounding."""
        names = ("weight", "bias", "running_mean", "running_var")
        weight, bias, mean, variance = (self._weights[f"{norm}.{name}"].astype(np.float64) for name in names)
        scale = weight / np.sqrt(variance + eps)
        return scale, bias - mean * scale
