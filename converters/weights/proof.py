"""The proof of a conversion: the network computes the same before and after, in one framework and the other.

What it cannot show is that the network as read here is the one that was trained: see `NOT_PROVEN`.
"""

from dataclasses import dataclass

import numpy as np

from converters.logits import Logits, largest_difference, run_plans
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend, Weights
from toolkit.errors import InputError
from toolkit.spaces import Arch, SearchSpace

TOLERANCE = 1e-4
"""Largest difference of logits, as a share of the largest logit (or of 1): rounding has a hundredth of it."""

NOT_PROVEN = (
    "Not shown, for no tensor tells: that it is the network that was trained (widths that run in place of others, "
    "activations without weights, how far a HyperNet may go, normalisation of images)."
)

IMAGES, SIZE = 4, 64
"""Random images, no larger than this: convolutions do not care, and a comparison should take no minutes."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared, and how far logits were apart.

    Attributes:
        before, after: the frameworks that ran the weights as read, and as written.
        absent: frameworks that are not installed.
        candidates: how many candidates were compared.
        difference: the largest difference of logits, as a share of the largest logit (or of 1).
    """

    before: str
    after: str
    absent: tuple[str, ...]
    candidates: int
    difference: float

    def __str__(self) -> str:
        frameworks = (
            f"{self.before} and {self.after}" if self.before != self.after else f"{self.before} before and after"
        )
        what = "1 network" if self.candidates == 1 else f"{self.candidates} networks"
        text = (
            f"the weights read and the weights written compute the same: logits of {what} on {IMAGES} random images "
            f"compared in {frameworks}, largest difference {self.difference:.1e} of the largest logit"
        )
        if self.absent:
            text += f" ({', '.join(self.absent)} is not installed, so frameworks were not compared)"
        return f"{text}. {NOT_PROVEN}"


def prove(
    space: SearchSpace, code: str | None, before: Weights, after: Weights, candidates: int, seed: int = 0
) -> Proof:
    """Compare random candidates of a supernet, or one stand-alone network, on random images.

    Raises:
        InputError: logits differ by more than TOLERANCE, are not finite, or no framework is installed.
    """
    space = space.for_images(space.channels, min(space.size, SIZE), space.classes)
    backends, absent = _installed()
    if not backends:
        raise InputError(f"nothing can be compared: install one of {', '.join(absent)}, or ask for 0 candidates")
    rng = np.random.default_rng(seed)
    archs = [space.parse(code)] if code else [space.sample(rng) for _ in range(candidates)]
    images = rng.integers(0, 256, (IMAGES, space.channels, space.size, space.size), dtype=np.uint8)
    one, other = backends[0], backends[-1]
    firsts = _run(one, space, archs, before, images, alone=code is not None)
    if not all(np.isfinite(logits).all() for logits in firsts):
        raise InputError(
            "its logits are not finite, so there is nothing to compare; ask for 0 candidates to do without"
        )
    seconds = _run(other, space, archs, after, images, alone=code is not None)
    difference = max(largest_difference(*pair) for pair in zip(firsts, seconds, strict=True))
    proof = Proof(one.name, other.name, absent, len(archs), difference)
    if not difference <= TOLERANCE:
        raise InputError(
            f"the converted weights do not compute what the original ones do: {proof}; nothing was written"
        )
    return proof


def _installed() -> tuple[list[Backend], tuple[str, ...]]:
    """Every framework on a CPU, and the names of those that cannot be loaded."""
    backends, absent = [], []
    for name in BACKENDS:
        try:
            backends.append(get_backend(name, "cpu"))
        except (InputError, ImportError):
            absent.append(name)
    return backends, tuple(absent)


def _run(
    backend: Backend, space: SearchSpace, archs: list[Arch], weights: Weights, images: np.ndarray, *, alone: bool
) -> list[Logits]:
    holds = space.plans(archs[0]) if alone else space.widest
    network = backend.network(space, holds, 0)
    network.load_weights(weights)
    state = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    plans = [holds] if alone else map(space.supernet_plans, archs)
    return [run_plans(network, each, state, network.stored_norm()) for each in plans]
