"""The last rank report of a run, and what it rests on, network by network."""

from collections.abc import Iterable, Mapping

import pandas as pd
from pydantic import ValidationError

from app.views.candidates import space_of
from toolkit.errors import InputError
from toolkit.evaluation.candidates import Candidates, read_candidates
from toolkit.files import read_bytes
from toolkit.ranking.metrics import METRICS
from toolkit.ranking.pairs import pair
from toolkit.ranking.report import Estimate, RankReport
from toolkit.training.run import RunFolder

KENDALL = "kendall"
SHOWN = (KENDALL, "spearman", "pearson")
"""The correlations that everybody reports, of all that are in a report."""


def read_report(run: RunFolder) -> RankReport | None:
    """The report in the run folder, None if there is none.

    Raises:
        InputError: the file is damaged, or of another version of the toolkit.
    """
    if not run.rank.is_file():
        return None
    try:
        report = RankReport.model_validate_json(read_bytes(run.rank))
        for known in [e.metrics for e in (report.score, *report.priors)] + [e.difference for e in report.priors]:
            if missing := set(SHOWN) - known.keys():
                raise ValueError(f"{missing.pop()} is missing")
    except ValueError as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        remedy = f"write it anew with `supernet rank ... --out {run.rank}`"
        raise InputError(f"{run.rank}: is no rank report of this version ({problem}); {remedy}") from None
    return report


def headline(run: RunFolder) -> Estimate | None:
    """Kendall's tau with its interval."""
    report = read_report(run)
    return report.score.metrics[KENDALL] if report else None


def estimates(report: RankReport) -> pd.DataFrame:
    """One row per estimator and metric: `estimator`, `metric`, `value`, `low`, `high`; NaN where undefined."""
    return _rows((e.name, e.metrics) for e in (report.score, *report.priors))


def differences(report: RankReport) -> pd.DataFrame:
    """The score's metrics minus each prior's, in the same columns."""
    return _rows((f"score − {prior.name}", prior.difference) for prior in report.priors)


def _rows(named: Iterable[tuple[str, Mapping[str, Estimate]]]) -> pd.DataFrame:
    rows = [
        (name, METRICS[metric].label, metrics[metric].value, metrics[metric].low, metrics[metric].high)
        for name, metrics in named
        for metric in SHOWN
    ]
    return pd.DataFrame(rows, columns=["estimator", "metric", "value", "low", "high"]).astype(
        {"value": float, "low": float, "high": float}
    )


def predictions(run: RunFolder) -> pd.DataFrame:
    """Every network with a stand-alone accuracy: `id`, `code`, `predicted`, `true`, `macs`, `params`.

    The prediction is what stands in the submission.

    Raises:
        InputError: a file is missing or has problems, or the two have too little in common.
    """
    space = space_of(run)
    submitted, alone = (read_candidates(path, space) for path in (run.submission, run.standalone))
    names = (str(run.submission), str(run.standalone))
    known = pair(_by_code(submitted), _by_code(alone), names)
    costs = [space.cost(space.parse(code)) for code in known.networks]
    ids = {code: key for key, code in submitted.items()}
    return pd.DataFrame(
        {
            "id": [ids[code] for code in known.networks],
            "code": known.networks,
            "predicted": known.scores,
            "true": known.truth,
            "macs": [cost.macs for cost in costs],
            "params": [cost.params for cost in costs],
        }
    )


def _by_code(file: Candidates) -> dict[str, float]:
    return {code: file.accs[key] for key, code in file.items()}
