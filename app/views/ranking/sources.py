"""What in a run folder can be held against each other: scores and truths."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.text import printable
from app.views import candidates
from app.views.folder import inside
from app.views.ranking.subject import Subject
from toolkit import candidates as candidates_format
from toolkit.backends.base import Score
from toolkit.candidates import code_problems
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Holding, Ledger, Setting
from toolkit.files import open_regular, read_bytes
from toolkit.priors.ledger import LEDGER
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.pairs import pair
from toolkit.ranking.priors import MACS, filed_priors, find_ledger
from toolkit.ranking.sizes import DEPTH, PARAMETERS, WIDTH, sizes
from toolkit.ranking.tables import CODE, VALUE
from toolkit.ranking.tables import read_values as read_table
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace

SUBMISSION, STANDALONE = "submission", "trained alone"
FOLDER = "scores"
"""Beside the files at the top of a run folder, those in this folder of it are looked at."""

PRIORS = (MACS, PARAMETERS, DEPTH)
"""The sizes that stand beside every score, as estimates that cost nothing."""

_ENTRIES = re.compile(rb'\s*\{\s*"[^"]{0,200}"\s*:\s*\{\s*"(acc|arch)"')
"""How a file in the candidates format begins."""

_CODE = re.compile(rb'"arch"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class Source:
    """A file of numbers in the candidates format; or, with a setting, one column of a ledger's results."""

    path: Path
    setting: Setting | None = None
    column: Score = "top1"

    @property
    def images(self) -> int | None:
        """On how many images an accuracy was measured, if that is known."""
        return self.setting.images if self.setting and self.column != "loss" else None


@dataclass(frozen=True)
class Values:
    """What a source says: values by code, and what it calls the networks."""

    by_code: Mapping[str, float]
    ids: Mapping[str, str]


def score_files(run: RunFolder) -> dict[str, Path]:
    """Files of other scores in the run folder, such as zero-cost ones, by name without suffix."""
    known = {path.name for path in (run.candidates, run.standalone, run.submission, run.rank)}
    paths = [path for path in sorted(run.path.glob("*.json")) if path.name not in known]
    return {path.stem: path for path in (*paths, *sorted(run.path.glob(f"{FOLDER}/*.json"))) if _has_entries(path)}


def shared_files(folder: Path, space: SearchSpace) -> dict[str, Path]:
    """Files about networks of `space` that belong to no run, by `FOLDER/NAME`: those in folders beside the runs."""
    paths = [path for path in sorted(folder.glob("*/*.json")) if not (path.parent / RunFolder("").recipe).exists()]
    paths = [path for path in paths if inside(path, folder.resolve()) and _is_about(path, space)]
    return {f"{path.parent.name}/{path.stem}": path for path in paths}


def scores(
    run: RunFolder, holdings: list[Holding], steps: Mapping[str, int], shared: Mapping[str, Path] | None = None
) -> dict[str, Source]:
    """Everything that can be judged, by name: the submission, the ledger's results, files of other scores.

    Args:
        holdings, steps: `views.candidates.settings` and `checkpoint_steps`.
        shared: `shared_files`. What is called a truth comes last.
    """
    found = {SUBMISSION: Source(run.submission)} if run.submission.is_file() else {}
    for label, holding in candidates.labels(holdings, dict(steps)).items():
        found |= {
            f"{name}, {label}": Source(run.ledger, holding.setting, score.column)
            for name, score in candidates.SCORES.items()
        }
    files = {**score_files(run), **(shared or {})}
    return found | {name: Source(files[name]) for name in sorted(files, key=_is_truth)}


def truths(run: RunFolder, shared: Mapping[str, Path] | None = None) -> dict[str, Source]:
    """What scores can be held against: networks trained alone, or any other file of numbers.

    Args:
        shared: `shared_files`. What is called a truth comes first.
    """
    found = {STANDALONE: Source(run.standalone)} if run.standalone.is_file() else {}
    files = {**score_files(run), **(shared or {})}
    return found | {name: Source(files[name]) for name in sorted(files, key=_is_truth, reverse=True)}


def others(truths: Mapping[str, Source], judged: Source) -> dict[str, Source]:
    """The truths but for the score itself: a file ranks just as itself."""
    return {name: source for name, source in truths.items() if source != judged}


def sources_files(run: RunFolder, *sources: Source) -> list[Path]:
    """Every file that `read_subject` reads."""
    ledgers = candidates.ledger_files(run) if any(source.setting for source in sources) else []
    named = [run.recipe, run.path / "checkpoints", *score_files(run).values(), *ledgers, run.candidates]
    named += [source.path.with_suffix(".csv") for source in sources]
    named += [*(run.path / f"{LEDGER}{log}" for log in ("", "-wal"))]
    return [*named, *(source.path for source in sources)]


