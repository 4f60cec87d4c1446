"""Training images that are set aside while a supernet is trained on the others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from typing_extensions import override

from toolkit.backends.base import Images, Labels
from toolkit.data.base import HELD_OUT, Draws, Indices, Split
from toolkit.data.splits import stratified_order


@dataclass(frozen=True, eq=False)
class Part(Split):
    """Some images of a split, by their indices in it; a split itself."""

    whole: Split
    members: Indices

    @property
    def labels(self) -> Labels:
        """Class indices, shape (n,)."""
        return self.whole.labels[self.members]

    @cached_property
    def digest(self) -> str:
        """Of the whole's and the indices."""
        return hashlib.sha256(self.whole.digest.encode() + self.members.tobytes()).hexdigest()

    @override
    def images(self, indices: Sequence[int] | Indices) -> Images:
        return self.whole.images(self.members[np.asarray(indices, np.int64)])

    @override
    def augmented(self, indices: Sequence[int] | Indices, draws: Draws) -> Images:
        return self.whole.augmented(self.members[np.asarray(indices, np.int64)], draws)


def hold_out(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """What is left to train on, and the `share` of each class that is set aside."""
    order = stratified_order(split.labels, np.random.default_rng([seed, HELD_OUT]))
    count = round(share * len(order))
    return Part(split, np.sort(order[count:])), Part(split, np.sort(order[:count]))
