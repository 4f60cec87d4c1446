"""How blocks at one position run on the same input: as one program that computes once what they share.

A convolution computed at the widest that any of them needs serves the narrower ones by slicing: leading channels of
the output depend only on leading channels of the weight, and channel-wise operations preserve this. Blocks share where
primitives, names, groups of widths and all that is read are equal, and what a HyperNet conditions them on. A program of
one plan is the block itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from toolkit.spaces.cost import block_cost, step_cost
from toolkit.spaces.own import group_of
from toolkit.spaces.plans import Plan
from toolkit.spaces.primitives import (
    Activate,
    Concat,
    Conv,
    DepthwiseConv,
    GroupedConv,
    Linear,
    Map,
    Norm,
    Slice,
    SplitSoftmax,
    Zeros,
)
from toolkit.spaces.wiring import Step, Value, by_structure, graph, wired


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program.

    Attributes:
        step: what to do, at the widest that is needed; its `inputs` are values of the program.
        slice: instead, only take the leading channels of the one input, as many as `step.map` says, dense.
        out: the value that comes out.
        overwrite: whether the first input may be written into: nobody else reads it, and no gradient needs it.
        last: values that are read here for the last time.
    """

    step: Step
    slice: bool
    out: Value
    overwrite: bool
    last: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What has still to be done for one of the blocks, and its output; `kept` if later parts need that value too."""

    instructions: tuple[Instruction, ...]
    output: Value
    kept: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A part for each block, in turn. Values are numbered, the inputs first; `maps` has their shapes."""

    parts: tuple[Part, ...]
    maps: tuple[Map, ...]


@by_structure
def sharing_order(plan: Plan) -> tuple[tuple[str, int], ...]:
    """A sorting key that brings together the plans of one position that share most."""
    return tuple((step.name, step.map.channels) for step in graph(plan).steps if step.name)


def siblings_cost(plans: Sequence[Plan]) -> int:
    """MACs of running all `plans` (in `sharing_order`) on one input, with everything shared that can be."""
    if len(plans) == 1:
        return block_cost(plans[0]).macs
    return _siblings_cost(structures(plans))


@lru_cache(maxsize=1 << 16)
def _siblings_cost(plans: tuple[Plan, ...]) -> int:
    instructions = (each for part in program(plans).parts for each in part.instructions)
    return sum(step_cost(each.step).macs for each in instructions if not each.slice)