def read_subject(run: RunFolder, *, names: tuple[str, str], score: Source, truth: Source) -> Subject:
    """Scores and truths of the run, side by side, with everything in the run that may stand beside them.

    Raises:
        InputError: a file is missing or has problems, or the two have too little in common.
    """
    space = candidates.space_of(run)
    judged, true = read_values(run, score), read_values(run, truth)
    try:
        codes = list(dict.fromkeys((*judged.by_code, *true.by_code)))
        archs = dict(zip(codes, map(tuple, candidates.answers(space, codes).tolist()), strict=True))
    except InputError:  # about one code; a reader wants all of them, with their ids
        sides = ((score, judged), (truth, true))
        raise InputError(p for source, values in sides for p in _code_problems(source.path, values, space)) from None
    seeds = _seeds(truth.path.with_suffix(".csv"), true)
    pairs = pair(judged.by_code, true.by_code, (str(score.path), str(truth.path)), seeds=seeds)
    chosen = tuple(archs[code] for code in pairs.networks)
    large = sizes(space, chosen)
    others, remarks = _beside(run, pairs.networks, {score.path, truth.path})
    if (ledger := find_ledger(run.submission)) is not None:
        filed, unfiled = filed_priors(ledger, space, [space.format(arch) for arch in chosen])
        others, remarks = {**filed, **others}, [*remarks, *unfiled]
    return Subject(
        *names,
        pairs,
        {**true.ids, **judged.ids},
        {**{name: size for name, size in large.items() if name in PRIORS and np.ptp(size) > 0}, **others},
        large[WIDTH],
        judged.by_code,
        true.by_code,
        space,
        chosen,
        score.images,
        tuple(remarks),
    )


def read_values(run: RunFolder, source: Source) -> Values:
    """What a source says, larger being better: losses are negated.

    Raises:
        InputError: the file cannot be read, or has problems.
    """
    if source.setting is None:
        table = read_table(source.path, (CODE,), (VALUE,))
        if problems := table.contradictions():
            raise InputError(problems)
        return Values(table.column(VALUE), dict(zip(table.codes, table.ids, strict=True)))
    return Values(read_results(source.path, source.setting, source.column), _ids(run))


def read_results(path: Path, setting: Setting, column: Score) -> dict[str, float]:
    """One column of a ledger's results by code, larger being better; raises InputError."""
    with Ledger.read(path) as ledger:
        counts = ledger.results(setting)
    by_code = {code: each.mean(column) for code, each in counts.items()}
    return {code: value for code, value in by_code.items() if math.isfinite(value)}


def _seeds(beside: Path, truth: Values) -> dict[str, list[float]] | None:
    """By network, its accuracies by training; None where they are not known apart."""
    if not beside.is_file():
        return None
    heading = read_bytes(beside).split(b"\n", 1)[0].decode(errors="replace").strip().split(",")
    columns = [column for column in heading if column.startswith("seed")]
    if len(columns) < 2:
        return None
    table = read_table(beside, (CODE,), columns)
    trained = dict(zip(table.codes, zip(*table.values.values(), strict=True), strict=True))
    return {code: [float(each) for each in trained.get(code, [np.nan] * len(columns))] for code in truth.by_code}


def _ids(run: RunFolder) -> dict[str, str]:
    """What the run's candidates file calls the networks of its ledger; nothing if it cannot be read."""
    try:
        return {code: key for key, code in candidates_format.read_table(run.candidates).codes.items()}
    except InputError:
        return {}


def _code_problems(path: Path, values: Values, space: SearchSpace) -> list[str]:
    return code_problems(path, {values.ids.get(code, code): code for code in values.by_code}, space)


def _beside(run: RunFolder, networks: tuple[str, ...], used: set[Path]) -> tuple[dict[str, FloatArray], list[str]]:
    """The run's other scores of these networks, and which of them say too little to stand there."""
    found, remarks = {}, []
    for name, path in score_files(run).items():
        if path in used:
            continue
        values = read_values(run, Source(path)).by_code
        if missing := sum(network not in values for network in networks):
            remarks.append(f"{path.name} is left out: it lacks {missing:,} of the {len(networks):,} networks.")
        else:
            found[name] = np.array([values[network] for network in networks], np.float64)
    return found, remarks


def _is_truth(name: str) -> bool:
    return any(part.startswith("truth") for part in name.casefold().split("/"))


def _is_about(path: Path, space: SearchSpace) -> bool:
    """Whether a file has the candidates format, and its first code belongs to the space."""
    if not _has_entries(path):
        return False
    with open_regular(path) as file:
        code = _CODE.search(file.read(512))
    return code is not None and not space.problems(code[1].decode(errors="replace"))


def _has_entries(path: Path) -> bool:
    if printable(path.name) != path.name:  # no widget could show it
        return False
    try:
        with open_regular(path) as file:
            return _ENTRIES.match(file.read(512)) is not None
    except InputError:
        return False
