"""The elastic block of one position: the layers of the widest plan there, run as any plan that fits in them.

A stand-alone network is made of the same blocks, built for its own plans. Parameter names are those of the official
checkpoint of the 2022 challenge.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from paddle import Tensor, nn

from toolkit.backends.paddle.layers import Layer
from toolkit.backends.paddle.norms import Norm
from toolkit.backends.paddle.primitives import Run, See, closure, layer_of
from toolkit.spaces.plans import Plan
from toolkit.spaces.sharing import Instruction, program
from toolkit.spaces.wiring import graph

PROGRAMS = 2048
"""Programs that a block keeps: those of a group of candidates are used once for every chunk of images."""

_Instruction = tuple[Run, tuple[int, ...], int, tuple[int, ...]]
"""A closure, the values that it reads, the one that it makes, and those to let go of."""

_Compiled = tuple[tuple[None, ...], tuple[tuple[tuple[_Instruction, ...], int, bool], ...]]
"""Room for the values that are made; for each block its instructions, its output, and whether that stays."""


class Block(nn.Layer):
    """Layers under the names of the widest plan's graph; programs are compiled for what they are asked to run.

    `see`, if not None, is shown every output of a ReLU.
    """

    def __init__(self, widest: Plan) -> None:
        super().__init__()
        self.see: See | None = None
        self._layers: dict[str, Layer] = {}
        for step in graph(widest).steps:
            layer = layer_of(step)
            if layer is not None:
                self._layers[step.name] = layer
                _place(self, step.name.split("."), layer)
        self._known = lru_cache(PROGRAMS)(self._compile)

    def run(self, plan: Plan, inputs: Sequence[Tensor], norm: Norm) -> Tensor:
        """The block as `plan`: activations (n, c, h, w) to activations, or to logits (n, classes)."""
        room, ((instructions, output, _),) = self._program((plan,))
        values: list[Any] = [*inputs, *room]
        _execute(instructions, values, norm)
        return cast(Tensor, values[output])

    def siblings(self, plans: Sequence[Plan], inputs: Sequence[Tensor], norm: Norm) -> Iterator[Tensor]:
        """The block as each of `plans` (in `sharing_order`); what they share is computed once."""
        room, parts = self._program(tuple(plans))
        values: list[Any] = [*inputs, *room]
        for instructions, output, kept in parts:
            _execute(instructions, values, norm)
            yield values[output] if kept else _taken(values, output)

    def _program(self, plans: tuple[Plan, ...]) -> _Compiled:
        return self._known(plans) if self.see is None else self._compile(plans)

    def _compile(self, plans: tuple[Plan, ...]) -> _Compiled:
        def compiled(each: Instruction) -> _Instruction:
            return closure(each, self._layers.get(each.step.name), self.see), each.step.inputs, each.out, each.last

        made = program(plans)
        parts = tuple((tuple(map(compiled, part.instructions)), part.output, part.kept) for part in made.parts)
        return (None,) * (len(made.maps) - len(plans[0].reads)), parts


def _execute(instructions: tuple[_Instruction, ...], values: list[Any], norm: Norm) -> None:
    for run, reads, out, last in instructions:
        values[out] = run(norm, *[values[value] for value in reads])
        for value in last:
            values[value] = None


def _taken(values: list[Any], place: int) -> Any:
    """A value, of which nothing stays here."""
    value, values[place] = values[place], None
    return value


def _place(block: nn.Layer, path: Sequence[str], layer: Layer) -> None:
    """Put a layer where its name says: `downsample.0` is child 0 of child `downsample`."""
    *folders, last = path
    for folder in folders:
        if folder not in block._sub_layers:
            block.add_sublayer(folder, nn.Layer())
        block = block._sub_layers[folder]
    block.add_sublayer(last, layer)
