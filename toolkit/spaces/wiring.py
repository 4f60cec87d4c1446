"""A block as a graph of primitives: what it is made of, in the order of execution, and what feeds what.

Everything about a block follows from its graph: costs, tensors, groups of widths, memory, the backends' programs, ONNX,
drawings. `graph` builds it from a plan, and a plan builds it with the methods of `Wiring`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from toolkit.spaces.hyper import Hyper, modulates
from toolkit.spaces.own import SHARED, Own
from toolkit.spaces.primitives import (
    EPS,
    SLOPE,
    Activate,
    Add,
    AvgPool,
    Concat,
    Conv,
    DepthwiseConv,
    Drop,
    GlobalPool,
    GroupedConv,
    Linear,
    Map,
    MaxPool,
    Multiply,
    Norm,
    Primitive,
    Resize,
    Scale,
    Shift,
    Slice,
    SplitSoftmax,
    Standardise,
    Zeros,
    shrink,
    within,
)

if TYPE_CHECKING:
    from toolkit.spaces.plans import Plan

Others = ParamSpec("Others")
Said = TypeVar("Said")

Value = int
"""A value of a graph: its inputs come first, then the result of each step."""

Width = str | int
"""How many channels a layer puts out: the name of the plan's attribute that says it, so that widths can be grouped by
that name, or just a number."""


@dataclass(frozen=True, slots=True)
class Step:
    """One primitive at work.

    Attributes:
        inputs: the values that it reads.
        map: the shape of what comes out.
        name: of its tensors within the block; empty if it holds none.
        field: the plan's attribute that says its width, or that of the inputs of a fully connected layer; or empty.
        own: groups of widths for which it holds weights of its own.
        hyper: the HyperNet that modulates its weights.
        silent: whether its scale begins with 0, so that the residual branch that it ends begins silent.
    """

    op: Primitive
    inputs: tuple[Value, ...]
    map: Map
    name: str = ""
    field: str = ""
    own: Own = SHARED
    hyper: Hyper | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps of a block, in the order of execution, and which value is its output.

    `single` is False for what a supernet holds beside each other at one position, of which a path runs one.
    """

    inputs: tuple[Map, ...]
    steps: tuple[Step, ...]
    output: Value
    single: bool

    def map(self, value: Value) -> Map:
        """The shape of a value."""
        return self.inputs[value] if value < len(self.inputs) else self.steps[value - len(self.inputs)].map

    def step(self, value: Value) -> Step:
        """The step that makes a value; the value must not be an input."""
        return self.steps[value - len(self.inputs)]


_NONE: Mapping[str, Own] = {}


@dataclass(slots=True)
class _Drawn:
    maps: list[Map]
    steps: list[Step]
    single: bool = True