def structures(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Blocks that may share, whatever it is that all of them are conditioned on.

    Raises:
        ValueError: they are conditioned differently, so that their weights differ and they share nothing.
    """
    if len(plans) == 1:
        return (plans[0].structure,)
    if len({plan.condition for plan in plans}) > 1:
        raise ValueError("blocks that are conditioned differently share nothing; run each for itself")
    return tuple(plan.structure for plan in plans)


def program(plans: tuple[Plan, ...], inputs: tuple[Map, ...] | None = None) -> Program:
    """The program that runs blocks of these plans (in `sharing_order`) on the same inputs.

    Args:
        inputs: their shapes, if other than the plans say.

    Raises:
        ValueError: a plan is that of a supernet, which holds several blocks at one position; or see `structures`.
    """
    return _program(structures(plans), None if inputs == plans[0].inputs else inputs)


@lru_cache(maxsize=1 << 12)
def _program(plans: tuple[Plan, ...], inputs: tuple[Map, ...] | None) -> Program:
    return _Compiler([_traced(plan, inputs) for plan in plans]).program()


_Key = int
"""What a value is, but for its width: equal keys, equal leading channels. Inputs are -1, -2, ..."""

_KEYS: dict[tuple[object, ...], _Key] = {}


@dataclass(frozen=True, slots=True)
class _Made:
    """How a value is made: the step, and for each of its inputs the key and the channels that it reads."""

    key: _Key
    step: Step
    reads: tuple[tuple[_Key, int], ...]


@dataclass(frozen=True, slots=True)
class _Trace:
    """A graph by keys."""

    inputs: tuple[Map, ...]
    made: tuple[_Made, ...]
    output: tuple[_Key, int]


@by_structure
def _traced(plan: Plan, inputs: tuple[Map, ...] | None) -> _Trace:
    drawn = graph(plan) if inputs is None else wired(plan, inputs)
    keys: list[_Key] = [-1 - place for place in range(len(drawn.inputs))]
    made: list[_Made] = []
    times: dict[tuple[object, ...], int] = {}
    if not drawn.single:
        raise ValueError("a path has one block at a position; a supernet is not run as a whole")
    for step in drawn.steps:
        reads = tuple((keys[each], drawn.map(each).channels) for each in step.inputs)
        same = _what(step, reads)
        # The same once more, in one block, is done once more: gradients add up in the order of their ways back.
        times[same] = times.get(same, 0) + 1
        made.append(_Made(_KEYS.setdefault((*same, times[same]), len(_KEYS)), step, reads))
        keys.append(made[-1].key)
    return _Trace(drawn.inputs, tuple(made), (keys[drawn.output], drawn.map(drawn.output).channels))


def _what(step: Step, reads: tuple[tuple[_Key, int], ...]) -> tuple[object, ...]:
    """All that decides about the leading channels of what a step makes."""
    own, channels = step.own, step.map.channels
    match step.op:
        case Conv(_, _, kernel, stride, bias, valid):  # every channel comes from all that go in
            group = own.convs and group_of(channels, own.convs)
            named: tuple[object, ...] = Conv, kernel, stride, bias, valid, group, reads
        case Linear(in_features, features):
            named = Linear, features, own.convs and group_of(in_features, own.convs), reads
        case Concat():
            named = Concat, reads
        case GroupedConv() | Slice() | SplitSoftmax() as op:  # of these, no leading channels serve fewer
            named = op, reads
        case DepthwiseConv(_, kernel, stride, kernels, dilation):
            group = own.convs and group_of(channels, own.convs)
            named = DepthwiseConv, kernel, stride, kernels, dilation, group, _keys(reads)
        case Norm(_, eps):
            named = Norm, eps, own.norms and group_of(channels, own.norms), _keys(reads)
        case Activate(kind):
            named = Activate, kind, own.activations and group_of(channels, own.activations), _keys(reads)
        case Zeros():
            named = Zeros, step.map.size, _keys(reads)
        case op:
            named = op, _keys(reads)
    return step.name, *named


def _keys(reads: tuple[tuple[_Key, int], ...]) -> tuple[_Key, ...]:
    """What is read channel by channel, however many there are."""
    return tuple(key for key, _ in reads)


class _Compiler:
    """Makes every value once, at the most channels that any of the traces needs, and slices it for the others."""

    def __init__(self, traces: Sequence[_Trace]) -> None:
        self._traces = traces
        self._maps: list[Map] = list(traces[0].inputs)
        self._inputs = len(self._maps)
        self._widest: dict[_Key, _Made] = {}
        for trace in traces:
            for made in trace.made:
                known = self._widest.get(made.key)
                if known is None or known.step.map.channels < made.step.map.channels:
                    self._widest[made.key] = made
        self._values: dict[tuple[_Key, int], Value] = {}
        self._steps: list[tuple[Step, bool]] = []
        self._fresh: set[Value] = set()

    def program(self) -> Program:
        """What is made when; then who reads it last."""
        stops: list[tuple[int, Value]] = []
        for trace in self._traces:
            for made in trace.made:  # all of it, in turn: batch norms that lead nowhere have statistics too
                self._value(made.key, self._widest[made.key].step.map.channels)
            output = self._value(*trace.output)
            stops.append((len(self._steps), output))
        reads: dict[Value, list[int]] = {}
        for place, (step, _) in enumerate(self._steps):
            for value in step.inputs:
                reads.setdefault(value, []).append(place)
        handed_out = {output: stop for stop, output in stops}  # the last time
        last: dict[int, list[Value]] = {}
        for value, places in reads.items():
            if value >= self._inputs and places[-1] >= handed_out.get(value, 0):
                last.setdefault(places[-1], []).append(value)
        parts, start = [], 0
        for stop, output in stops:
            instructions = tuple(
                self._instruction(place, tuple(last.get(place, ())), reads, handed_out) for place in range(start, stop)
            )
            later = max(reads.get(output, (-1,))) >= stop or handed_out[output] > stop or output < self._inputs
            parts.append(Part(instructions, output, later))
            start = stop
        return Program(tuple(parts), tuple(self._maps))

    def _instruction(
        self, place: int, last: tuple[Value, ...], reads: dict[Value, list[int]], handed_out: dict[Value, int]
    ) -> Instruction:
        step, cut = self._steps[place]
        first = step.inputs[0]
        overwrite = (
            not cut
            and first in self._fresh
            and len(reads[first]) == 1
            and first not in handed_out
            and not isinstance(self._steps[first - self._inputs][0].op, Activate)  # whose gradient needs its result
        )
        return Instruction(step, cut, self._inputs + place, overwrite, last)

    def _value(self, key: _Key, channels: int) -> Value:
        """The number of a value, after making it, and all that it needs, unless it is there already."""
        if key < 0:
            return -1 - key
        if (known := self._values.get((key, channels))) is not None:
            return known
        made = self._widest[key]
        widest = made.step.map.channels
        if widest > channels:
            whole = self._value(key, widest)
            return self._add(key, replace(made.step, inputs=(whole,), map=Map(channels, made.step.map.size)), cut=True)
        inputs = tuple(self._value(*read) for read in made.reads)
        value = self._add(key, replace(made.step, inputs=inputs), cut=False)
        # A slice is part of another value, and there is a norm that hands on what it gets: these are not fresh.
        if not isinstance(made.step.op, Slice) and (not isinstance(made.step.op, Norm) or inputs[0] in self._fresh):
            self._fresh.add(value)
        return value

    def _add(self, key: _Key, step: Step, *, cut: bool) -> Value:
        self._steps.append((step, cut))
        self._maps.append(step.map)
        self._values[key, step.map.channels] = len(self._maps) - 1
        return len(self._maps) - 1
