"""A believable table of interference, made through the public format only, its numbers invented: for tests alone."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from tests.app.example_run import EPOCHS, STEPS, space_of
from toolkit.interference.table import CHANCE, Row, add_probe, as_frame
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace

PATHS = 8
DRAWS = 16
BLOCKWISE = (
    "gradient_cosine",
    "shared_gradient_cosine",
    "split_conflict",
    "conflict_rate",
    "path_cosine",
    "norm_disagreement",
    "feature_cosine",
    "feature_kl",
    "feature_cka",
    "parameter_contradiction",
    "parameter_conflict_rate",
    "sign_flips",
    "parameter_speed",
    "signal_to_noise",
    "times_trained",
)
"""What a probe here says of blocks."""


def probe(run: RunFolder, seed: int = 0, epochs: tuple[int, ...] = (6, 12, 18, 24, EPOCHS), calm: float = 0.0) -> None:
    """Add probes after these epochs.

    Args:
        calm: how much less the branches disturb each other than they would, 0 to 1.
    """
    space = space_of(run)
    for epoch in epochs:
        rows = list(_rows(space, np.random.default_rng((seed, epoch)), epoch / EPOCHS, calm))
        add_probe(run.interference, as_frame(rows, epoch * STEPS, float(epoch)))


def _rows(space: SearchSpace, rng: np.random.Generator, trained: float, calm: float) -> Iterator[Row]:
    """The deeper the block and the further two options, the more conflict; the stem's decisions have none."""
    blocks = len(space.plans(space.largest))
    for decision in space.decisions:
        for block in decision.blocks:
            depth = block / blocks
            for (i, u), (j, v) in combinations(enumerate(map(str, decision.options)), 2):
                place = {"block": block, "decision": decision.name, "first": u, "second": v}
                cosine = 0.75 - (1 - calm) * trained * (0.35 * depth + 0.17 * (j - i)) - (0.5 if block == 17 else 0)
                noise = 0.16 / np.sqrt(DRAWS) * (1 + depth)
                yield Row(
                    "gradient_cosine", float(np.clip(cosine + rng.normal(0, noise), -1, 1)), noise, DRAWS, **place
                )
                shared = cosine - 0.25 if len(decision.blocks) == 1 else np.nan
                yield Row("shared_gradient_cosine", float(shared), noise, DRAWS if np.isfinite(shared) else 0, **place)
                ended = np.clip((1 - cosine) / 8, 0, 2) if decision.name[:5] != "depth" or u != "2" else np.nan
                yield Row("split_conflict", float(ended), noise / 8, DRAWS if np.isfinite(ended) else 0, **place)
                yield Row("conflict_rate", float(np.clip(0.5 - cosine / 2, 0, 1)), 0.05, DRAWS, **place)
            chance = {"block": block, "decision": decision.name, "first": CHANCE}
            yield Row("split_conflict", 0.07, 0.005, DRAWS, **chance)
            for number, option in enumerate(map(str, decision.options)):
                times = 1000 * trained * (len(decision.options) - number) / len(decision.options)
                yield Row("times_trained", float(int(times)), n=1, block=block, decision=decision.name, first=option)
    for block in range(blocks):
        bump = np.exp(-(((block - 17) / 3) ** 2))
        for measure, value in {
            "norm_disagreement": 0.2 + bump,
            "feature_cosine": 0.95 - 0.3 * bump,
            "feature_kl": 0.1 + 0.8 * bump,
            "feature_cka": 0.97 - 0.2 * bump,
            "parameter_contradiction": 0.1 + 0.1 * bump,
            "parameter_conflict_rate": 0.3 + 0.2 * bump,
            "sign_flips": 0.45 + 0.05 * bump,
            "parameter_speed": 0.01 * (1.1 - trained),
            "signal_to_noise": 0.4 - 0.3 * bump,
        }.items():
            yield Row(measure, float(value + rng.normal(0, 0.01)), 0.02, DRAWS, block=block)
        for measure, value in {"norm_disagreement": 0.3, "feature_kl": 0.2, "parameter_contradiction": 0.1}.items():
            yield Row(measure, value, 0.02, DRAWS, block=block, first=CHANCE)
        for channels, times in (("0:4", 900.0), ("4:8", 500.0), ("8:16", 200.0)):
            yield Row("times_trained", float(int(times * trained)), n=1000, block=block, first=f"conv1[{channels}]")
        yield Row("parameter_speed", 0.001, 0.0001, DRAWS, block=block, first="teacher")
        yield Row("path_cosine", float(0.5 - 0.3 * bump), 0.03, DRAWS, block=block)
    fixed = np.random.default_rng(0)
    paths = [space.sample(fixed) for _ in range(PATHS)]
    for first, second in combinations(paths, 2):
        apart = space.distance(first, second)
        ends = {"first": space.format(first), "second": space.format(second), "distance": apart}
        cosine = 0.8 - trained * 0.03 * apart + rng.normal(0, 0.05)
        yield Row("path_cosine", float(cosine), 0.05, 4, **ends)
        for turned in (ends, {**ends, "first": ends["second"], "second": ends["first"]}):
            yield Row("lookahead", float(0.05 * cosine + rng.normal(0, 0.01)), 0.01, 4, **turned)
    for number, path in enumerate(paths):
        loss = 2.0 * np.exp(-2 * trained) + 0.02 * number
        yield Row("path_loss", float(loss), 0.02, 4, first=space.format(path))
        if trained > 0.3:
            yield Row("forgetting", float(-0.05 + rng.normal(0, 0.03)), 0.02, 4, first=space.format(path))
    yield Row("probe_cost", 0.031)