class Wiring:
    """A graph under construction. Every method adds a step and returns its value.

    Args:
        plan: whose attributes say the widths.
        own: by such an attribute: groups of widths, whatever the plan itself says.
        prefix: of the names of tensors.
        hyper: the HyperNet of the block that this one is within.
    """

    def __init__(
        self,
        plan: "Plan",
        drawn: "_Drawn",
        prefix: str = "",
        own: Mapping[str, Own] = _NONE,
        hyper: Hyper | None = None,
    ) -> None:
        self._plan, self._drawn, self._prefix = plan, drawn, prefix
        self._maps, self._steps = drawn.maps, drawn.steps
        self._hyper = hyper or plan.hyper
        self._own: dict[str, Own] = dict(plan.own) | dict(own)

    def map(self, value: Value) -> Map:
        """The shape of a value."""
        return self._maps[value]

    def conv(
        self,
        name: str,
        x: Value,
        width: Width,
        kernel: int,
        stride: int = 1,
        *,
        bias: bool = False,
        valid: bool = False,
    ) -> Value:
        """A convolution of x to `width` channels."""
        before = self._maps[x]
        op = Conv(before.channels, self._width(width), kernel, stride, bias, valid)
        size = within(before.size, kernel, stride) if valid else shrink(before.size, stride)
        return self._add(op, (x,), Map(op.channels, size), name, width)

    def depthwise(
        self,
        name: str,
        x: Value,
        width: Width,
        kernel: int,
        stride: int = 1,
        kernels: tuple[int, ...] = (),
        dilation: int = 1,
    ) -> Value:
        """One filter for each channel of x; `width` says how many channels that is. See `primitives.DepthwiseConv`."""
        before = self._maps[x]
        op = DepthwiseConv(before.channels, kernel, stride, kernels, dilation)
        return self._add(op, (x,), Map(before.channels, shrink(before.size, stride)), name, width)

    def grouped(self, name: str, x: Value, width: Width, kernel: int, groups: int, *, bias: bool = False) -> Value:
        """A convolution of x to `width` channels in `groups`, of stride 1."""
        before = self._maps[x]
        op = GroupedConv(before.channels, self._width(width), kernel, groups, bias=bias)
        return self._add(op, (x,), Map(op.channels, before.size), name, width)

    def norm(self, name: str, x: Value, *, eps: float = EPS, silent: bool = False) -> Value:
        """Batch normalisation, as wide as the layer that it follows.

        Args:
            eps: added to the variance.
            silent: it ends a residual branch that begins silent: its scale is 0 at first (Goyal et al., arXiv
                1706.02677).
        """
        before = self._maps[x]
        value = self._add(Norm(before.channels, eps), (x,), before, name, self._width_of(x))
        if silent:
            self._steps[-1] = replace(self._steps[-1], silent=True)
        return value

    def activation(self, x: Value, kind: Any = "relu", name: str = SLOPE) -> Value:
        """An activation; `name` matters where the activation is learned, and begins with `SLOPE`."""
        learned = kind == "prelu"
        return self._add(Activate(kind), (x,), self._maps[x], name if learned else "", self._width_of(x))

    def relu(self, x: Value) -> Value:
        """The usual activation."""
        return self.activation(x)

    def max_pool(self, x: Value, kernel: int, stride: int) -> Value:
        """Maximum over windows of `kernel` x `kernel`."""
        return self._add(MaxPool(kernel, stride), (x,), self._shrunk(x, stride))

    def avg_pool(self, x: Value, kernel: int, stride: int = 1, *, padded: bool = False, valid: bool = False) -> Value:
        """Mean over windows of `kernel` x `kernel`; see `primitives.AvgPool`."""
        before = self._maps[x]
        shape = Map(before.channels, within(before.size, kernel, stride)) if valid else self._shrunk(x, stride)
        return self._add(AvgPool(kernel, stride, padded, valid), (x,), shape)

    def global_pool(self, x: Value) -> Value:
        """Mean of each channel: a map of size 1."""
        return self._add(GlobalPool(), (x,), Map(self._maps[x].channels, 1))

    def shift(self, x: Value) -> Value:
        """x moved up and left by one pixel; see `primitives.Shift`."""
        return self._add(Shift(), (x,), self._maps[x])

    def resize(self, x: Value, size: int) -> Value:
        """x scaled to maps of `size` x `size`."""
        return self._add(Resize(size), (x,), Map(self._maps[x].channels, size))

    def linear(self, name: str, x: Value, features: int, inputs: str = "") -> Value:
        """A fully connected layer; `inputs` names the plan's attribute that says how many features come in."""
        return self._add(Linear(self._maps[x].channels, features), (x,), Map(features, 1), name, inputs)

    def add(self, *values: Value, residual: bool = False) -> Value:
        """The sum of one or more maps, from the left. See `primitives.Add`."""
        total, *others = values
        for other in others:
            total = self._add(Add(residual), (total, other), self._maps[total])
        return total

    def multiply(self, x: Value, factor: Value) -> Value:
        """x times `factor`, element by element."""
        return self._add(Multiply(), (x, factor), self._maps[x])

    def scale(self, x: Value, row: int, column: int) -> Value:
        """x times a weight that the block is run with; see `primitives.Scale`."""
        return self._add(Scale(row, column), (x,), self._maps[x])

    def drop(self, x: Value, row: int) -> Value:
        """The map of each image times a number that the block is run with; see `primitives.Drop`."""
        return self._add(Drop(row), (x,), self._maps[x])

    def standardise(self, x: Value) -> Value:
        """x normalised by the batch, without scale and shift; see `primitives.Standardise`."""
        before = self._maps[x]
        return self._add(Standardise(before.channels), (x,), before)

    def concat(self, *values: Value) -> Value:
        """Maps concatenated along the channels."""
        channels = sum(self._maps[value].channels for value in values)
        return self._add(Concat(), values, Map(channels, self._maps[values[0]].size))

    def slice(self, x: Value, first: int, channels: int) -> Value:
        """So many channels of x, from the one numbered `first` on."""
        return self._add(Slice(first, channels), (x,), Map(channels, self._maps[x].size))

    def split_softmax(self, x: Value, splits: int, groups: int) -> Value:
        """Weights of splits that sum to 1; see `primitives.SplitSoftmax`."""
        return self._add(SplitSoftmax(splits, groups), (x,), self._maps[x])

    def zeros(self, like: Value, channels: int) -> Value:
        """A map of zeros with `channels` channels, of the size of `like`."""
        return self._add(Zeros(channels), (like,), Map(channels, self._maps[like].size))

    def block(self, name: str, plan: "Plan", *inputs: Value) -> Value:
        """A whole block within this one, its tensors' names prefixed with `name`.

        Groups of widths that this plan has for an attribute go for the inner plan's attribute of that name too.
        """
        return plan.wire(Wiring(plan, self._drawn, f"{self._prefix}{name}.", self._own, self._hyper), *inputs)

    def either(self, blocks: Sequence[tuple[str, "Plan"]], *inputs: Value) -> Value:
        """One of several blocks: a path runs one; a supernet holds all of them and is never run as a whole."""
        self._drawn.single &= len(blocks) == 1
        return [self.block(name, plan, *inputs) for name, plan in blocks][-1]

    def step(self, step: Step, *inputs: Value) -> Value:
        """A step of another graph, its name prefixed with this one's prefix."""
        self._maps.append(step.map)
        self._steps.append(replace(step, inputs=inputs))
        return len(self._maps) - 1

    def _width(self, width: Width) -> int:
        return width if isinstance(width, int) else int(getattr(self._plan, width))

    def _width_of(self, x: Value) -> str:
        """The attribute that says how wide a value is: that of the layer that made it, or the plan's `channels`."""
        inputs = len(self._maps) - len(self._steps)
        if x >= inputs:
            return self._steps[x - inputs].field
        return "channels" if hasattr(self._plan, "channels") else ""

    def _shrunk(self, x: Value, stride: int) -> Map:
        before = self._maps[x]
        return Map(before.channels, shrink(before.size, stride))

    def _add(self, op: Primitive, inputs: tuple[Value, ...], shape: Map, name: str = "", width: Width = "") -> Value:
        field = width if isinstance(width, str) else ""
        if not field and not name:
            field = self._width_of(inputs[0])
        own = self._own.get(field, SHARED) if name else SHARED
        hyper = self._hyper if self._hyper is not None and modulates(self._hyper.form, op) else None
        self._maps.append(shape)
        self._steps.append(Step(op, inputs, shape, name and f"{self._prefix}{name}", field, own, hyper))
        return len(self._maps) - 1


