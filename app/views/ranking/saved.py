"""The last report that `supernet rank` left in a run folder."""

from pydantic import ValidationError

from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.ranking.metrics import CORE, MAIN
from toolkit.ranking.report import Estimate, RankReport
from toolkit.runs.folder import RunFolder


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
            if missing := set(CORE) - known.keys():
                raise ValueError(f"{missing.pop()} is missing")
    except ValueError as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        remedy = f"write it anew with `supernet rank ... --out {run.rank}`"
        raise InputError(f"{run.rank}: is no rank report of this version ({problem}); {remedy}") from None
    return report


def headline(run: RunFolder) -> Estimate | None:
    """Kendall's tau with its interval."""
    report = read_report(run)
    return report.score.metrics[MAIN] if report else None
