"""Programs of blocks (`toolkit.spaces.sharing`) at work, whatever the framework: compiled once to closures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from toolkit.backends.hypernet import Condition, Modulation, Tensors, condition
from toolkit.backends.ops import Ops
from toolkit.errors import InputError
from toolkit.spaces.plans import Plan
from toolkit.spaces.sharing import Instruction, program, structures

PROGRAMS = 2048
"""Programs that a block keeps: those of a group of candidates are used once for every chunk of images."""


class Given(NamedTuple):
    """What a block runs with.

    Attributes:
        norm: a source of batch-norm statistics.
        condition: by what its weights are modulated, if by anything.
        weights: of a mixture, shape (rows, columns), if it is one; of a block that drops paths, shape (rows, images).
    """

    norm: Any
    condition: Condition | None
    weights: Any = None

    def weight(self, row: int, column: int) -> Any:
        """One of the mixture's weights.

        Raises:
            InputError: none were given.
        """
        if self.weights is None:
            raise InputError(
                "this is a weighted sum of operations, no candidate: only its training runs it; evaluate the candidate "
                "that it comes to, in RUN/derived.json"
            )
        return self.weights[row, column]

    def kept(self, row: int) -> Any:
        """What each image's map is multiplied by where paths are dropped, shape (images, 1, 1, 1)."""
        if self.weights is None:
            raise ValueError("a block that drops paths is told which: only trainings alone run it")
        return self.weights[row].reshape([-1, 1, 1, 1])


Run = Callable[..., Any]
"""(Given, *tensors that are read) to the result."""

See = Callable[[Any], object]

_Instruction = tuple[Run, tuple[int, ...], int, tuple[int, ...]]
"""A closure, the values that it reads, the one that it makes, and those to let go of."""

_Compiled = tuple[tuple[None, ...], tuple[tuple[tuple[_Instruction, ...], int, bool], ...]]
"""Room for the values that are made; for each block its instructions, its output, and whether that stays."""


class Programs:
    """Runs a block as the plans that fit in it. `see`, if not None, is shown every output of a ReLU.

    Args:
        layers: those that hold the block's tensors, by name.
        closure: makes what runs an instruction, of its layer, `see`, and what a HyperNet does to its weights.
        ops: for HyperNets.
        body: the layers of the HyperNet's body, if there is one.
    """

    def __init__(
        self,
        layers: Mapping[str, Any],
        closure: Callable[[Instruction, Any, See | None, Modulation | None], Run],
        ops: Ops | None = None,
        body: Sequence[Tensors] = (),
    ) -> None:
        self.see: See | None = None
        self._layers, self._closure, self._ops, self._body = layers, closure, ops, body
        self._known = lru_cache(PROGRAMS)(self._compile)

    def run(self, plan: Plan, inputs: Sequence[Any], norm: Any, weights: Any = None) -> Any:
        """The block as `plan`: activations (n, c, h, w) to activations, or to logits (n, classes).

        Args:
            weights: of a mixture, shape (rows, columns).
        """
        room, ((instructions, output, _),) = self._program((plan,))
        values: list[Any] = [*inputs, *room]
        _execute(instructions, values, self._given(plan, norm, weights))
        return values[output]

    def siblings(self, plans: Sequence[Plan], inputs: Sequence[Any], norm: Any) -> Iterator[Any]:
        """The block as each of `plans` (in `sharing_order`, on one condition); what they share is computed once."""
        room, parts = self._program(tuple(plans))
        values: list[Any] = [*inputs, *room]
        given = self._given(plans[0], norm)
        for instructions, output, kept in parts:
            _execute(instructions, values, given)
            yield values[output] if kept else _taken(values, output)

    def _given(self, plan: Plan, norm: Any, weights: Any = None) -> Given:
        if plan.hyper is None or not plan.answers:
            return Given(norm, None, weights)
        if not self._body or self._ops is None:
            raise ValueError("a network without a HyperNet runs nothing that is conditioned")
        return Given(norm, condition(self._ops, self._body, plan), weights)

    def _program(self, plans: tuple[Plan, ...]) -> _Compiled:
        """Conditions are data, so there are no more programs than structures."""
        plans = structures(plans)
        return self._known(plans) if self.see is None else self._compile(plans)

    def _compile(self, plans: tuple[Plan, ...]) -> _Compiled:
        def compiled(each: Instruction) -> _Instruction:
            layer, modulation = self._layers.get(each.step.name), None
            if each.step.hyper is not None and not each.slice and layer is not None and self._ops is not None:
                modulation = Modulation(self._ops, each.step, layer.hyper)
            return self._closure(each, layer, self.see, modulation), each.step.inputs, each.out, each.last

        made = program(plans)
        parts = tuple((tuple(map(compiled, part.instructions)), part.output, part.kept) for part in made.parts)
        return (None,) * (len(made.maps) - len(plans[0].reads)), parts


def _execute(instructions: tuple[_Instruction, ...], values: list[Any], given: Given) -> None:
    for run, reads, out, last in instructions:
        values[out] = run(given, *map(values.__getitem__, reads))
        for value in last:
            values[value] = None


def _taken(values: list[Any], place: int) -> Any:
    """A value, of which nothing stays here."""
    value, values[place] = values[place], None
    return value