def by_structure(
    function: Callable[Concatenate["Plan", Others], Said],
) -> Callable[Concatenate["Plan", Others], Said]:
    """Remember what `function` says of a plan, whatever it is conditioned on: of that there is no end."""
    known = lru_cache(maxsize=1 << 16)(function)

    @wraps(function)
    def asked(plan: "Plan", /, *others: Others.args, **named: Others.kwargs) -> Said:
        return known(plan.structure, *others, **named)  # type: ignore[arg-type]

    return asked


@by_structure
def graph(plan: "Plan") -> Graph:
    """The graph of a block. Cached: tens of thousands of candidates share a few hundred distinct plans."""
    return wired(plan, plan.inputs)


def wired(plan: "Plan", inputs: tuple[Map, ...]) -> Graph:
    """The graph of a block for inputs of these shapes."""
    drawn = _Drawn(list(inputs), [])
    output = plan.wire(Wiring(plan, drawn), *range(len(inputs)))
    return Graph(inputs, tuple(drawn.steps), output, drawn.single)


def outputs_by_field(plan: "Plan") -> dict[str, int]:
    """The widths that layers of a block put out (or, in a classifier, take in), by the plan's attribute that says it.

    In the order of execution. Attributes of blocks within it count where the plan has one of that name.
    """
    fields: dict[str, int] = {}
    for step in graph(plan).steps:
        if step.name and step.field and hasattr(plan, step.field):
            fields.setdefault(step.field, int(getattr(plan, step.field)))
    return fields
