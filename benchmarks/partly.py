"""What evaluating a part and predicting the rest is worth: tau with the full evaluation and cost, against alternatives.

Run it from the root of the checkout: python -m benchmarks.partly RUN [--count 5000] [--shares 0.02 0.05 0.1]

Works on copies of the run, so that nothing in it changes. Ways:

    groups      whole prefix groups, spread (`supernet evaluate --evaluate N`)
    random      as many candidates at random
    race        the race that passes about as many images (`--race`), nothing predicted
    smooth      fitted values for all; `kept`: evaluated candidates keep their score

Seconds are CPU time of evaluation alone, side by side in one run, so that other work on the machine does not count;
`fit` is that to fit and predict. The race goes by accuracy and is judged by it, the others by `--score`.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau

from benchmarks.workload import chosen_candidates
from toolkit.backends.base import Counts
from toolkit.candidates import Candidates
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.partly import predict_rest, spread_groups
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import accuracy, race
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space


def cpu() -> float:
    """Seconds of this process and of those it waited for."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder, trained")
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: some are drawn")
    parser.add_argument("--count", type=int, default=5_000, help="how many")
    parser.add_argument("--norm", default="calibrate:16")
    parser.add_argument("--images", type=int)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.02, 0.05, 0.1])
    parser.add_argument("--tolerance", type=float, nargs="*", default=[0.2, 0.1, 0.05])
    parser.add_argument("--score", choices=["top1", "loss"], default="top1", help="what is predicted and judged")
    parser.add_argument("--draws", type=int, default=3, help="random subsets of each size")
    options = parser.parse_args()
    candidates = chosen_candidates(options.run, options.candidates, options.count)
    space = get_space(read_recipe(RunFolder.open(options.run).recipe).space)
    codes = list(dict.fromkeys(candidates.values()))

    def score(counts: Counts) -> float:
        return counts.mean(options.score)

    shown = Table("way", box=None)
    for heading in ("evaluated", "s", "of the full", "tau, kept", "tau, smooth", "held-out tau", "fit s"):
        shown.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:

        def job_on_a_copy(name: str) -> Job:
            shutil.copytree(options.run, Path(folder) / name, ignore=shutil.ignore_patterns("ledger.sqlite*"))
            copy = RunFolder(Path(folder) / name)
            return Job(copy.path, copy.latest_checkpoint(), NormPolicy.parse(options.norm), options.images, threads=1)

        def evaluate(name: str, some: list[str]):
            job, members = job_on_a_copy(name), frozenset(some)
            part = {key: code for key, code in candidates.items() if code in members}
            started = cpu()
            done = evaluate_candidates(job, Candidates(part, dict.fromkeys(part, 0.0)), workers=1)
            seconds = cpu() - started
            with Ledger.read(RunFolder(job.run).ledger) as ledger:
                return ledger.results(done.setting), seconds

        full, whole = evaluate("full", codes)
        truth = np.array([score(full[code]) for code in candidates.values()])
        accuracies = np.array([accuracy(full[code]) for code in candidates.values()])
        shown.add_row("full", f"{len(codes):,}", f"{whole:.1f}", "1.00", "1.000", "", "", "")

        def tau(values, other=truth) -> float:
            return float(kendalltau([values[key] for key in candidates], other).statistic)

        groups = spread_groups(space, codes)
        for share in options.shares:
            wanted = round(share * len(codes))
            chosen: list[str] = []
            for group in groups:
                if len(chosen) < wanted:
                    chosen += group
            parts = [("groups", chosen)]
            for draw in range(options.draws):
                order = np.random.default_rng((draw, wanted)).permutation(len(codes))[: len(chosen)]
                parts.append(("random", [codes[place] for place in order]))
            for number, (way, part) in enumerate(parts):
                results, seconds = evaluate(f"{way} {share} {number}", part)
                started = cpu()
                smooth = predict_rest(space, candidates, results, score, groups=groups)
                fit = cpu() - started
                kept = predict_rest(space, candidates, results, score, groups=groups, keep=True)
                shown.add_row(
                    f"{way} {100 * share:g}%",
                    f"{len(part):,}",
                    f"{seconds:.1f}",
                    f"{seconds / whole:.3f}",
                    f"{tau(kept.values):.3f}",
                    f"{tau(smooth.values):.3f}",
                    str(smooth.agreement),
                    f"{fit:.1f}",
                )
        for tolerance in options.tolerance:
            started = cpu()
            raced = race(job_on_a_copy(f"race {tolerance}"), candidates, tolerance=tolerance, workers=1)
            seconds = cpu() - started
            values = {key: raced.scores[code] for key, code in candidates.items()}
            shown.add_row(
                f"race {tolerance:g}",
                f"{100 * raced.spent:.0f}% of passes",
                f"{seconds:.1f}",
                f"{seconds / whole:.3f}",
                f"{tau(values, accuracies):.3f}",
            )
    Console(width=130).print(shown)


if __name__ == "__main__":
    main()
