"""Kendall's tau at a glance: from the last report that `supernet rank` left in a run folder, or measured now."""

import numpy as np
import pandas as pd
from pydantic import ValidationError

from app.store import kept_table
from app.views.ranking.sources import Source, read_values
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading
from toolkit.ranking.metrics import CORE, MAIN
from toolkit.ranking.paired import interval, judge_together
from toolkit.ranking.pairs import pair
from toolkit.ranking.report import Estimate, RankReport
from toolkit.runs.folder import RunFolder


def read_report(run: RunFolder) -> RankReport | None:
    """The report in the run folder, None if there is none.

    Raises:
        InputError: the file is damaged, or of another version of the toolkit.
    """
    if not run.rank.is_file():
        return None
    remedy = f"write it anew with `supernet rank ... --out {run.rank}`"
    with reading(run.rank, "is no rank report of this version", remedy):
        try:
            report = RankReport.model_validate_json(read_bytes(run.rank))
        except ValidationError as error:
            raise ValueError(error.errors(include_url=False)[0]["msg"]) from None
        for known in [e.metrics for e in (report.score, *report.priors)] + [e.difference for e in report.priors]:
            if missing := set(CORE) - known.keys():
                raise ValueError(f"{missing.pop()} is missing")
    return report


def headline(run: RunFolder) -> Estimate | None:
    """Kendall's tau with its interval; None without a report, or if the truth has changed since."""
    report = read_report(run)
    if report is None or (run.standalone.is_file() and run.standalone.stat().st_mtime > run.rank.stat().st_mtime):
        return None
    return report.score.metrics[MAIN]


def tau_now(run: RunFolder, *, score: Source, truth: Source) -> Estimate | None:
    """Kendall's tau of two files, with the jackknife's interval; None if they cannot be compared.

    For a glance: whoever opens the page of the ranking is told what is wrong. It is kept for the next server.

    Args:
        score, truth: files, not results of a ledger.
    """

    def measured() -> pd.DataFrame:
        judged, true = read_values(run, score), read_values(run, truth)
        pairs = pair(judged.by_code, true.by_code, (str(score.path), str(truth.path)))
        (sampled,) = judge_together([pairs.scores], pairs.truth, (MAIN,), 0)
        return pd.DataFrame(
            [(sampled.values[0], *(end[0] for end in interval(sampled, bounded=True)))],
            columns=["value", "low", "high"],
            dtype=float,
        )

    try:
        content = [read_bytes(source.path) for source in (score, truth)]
        value, low, high = kept_table("tau", content, measured).iloc[0].tolist()
    except InputError:
        return None
    return None if np.isnan(value) else Estimate(value=value, low=low, high=high)
