"""A predictor: labels of a few networks, a model of them, predictions for all others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from toolkit.backends.base import Backend
from toolkit.errors import InputError
from toolkit.predictors.columns import SCORES, Features, Standard
from toolkit.predictors.model import FloatArray, Groups, Model, Prediction
from toolkit.predictors.networks import FAMILIES, NetworkModel, tokens_of
from toolkit.predictors.process import GaussianProcess
from toolkit.predictors.ridge import Ridge

ModelName = Literal["auto", "ridge", "gp", "mlp", "lstm", "transformer"]
Role = Literal["feature", "mean", "trust"]
"""What score columns are: further features ("stacked"); the mean that the rest corrects; or judged beside (`trust`)."""

MODELS: dict[str, Callable[[FloatArray, FloatArray, FloatArray], Model]] = {"ridge": Ridge, "gp": GaussianProcess}

MOST = 1_000
"""Labels up to which `auto` tries a Gaussian process, which takes cubic time (a second at so many)."""

PAIRS_FROM = 4
"""`auto` tries products of features from so many labels a column on."""

FEWEST = 10
"""With fewer labels nothing can be said about a predictor."""

CLIP = 0.02
"""The quantile of labels below which they are clipped: failed trainings would outweigh all others."""


@dataclass(frozen=True)
class Options:
    """How to predict.

    Attributes:
        model: which; `auto` takes ridge or the process, whichever predicts left-out labels best.
        kinds: of features; None leaves it to the space, and lets `auto` add products of them.
        role: what score columns are.
        clip: labels below this quantile count as equal to it; 0 for none.
        floor: or below this value.
        backend: what networks (mlp, lstm, transformer) are trained on.
    """

    model: ModelName = "auto"
    kinds: tuple[str, ...] | None = None
    role: Role = "feature"
    clip: float = CLIP
    floor: float | None = None
    backend: Backend | None = None

    @property
    def sequence(self) -> bool:
        """The model reads a network as a sequence of decisions."""
        return self.model in FAMILIES and FAMILIES[self.model].sequence


DEFAULTS = Options()


@dataclass(frozen=True)
class Predictor:
    """A model fitted to labels.

    Attributes:
        model, name: the model and what it is called.
        kinds: of the features that it uses.
        columns: how many of these differ among the labelled networks.
        labels: that it was fitted to, clipped, shape (labels,).
        clipped: how many were.
    """

    model: Model
    name: str
    kinds: tuple[str, ...]
    columns: int
    labels: FloatArray
    clipped: int
    _standard: Standard
    _means: Standard
    _role: Role
    _centre: float
    _scale: float

    def predict(self, features: Features) -> Prediction:
        """Labels of networks, in the labels' own unit."""
        found = self.model.predict(
            self._standard(features.matrix(self.kinds)), _mean(features, self._means, self._role)
        )
        return self._in_unit(found)

    def left_out(self, groups: Groups | None = None) -> Prediction:
        """Of each labelled network, as predicted from all others; or from those outside its group."""
        return self._in_unit(self.model.left_out(groups))

    def _in_unit(self, found: Prediction) -> Prediction:
        return Prediction(self._centre + self._scale * found.mean, self._scale * found.sd)


