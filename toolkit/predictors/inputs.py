"""Labels, score columns and candidates from files, matched by what their codes mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from toolkit.candidates import Candidates, capped, code_problems, read_candidates
from toolkit.errors import InputError
from toolkit.predictors.columns import SCORES, Features
from toolkit.predictors.model import FloatArray
from toolkit.ranking.tables import CODE, VALUE, Table, read_values
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.features import Columns, log_costs


@dataclass(frozen=True)
class Inputs:
    """What there is to predict from.

    Attributes:
        candidates: to be predicted, by id, in file order.
        codes: of all networks, candidates first, in the space's own spelling, each once.
        archs: what these mean.
        places: of each candidate in `codes`, by id.
        distinct: how many of them are candidates.
        labelled: places in `codes` of the networks with a label; `labels`: these, shape (labelled,).
        scores: columns by file, each of shape (codes,).
        notes: what a reader should know about the files.
    """

    space: SearchSpace
    candidates: Candidates
    codes: tuple[str, ...]
    archs: tuple[Arch, ...]
    places: Mapping[str, int]
    distinct: int
    labelled: np.ndarray[tuple[int], np.dtype[np.intp]]
    labels: FloatArray
    scores: Columns
    notes: tuple[str, ...]
    _made: dict[str, Columns] = field(default_factory=dict, repr=False, compare=False)

    def features(self, kinds: Sequence[str] | None = None) -> Features:
        """Those of all networks, score columns included."""
        wanted = tuple(self.space.predicted_from if kinds is None else kinds)
        missing = [kind for kind in wanted if kind not in self._made]
        self._made.update(Features.of(self.space, self.archs, missing).kinds)  # costs take seconds for 50,000
        found = {kind: self._made[kind] for kind in wanted}
        return Features(found | ({SCORES: self.scores} if self.scores else {}), len(self.archs))


def read_inputs(
    space: SearchSpace,
    labels: Path,
    candidates: Path,
    scores: Sequence[Path] = (),
    *,
    code_columns: Sequence[str] = (CODE,),
    label_column: str = VALUE,
    loss: bool = False,
) -> Inputs:
    """Read and match all files.

    Args:
        labels: the candidates format, where an `acc` of 0 means that there is no label, or a table.
        candidates: the candidates format.
        scores: the candidates format, each with a number for every network.
        code_columns, label_column: what the columns of a table of labels are called.
        loss: labels are losses, of which less is better: they are negated.

    Raises:
        InputError: a file has problems, or the files do not go together; lists all.
    """
    problems: list[str] = []
    table: Table | None = None
    known = Candidates({}, {})
    columns: dict[str, Table] = {}
    try:
        known = read_candidates(candidates, space)
    except InputError as error:
        problems += error.problems
    try:
        table = read_values(labels, code_columns, [label_column])
        problems += _of_the_space(table, space)
    except InputError as error:
        problems += error.problems
    for path in scores:
        try:
            columns[str(path)] = read_values(path, [CODE], [VALUE])
            problems += _of_the_space(columns[str(path)], space)
        except InputError as error:
            problems += error.problems
    if problems or table is None:
        raise InputError(problems)
    return match(space, known, table, columns, label_column=label_column, loss=loss)


def match(
    space: SearchSpace,
    candidates: Candidates,
    labels: Table,
    scores: Mapping[str, Table] | None = None,
    *,
    label_column: str = VALUE,
    loss: bool = False,
) -> Inputs:
    """`read_inputs` for tables at hand, whose codes are all in the space.

    Raises:
        InputError: a network has two labels, or no score; lists all problems.
    """
    spelled = _Spelling(space)
    wanted, notes, problems = _labels(labels, label_column, spelled)
    codes = tuple(dict.fromkeys([*map(spelled, candidates.values()), *wanted]))
    columns: Columns = {}
    for name, table in (scores or {}).items():
        values, found = _scores(table, spelled, codes)
        columns[name] = values
        problems += found
    if problems:
        raise InputError(problems)
    sign = -1 if loss else 1
    return _assemble(spelled, candidates, {code: sign * value for code, value in wanted.items()}, columns, notes)


def of_values(
    space: SearchSpace,
    candidates: Candidates,
    labels: Mapping[str, float],
    costs: Mapping[str, tuple[int, int]] | None = None,
) -> Inputs:
    """Candidates with the labels of some of them, by code.

    Args:
        costs: parameters and MACs by code, of networks where they are known: counting them takes seconds for 50,000.
    """
    spelled = _Spelling(space)
    found = _assemble(spelled, candidates, {spelled(code): value for code, value in labels.items()}, {}, [])
    if costs is None:
        return found
    known = {spelled(code): cost for code, cost in costs.items()}
    for code, arch in zip(found.codes, found.archs, strict=True):
        if code not in known:
            known[code] = (cost := space.cost(arch)).params, cost.macs
    return replace(found, _made={"costs": log_costs([known[code] for code in found.codes])})


def _assemble(
    spelled: "_Spelling", candidates: Candidates, labels: Mapping[str, float], scores: Columns, notes: Sequence[str]
) -> Inputs:
    places = dict.fromkeys(map(spelled, candidates.values()))
    distinct = len(places)
    codes = tuple(places | dict.fromkeys(labels))
    place = {code: number for number, code in enumerate(codes)}
    return Inputs(
        spelled.space,
        candidates,
        codes,
        tuple(map(spelled.arch, codes)),
        {key: place[spelled(code)] for key, code in candidates.items()},
        distinct,
        np.array([place[code] for code in labels], dtype=np.intp),
        np.array(list(labels.values()), dtype=np.float64),
        scores,
        tuple(notes),
    )


class _Spelling:
    """Codes in the space's own spelling, and what they mean; each is parsed once."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._codes: dict[str, str] = {}
        self._archs: dict[str, Arch] = {}

    def __call__(self, code: str) -> str:
        if code not in self._codes:
            arch = self.space.parse(code)
            self._codes[code] = spelled = self.space.format(arch)
            self._archs[spelled] = arch
        return self._codes[code]

    def arch(self, spelled: str) -> Arch:
        return self._archs[spelled]


