"""The second opinion of a search: a predictor fitted to the true accuracies of a few networks."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from toolkit.errors import InputError
from toolkit.predictors.columns import SCORES, Features
from toolkit.predictors.predictor import Options, Predictor, fit, trust
from toolkit.sampling.prior import FILE, prior_of
from toolkit.spaces import Arch, SearchSpace

Floats = npt.NDArray[np.float64]
Reward = Literal["direct", "predictor", "sum", "trust", "stacked"]

WINDOW = 200
"""Networks over whose values running standard deviations go."""


class FewShot:
    """A Gaussian process on the space's features, fitted once; *stacked* it is fitted anew to direct accuracies too.

    Args:
        file: accuracies of a few networks in the candidates format; 0 means that there is none.
        floor: labels below this count as equal to it.

    Attributes:
        archs, labels: the labelled networks and their accuracies, shape (networks,).
        trust: how much it weighs beside a direct accuracy, by its leave-one-out Kendall tau.

    Raises:
        InputError: the file has problems, or too few labels.
    """

    def __init__(self, file: str, space: SearchSpace, floor: float | None) -> None:
        truth = prior_of(FILE + file, space)
        self.archs = [arch for arch in truth.pool or () if truth(arch) != 0]  # 0 stands for no label
        self.labels = np.array([truth(arch) for arch in self.archs], np.float64)
        self._space, self._options = space, Options("gp", floor=floor)
        self._features = _features(space, self.archs)
        try:
            self._predictor = fit(self._features, self.labels, self._options)
        except InputError as error:
            raise InputError(f"{file}: {problem}" for problem in error.problems) from error
        tau = scipy.stats.kendalltau(self._predictor.left_out().mean, self.labels).statistic
        self.trust = trust(float(np.nan_to_num(tau)))
        self.spread = float(self._predictor.labels.std())
        self._stacked: Predictor | None = None

    def stack(self, direct: Floats) -> None:
        """Take in direct accuracies of the labelled networks, shape (networks,)."""
        features = Features({**self._features.kinds, SCORES: {"direct": direct}}, len(self.archs))
        self._stacked = fit(features, self.labels, self._options)

    def predict(self, archs: Sequence[Arch], direct: Floats | None = None) -> Floats:
        """Accuracies in the labels' unit, shape (networks,); from direct accuracies too, if it was stacked."""
        features = _features(self._space, archs)
        if direct is None or self._stacked is None:
            return self._predictor.predict(features).mean
        stacked = Features({**features.kinds, SCORES: {"direct": direct}}, len(archs))
        return self._stacked.predict(stacked).mean


@lru_cache(2**16)
def _one(space: SearchSpace, arch: Arch) -> Features:
    """Of one network: a policy asks for the same ones again and again, and costs take a while to count."""
    return Features.of(space, [arch])


def _features(space: SearchSpace, archs: Sequence[Arch]) -> Features:
    if not archs:
        return Features.of(space, archs)
    rows = [_one(space, arch).kinds for arch in archs]
    kinds = {
        kind: {name: np.concatenate([row[kind][name] for row in rows]) for name in columns}
        for kind, columns in rows[0].items()
    }
    return Features(kinds, len(archs))


class Running:
    """The standard deviation of the last `WINDOW` values."""

    def __init__(self) -> None:
        self.values = np.empty(0)

    def scaled(self, values: Floats) -> Floats:
        """Values in units of it, themselves taken in; as they are, while all were equal."""
        self.values = np.concatenate([self.values, values])[-WINDOW:]
        spread = float(self.values.std())
        return values / spread if spread > 0 else values
