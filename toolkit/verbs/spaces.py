"""What architectures cost."""

from collections.abc import Iterable

from toolkit.errors import InputError
from toolkit.spaces import Cost, get_space


def cost(space: str, codes: Iterable[str]) -> list[Cost]:
    """Multiply-accumulates and parameters of each code, exactly.

    Raises:
        InputError: there is no such space, or some codes are none of it; lists all problems.
    """
    named = get_space(space)
    costs: list[Cost] = []
    problems: list[str] = []
    for code in codes:
        try:
            costs.append(named.cost(named.parse(named.respelled(code))))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return costs
