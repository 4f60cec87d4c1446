"""From what a user types to priors with their options."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.priors import PRIORS
from toolkit.priors.base import Drawn, Prior
from toolkit.runs.recipe import explain


def choose(names: str, changes: Sequence[str] = (), seed: int | None = None) -> tuple[Prior, ...]:
    """The priors called `names`, separated by commas.

    Args:
        changes: NAME.OPTION=VALUE each, such as zen.repeats=8.
        seed: for all that draw weights.

    Raises:
        InputError: unknown names or options, or values that are not allowed; lists all.
    """
    asked = list(dict.fromkeys(name.strip() for name in names.split(",")))
    problems = [f"unknown prior {name!r}{did_you_mean(name, PRIORS)}" for name in asked if name not in PRIORS]
    options = _options(changes)
    problems += [
        f"--set {name}: is not among the priors asked for ({', '.join(asked)})" for name in options if name not in asked
    ]
    chosen = []
    for name in asked:
        if name not in PRIORS:
            continue
        kind = PRIORS[name]
        seeded = {"seed": seed} if seed is not None and issubclass(kind.options_type, Drawn) else {}
        try:
            chosen.append(kind(kind.options_type(**(seeded | options.get(name, {})))))
        except ValidationError as error:
            problems += explain(error, f"--set {name}", kind.options_type)
    if problems:
        raise InputError(problems)
    return tuple(chosen)


def _options(changes: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    """The changes by name of the prior."""
    found: dict[str, dict[str, Any]] = {}
    problems = []
    for change in changes:
        key, equals, text = change.partition("=")
        name, dot, option = key.strip().partition(".")
        if not (equals and dot and name and option):
            problems.append(f"--set {change}: write NAME.OPTION=VALUE, such as zen.repeats=8")
            continue
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            value = text
        found.setdefault(name, {})[option] = value
    if problems:
        raise InputError(problems)
    return found
