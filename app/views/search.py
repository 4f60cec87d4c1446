"""What a policy has learned, in a training or in a search, and what a search has found."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.views import training
from toolkit.candidates import read_candidates
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.search.ascent import Ascent
from toolkit.search.files import read_policy
from toolkit.search.policy import Policy
from toolkit.search.trace import policy_file, read_rounds, rounds_file
from toolkit.search.ways import pareto
from toolkit.spaces import SearchSpace, get_space

ENTROPY, REWARDS = "entropy.", ("greedy_reward", "sampled_reward", "samples", "distinct_samples", "effective_samples")
"""Names of metrics: of each decision's entropy, and of what else a policy's training tells."""

SHARE = "share."
"""How metrics begin of operations of the derived candidate: then the kind of cell or `positions`, the operation."""

_PREFIX = "sampling."


@dataclass(frozen=True)
class Learned:
    """The policy of a run's last checkpoint.

    Attributes:
        step: of the checkpoint.
        probabilities: by `decision` and `option`: `p`.
        code: the most probable network.
        advantages: the last ones, shape (up to 1,000,); empty where the method keeps none.
    """

    step: int
    probabilities: pd.DataFrame
    code: str
    advantages: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """What a search has scored.

    Attributes:
        table: best first: `id`, `code`, `score`, `macs`, `params`, and whether it is on the `front` of score and MACs.
        rounds: `scored`, `best`, `mean`.
        entropies: by round (`scored`) and decision, in nats; empty where no policy searched.
        probabilities: of the policy it was left with, or none yet.
        proposed: the code that it proposes.
    """

    table: pd.DataFrame
    rounds: pd.DataFrame
    entropies: pd.DataFrame
    probabilities: pd.DataFrame | None
    proposed: str | None


def space_of(run: RunFolder) -> SearchSpace:
    """The run's space."""
    recipe = read_recipe(run.recipe)
    return recipe.derive(get_space(recipe.space))


def entropies(curves: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """By step (index) and decision (columns), as shares of what the decision began with: 1 undecided, 0 decided."""
    names = {f"{ENTROPY}{decision.name}": decision for decision in space.decisions}
    present = [name for name in names if name in curves]
    found = curves.dropna(subset=present, how="any").set_index("step")[present] if present else pd.DataFrame()
    return as_shares(found.rename(columns={name: names[name].name for name in present}), space)


def as_shares(found: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """Entropies in nats, by decision (columns), over the logarithm of its number of options."""
    most = {d.name: np.log(len(d.options)) for d in space.decisions if len(d.options) > 1}
    kept = [name for name in found if name in most]
    return found[kept].div(pd.Series({name: most[str(name)] for name in kept}), axis="columns") if kept else found


def shares(curves: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By kind of cell (or `positions`): of each operation (columns), its share of the derived candidate, by epoch."""
    names = [name for name in curves if str(name).startswith(SHARE)]
    if not names:
        return {}
    table = curves.dropna(subset=names, how="any").set_index("epoch")[names]
    kinds = dict.fromkeys(str(name).split(".")[1] for name in names)
    return {
        kind: table[own].rename(columns={name: name.rpartition(".")[2] for name in own})
        for kind in kinds
        if (own := [str(name) for name in names if str(name).split(".")[1] == kind])
    }


def derived(run: RunFolder) -> str | None:
    """The code of the candidate that the method's architecture came to; None if it learns none.

    Raises:
        InputError: its file is damaged, or of another space.
    """
    if not run.derived.is_file():
        return None
    return next(iter(read_candidates(run.derived, space_of(run)).values()), None)


def rewards(curves: pd.DataFrame) -> pd.DataFrame:
    """By step: what a policy's training tells besides entropies; no columns where there is none."""
    if {"samples", "distinct_share"} <= {*curves}:
        curves = curves.assign(distinct_samples=curves["samples"] * curves["distinct_share"])
    present = [name for name in REWARDS if name in curves]
    return curves.set_index("step")[present].dropna(how="all")


def learned(run: RunFolder) -> Learned | None:
    """The policy of the run's last checkpoint; None if there is no checkpoint, or its method has no policy.

    Raises:
        InputError: the checkpoint is damaged, or its policy is of another space.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        return None
    step = max(checkpoints)
    method = load_checkpoint(checkpoints[step]).method
    state = {name.removeprefix(_PREFIX): array for name, array in method.items() if name.startswith(_PREFIX)}
    if "logits" not in state:
        return None
    space = space_of(run)
    ascent = Ascent(Policy(space))
    try:
        ascent.load_state(state)
    except InputError as error:
        raise InputError(f"{checkpoints[step]}: {problem}" for problem in error.problems) from error
    return Learned(
        step, strips(ascent.policy), space.format(ascent.policy.argmax()), method.get("advantages", np.empty(0))
    )


def found(run: RunFolder) -> Found | None:
    """The run's last search; None if there was none.

    Raises:
        InputError: a file is damaged.
    """
    if not run.search.is_file():
        return None
    space = space_of(run)
    candidates = read_candidates(run.search, space)
    archs = [space.parse(code) for code in candidates.values()]
    costs = [space.cost(arch) for arch in archs]
    scores = [float(candidates.accs[key]) for key in candidates]
    front = set(pareto(archs, scores, [float(cost.macs) for cost in costs]))
    table = pd.DataFrame(
        {
            "id": list(candidates),
            "code": list(candidates.values()),
            "score": scores,
            "macs": [cost.macs for cost in costs],
            "params": [cost.params for cost in costs],
            "front": [arch in front for arch in archs],
        }
    )
    rounds = read_rounds(rounds_file(run.search)) if rounds_file(run.search).is_file() else []
    policy = None
    if policy_file(run.search).is_file() and rounds and rounds[-1].entropies:  # else it is of an earlier search
        policy = read_policy(policy_file(run.search), space)
    decided = pd.DataFrame([each.entropies for each in rounds], index=[each.scored for each in rounds])
    return Found(
        table,
        pd.DataFrame([(each.scored, each.best, each.mean) for each in rounds], columns=["scored", "best", "mean"]),
        as_shares(decided, space),
        None if policy is None else strips(policy),
        None if policy is None else space.format(policy.argmax()),
    )


def strips(policy: Policy) -> pd.DataFrame:
    """The probability `p` of each `option` of every `decision`."""
    rows = [
        (decision.name, str(option), float(p))
        for decision, each in zip(policy.space.decisions, policy.marginals(), strict=True)
        for option, p in zip(decision.options, each, strict=True)
    ]
    return pd.DataFrame(rows, columns=["decision", "option", "p"])


def is_live(run: RunFolder) -> bool:
    """Whether a search or a training wrote something lately."""
    curves = training.curves(run)
    recipe = read_recipe(run.recipe)
    if training.is_live(run, training.progress(curves, recipe)):
        return True
    return training.is_fresh(run.search)
