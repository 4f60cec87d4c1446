"""Policies as files: `{"decision": {"option": probability, ...}, ...}` in JSON."""

from pathlib import Path

import numpy as np

from toolkit.candidates import capped, load_object, name, repeated, show
from toolkit.errors import InputError
from toolkit.files import read_bytes, write_json
from toolkit.names import did_you_mean
from toolkit.numeric import is_number
from toolkit.search.policy import Policy
from toolkit.spaces import SearchSpace


def write_policy(path: Path, policy: Policy) -> None:
    """Write its probabilities, decision by decision, atomically; of a joint policy, what they come to for each."""
    table = {
        decision.name: dict(zip(map(str, decision.options), p.tolist(), strict=True))
        for decision, p in zip(policy.space.decisions, policy.marginals(), strict=True)
    }
    write_json(path, table)


def read_policy(path: Path, space: SearchSpace) -> Policy:
    """The factorised policy that a file describes; probabilities are scaled so that each decision's sum to 1.

    Raises:
        InputError: it is no such file, or of another space; lists all problems.
    """
    table = load_object(path, read_bytes(path))
    known = {decision.name: [str(option) for option in decision.options] for decision in space.decisions}
    problems = [f"{path}: {name(key)} stands there more than once; keep one" for key in repeated(table)]
    problems += [
        f"{path}: {name(key)} is no decision of space {space.name}{did_you_mean(key, known)}"
        for key in table
        if key not in known
    ]
    logits = []
    for decision, options in known.items():
        given = table.get(decision)
        if not isinstance(given, dict) or given.keys() != set(options):
            problems.append(f"{path}: {name(decision)} needs a probability of each of its options {', '.join(options)}")
            continue
        p = [given[option] for option in options]
        wrong = [value for value in p if not is_number(value) or value < 0]
        if wrong or not 0 < sum(p) < np.inf:
            what = show(wrong[0]) if wrong else "nothing but 0"
            problems.append(f"{path}: {name(decision)} has {what}; probabilities are numbers from 0, not all 0")
            continue
        logits.append(np.log(np.maximum(np.array(p, np.float64) / sum(p), 1e-300)))
    if problems:
        raise InputError(capped(problems))
    return Policy(space, logits=logits)
