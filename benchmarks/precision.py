"""What bf16 (or tf32) does to counts and ranks: the same candidates of a trained run, in fp32 and in another precision.

Run it from the root of the checkout: python -m benchmarks.precision RUN [--help]

Works on a copy of the run, so that nothing in it changes. For scale, fp32 is evaluated twice more: on half of the
images, and with half of the images for calibration.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.workload import chosen_candidates
from toolkit.backends.base import Counts
from toolkit.cli.progress import progress_bars
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder, trained")
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: some are drawn")
    parser.add_argument("--count", type=int, default=1_000, help="how many")
    parser.add_argument("--norm", default="calibrate")
    parser.add_argument("--images", type=int, default=None)
    parser.add_argument("--precision", default="bf16", choices=("bf16", "tf32"))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    candidates = chosen_candidates(options.run, options.candidates, options.count)
    with tempfile.TemporaryDirectory() as folder, progress_bars() as progress:
        run = RunFolder(Path(folder) / "run")
        shutil.copytree(options.run, run.path, ignore=shutil.ignore_patterns("ledger.sqlite*"))
        job = Job(run.path, run.latest_checkpoint(), NormPolicy.parse(options.norm), options.images, threads=1)

        def evaluate(job: Job) -> tuple[dict[str, Counts], float]:
            done = evaluate_candidates(job, candidates, workers=options.workers, progress=progress)
            with Ledger.read(run.ledger) as ledger:
                (seconds,) = [each.seconds for each in ledger.settings() if each.setting == done.setting]
                return ledger.results(done.setting), seconds

        full, base = evaluate(job)
        total = next(iter(full.values())).total
        rows = {
            options.precision: evaluate(replace(job, precision=options.precision)),
            "fp32, half the images": evaluate(replace(job, images=max(1, total // 2))),
        }
        if job.policy.calibration > 1:
            policy = replace(job.policy, images=job.policy.images // 2)
            rows["fp32, half the calibration"] = evaluate(replace(job, policy=policy))
    title = f"{len(full):,} candidates of {options.run}, {total:,} images, {options.norm}, against fp32"
    table = Table(
        "", "counts that differ", "mean |difference|", "largest", "Kendall tau", "Spearman", "time", title=title
    )
    top1 = np.array([counts.top1 / counts.total for counts in full.values()])
    for name, (results, seconds) in rows.items():
        other = np.array([results[code].top1 / results[code].total for code in full])
        apart = 100 * np.abs(other - top1)
        table.add_row(
            name,
            f"{100 * np.mean(apart > 0):.0f}%",
            f"{apart.mean():.3f} points",
            f"{apart.max():.2f} points",
            f"{stats.kendalltau(other, top1).statistic:.4f}",
            f"{stats.spearmanr(other, top1).statistic:.4f}",
            f"{seconds / base:.2f}",
        )
    console = Console()
    console.print(table)
    console.print(f"Accuracies in fp32: {100 * top1.mean():.2f}% with standard deviation {100 * top1.std():.2f}.")


if __name__ == "__main__":
    main()
