"""The rank report of two files in the candidates format."""

from collections.abc import Callable
from pathlib import Path

from toolkit.errors import InputError
from toolkit.evaluation.candidates import accepting_spaces, capped, name, read_candidates, read_table
from toolkit.ranking.pairs import pair
from toolkit.ranking.priors import cost_priors
from toolkit.ranking.report import RankReport, rank_report
from toolkit.spaces import Arch, SearchSpace


def rank_files(
    scores: Path | str,
    truth: Path | str,
    space: SearchSpace | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RankReport:
    """How well the `acc` of one file ranks that of the other, beside MACs and parameters.

    Networks are matched by what their codes mean; an id that stands in both files must name the same network.

    Args:
        space: of the codes; if None, the first that accepts the codes of the truth.
        progress: called with (done, total) after every resample.

    Raises:
        InputError: a file has problems, or the two do not go together; lists all problems found.
    """
    remark = ""
    if space is None:
        space, remark = _guess_space(truth)
    problems: list[str] = []
    files: list[_File] = []
    for path in (scores, truth):
        try:
            files.append(_File(path, space))
        except InputError as error:
            problems += error.problems
    if not problems:
        problems = _disagreements(*files)
    if problems:
        raise InputError(problems)
    predicted, true = files
    pairs = pair(predicted.values, true.values, names=(str(scores), str(truth)))
    priors = cost_priors(space, pairs.networks)
    report = rank_report(pairs, priors, resamples=resamples, seed=seed, progress=progress)
    return report.model_copy(update={"notes": (*report.notes, remark)}) if remark else report


class _File:
    """What a file says: networks by id, values by network."""

    def __init__(self, path: Path | str, space: SearchSpace) -> None:
        candidates = read_candidates(path, space)
        self.path = path
        self.networks = {key: space.parse(code) for key, code in candidates.items()}
        self.values: dict[Arch, float] = {}
        problems = [
            f"{path}: {name(key)} is a network that stands there before with another acc; keep one of them"
            for key, network in self.networks.items()
            if self.values.setdefault(network, candidates.accs[key]) != candidates.accs[key]
        ]
        if problems:
            raise InputError(capped(problems))


def _disagreements(scores: _File, truth: _File) -> list[str]:
    return capped(
        [
            f"{scores.path}: {name(key)} is another network than in {truth.path}; take files about the same candidates"
            for key, network in truth.networks.items()
            if scores.networks.get(key, network) != network
        ]
    )


def _guess_space(path: Path | str) -> tuple[SearchSpace, str]:
    """The first space that accepts the codes in a file, and a remark if there are others."""
    first, *others = accepting_spaces(path, read_table(path).codes.values())
    names = " and ".join(space.name for space in others)
    return first, f"Costs are those of {first.name}; the codes fit {names} too, and --space chooses." if others else ""
