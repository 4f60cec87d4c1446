"""Believable sweeps, made through the public formats only. Their accuracies are invented: for tests alone."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.app import example_run
from toolkit.files import write_json, write_text
from toolkit.ranking.priors import cost_priors
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space
from toolkit.sweeps.report import PLAN, REPORT, Finished, SweepReport, compare

NETWORKS = 60
VARIANTS = {"spos": 1.6, "sandwich": 0.9, "sandwich-prior": 0.8}
"""How much noise each invented supernet adds to the truth."""

TOML = """\
recipe = "resnet48"
seeds = [0, 1, 2]
candidates = "candidates.json"
truth = "truth.json"
baseline = "spos"

[variants.spos]
method.name = "spos"

[variants.sandwich]
method = { name = "sandwich", paths = 4 }

[variants.sandwich-prior]
method = { name = "sandwich", paths = 6 }
"""


def report(
    variants: Mapping[str, float] = VARIANTS,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    done: int | None = None,
    failed: tuple[str, int] | None = None,
) -> SweepReport:
    """The report after `done` of the runs, all by default; one of them may have failed."""
    rng = np.random.default_rng(0)
    space = get_space(example_run.SPACE)
    archs = [space.parse(code) for code in example_run.draw_candidates(space, NETWORKS, 0).values()]
    priors = cost_priors(space, archs)
    size = np.log(priors["parameters"])
    truth = (size - size.mean()) / size.std() + rng.normal(scale=0.7, size=NETWORKS)
    planned = [(variant, seed) for seed in seeds for variant in variants]
    found = {}
    for number, (variant, seed) in enumerate(planned):
        scores = truth + rng.normal(scale=variants[variant], size=NETWORKS)
        time = 900.0 + 400.0 * list(variants).index(variant) + 20.0 * number
        found[variant, seed] = Finished(scores, time, 120.0)
    found = {trial: result for trial, result in list(found.items())[:done] if trial != failed}
    problems = {} if failed is None else {failed: (f"{failed[0]}: training diverged; lower training.lr",)}
    return compare(
        planned, found, priors, truth, space=space.name, baseline=planned[0][0], failed=problems, resamples=200
    )


def make(folder: Path, found: SweepReport) -> Path:
    """A sweep's folder with the runs that the report says are finished, and the next one in training."""
    for run in found.runs:
        at = RunFolder(folder / run.folder)
        if run.state == "to do":
            example_run.train(example_run.begin(at.path, _method(run.variant), run.seed), epochs=12, finished=False)
            break
        example_run.begin(at.path, _method(run.variant), run.seed)
        example_run.train(at, seed=run.seed)
        if run.state == "finished":
            example_run.evaluate(at, NETWORKS, seed=run.seed)
    write(folder, found)
    if not any(run.state == "to do" for run in found.runs):
        os.utime(folder / REPORT, (1.7e9, 1.7e9))
    return folder


def write(folder: Path, found: SweepReport) -> None:
    """The sweep's own two files."""
    write_text(folder / PLAN, TOML)
    write_json(folder / REPORT, found.model_dump())


def _method(variant: str) -> str:
    return "spos" if variant == "spos" else "sandwich"
