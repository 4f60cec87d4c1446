"""Believable run folders, made through the public formats only. Their accuracies are invented: for tests alone."""

import math
import os
from pathlib import Path

import numpy as np

from converters.submission import build, write_submission
from toolkit.backends.base import Counts
from toolkit.candidates import Candidates, draw_candidates, scores, write_candidates, write_entries
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.files import digest, read_bytes, write_json, write_text
from toolkit.ranking.files import rank_files
from toolkit.runs.checkpoint import Facts, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import MetricLog
from toolkit.runs.recipe import parse_recipe, read_recipe
from toolkit.spaces import SearchSpace, get_space

SPACE = "resnet48-mini"
COUNT = 300  # candidates of a run, where nothing else is asked for
IMAGES = 2000
EPOCHS = 30
STEPS = 10  # per epoch


def begin(path: Path, method: str = "spos", seed: int = 0, space: str = SPACE) -> RunFolder:
    """A run that has its recipe and nothing else."""
    recipe = parse_recipe({"space": space, "seed": seed, "method": {"name": method}, "training": {"epochs": EPOCHS}})
    write_text(path / "recipe.toml", recipe.to_toml())
    return RunFolder(path)


def space_of(run: RunFolder) -> SearchSpace:
    """The space in the run's recipe."""
    return get_space(read_recipe(run.recipe).space)


def train(run: RunFolder, epochs: int = EPOCHS, seed: int = 0, *, finished: bool = True) -> None:
    """Add metrics and a checkpoint."""
    rng = np.random.default_rng(seed)
    total = EPOCHS * STEPS
    log = MetricLog(run)
    for step in range(1, epochs * STEPS + 1):
        share = step / total
        loss = 0.35 + 2.0 * math.exp(-5 * share) + rng.normal(0, 0.06)
        lr = 0.1 * (min(step / STEPS, 1.0) if step < STEPS else 0.5 * (1 + math.cos(math.pi * share)))
        extra = {}
        if step % STEPS == 0:
            extra = {
                "largest_top1": 0.97 - 0.8 * math.exp(-6 * share),
                "smallest_top1": 0.9 - 0.75 * math.exp(-4 * share),
            }
        log.write(
            step,
            step / STEPS,
            loss=loss,
            lr=lr,
            grad_norm=0.5 + 2 * math.exp(-4 * share) + rng.gamma(2, 0.15),
            images_per_second=rng.normal(1450, 60),
            **extra,
        )
    log.close()
    step = epochs * STEPS
    space = space_of(run)
    facts = Facts(space.name, space.channels, space.size, space.classes, step, "0" * 64)
    save_checkpoint(run.checkpoint(step), facts, {"weight": np.full(64, step, np.float32)})
    if finished:
        os.utime(run.metrics, (1.7e9, 1.7e9))


def evaluate(run: RunFolder, count: int, done: int | None = None, seed: int = 0, luck: int | None = None) -> Candidates:
    """Add candidates and results that grow with the MACs, as they do in life.

    Args:
        seed: of the candidates, and of their results unless `luck` is.
    """
    space = space_of(run)
    candidates = draw_candidates(space, count, seed)
    write_candidates(run.candidates, candidates)
    rng = np.random.default_rng(seed if luck is None else luck)
    archs = [space.parse(code) for code in candidates.values()]
    macs = np.array([space.cost(arch).macs for arch in archs], float)
    late = np.array([arch[3] for arch in archs], float)  # a deeper last stage helps this invented supernet less
    quality = 0.9 * (macs - macs.mean()) / macs.std() - 0.35 * (late - late.mean()) + rng.normal(0, 0.45, count)
    share = 1 / (1 + np.exp(-(1.35 + 0.28 * quality)))
    top1 = rng.binomial(IMAGES, share)
    top5 = top1 + rng.binomial(IMAGES - top1, 0.88)
    loss = IMAGES * (1.9 * (1 - share) + rng.normal(0, 0.01, count))
    path = max(run.checkpoints().items())[1]
    setting = Setting(space.name, digest(read_bytes(path)), "d" * 64, IMAGES, "calibrate:128 of 3f9c2a7b1e40")
    rows = [
        Row(code, Counts(int(a), int(b), IMAGES, float(c)), 0.01)
        for code, a, b, c in zip(candidates.values(), top1, top5, loss, strict=True)
    ]
    with Ledger.write(run.ledger) as ledger:
        ledger.record(setting, rows[:done])
    return candidates


def submit(run: RunFolder, candidates: Candidates) -> None:
    """Add the submission that follows from the ledger."""
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(ledger.settings()[0].setting)
    write_submission(run.submission, candidates, build(candidates, counts))


def rank(run: RunFolder, candidates: Candidates, count: int = 60, seed: int = 0) -> None:
    """Add stand-alone accuracies of some candidates, and the report."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(candidates), min(count, len(candidates)), replace=False)
    keys = [list(candidates)[i] for i in sorted(chosen)]
    predicted = scores(run.submission)
    alone = {key: float(np.clip(predicted[key] + 0.12 + rng.normal(0, 0.03), 0, 1)) for key in keys}
    write_entries(run.standalone, {key: candidates[key] for key in keys}, alone)
    report = rank_files(run.submission, run.standalone, space_of(run), resamples=200)
    write_json(run.rank, report.model_dump())


def full(path: Path, count: int, method: str = "spos", luck: int | None = None) -> RunFolder:
    """A run that has everything."""
    run = begin(path, method)
    train(run)
    candidates = evaluate(run, count, luck=luck)
    submit(run, candidates)
    rank(run, candidates)
    return run
