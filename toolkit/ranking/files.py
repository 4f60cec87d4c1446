"""Scores, truths and priors of the same networks, from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from statistics import fmean

import numpy as np

from toolkit.candidates import accepting_spaces, capped, code_problems, name
from toolkit.errors import InputError
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.pairs import Pairs, pair
from toolkit.ranking.priors import cost_priors, filed_priors, find_ledger
from toolkit.ranking.report import RankReport
from toolkit.ranking.tables import CODE, VALUE, Table, read_values
from toolkit.ranking.uncertainty import Progress
from toolkit.spaces import Arch, SearchSpace


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of tables are called.

    Attributes:
        code: what names a network; several are joined by colons.
        score: the score to be judged, then others to stand beside it.
        truth: the truth; or several trainings, of which it is the mean.
        prior: estimates that cost nothing, in the table of truths.
    """

    code: tuple[str, ...] = (CODE,)
    score: tuple[str, ...] = (VALUE,)
    truth: tuple[str, ...] = (VALUE,)
    prior: tuple[str, ...] = ()


CANDIDATES = Columns()
"""The columns of the candidates format."""


@dataclass(frozen=True)
class Comparison:
    """What a report is made of.

    Attributes:
        pairs: scores and truths by code.
        priors: by name, values for `pairs.networks`, each of shape (networks,).
        remarks: what a reader should know about the files.
    """

    pairs: Pairs[str]
    priors: Mapping[str, FloatArray]
    remarks: tuple[str, ...]


