"""Driving a search: every network is scored once, up to a number of them."""

from collections.abc import Callable, Sequence

from toolkit.search.ways import Rounds
from toolkit.spaces import Arch

Score = Callable[[Sequence[Arch]], Sequence[float]]

_IDLE = 200
"""Rounds without a new network, after which a search is over."""


def drive(
    rounds: Rounds, score: Score, evaluations: int, after: Callable[[dict[Arch, float]], object] = lambda _: None
) -> dict[Arch, float]:
    """Search until `evaluations` networks have a score, or nothing new comes any more.

    The way is a function of the generator's seed and the scores, so a search begun anew with the scores that it had
    takes the same steps again: that is how it is resumed.

    Args:
        after: called after each round that scored something with all scores so far, oldest first.
    """
    known: dict[Arch, float] = {}
    asked, idle = next(rounds), 0
    while True:
        fresh = [arch for arch in dict.fromkeys(asked) if arch not in known]
        whole = len(known) + len(fresh) <= evaluations
        fresh = fresh[: evaluations - len(known)]
        idle = 0 if fresh else idle + 1
        if fresh:
            known |= zip(fresh, map(float, score(fresh)), strict=True)
            after(known)
        if not whole or len(known) == evaluations or idle == _IDLE:
            return known
        asked = rounds.send([known[arch] for arch in asked])
