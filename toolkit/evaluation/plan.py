"""What an evaluation will take, before anything runs: work, memory and time; and what how many images are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, TypeVar

import numpy as np

from toolkit.data.base import Progress
from toolkit.evaluation.memory import Need, memory_need
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import Work, alone, by_block, by_convolution, prefix_groups, prefix_tree
from toolkit.evaluation.timing import Speed
from toolkit.ranking.noise import ceiling, image_variance, images_reliability
from toolkit.runs.setup import quiet
from toolkit.spaces.plans import Plans

Key = TypeVar("Key")

BUDGETS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
"""Numbers of images worth comparing."""


@dataclass(frozen=True)
class Sharing(Generic[Key]):
    """What candidates share, exactly; all work is for one image.

    Attributes:
        candidates: codes; `networks`: how many of them are different networks.
        alone: every network for itself.
        by_block: every distinct prefix once.
        by_convolution: and convolutions of blocks on the same input once, at the widest.
        grouped: that, in `groups`: what will be done.
        need: memory for any of the groups.
    """

    candidates: int
    networks: int
    groups: list[list[tuple[Key, Plans]]]
    alone: Work
    by_block: Work
    by_convolution: Work
    grouped: Work
    need: Need


def find_sharing(
    networks: Sequence[tuple[Key, Plans]], limit: int, channels: int, size: int, progress: Progress = quiet
) -> Sharing[Key]:
    """What networks share when they are evaluated in groups of at most `limit`.

    Args:
        channels, size: of the images.
    """
    done, total = 0, 2 * len(networks)  # as a whole, then in groups
    progress("comparing", done, total)
    groups = prefix_groups(networks, limit)
    # In the groups' order neighbours are at hand: the same tree, in half the time.
    tree = prefix_tree([network for group in groups for network in group])
    distinct = sum(node.alone is not None or bool(node.ends) for node in tree.shared())
    progress("comparing", len(networks) // 2, total)
    whole = by_block(tree), by_convolution(tree)
    del tree
    done = len(networks)
    progress("comparing", done, total)
    grouped, fixed, per_image = Work(0, 0), 0, 0
    for group in groups:
        tree = prefix_tree(group)
        grouped += by_convolution(tree)
        need = memory_need(tree, channels, size)
        fixed, per_image = max(fixed, need.fixed), max(per_image, need.per_image)
        done += len(group)
        progress("comparing", done, total)
    return Sharing(len(networks), distinct, groups, alone(networks), *whole, grouped, Need(fixed, per_image))


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: expected, and as many as the fastest and the slowest sample make likely."""

    expected: float
    fastest: float
    slowest: float


@dataclass(frozen=True)
class Outlook(Generic[Key]):
    """What an evaluation will take.

    Attributes:
        images: to test on.
        chunk: how many pass together in each of the processes, of which there are `workers`.
        speed: of all processes together; None if it was not measured.
    """

    sharing: Sharing[Key]
    images: int
    policy: NormPolicy
    chunk: int
    workers: int
    speed: Speed | None

    @property
    def memory(self) -> int:
        """Bytes that activations take in all processes together, at most."""
        return self.workers * self.sharing.need.of(self.chunk)

    def macs(self, images: int) -> int:
        """Multiply-accumulates in groups with so many images to test, calibration included."""
        return (images + self.policy.calibration) * self.sharing.grouped.macs

    def times(self, images: int) -> Times | None:
        """How long so many images take, by the measured speed."""
        if self.speed is None:
            return None
        macs, speed = self.macs(images), self.speed
        return Times(macs / speed.mean, macs / speed.fastest, macs / speed.slowest)


@dataclass(frozen=True, slots=True)
class Budget:
    """What so many images are worth when every network sees others, the worst case.

    Attributes:
        error: the standard error of an accuracy.
        pearson, kendall: the correlation of measured with true accuracies, which is the most that can be expected.
    """

    images: int
    error: float
    pearson: float
    kendall: float


def budgets(accuracy: float, spread: float, images: Sequence[int]) -> list[Budget]:
    """The worth of each number of images by binomial noise.

    Args:
        accuracy: a typical one, as a fraction.
        spread: the standard deviation of the candidates' true accuracies, as a fraction.
    """
    single = image_variance(np.array([accuracy]))
    found = []
    for count in images:
        reliability = images_reliability(count, single / spread**2)
        found.append(Budget(count, sqrt(single / count), sqrt(reliability), ceiling(reliability)))
    return found