def rank_files(
    scores: Path | str,
    truth: Path | str,
    space: SearchSpace | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> RankReport:
    """The report of two files in the candidates format; see `compare_files` and `rank_report`."""
    found = compare_files(scores, truth, space)
    return rank_report(
        found.pairs, found.priors, remarks=found.remarks, resamples=resamples, seed=seed, progress=progress
    )


def compare_files(
    scores: Path | str | Table,
    truth: Path | str,
    space: SearchSpace | None = None,
    *,
    against: Sequence[Path | str] = (),
    columns: Columns = CANDIDATES,
    loss: bool = False,
    ledger: Path | str | None = None,
) -> Comparison:
    """Scores and truths of the networks that stand in all files, with what costs nothing beside them.

    Files are in the candidates format, or tables (`toolkit.ranking.tables`). Networks are matched by what their codes
    mean; an id that stands in two files must name the same network.

    Args:
        scores: a file, or such a table from elsewhere, of which every column is a score.
        space: of the codes; if None, the first that accepts the codes of the truth. If none does, networks are matched
            by the text of their codes, and their costs are unknown.
        against: files of other scores.
        loss: scores are losses, of which less is better: they are negated.
        ledger: scores of untrained networks, to stand beside; by default the one beside `scores` or `truth`, if any.

    Raises:
        InputError: a file has problems, or the files do not go together; lists all problems found.
    """
    wanted: list[_Wanted] = [(truth, (*columns.truth, *columns.prior)), (scores, columns.score)]
    wanted += [(path, columns.score[:1]) for path in against]
    tables, space, remarks = _read(wanted, columns.code, space)
    archs: dict[str, Arch] = {}
    if space:
        tables, archs = _resolve(tables, space)
    true, *scored = tables
    problems = [problem for table in scored for problem in _disagreements(table, true)]
    problems += [problem for table in tables for problem in table.contradictions()]
    if problems:
        raise InputError(problems)

    trainings = [true.column(column) for column in columns.truth]
    seeds = {code: [training.get(code, nan) for training in trainings] for code in set().union(*trainings)}
    sign = -1 if loss else 1
    (judged, score), *rivals = (
        (_title(table, column, scored[0]), {code: sign * value for code, value in table.column(column).items()})
        for table in scored
        for column in table.values
    )
    pairs = pair(
        score,
        {code: fmean(value for value in values if not isnan(value)) for code, values in seeds.items()},
        names=(judged, true.label(*columns.truth)),
        rivals=dict(rivals),
        seeds=seeds if len(trainings) > 1 else None,
    )
    priors = cost_priors(space, [archs[code] for code in pairs.networks]) if space else {}
    ledger = ledger or find_ledger(scored[0].path, truth)
    if space and ledger:
        filed, unfiled = filed_priors(ledger, space, pairs.networks)
        priors |= filed
        remarks += unfiled
    for column in columns.prior:
        priors[column] = _prior(true, column, pairs.networks)
    remarks += ["Scores are taken for losses and negated."] if loss else []
    remarks += [remark for table in tables for remark in _gaps(table)]
    return Comparison(pairs, priors, tuple(remarks))


_Wanted = tuple[Path | str | Table, tuple[str, ...]]
"""A file or table, and the columns of values to take."""


def _read(
    wanted: Sequence[_Wanted], codes: tuple[str, ...], space: SearchSpace | None
) -> tuple[list[Table], SearchSpace | None, list[str]]:
    """The wanted columns of every file; the space of the codes, if there is one; and remarks on its choice."""
    tables: list[Table] = []
    problems: list[str] = []
    for path, values in wanted:
        try:
            tables.append(path if isinstance(path, Table) else read_values(path, codes, values))
        except InputError as error:
            problems += error.problems
    remarks: list[str] = []
    if space is None and tables:
        space, remarks = _guess_space(tables[0])
    if space:
        for table in tables:
            problems += code_problems(table.path, dict(zip(table.ids, table.codes, strict=True)), space)
    if problems:
        raise InputError(problems)
    return tables, space, remarks


def _resolve(tables: Sequence[Table], space: SearchSpace) -> tuple[list[Table], dict[str, Arch]]:
    """The same tables with all codes in the space's own spelling, and what the codes mean."""
    archs: dict[str, Arch] = {}
    resolved = []
    for table in tables:
        meant = [space.parse(code) for code in table.codes]
        codes = tuple(map(space.format, meant))
        archs.update(zip(codes, meant, strict=True))
        resolved.append(replace(table, codes=codes))
    return resolved, archs


def _disagreements(scores: Table, truth: Table) -> list[str]:
    if not (scores.candidates and truth.candidates):
        return []
    networks = dict(zip(scores.ids, scores.codes, strict=True))
    return capped(
        [
            f"{scores.path}: {name(key)} is another network than in {truth.path}; take files about the same candidates"
            for key, network in zip(truth.ids, truth.codes, strict=True)
            if networks.get(key, network) != network
        ]
    )


def _gaps(table: Table) -> list[str]:
    """Remarks about cells that are empty."""
    missing = {column: int(np.count_nonzero(np.isnan(values))) for column, values in table.values.items()}
    return [f"{table.path}: {count:,} networks have no {column}." for column, count in missing.items() if count]


def _title(table: Table, column: str, judged: Table) -> str:
    """What a report calls a score."""
    return column if table is judged and not table.candidates else table.label(column)


def _prior(table: Table, column: str, networks: Sequence[str]) -> FloatArray:
    values = table.column(column)
    if missing := [network for network in networks if network not in values]:
        raise InputError(f"{table.path}: {len(missing):,} networks have no {column}; a prior needs a value for each")
    return np.array([values[network] for network in networks], dtype=np.float64)


def _guess_space(table: Table) -> tuple[SearchSpace | None, list[str]]:
    """The first space that accepts the codes of a file, if there is one, and remarks on the choice."""
    try:
        first, *others = accepting_spaces(table.path, table.codes)
    except InputError:
        return None, [
            "No search space of this toolkit accepts the codes, so MACs and parameters are unknown; if a column of the "
            "truths knows them, --prior-column puts it beside the score."
        ]
    if not others:
        return first, []
    names = " and ".join(space.name for space in others)
    return first, [f"Costs are those of {first.name}; the codes fit {names} too, and --space chooses."]
