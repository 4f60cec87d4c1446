"""What evaluation holds in memory: the activations that live while a tree of prefixes is walked, in closed form.

Bounds are upper ones, for numbers of 4 bytes. What is there before the walk is not in them: the framework and its work
space, the weights, and the images themselves, one byte a number. On a CPU the heap of the process has been seen to take
twice as much, for it keeps holes of all sizes (`backends/allocator.py`).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from toolkit.errors import InputError
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import Node
from toolkit.spaces.base import SearchSpace
from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import Plan
from toolkit.spaces.primitives import Conv, Map, Norm
from toolkit.spaces.sharing import Instruction, program, structures
from toolkit.spaces.wiring import graph

Key = TypeVar("Key")

CHUNK, SMALL = 512, 2 * 2**20
"""Images that pass together, unless the policy or the memory says otherwise: so many, or as many as make no activation
larger than so many bytes. Of tiny networks a pass takes as long as its operations have to be called.
"""

_BYTES = 4
_UNITS = {"B": 1} | {
    f"{prefix}{unit}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for unit, base in (("", 1000), ("B", 1000), ("iB", 1024))
}


def parse_size(text: str) -> int:
    """Bytes: a number and a unit, as in `4GiB`, `500MB` or `1.5G`.

    Raises:
        InputError: it is none, or less than a byte.
    """
    units = {unit.lower(): factor for unit, factor in _UNITS.items()}
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([a-z]+)", text.strip().lower())
    if not match or match[2] not in units or (size := int(float(match[1]) * units[match[2]])) < 1:
        raise InputError(f"size {text!r}: write a number and a unit, such as 4GiB or 500MB")
    return size


def show_size(size: int) -> str:
    """Bytes for people, rounded up so that `parse_size` of it is never less: `3.1 GiB`."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "KiB") if size >= _UNITS[unit]), "B")
    tenths = -(-10 * size // _UNITS[unit])
    return f"{size} B" if unit == "B" else f"{tenths // 10}.{tenths % 10} {unit}"


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of memory: `fixed` for whatever number of images, and `per_image`."""

    fixed: int
    per_image: int

    def of(self, images: int) -> int:
        """What so many images at a time need."""
        return self.fixed + images * self.per_image


def memory_need(root: Node[Key], channels: int, size: int) -> Need:
    """The most that is alive at any moment while the tree is walked depth first.

    Args:
        channels, size: of the images.
    """
    image = Map(channels, size)
    # While images become floats there are three of each: one of the chunk before, and two on the way.
    activations = image.numbers + max(2 * image.numbers, _walk(root, (image,)))
    plans = root.plans()
    # The leading part of a weight is copied, and again by the library into its own layout; a HyperNet makes more of it.
    fixed = max(((6 if plan.hyper else 3) * block_cost(plan).params for plan in plans), default=0)
    fixed += sum(times * _statistics(plan) for plan, times in plans.items())
    return Need(_BYTES * fixed, _BYTES * activations)


def chunk_for(memory: int, need: Need, policy: NormPolicy) -> int:
    """How many images may pass together within `memory` bytes, calibration images among them.

    The policy `batch` fixes it: then memory is only checked.

    Raises:
        InputError: not even as many fit as must pass together; says what these need.
    """
    together = smallest_chunk(policy)
    if memory < need.of(together):
        reasons = {
            "stored": "",
            "batch": f"; {policy} passes {policy.images:,} together, fewer would need less",
            "calibrate": f"; {policy} passes {policy.images:,} and one to test together, fewer would need less",
        }
        raise InputError(
            f"memory of {show_size(memory)} is too little: evaluation needs {show_size(need.of(together))}, "
            f"{show_size(need.per_image)} an image{reasons[policy.source]}"
        )
    return together if policy.source == "batch" else (memory - need.fixed) // need.per_image


def together(space: SearchSpace) -> int:
    """How many images pass a space's networks together where neither policy nor memory sets a limit."""
    largest = max(step.map.numbers for plan in space.widest if plan is not None for step in graph(plan).steps)
    return max(CHUNK, SMALL // (_BYTES * largest))


def usual_chunk(policy: NormPolicy, images: int, most: int) -> int:
    """How many of `images` images to test pass together where memory is no matter, calibration images among them."""
    wanted = policy.images if policy.source == "batch" else min(most, policy.calibration + images)
    return max(wanted, smallest_chunk(policy))


def smallest_chunk(policy: NormPolicy) -> int:
    """The fewest images that may pass together: calibration images go in front of at least one to test."""
    return {"stored": 1, "batch": policy.images, "calibrate": policy.images + 1}[policy.source]


@dataclass(frozen=True, slots=True)
class _Run:
    """What running blocks on one input takes, in numbers for one image.

    Attributes:
        most: the most that is alive at once while they are computed.
        leaving: the output of each.
        held: what stays alive while the network goes on behind each: its output and, where blocks share convolutions,
            what the next of them will be made from.
    """

    most: int
    leaving: tuple[Map, ...]
    held: tuple[int, ...]


def _walk(node: Node[Key], states: tuple[Map, ...]) -> int:
    """The most numbers alive at once below a prefix, besides its own activations `states`, the newest last."""
    most = 0
    if node.alone is not None:
        held = 0
        for plan in node.tail:
            run = _run((plan,), tuple([states[-back] for back in plan.reads]))
            most, held = max(most, held + run.most), held + run.held[0]
            states = (*states, run.leaving[0])
        return most
    for _, plans, nodes in node.siblings():
        run = _run(plans, tuple([states[-back] for back in plans[0].reads]))
        most = max(most, run.most)
        for child, leaving, held in zip(nodes, run.leaving, run.held, strict=True):
            most = max(most, held + _walk(child, (*states, leaving)))
    return most


def _run(plans: tuple[Plan, ...], inputs: tuple[Map, ...]) -> _Run:
    return _running(structures(plans), inputs)


@lru_cache(maxsize=1 << 16)
def _running(plans: tuple[Plan, ...], inputs: tuple[Map, ...]) -> _Run:
    """Blocks on inputs of these shapes, as the backends run them; what works in place is taken to need room too."""
    compiled = program(plans, inputs)
    alive = most = 0
    leaving, held = [], []
    for part in compiled.parts:
        for each in part.instructions:
            out = compiled.maps[each.out].numbers
            most = max(most, alive + out + _scratch(each))
            alive += out - sum(compiled.maps[value].numbers for value in each.last)
        leaving.append(compiled.maps[part.output])
        held.append(alive)
        if not part.kept:
            alive -= leaving[-1].numbers
    return _Run(most, tuple(leaving), tuple(held))


def _scratch(each: Instruction) -> int:
    """What an operation needs besides its input and output.

    In calibration, batch norm writes its output twice. A strided 1x1 convolution may copy the pixels that it sees.
    """
    match each.step.op:
        case Norm():
            return each.step.map.numbers
        case Conv(in_channels, _, 1, stride) if stride > 1:
            return Map(in_channels, each.step.map.size).numbers
    return 0


def _statistics(plan: Plan) -> int:
    """How many numbers calibration remembers: a mean and a variance for each channel."""
    return sum(2 * step.op.channels for step in graph(plan).steps if isinstance(step.op, Norm))
