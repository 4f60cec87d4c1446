"""Runs whose candidates have truths and several scores, for the Rank correlation page; all numbers are invented."""

from pathlib import Path

import numpy as np

from app.views import candidates
from app.views.ranking import sources
from app.views.ranking.sources import STANDALONE, SUBMISSION
from app.views.ranking.subject import Subject
from tests.app import example_run
from toolkit.backends.base import Counts
from toolkit.candidates import read_table, write_entries
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.files import digest, read_bytes, write_text
from toolkit.runs.checkpoint import Facts, save_checkpoint
from toolkit.runs.folder import RunFolder

STEPS = (100, 200, 300)
SCORE_FILE = "naswot"


def cells(path: Path, count: int = 240, seed: int = 0) -> RunFolder:
    """A run in a space of cells: drawn networks and all one choice away from the first; a file of another score beside,
    and results of three checkpoints, each better than the one before.
    """
    run = example_run.begin(path, space="nasbench201", seed=seed)
    example_run.train(run)
    space, rng = example_run.space_of(run), np.random.default_rng(0)
    archs = list(dict.fromkeys(space.sample(rng) for _ in range(count)))
    first = archs[0]
    near = [(*first[:i], option, *first[i + 1 :]) for i in range(len(first)) for option in range(5)]
    archs = list(dict.fromkeys([*archs, *near]))
    codes = {f"arch{i}": space.format(arch) for i, arch in enumerate(archs, start=1)}
    macs = np.array([space.cost(arch).macs for arch in archs], float)
    truth = 0.6 + 0.08 * (macs - macs.mean()) / macs.std() + rng.normal(0, 0.05, len(archs))
    scores = np.clip(truth + np.random.default_rng(seed + 1).normal(0, 0.08, len(archs)), 0, 1)
    for file, values in (
        (run.submission, scores),
        (run.standalone, truth),
        (run.path / "scores" / f"{SCORE_FILE}.json", truth + rng.normal(0, 0.2, len(archs))),
    ):
        write_entries(file, codes, dict(zip(codes, values.tolist(), strict=True)))
    write_entries(run.candidates, codes, dict.fromkeys(codes, 0.0))
    for number, step in enumerate(STEPS, start=1):
        facts = Facts(space.name, space.channels, space.size, space.classes, step, "0" * 64)
        save_checkpoint(run.checkpoint(step), facts, {"weight": np.full(64, step, np.float32)})
        noisy = np.clip(truth + rng.normal(0, 0.4 / number, len(archs)), 0, 0.99)
        setting = Setting(space.name, digest(read_bytes(run.checkpoint(step))), "d" * 64, 1000, "stored")
        rows = [
            Row(code, Counts(int(1000 * share), int(1000 * share), 1000, 1000 * (2 - share)), 0.01)
            for code, share in zip(codes.values(), noisy.tolist(), strict=True)
        ]
        with Ledger.write(run.ledger) as ledger:
            ledger.record(setting, rows)
    return run


def subject_of(run: RunFolder, score: str = SUBMISSION, truth: str = STANDALONE) -> Subject:
    """A score of the run against a truth of it, both by the names that the page gives them."""
    scores = sources.scores(run, candidates.settings(run), candidates.checkpoint_steps(run))
    return sources.read_subject(run, names=(score, truth), score=scores[score], truth=sources.truths(run)[truth])


def add_seeds(run: RunFolder) -> None:
    """The stand-alone accuracies by training, as `supernet standalone` leaves them."""
    table, rng = read_table(run.standalone), np.random.default_rng(2)
    rows = ["id,arch,acc,seed0,seed1"]
    for key, code in table.codes.items():
        one, other = table.accs[key] + rng.normal(0, 0.01, 2)
        rows.append(f"{key},{code},{table.accs[key]},{one},{other}")
    write_text(run.standalone_seeds, "\n".join(rows) + "\n")


def know_all(run: RunFolder, seed: int = 0) -> None:
    """Give every candidate of a run a truth."""
    table, rng = read_table(run.submission), np.random.default_rng(seed)
    noise = rng.normal(0.1, 0.02, len(table.codes)).tolist()
    alone = {key: min(max(table.accs[key] + by, 0.0), 1.0) for key, by in zip(table.codes, noise, strict=True)}
    write_entries(run.standalone, table.codes, alone)
