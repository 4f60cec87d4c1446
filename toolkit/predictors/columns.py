"""What a predictor sees of networks: the features of their space by kind, and score columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.predictors.model import FloatArray
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.features import Columns

SCORES = "scores"
"""The kind that score columns belong to."""


@dataclass(frozen=True)
class Features:
    """Columns of numbers about networks.

    Attributes:
        kinds: by kind, named columns of shape (networks,).
        networks: how many.
    """

    kinds: Mapping[str, Columns]
    networks: int

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        archs: Sequence[Arch],
        kinds: Sequence[str] | None = None,
        scores: Columns | None = None,
    ) -> Self:
        """Those of networks of a space.

        Args:
            kinds: by default the space's own choice.
            scores: further columns, such as a supernet's score, each of shape (networks,).

        Raises:
            InputError: the space has no such kind of features.
        """
        known = space.feature_kinds
        wanted = tuple(dict.fromkeys(space.predicted_from if kinds is None else kinds))
        if unknown := [kind for kind in wanted if kind not in known]:
            raise InputError(
                f"space {space.name} has no features {kind!r}{did_you_mean(kind, known)}" for kind in unknown
            )
        found = {kind: known[kind](archs) for kind in wanted}
        return cls(found | ({SCORES: dict(scores)} if scores else {}), len(archs))

    def matrix(self, kinds: Sequence[str]) -> FloatArray:
        """The columns of some kinds, shape (networks, columns)."""
        columns = [column for kind in kinds for column in self.kinds[kind].values()]
        return np.column_stack(columns) if columns else np.empty((self.networks, 0))

    def names(self, kinds: Sequence[str]) -> list[str]:
        """What the columns of `matrix` are called."""
        return [name for kind in kinds for name in self.kinds[kind]]

    def take(self, networks: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.intp]]) -> Self:
        """Of some networks only."""
        rows = np.asarray(networks, dtype=np.intp)
        kinds = {kind: {name: column[rows] for name, column in columns.items()} for kind, columns in self.kinds.items()}
        return type(self)(kinds, len(rows))


@dataclass(frozen=True, slots=True)
class Standard:
    """Columns as deviations from the mean of the labelled networks, in their standard deviations.

    Columns that are the same for all of these say nothing and are left out.
    """

    kept: np.ndarray[tuple[int], np.dtype[np.bool_]]
    centre: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, matrix: FloatArray) -> Self:
        """By the labelled networks, shape (networks, columns)."""
        centre, scale = matrix.mean(axis=0), matrix.std(axis=0)
        kept = scale > 1e-9 * np.maximum(1.0, np.abs(centre))
        return cls(kept, centre[kept], scale[kept])

    def __call__(self, matrix: FloatArray) -> FloatArray:
        """Of any networks."""
        return np.asarray((matrix[:, self.kept] - self.centre) / self.scale)