def fit(features: Features, labels: FloatArray, options: Options = DEFAULTS) -> Predictor:
    """The predictor whose left-out labels are nearest, of the models and kinds of features that are allowed.

    Args:
        features: of the labelled networks.
        labels: shape (networks,), finite; more is better.

    Raises:
        InputError: too few labels, or all equal.
    """
    if problems := [*_problems(labels)]:
        raise InputError(problems)
    floor = float(np.quantile(labels, options.clip, method="higher")) if options.clip else -np.inf
    floor = floor if options.floor is None else options.floor
    clipped = np.maximum(labels, floor)
    if np.ptp(clipped) == 0:
        raise InputError(f"all labels are {floor:g} or below and so equal after clipping; clip less")
    centre, scale = float(clipped.mean()), float(clipped.std())
    target = (clipped - centre) / scale
    means = Standard.of(features.matrix([SCORES]) if SCORES in features.kinds else np.empty((len(labels), 0)))
    mean = _mean(features, means, options.role)
    best: tuple[float, str, tuple[str, ...], Model, Standard] | None = None
    for name, kinds in product(_models(options.model, len(labels)), _choices(features, options, len(labels))):
        if name == "gp" and "pairs" in kinds and options.kinds is None:
            continue  # its kernel has products of its own
        standard = Standard.of(features.matrix(kinds))
        seen = standard(features.matrix(kinds))
        if name in FAMILIES:
            model: Model = _network(name, seen, mean, target, features.names(kinds), standard, options.backend)
        else:
            model = MODELS[name](seen, mean, target)
        if best is None or model.error < best[0]:
            best = model.error, name, kinds, model, standard
    assert best is not None  # noqa: S101
    _, name, kinds, model, standard = best
    return Predictor(
        model,
        name,
        kinds,
        int(standard.kept.sum()),
        clipped,
        int(np.sum(labels < floor)),
        standard,
        means,
        options.role,
        centre,
        scale,
    )


def trust(tau: float) -> float:
    """How much a prediction should weigh beside a direct score whose weight is 1, by its leave-one-out tau.

    0 at 0, .5 at .3, 1 at .45, 2 from .6 on, linear between: the weights that did best on NAS-Bench-201, where they
    grow with the number of labels.
    """
    return float(np.interp(tau, (0.0, 0.3, 0.45, 0.6), (0.0, 0.5, 1.0, 2.0)))


def _network(
    name: str,
    seen: FloatArray,
    mean: FloatArray,
    target: FloatArray,
    names: Sequence[str],
    standard: Standard,
    backend: Backend | None,
) -> Model:
    if backend is None:
        raise ValueError(f"{name} is trained on a backend: give one in Options")
    kept = [column for column, here in zip(names, standard.kept, strict=True) if here]
    return NetworkModel(seen, mean, target, FAMILIES[name], tokens_of(kept), backend)


def _models(wanted: ModelName, labels: int) -> tuple[str, ...]:
    if wanted != "auto":
        return (wanted,)
    return ("ridge", "gp") if labels <= MOST else ("ridge",)


def _choices(features: Features, options: Options, labels: int) -> list[tuple[str, ...]]:
    """Which kinds of features to try together."""
    stacked = (SCORES,) if SCORES in features.kinds and options.role == "feature" else ()
    own = tuple(kind for kind in features.kinds if kind != SCORES)
    if options.kinds is not None or "pairs" not in own or options.model not in ("auto", "ridge"):
        return [(*own, *stacked)]
    plain = tuple(kind for kind in own if kind != "pairs")
    enough = labels >= PAIRS_FROM * len(features.kinds["pairs"]) ** 0.5
    return [(*plain, *stacked), (*own, *stacked)] if enough else [(*plain, *stacked)]


def _mean(features: Features, standard: Standard, role: Role) -> FloatArray:
    """The unpenalised columns: ones, and the scores if they are the mean."""
    ones = np.ones((features.networks, 1))
    if role != "mean" or SCORES not in features.kinds:
        return ones
    return np.hstack([ones, standard(features.matrix([SCORES]))])


def _problems(labels: FloatArray) -> Sequence[str]:
    if len(labels) < FEWEST:
        return [f"there are {len(labels)} labelled networks; a predictor needs at least {FEWEST}"]
    if not np.isfinite(labels).all():
        return [f"{int(np.sum(~np.isfinite(labels))):,} labels are no finite numbers; leave those networks out"]
    if np.ptp(labels) == 0:
        return [f"all {len(labels):,} labels are {labels[0]:g}: equal labels order nothing; label by something finer"]
    return []
