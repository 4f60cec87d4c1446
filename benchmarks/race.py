"""What a race is worth: its ranking and its cost against the full evaluation, for several tolerances.

Run it from the root of the checkout: python -m benchmarks.race RUN [--help]

Works on copies of the run, so that nothing in it changes. `even` is what the same number of passes brings when every
candidate gets equally many images. Correlations are with the full evaluation, with 95% bootstrap intervals over
candidates; passes are images through networks, those of the calibration included.
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.workload import chosen_candidates
from toolkit.cli.progress import progress_bars
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import Race, accuracy, race
from toolkit.runs.folder import RunFolder

RESAMPLES = 200


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder, trained")
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: some are drawn")
    parser.add_argument("--count", type=int, default=5_000, help="how many")
    parser.add_argument("--norm", default="calibrate:16", help="with many more there is nothing to race on few images")
    parser.add_argument("--tolerance", type=float, nargs="+", default=[0.1, 0.05, 0.02])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    candidates = chosen_candidates(options.run, options.candidates, options.count)
    with tempfile.TemporaryDirectory() as folder, progress_bars() as progress:

        def job_on_a_copy(name: str) -> Job:
            shutil.copytree(options.run, Path(folder) / name, ignore=shutil.ignore_patterns("ledger.sqlite*"))
            copy = RunFolder(Path(folder) / name)
            threads = 1 if options.workers > 1 else None
            return Job(copy.path, copy.latest_checkpoint(), NormPolicy.parse(options.norm), threads=threads)

        def evaluate(job: Job) -> tuple[dict[str, float], float, int]:
            done = evaluate_candidates(job, candidates, workers=options.workers, progress=progress)
            with Ledger.read(RunFolder(job.run).ledger) as ledger:
                results = ledger.results(done.setting)
            return {code: accuracy(counts) for code, counts in results.items()}, done.seconds, done.setting.images

        full, seconds, images = evaluate(job_on_a_copy("full"))
        races, evens = [], []
        for tolerance in options.tolerance:
            job = job_on_a_copy(f"race {tolerance}")
            races.append(race(job, candidates, tolerance=tolerance, workers=options.workers, progress=progress))
            calibration = job.policy.images if job.policy.source == "calibrate" else 0
            few = round(races[-1].spent * (images + calibration)) - calibration
            few_job = replace(job_on_a_copy(f"even {tolerance}"), images=max(1, min(few, images)))
            evens.append(evaluate(few_job)[0])
    report(full, seconds, dict(zip(options.tolerance, races, strict=True)), evens)


def report(
    full: Mapping[str, float], seconds: float, races: Mapping[float, Race], evens: Sequence[Mapping[str, float]]
) -> None:
    console = Console()
    rounds = Table("tolerance", "images", "candidates", "passes", "seconds", "expected tau", box=None)
    for tolerance, run in races.items():
        for each in run.rounds:
            numbers = f"{each.images:,}", f"{each.candidates:,}", f"{each.passes:,}", f"{each.seconds:.1f}"
            rounds.add_row(f"{tolerance:g}", *numbers, f"{each.tau:.3f}")
    console.print(rounds)
    accuracies = np.array(list(full.values()))
    console.print(
        f"\n{len(full):,} candidates; accuracies {100 * accuracies.mean():.1f}% with standard deviation "
        f"{100 * accuracies.std():.2f}; full evaluation in {seconds:.1f} s; noise between candidates "
        f"{next(iter(races.values())).noise:.2f} of the binomial. Against the full evaluation:\n"
    )
    table = Table("tolerance", "", "passes", "seconds", "expected tau", "Kendall tau", "Pearson", box=None)
    for (tolerance, run), even in zip(races.items(), evens, strict=True):
        spent = sum(each.seconds for each in run.rounds)
        share = f"{run.spent:.3f}", f"{spent / seconds:.2f}", f"{run.rounds[-1].tau:.3f}"
        table.add_row(f"{tolerance:g}", "race", *share, *correlations(run.scores, full))
        table.add_row("", "even", share[0], "", "", *correlations(even, full))
    console.print(table)


def correlations(scores: Mapping[str, float], full: Mapping[str, float]) -> tuple[str, str]:
    """Kendall's tau_b and Pearson's r with intervals."""
    columns = np.array([(scores[code], full[code]) for code in full]).T
    texts = []
    for measure in (stats.kendalltau, stats.pearsonr):
        value = measure(*columns).statistic
        drawn = stats.bootstrap(
            columns,
            lambda x, y, measure=measure: measure(x, y).statistic,
            paired=True,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=0,
        ).confidence_interval
        texts.append(f"{value:.3f} [{drawn.low:.3f}, {drawn.high:.3f}]")
    return texts[0], texts[1]


if __name__ == "__main__":
    main()
