"""Where weights come from whose names say that they are copies: by splits, or for groups of widths."""

from collections.abc import Iterable, Iterator

from toolkit.spaces.grouping import parted
from toolkit.spaces.splitting import serves, without_branch


def ancestors(names: Iterable[str], available: Iterable[str]) -> dict[str, str]:
    """For weights of a supernet, which of the weights `available` each begins with; those that have none lack.

    It is the weight itself; or that of the block before it was split, or before it was split any further; and in it
    that of the group that served its widths before, or of the trunk. A group begins as leading channels.
    """
    held: dict[str, dict[int | None, str]] = {}
    copies: dict[str, list[str]] = {}
    for name in available:
        trunk, group = parted(name)
        held.setdefault(trunk, {})[group] = name
        if group is None and trunk != (whole := without_branch(trunk)):
            copies.setdefault(whole, []).append(trunk)

    def lineage(trunk: str) -> Iterator[str]:
        whole = without_branch(trunk)
        yield trunk
        yield from (other for other in copies.get(whole, ()) if serves(other, trunk))
        yield whole

    found = {}
    for name in names:
        trunk, group = parted(name)
        before = next((held[ancestor] for ancestor in lineage(trunk) if ancestor in held), None)
        if before is not None:
            holding = [other for other in before if group is not None and other is not None and other >= group]
            found[name] = before[min(holding, default=None)]
    return found
