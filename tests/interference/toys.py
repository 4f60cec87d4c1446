"""Networks so small that what their branches do to each other is known in closed form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.backends.base import Backend, Network
from toolkit.spaces import Arch, Decision, Plans, SearchSpace
from toolkit.spaces.plans import Choice, ConvNorm, Head


@dataclass(frozen=True)
class Toy(SearchSpace):
    """Decisions, and a function from their options to plans; `widest` holds all of them."""

    decided: tuple[Decision, ...]
    planned: Callable[[Sequence[Any]], Plans]
    held: Plans
    name: str = "toy"
    summary: str = ""
    channels: int = 2
    size: int = 2
    classes: int = 2

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.decided

    def plans(self, arch: Arch) -> Plans:
        return self.planned([d.options[answer] for d, answer in zip(self.decided, arch, strict=True)])

    @property
    def widest(self) -> Plans:
        return self.held

    @property
    def largest(self) -> Arch:
        return tuple(len(decision.options) - 1 for decision in self.decided)

    @property
    def smallest(self) -> Arch:
        return (0,) * len(self.decided)

    def format(self, arch: Arch) -> str:
        return "-".join(map(str, arch))

    def problems(self, code: str) -> list[str]:
        return []

    def _parse(self, code: str) -> Arch:
        return tuple(map(int, code.split("-")))

    def active(self, answers: Sequence[int]) -> list[bool]:
        return [True] * len(answers)


SCALES = {"plus": (1, 0), "twin": (1, 0), "minus": (-1, 0), "other": (0, 1)}
"""Four branches, by the scale of their batch norm: what they make of channel 0 and of channel 1."""

_LAYER = ConvNorm(2, 2, 1, 1, None, 2)


def choice_space(blocks: tuple[int, ...] = (0,)) -> Toy:
    """One of four branches, then a classifier that they share. The decision is said to shape `blocks`."""
    branches = tuple((name, _LAYER) for name in SCALES)
    return Toy(
        (Decision("branch", tuple(SCALES), blocks),),
        lambda options: (Choice(2, 2, ((options[0], _LAYER),)), Head(2, 2)),
        (Choice(2, 2, branches), Head(2, 2)),
    )


def choice_network(backend: Backend, blocks: tuple[int, ...] = (0,)) -> Network:
    """Convolutions are the identity; the classifier is 0, so that every path is indifferent between two classes."""
    network = backend.network(choice_space(blocks), choice_space(blocks).widest, 0)
    weights = network.weights()
    for name, scale in SCALES.items():
        weights[f"blocks.0.{name}.conv.weight"] = np.eye(2, dtype=np.float32)[:, :, None, None]
        weights[f"blocks.0.{name}.bn.weight"] = np.array(scale, np.float32)
    weights["blocks.1.fc.weight"][:] = 0
    network.load_weights(weights)
    return network


def mirrored_batch(backend: Backend) -> tuple[Any, Any]:
    """Images in two classes, one the negative of the other: gradients of the classifier's bias cancel.

    On it, the gradient of the classifier's weight is a multiple of the mean features of a class: opposite for `plus`
    and `minus`, in another column for `other`.
    """
    half = np.random.default_rng(0).normal(1.0, 0.5, (3, 2, 2, 2)).astype(np.float32)
    images = np.concatenate([half, -half])
    return backend.place(images), backend.place(np.repeat([0, 1], 3))


def width_space() -> Toy:
    """Two decisions: how wide the first layer is, and how wide the second."""

    def plans(options: Sequence[int]) -> Plans:
        first, second = options
        return ConvNorm(2, first, 1, 1, "after", 2), ConvNorm(first, second, 1, 1, "after", 2), Head(second, 2)

    decided = Decision("first", (2, 3, 4), (0, 1)), Decision("second", (3, 5), (1, 2))
    return Toy(decided, plans, plans((4, 5)))
