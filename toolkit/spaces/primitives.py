"""What blocks are made of: the layers and operations that every backend and converter knows, as plain data.

A new primitive is a record here, its fold in `cost.py` and `shapes.py` if it holds numbers, one function per backend
(`backends/*/primitives.py`) and one for ONNX (`converters/onnx/primitives.py`).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

Activation = Literal["relu", "prelu", "swish", "mish", "selu"]
"""What may follow a residual addition. `prelu` learns one slope, 0.25 at first."""

ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)

Nonlinearity = Activation | Literal["relu6", "h-swish", "sigmoid", "h-sigmoid"]
"""Every activation there is. With relu6(x) = min(max(x, 0), 6), h-sigmoid is relu6(x + 3) / 6 and h-swish x times that
(MobileNetV3, arXiv 1905.02244)."""

EPS = 1e-5
"""What batch norm adds to the variance, unless a plan says otherwise."""

SLOPE = "outer"
"""The name of a learned activation's slope in its block, followed by a number if there are several."""


@dataclass(frozen=True, slots=True)
class Map:
    """The shape of one image's activation."""

    channels: int
    size: int

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        return self.channels * self.size * self.size


@dataclass(frozen=True, slots=True)
class Conv:
    """A square convolution, padded by `kernel // 2`, with bias on request; if `valid`, not padded at all."""

    in_channels: int
    channels: int
    kernel: int
    stride: int = 1
    bias: bool = False
    valid: bool = False


@dataclass(frozen=True, slots=True)
class DepthwiseConv:
    """A square convolution of each channel with its own kernel, without bias, else like `Conv`.

    Its taps are `dilation` pixels apart, and it is padded so much more. In a supernet one weight may serve several
    `kernels`, the largest first (once-for-all, arXiv 1908.09791): each is the centre of the one before, as a vector,
    times a learned matrix. Empty: the weight is of this kernel.
    """

    channels: int
    kernel: int
    stride: int = 1
    kernels: tuple[int, ...] = ()
    dilation: int = 1

    @property
    def whole(self) -> int:
        """The kernel of the weight that is held."""
        return max(self.kernels, default=self.kernel)

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Those that make this kernel of the weight: pairs (kernel before, kernel after), in turn."""
        return tuple(pair for pair in pairwise(self.kernels) if pair[1] >= self.kernel)


@dataclass(frozen=True, slots=True)
class GroupedConv:
    """A square convolution in `groups` that see only their own share of the channels, else like `Conv`.

    Its width is fixed: leading channels of it are no grouped convolution of fewer.
    """

    in_channels: int
    channels: int
    kernel: int
    groups: int
    stride: int = 1
    bias: bool = False


@dataclass(frozen=True, slots=True)
class Norm:
    """A batch normalisation with scale and shift; `eps` is added to the variance."""

    channels: int
    eps: float = EPS


@dataclass(frozen=True, slots=True)
class Linear:
    """A fully connected layer with bias, of the channels of a map of size 1."""

    in_features: int
    features: int


@dataclass(frozen=True, slots=True)
class Activate:
    """An activation, applied to every number; `prelu` holds its slope."""

    kind: Nonlinearity


@dataclass(frozen=True, slots=True)
class MaxPool:
    """A square max pooling, padded by `kernel // 2`."""

    kernel: int
    stride: int


@dataclass(frozen=True, slots=True)
class AvgPool:
    """A square average pooling; at the border it averages existing pixels only or, if `padded`, zeros beyond it too.

    Odd kernels are centred, and sizes that the stride does not divide are rounded up. If `valid`, only windows count
    that lie within the map.
    """

    kernel: int
    stride: int
    padded: bool = False
    valid: bool = False


@dataclass(frozen=True, slots=True)
class GlobalPool:
    """The mean over all pixels: a map of size 1."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The map moved up and left by one pixel; zeros come in from below and from the right."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Bilinear interpolation to another height and width; pixels are squares, corners are not aligned."""

    size: int


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of two maps; `residual` if the second is a shortcut around the first."""

    residual: bool = False


@dataclass(frozen=True, slots=True)
class Multiply:
    """The product of two maps, the second of size 1 or of the same size."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The map times one of the weights that a mixture is run with: theirs is the table (rows, columns)."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The map of each image times a number that the block is run with: a row of the table (rows, images)."""

    row: int


@dataclass(frozen=True, slots=True)
class Standardise:
    """A batch normalisation that holds nothing: no scale, no shift, and no statistics but the batch's own."""

    channels: int
    eps: float = EPS


@dataclass(frozen=True, slots=True)
class Concat:
    """Maps of one size, concatenated along the channels."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the channels, from the one numbered `first` on."""

    first: int
    channels: int


@dataclass(frozen=True, slots=True)
class SplitSoftmax:
    """Softmax over `splits` weights of each channel of a map of size 1, as split attention wants it.

    Channels come in the order (group, split, channel of the group) and leave as (split, group, channel of the group).
    """

    splits: int
    groups: int


@dataclass(frozen=True, slots=True)
class Zeros:
    """Zeros, for as many images as come in, in a map of the input's size."""

    channels: int


Primitive = (
    Conv
    | DepthwiseConv
    | GroupedConv
    | Norm
    | Linear
    | Activate
    | MaxPool
    | AvgPool
    | GlobalPool
    | Shift
    | Resize
    | Add
    | Multiply
    | Scale
    | Drop
    | Standardise
    | Concat
    | Slice
    | SplitSoftmax
    | Zeros
)

Convolution = Conv | DepthwiseConv | GroupedConv
"""Those that hold filters."""


def matrix_name(before: int, after: int) -> str:
    """What the matrix from one kernel to a smaller one is called in its layer: `7to5_matrix`, shape (25, 25)."""
    return f"{before}to{after}_matrix"


def shrink(size: int, stride: int) -> int:
    """Height after a convolution padded by `kernel // 2`, or a pooling padded alike."""
    return -(-size // stride)


def within(size: int, kernel: int, stride: int) -> int:
    """Height after one that is `valid`."""
    return (size - kernel) // stride + 1