def _of_the_space(table: Table, space: SearchSpace) -> list[str]:
    return code_problems(table.path, dict(zip(table.ids, table.codes, strict=True)), space)


def _labels(table: Table, column: str, spelled: _Spelling) -> tuple[dict[str, float], list[str], list[str]]:
    """Labels by code, notes and problems."""
    rows = list(zip(table.ids, map(spelled, table.codes), table.values[column].tolist(), strict=True))
    notes = []
    if absent := sum(value != value for _, _, value in rows):
        notes.append(f"{table.path}: {absent:,} networks have no {column} and count as not labelled.")
    if table.candidates and (zeros := sum(value == 0 for _, _, value in rows)):
        notes.append(f"{table.path}: {zeros:,} entries are 0, a placeholder, and count as not labelled.")
    found: dict[str, float] = {}
    twice = []
    for key, code, value in rows:
        if value != value or (table.candidates and value == 0):
            continue
        if found.setdefault(code, value) != value:
            twice.append(
                f"{table.path}: {key} is a network that stands there before with {found[code]:g}, now with {value:g}; "
                "keep one, or their mean"
            )
    return found, notes, capped(twice)


def _scores(table: Table, spelled: _Spelling, codes: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """A column for all networks, and problems."""
    found = {spelled(code): value for code, value in zip(table.codes, table.values[VALUE].tolist(), strict=True)}
    missing = [code for code in codes if code not in found]
    problems = table.contradictions()
    if missing:
        problems.append(
            f"{table.path}: {len(missing):,} of the {len(codes):,} networks have no score there, {missing[0]} first; "
            "score all candidates and labelled networks, or leave the file out"
        )
    return np.array([found.get(code, np.nan) for code in codes], dtype=np.float64), problems
