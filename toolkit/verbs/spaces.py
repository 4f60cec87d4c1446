"""What architectures cost."""

from collections.abc import Iterable

from toolkit.errors import InputError
from toolkit.spaces import Arch, Cost, SearchSpace, get_space
from toolkit.spaces.distinct import costs


def cost(space: str, codes: Iterable[str]) -> list[Cost]:
    """Multiply-accumulates and parameters of each code, exactly.

    Raises:
        InputError: there is no such space, or some codes are none of it; lists all problems.
    """
    named = get_space(space)
    macs, params = costs(named, [arch for _, arch in read_codes(named, codes)])
    return [Cost(*each) for each in zip(macs.tolist(), params.tolist(), strict=True)]


def read_codes(space: SearchSpace, codes: Iterable[str]) -> list[tuple[str, Arch]]:
    """Each code, however it is spelled, with its architecture.

    Raises:
        InputError: some are none of the space; lists all problems.
    """
    found: list[tuple[str, Arch]] = []
    problems: list[str] = []
    for code in codes:
        try:
            found.append((code, space.parse(space.respelled(code))))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found
