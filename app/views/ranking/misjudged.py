"""Who is under-estimated? Shifts of rank by how large networks are, and by what was chosen in them."""

import numpy as np
import pandas as pd

from app.views.ranking.subject import Subject
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.groups import Group, by_size
from toolkit.ranking.priors import MACS
from toolkit.ranking.sizes import DEPTH, PARAMETERS, WIDTH
from toolkit.spaces.base import matrix

SIZES = (MACS, PARAMETERS, DEPTH)


def sizes(subject: Subject) -> dict[str, FloatArray]:
    """What networks can be sorted by, each of shape (networks,); only what differs between them.

    The width is the mean over the blocks that are there of their channels, as a share of the largest network's.
    """
    found = {name: subject.beside[name] for name in SIZES if name in subject.beside}
    if subject.width is not None:
        found[WIDTH] = subject.width
    return {name: size for name, size in found.items() if np.ptp(size) > 1e-9}


def quintiles(subject: Subject) -> pd.DataFrame:
    """Fifths of the networks by every size, from the smallest.

    `size`, `group` (from 1), `lowest`, `highest` (of the size), `networks`, `shift` with `low` and `high` (true less
    predicted rank in percent of all; positive: under-estimated), `under` (the rank difference RD in percent).
    """
    shifts = subject.table["shift"].to_numpy()
    rows = [
        (name, number, group.low, group.high, *_numbers(group))
        for name, size in sizes(subject).items()
        for number, group in enumerate(by_size(shifts, size), start=1)
    ]
    columns = ["size", "group", "lowest", "highest", "networks", "shift", "low", "high", "under"]
    return pd.DataFrame(rows, columns=columns)


def branches(subject: Subject) -> pd.DataFrame:
    """The same for every option of every decision of the space: `decision`, `option`, then as in `quintiles`."""
    columns = ["decision", "option", "networks", "shift", "low", "high", "under"]
    if subject.space is None:
        return pd.DataFrame(columns=columns)
    shifts, answers = subject.table["shift"].to_numpy(), matrix(subject.archs)
    rows = []
    for number, decision in enumerate(subject.space.decisions):
        for answer, option in enumerate(decision.options):
            chosen = answers[:, number] == answer
            if chosen.any():
                (group,) = by_size(shifts[chosen], np.zeros(int(chosen.sum())))
                rows.append((decision.name, str(option), *_numbers(group)))
    return pd.DataFrame(rows, columns=columns)


def _numbers(group: Group) -> tuple[float, ...]:
    half = group.margin
    shares = (group.shift, group.shift - half, group.shift + half, group.under)
    return group.networks, *(100 * share for share in shares)
