"""Seconds for the rank report of a whole challenge, and what a draw costs beside scipy counting the same one anew.

Run it from the root of the checkout: python -m benchmarks.ranking [networks] [draws]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from toolkit.candidates import draw_candidates, write_entries
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import Concordance
from toolkit.ranking.files import compare_files
from toolkit.ranking.html import to_html
from toolkit.ranking.uncertainty import draw
from toolkit.spaces import get_space

IMAGES = 10_000
ROUNDS = 20


def files(folder: Path, networks: int) -> tuple[Path, Path]:
    """Invented accuracies of that many candidates of the 2022 space, which grow with the MACs as they do in life."""
    space, rng = get_space("resnet48"), np.random.default_rng(0)
    candidates = draw_candidates(space, networks, seed=0)
    macs = np.array([space.cost(space.parse(code)).macs for code in candidates.values()])
    truth = 0.72 + 0.012 * (0.8 * stats.zscore(macs) + 0.6 * rng.normal(size=networks))
    for name, accuracy in (("truth", truth), ("scores", truth - 0.1 + 0.01 * rng.normal(size=networks))):
        measured = rng.binomial(IMAGES, accuracy) / IMAGES
        write_entries(folder / f"{name}.json", candidates, dict(zip(candidates, measured.tolist(), strict=True)))
    return folder / "scores.json", folder / "truth.json"


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of processor time in all threads."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    networks, resamples = (int(text) for text in (sys.argv[1:] + ["45000", "1000"][len(sys.argv) - 1 :]))
    table = Table("", "seconds", "processor seconds", title=f"rank report: {networks:,} networks, {resamples:,} draws")

    def row(name: str, work: Callable[[], object]) -> None:
        clock, processor = seconds(work)
        table.add_row(name, f"{clock:.1f}", f"{processor:.1f}")

    with tempfile.TemporaryDirectory() as folder:
        scores, truth = files(Path(folder), networks)
        found = compare_files(scores, truth, get_space("resnet48"))
        row("read both files, costs", lambda: compare_files(scores, truth, get_space("resnet48")))
    report = rank_report(found.pairs, found.priors, resamples=2)
    row("report", lambda: rank_report(found.pairs, found.priors, resamples=resamples, images=IMAGES))
    row("HTML with plots", lambda: to_html(report, found.pairs, found.priors))
    Console().print(table)

    x, y = found.pairs.scores, found.pairs.truth
    columns = Concordance(x, y)
    ours, theirs = [], []
    for number in range(ROUNDS):
        drawn = draw(networks, 0, number)
        copies = np.bincount(drawn, minlength=networks).astype(np.int32)[None]
        ours.append(seconds(lambda copies=copies: columns.count(copies).pairs)[0])
        theirs.append(seconds(lambda drawn=drawn: stats.kendalltau(x[drawn], y[drawn]))[0])
    ratio = np.median(theirs) / np.median(ours)
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    Console().print(
        f"Kendall's tau of one draw: {1e3 * np.median(ours):.2f} ms, scipy {1e3 * np.median(theirs):.2f} ms, ratio "
        f"{ratio:.1f} (medians of {ROUNDS}, in turns). {os.cpu_count()} processors, load {load}."
    )


if __name__ == "__main__":
    main()
