"""A part of the candidates evaluated, the others predicted from it.

**Which part.** Candidates are cut into small groups with equal leading blocks (`prefix_groups`), which share most of
their work; a group is evaluated whole or not at all. The groups lie in the order of the prefix tree, and are taken far
apart in it: first the middle, then the quarters, the eighths, ... So however many are taken, they are spread evenly
over what networks begin with, and what they go on with is as mixed as it is among all. A later round adds to those
before.

**How far.** After each round a predictor is fitted. Each evaluated candidate is predicted with its whole group left
out, so that no near relative gives its place away; the agreement of these predictions with the evaluated scores is that
of the candidates which were not evaluated, up to chance. Predictions are never filed: the ledger holds what was
evaluated, and whoever wants the rest predicts it anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from toolkit.backends.base import Counts
from toolkit.candidates import Candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, evaluate_candidates, group_limit
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.evaluation.prefixes import by_convolution, prefix_groups, prefix_tree
from toolkit.evaluation.race import accuracy
from toolkit.predictors.agreement import Agreement
from toolkit.predictors.inputs import of_values
from toolkit.predictors.prediction import Predicted, predict
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import quiet
from toolkit.spaces import Plans, SearchSpace, get_space

Key = TypeVar("Key")

GROUP = 4
"""Candidates of a group at most. Larger ones share no more (5 to 9 % less work than as many drawn at random), and near
relatives tell a predictor less than strangers."""

FIRST, FASTER = 0.01, 1.6
"""The first round's share of the candidates, and how many times as many each round has evaluated as the one before."""

AT_LEAST = 200
"""Candidates of the first round, if there are so many."""


@dataclass(frozen=True, slots=True)
class Round:
    """How many were evaluated by a round's end, how well they are then predicted, and the round's wall time."""

    evaluated: int
    agreement: Agreement
    model: str
    seconds: float


@dataclass(frozen=True)
class Partly:
    """What came of it: rounds, and how many candidates there are."""

    setting: Setting
    rounds: tuple[Round, ...]
    candidates: int


def spread_groups(space: SearchSpace, codes: Sequence[str]) -> list[list[str]]:
    """Candidates in small groups that begin alike, in an order of which every beginning is spread over all."""
    networks = [(code, space.supernet_plans(space.parse(code))) for code in dict.fromkeys(codes)]
    return [[code for code, _ in group] for group in _spread(networks)]


def _spread(networks: Sequence[tuple[Key, Plans]]) -> list[list[tuple[Key, Plans]]]:
    groups = prefix_groups(networks, GROUP)
    return [groups[place] for place in _far_apart(len(groups))]


@dataclass(frozen=True, slots=True)
class Portion:
    """A part that might be evaluated: how many candidates, and their MACs for one image."""

    candidates: int
    macs: int


def portions(networks: Sequence[tuple[Key, Plans]], shares: Sequence[float], workers: int) -> list[Portion]:
    """What evaluating these shares of the candidates takes, by the groups that `evaluate_part` would choose."""
    groups, found = _spread(networks), []
    total = sum(map(len, groups))
    for share in shares:
        part = _first(groups, max(AT_LEAST, round(share * total)))
        trees = map(prefix_tree, prefix_groups(part, group_limit(len(part), workers)))
        found.append(Portion(len(part), sum(by_convolution(tree).macs for tree in trees)))
    return found


def evaluate_part(
    job: Job,
    candidates: Candidates,
    *,
    count: int | None = None,
    until: float | None = None,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    on_first_result: Callable[[], None] = quiet,
) -> Partly:
    """Evaluate groups of candidates, as many as it takes. Started again it goes on: nothing is evaluated twice.

    Args:
        count: this many candidates, and what is left of the last group.
        until: in rounds, until the agreement with held-out evaluated candidates has this Kendall tau.
        workers, ray, on_first_result: as for `evaluate_candidates`.

    Raises:
        InputError: a number that is none; or as `evaluate_candidates` does.
        Stopped: Ctrl-C; everything finished was recorded.
    """
    if count is not None and count < 1:
        raise InputError(f"--evaluate {count}: how many candidates, at least 1")
    if until is not None and not 0 < until < 1:
        raise InputError(f"--until-tau {until}: a Kendall tau above 0 and below 1")
    run = RunFolder.open(job.run)
    space = get_space(read_recipe(run.recipe).space)
    groups = spread_groups(space, list(candidates.values()))
    total = sum(map(len, groups))
    rounds: list[Round] = []
    wanted = count if until is None or count is not None else max(AT_LEAST, round(FIRST * total))
    assert wanted is not None  # noqa: S101
    while True:
        part = _first(groups, wanted)
        done = evaluate_candidates(
            job,
            _only(candidates, part),
            workers=workers,
            ray=ray,
            progress=progress,
            on_first_result=quiet if rounds else on_first_result,
        )
        with Ledger.read(run.ledger) as ledger:
            results = ledger.results(done.setting)
        found = predict_rest(space, candidates, results, accuracy, groups=groups)
        rounds.append(Round(len(part), found.agreement, found.predictor.name, done.seconds))
        if until is None or found.agreement.tau >= until or len(part) == total:
            return Partly(done.setting, tuple(rounds), total)
        wanted = min(total, round(len(part) * FASTER))


def predict_rest(
    space: SearchSpace,
    candidates: Candidates,
    results: Mapping[str, Counts],
    score: Callable[[Counts], float],
    *,
    groups: Sequence[Sequence[str]] | None = None,
    keep: bool = False,
) -> Predicted:
    """All candidates from those that have a result.

    Args:
        results: by code; those of other networks are passed over.
        score: of a result; candidates without a finite one count as not evaluated.
        groups: as `spread_groups` gives them.
        keep: evaluated candidates keep their score, instead of what the fit says of them.

    Raises:
        InputError: too few results.
    """
    scored = {code: score(results[code]) for code in dict.fromkeys(candidates.values()) if code in results}
    known = {code: value for code, value in scored.items() if np.isfinite(value)}
    groups = groups or spread_groups(space, list(candidates.values()))
    number = {code: place for place, group in enumerate(groups) for code in group}
    inputs = of_values(space, candidates, known)
    return predict(inputs, keep_labels=keep, groups=np.array([number[code] for code in known], dtype=np.intp))


def _far_apart(count: int) -> list[int]:
    """0 to `count` - 1 in the order of van der Corput: every beginning is spread evenly over all."""
    bits = max(1, (count - 1).bit_length())
    turned = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    return [place for place in turned if place < count]


def _first(groups: Sequence[Sequence[Key]], count: int) -> list[Key]:
    """The members of the first groups, at least `count` together if there are so many."""
    found: list[Key] = []
    for group in groups:
        if len(found) >= count:
            break
        found += group
    return found


def _only(candidates: Candidates, codes: Sequence[str]) -> Candidates:
    members = frozenset(codes)
    kept = {name: code for name, code in candidates.items() if code in members}
    return Candidates(kept, {name: candidates.accs[name] for name in kept})
