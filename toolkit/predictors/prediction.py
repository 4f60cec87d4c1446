"""All candidates from the labels of a few, with what is known about how good that is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.errors import InputError
from toolkit.predictors.agreement import Agreement, Gain, agreements, judge
from toolkit.predictors.columns import SCORES, Features
from toolkit.predictors.inputs import Inputs
from toolkit.predictors.model import FloatArray, Groups
from toolkit.predictors.predictor import DEFAULTS, Options, Predictor, fit, trust

PREDICTION = "prediction"

JUDGED = 2_000
"""Networks at most that a learning curve is judged on."""


@dataclass(frozen=True)
class Predicted:
    """What came out.

    Attributes:
        values, sd: by candidate id: the predicted label and its standard deviation, in the labels' unit.
        labelled: ids of the candidates that have a label.
        agreement: of left-out labels with the labels.
        beside: the same of the score columns and of what costs nothing, by name.
        gains: what the prediction gains on each of `beside`.
        dropped: by score column or kind of features: what the prediction gains by having it.
        weight: of the prediction beside the scores, where these are trusted on their own.
        seconds: of wall time.
    """

    values: dict[str, float]
    sd: dict[str, float]
    labelled: frozenset[str]
    predictor: Predictor
    agreement: Agreement
    beside: dict[str, Agreement]
    gains: dict[str, Gain]
    dropped: dict[str, Gain]
    weight: float | None
    seconds: float
    notes: tuple[str, ...]


def predict(
    inputs: Inputs,
    options: Options = DEFAULTS,
    *,
    keep_labels: bool = False,
    drop: bool = False,
    groups: Groups | None = None,
) -> Predicted:
    """Fit to the labels and predict every candidate.

    Args:
        keep_labels: candidates that have a label keep it, instead of what the fit says of them.
        drop: fit again without each score column and each kind of features, to see what it adds.
        groups: labelled networks that are left out together when it is judged; default: each alone.

    Raises:
        InputError: labels that cannot be learned from, or options that do not go together.
    """
    started = time.perf_counter()
    if problems := _contradictions(inputs, options, keep_labels=keep_labels):
        raise InputError(problems)
    kinds = options.kinds
    if kinds is None and options.sequence:
        kinds = ("one-hot",)
    if kinds is None and options.model in ("auto", "ridge") and "pairs" in inputs.space.feature_kinds:
        features = inputs.features([*inputs.space.predicted_from, "pairs"])
    else:
        features = inputs.features(kinds)
    known = features.take(inputs.labelled)
    predictor = fit(known, inputs.labels, options)
    left_out = predictor.left_out(groups).mean
    found = predictor.predict(features)
    values, weight = found.mean, None
    estimates = {PREDICTION: left_out, **_beside(inputs)}
    taken, gains = judge(estimates, inputs.labels, PREDICTION)
    agreement = taken.pop(PREDICTION)
    if options.role == "trust":
        weight = trust(agreement.tau)
        scores = features.matrix([SCORES])
        values = np.mean((scores - scores.mean(axis=0)) / scores.std(axis=0), axis=1)
        values = values + weight * (found.mean - found.mean.mean()) / found.mean.std()
    labels = dict(zip(inputs.labelled.tolist(), inputs.labels.tolist(), strict=True))
    kept = {key for key, place in inputs.places.items() if place in labels}
    numbers = {key: float(values[place]) for key, place in inputs.places.items()}
    if keep_labels:
        numbers |= {key: labels[inputs.places[key]] for key in kept}
    return Predicted(
        numbers,
        {key: float(found.sd[place]) for key, place in inputs.places.items()},
        frozenset(kept),
        predictor,
        agreement,
        taken,
        gains,
        _dropped(known, inputs.labels, options, predictor) if drop else {},
        weight,
        time.perf_counter() - started,
        (*inputs.notes, *_notes(predictor, inputs)),
    )


def learning_curve(
    features: Features, labels: FloatArray, sizes: Sequence[int], options: Options = DEFAULTS, seed: int = 0
) -> dict[int, Agreement]:
    """By number of labels, how well a predictor fitted to so many, drawn at random, orders others (`JUDGED`)."""
    found = {}
    for size in sizes:
        order = np.random.default_rng((seed, size)).permutation(len(labels))
        known, others = order[:size], order[size : size + JUDGED]
        predictor = fit(features.take(known), labels[known], options)
        estimate = predictor.predict(features.take(others)).mean
        found[size] = agreements({PREDICTION: estimate}, labels[others])[PREDICTION]
    return found


def _contradictions(inputs: Inputs, options: Options, *, keep_labels: bool) -> list[str]:
    found = []
    if options.role != "feature" and not inputs.scores:
        found.append(f"scores cannot be taken as {options.role} for there are none; give --score FILE")
    if options.role == "trust" and keep_labels:
        found.append("labels cannot be kept beside a sum of scores and predictions, which has another unit")
    flat = [name for name, column in inputs.scores.items() if np.ptp(column) == 0]
    return found + [f"{name}: all scores are equal; they order nothing, leave the file out" for name in flat]


def _beside(inputs: Inputs) -> dict[str, FloatArray]:
    """What may be compared with the prediction on the labelled networks: score columns, parameters, MACs."""
    costs = inputs.features(["costs"]).take(inputs.labelled).kinds["costs"]
    columns = {name: column[inputs.labelled] for name, column in inputs.scores.items()}
    columns |= {name.removeprefix("log "): column for name, column in costs.items()}
    return {name: column for name, column in columns.items() if np.ptp(column) > 0}


def _dropped(known: Features, labels: FloatArray, options: Options, whole: Predictor) -> dict[str, Gain]:
    """What the left-out predictions lose without each score column and each kind of features that they use."""
    less: dict[str, Features] = {}
    scores = known.kinds.get(SCORES, {})
    own = [kind for kind in known.kinds if kind != SCORES]
    for name in scores:
        others = {other: column for other, column in scores.items() if other != name}
        kinds = {kind: known.kinds[kind] for kind in own} | ({SCORES: others} if others else {})
        less[name] = Features(kinds, known.networks)
    for kind in (kind for kind in own if kind in whole.kinds and len(known.kinds) > 1):
        less[kind] = Features({name: known.kinds[name] for name in known.kinds if name != kind}, known.networks)
    estimates = {PREDICTION: whole.left_out().mean}
    for name, features in less.items():
        role = options.role if SCORES in features.kinds else "feature"
        kinds_left = tuple(kind for kind in features.kinds if kind != SCORES)
        adapted = replace(options, role=role, kinds=None if options.kinds is None else kinds_left)
        estimates[name] = fit(features, labels, adapted).left_out().mean
    return judge(estimates, labels, PREDICTION)[1]


def _notes(predictor: Predictor, inputs: Inputs) -> list[str]:
    found = []
    if len(predictor.labels) < predictor.columns:
        found.append(
            f"{len(predictor.labels):,} labels are fewer than the {predictor.columns:,} features that differ among "
            "them, so the penalty decides much of the fit; believe the interval, or label more networks."
        )
    if predictor.clipped:
        found.append(f"{predictor.clipped:,} low labels count as {predictor.labels.min():.6g} (clipped).")
    if outside := int(np.sum(inputs.labelled >= inputs.distinct)):
        found.append(f"{outside:,} labelled networks are no candidates; they are learned from all the same.")
    return found
