"""Decks of cards that are dealt to the end before they are shuffled anew, and remembered between steps."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from toolkit.errors import InputError
from toolkit.sampling.base import State


class Decks:
    """One deck of the cards 0, 1, ... for each of `sizes`.

    Each order follows from a seed, so that what there is to remember stays small: a seed and a count for each deck.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = np.array(sizes, dtype=np.int64)
        self._seeds = np.zeros_like(self._sizes)
        self._dealt = self._sizes.copy()
        self._orders = list(map(_order, self._seeds, self._sizes))

    def top(self, deck: int, rng: np.random.Generator) -> int:
        """The card that a deck deals next; one that is used up is shuffled first."""
        if self._dealt[deck] == self._sizes[deck]:
            self._seeds[deck] = rng.integers(2**63)
            self._dealt[deck] = 0
            self._orders[deck] = _order(self._seeds[deck], self._sizes[deck])
        return int(self._orders[deck][self._dealt[deck]])

    def take(self, deck: int) -> None:
        """Deal the top card."""
        self._dealt[deck] += 1

    def state(self) -> State:
        """`seeds` and `dealt`, one number for each deck."""
        return {"seeds": self._seeds.copy(), "dealt": self._dealt.copy()}

    def load_state(self, state: Mapping[str, npt.NDArray[np.int64]]) -> None:
        """Go on from a `state`; raises InputError if it is none of such decks."""
        expected = self.state()
        fits = state.keys() == expected.keys() and all(
            state[name].shape == array.shape and state[name].dtype == array.dtype for name, array in expected.items()
        )
        if not fits or np.any(state["seeds"] < 0) or np.any((state["dealt"] < 0) | (state["dealt"] > self._sizes)):
            raise InputError("method.sampling: its memory in the checkpoint is of another sampler; take another one")
        self._seeds, self._dealt = state["seeds"].copy(), state["dealt"].copy()
        self._orders = list(map(_order, self._seeds, self._sizes))


def _order(seed: np.int64, size: np.int64) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
