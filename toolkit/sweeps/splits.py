"""Does a split help? The sweep that answers: splits where the probes say so, and where they do not.

Four variants go on from the same supernet with equal budgets: not split, split where the most conflict ends, split at a
random decision, and split where the least ends. Only if the second is ahead of the others was there something to see.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.interference.afterwards import probe_run
from toolkit.interference.probe import Settings
from toolkit.interference.splits import MEASURE, Suggestion, suggest_splits
from toolkit.interference.table import read_interference
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import open_data, open_space, quiet

_STREAM = 0x73706C74  # sets this draw apart from all others made with the same seed


def suggestions_at(run: RunFolder, checkpoint: Path, progress: Progress = quiet) -> list[Suggestion]:
    """The splits that the run's table suggests at a checkpoint, the best first; probed unless all decisions were.

    Those that would end no conflict are left out: they would be no splits to compare with.

    Raises:
        InputError: bad data, or a damaged checkpoint or table.
    """
    if run.interference.exists():
        recipe = read_recipe(run.recipe)
        space = open_space(recipe, open_data(recipe, progress))
        table = read_interference(run.interference)
        now = table[(table["step"] == load_checkpoint(checkpoint).facts.step) & (table["measure"] == MEASURE)]
        if {each.name for each in space.decisions if each.blocks and len(each.options) > 1} <= set(now["decision"]):
            return _with_gain(suggest_splits(space, now))
    probed = probe_run(run, [checkpoint], Settings(measures=(MEASURE,)), progress)
    return _with_gain(suggest_splits(probed.space, probed.table))


def _with_gain(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    return [each for each in suggestions if each.gain > 0]


def split_sweep(
    recipe: Recipe,
    source: Path,
    checkpoint: Path,
    suggestions: Sequence[Suggestion],
    *,
    candidates: Path,
    truth: Path,
    epochs: int,
    seeds: Sequence[int],
    norm: str,
    images: int | None,
) -> dict[str, Any]:
    """The sweep as TOML tables, which `read_sweep` takes.

    Args:
        recipe: of the probed run; it stands in the file `source`.
        checkpoint: where all variants begin.
        suggestions: the best first, one for each decision that may be split; the random one is drawn from the others.
        epochs: further training of each variant.

    Raises:
        InputError: there are fewer than three, so that the variants would not differ.
    """
    if len(suggestions) < 3:
        raise InputError(
            f"a split would end conflict at {len(suggestions)} decisions; the experiment needs 3: probe all of them, "
            "or take a space with more decisions whose options share weights"
        )
    best, *others, least = suggestions
    rng = np.random.default_rng((recipe.seed, _STREAM))
    chosen = {"suggested": best, "random": others[rng.integers(len(others))], "least": least}
    before = [table.model_dump() for table in recipe.split or []]
    evaluation: dict[str, Any] = {"norm": norm} | ({} if images is None else {"images": images})
    return {
        "recipe": str(source),
        "seeds": list(seeds),
        "candidates": str(candidates),
        "truth": str(truth),
        "baseline": "unsplit",
        "evaluation": evaluation,
        "common": {
            "initial": {"weights": str(checkpoint.resolve()), "reorder_channels": False},
            "training": {"epochs": epochs, "warmup_epochs": min(recipe.training.warmup_epochs, epochs / 10)},
        },
        "variants": {"unsplit": {}}
        | {
            name: {"split": [*before, {"decision": s.split.decision, "groups": [list(g) for g in s.split.groups]}]}
            for name, s in chosen.items()
        },
    }
