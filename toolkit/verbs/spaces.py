"""What architectures cost."""

from collections.abc import Iterable

from toolkit.errors import InputError
from toolkit.spaces import Arch, Cost, get_space
from toolkit.spaces.distinct import costs


def cost(space: str, codes: Iterable[str]) -> list[Cost]:
    """Multiply-accumulates and parameters of each code, exactly.

    Raises:
        InputError: there is no such space, or some codes are none of it; lists all problems.
    """
    named = get_space(space)
    archs: list[Arch] = []
    problems: list[str] = []
    for code in codes:
        try:
            archs.append(named.parse(named.respelled(code)))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    macs, params = costs(named, archs)
    return [Cost(*each) for each in zip(macs.tolist(), params.tolist(), strict=True)]
