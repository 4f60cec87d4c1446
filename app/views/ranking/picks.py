"""What one gets who trusts the score: the networks that it puts first, looked at with the truth."""

import pandas as pd

from app.views.ranking.subject import SCORE, Subject
from toolkit.ranking.chance import expected_best
from toolkit.ranking.selection import selections, sizes

BLIND = "picking blindly"


def picks(subject: Subject) -> pd.DataFrame:
    """One row per estimator and number of networks taken.

    `estimator`, `size` (K), `share` of all networks, `top` and `bottom` (P@top K, P@bottom K), `best_rank` (N@K) and
    `worst_rank`, `best` (its truth), `regret` (what the best of all has more). The rows of `BLIND` say what random
    picks bring on average; they have no ranks.
    """
    networks, truth = len(subject), subject.pairs.truth
    rows: list[tuple[object, ...]] = []
    for name, column in {SCORE: subject.pairs.scores, **subject.beside}.items():
        for found in selections(column, truth, sizes(networks)):
            rows.append(
                (
                    name,
                    found.size,
                    found.size / networks,
                    found.top,
                    found.bottom,
                    found.best_rank,
                    found.worst_rank,
                    found.best,
                    found.regret,
                )
            )
    for size in sizes(networks):
        best = expected_best(truth, size)
        share = size / networks
        rows.append((BLIND, size, share, share, share, None, None, best, float(truth.max()) - best))
    columns = ["estimator", "size", "share", "top", "bottom", "best_rank", "worst_rank", "best", "regret"]
    return pd.DataFrame(rows, columns=columns).astype({"best_rank": "Int64", "worst_rank": "Int64"})


def first(subject: Subject, count: int) -> pd.DataFrame:
    """The `count` networks that the score puts first, in its order: the columns of `subject.table`."""
    table = subject.table
    return table.sort_values("predicted", ascending=False, kind="stable").head(count)
