"""Rank candidates by the scales of batch norms alone: a look-up in a trained supernet's weights (BN-NAS)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.candidates import read_candidates, read_table, write_entries
from toolkit.errors import InputError
from toolkit.methods.bn_nas import Indicators, indicated, indicators, last_norms
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.pairs import pair
from toolkit.ranking.report import RankReport
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import open_data, open_space
from toolkit.spaces import SearchSpace, get_space
from toolkit.verbs.outputs import refuse_existing


@dataclass(frozen=True, slots=True)
class Indicated:
    """What the scales of a run say.

    Attributes:
        table: by decision and option, after the last checkpoint.
        scores: of the candidates, by id.
        reports: against the truth, by step of each checkpoint that is kept; empty without a truth.
        undefined: steps at which all candidates scored alike, as before any training.
    """

    space: SearchSpace
    table: Indicators
    scores: dict[str, float]
    written: Path | None
    reports: Mapping[int, RankReport]
    undefined: tuple[int, ...]


def indicator(
    run: Path | str,
    candidates: Path | str | None = None,
    *,
    truth: Path | str | None = None,
    out: Path | str | None = None,
    standardise: bool = False,
    overwrite: bool = False,
) -> Indicated:
    """Score candidates by the mean scale of the last batch norm of each option, whatever method trained the supernet.

    Args:
        candidates: a file; by default the run's last one.
        truth: true accuracies of candidates: how well every checkpoint that is kept agrees with them.
        out: the scores of the last checkpoint, in the candidates format.
        standardise: z-scores over the options of each decision.

    Raises:
        InputError: bad run, candidates or truth; the space has no indicator; `out` is there already.
    """
    folder = RunFolder.open(run)
    out = None if out is None else Path(out)
    refuse_existing(out, overwrite=overwrite)
    recipe = read_recipe(folder.recipe)
    known = get_space(recipe.space)
    codes = read_candidates(candidates or truth or folder.candidates, known)
    true = None if truth is None else _truth(Path(truth), known)
    norms = last_norms(open_space(recipe, open_data(recipe)))
    checkpoints = folder.checkpoints() if true is not None else {0: folder.latest_checkpoint()}
    reports: dict[int, RankReport] = {}
    undefined = []
    table: Indicators = []
    scores: dict[str, float] = {}
    for step, path in checkpoints.items():
        table = indicators(norms, load_checkpoint(path).model, standardise=standardise)
        scores = {name: indicated(table, known.parse(code)) for name, code in codes.items()}
        if true is None:
            continue
        by_code = {code: scores[name] for name, code in codes.items()}
        try:
            reports[step] = rank_report(pair(by_code, true, (str(path), str(truth))), {})
        except InputError:
            if len(set(by_code.values())) > 1:
                raise
            undefined.append(step)
    if out is not None:
        write_entries(out, codes, scores)
    return Indicated(known, table, scores, out, reports, tuple(undefined))


def _truth(path: Path, space: SearchSpace) -> dict[str, float]:
    """True accuracies by code; networks without one left out."""
    found = read_table(path)
    codes = read_candidates(path, space)
    return {code: value for name, code in codes.items() if (value := found.accs.get(name, 0.0)) > 0}
