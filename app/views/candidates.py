"""The candidates of a run with their costs and results, as tables with one row per candidate."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.store import kept_table
from toolkit.backends import base
from toolkit.candidates import read_candidates
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Holding, Ledger, Setting
from toolkit.files import open_regular, read_bytes
from toolkit.ranking.priors import MACS
from toolkit.ranking.sizes import DEPTH, PARAMETERS, sizes
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import SearchSpace, get_space
from toolkit.spaces.base import matrix


@dataclass(frozen=True, slots=True)
class Score:
    """A way to score a candidate: its column in the table of results, and how to read it."""

    column: base.Score
    title: str
    unit: str
    higher_is_better: bool


ENDS = 2
"""Blocks that are always there, stem and head."""

KEPT_FROM = 2_000
"""Codes: what fewer mean is found out as fast as it is looked up."""

SCORES = {
    "Top-1": Score("top1", "Top-1 accuracy", "%", True),
    "Top-5": Score("top5", "Top-5 accuracy", "%", True),
    "Loss": Score("loss", "Mean cross-entropy", "nats", False),
}


@dataclass(frozen=True, slots=True)
class Architectures:
    """What follows from the codes alone.

    Attributes:
        table: one row per candidate in file order: `id`, `code`, `macs`, `params`, `depth` (blocks that are present,
            without stem and head).
        answers: int16, shape (candidates, decisions): the option chosen, or ABSENT.
    """

    space: SearchSpace
    table: pd.DataFrame
    answers: npt.NDArray[np.int16]


def space_of(run: RunFolder) -> SearchSpace:
    """The run's space, for the images that its newest readable checkpoint was built for; costs depend on them.

    Raises:
        InputError: the recipe cannot be read.
    """
    space = get_space(read_recipe(run.recipe).space)
    for path in reversed(run.checkpoints().values()):
        with suppress(InputError):
            facts = load_checkpoint(path).facts
            return space.for_images(facts.channels, facts.size, facts.classes)
    return space


def architectures(run: RunFolder) -> Architectures:
    """The candidates evaluated last.

    Raises:
        InputError: there are none yet, or the file has problems.
    """
    space = space_of(run)
    if not run.candidates.is_file():
        raise InputError(f"{run.candidates}: there are no candidates yet; `supernet evaluate` puts them there")
    content = read_bytes(run.candidates)
    kept = kept_table("architectures", [content, repr(space).encode()], lambda: _tabulated(run, space))
    columns = ["id", "code", "macs", "params", "depth"]
    answers = kept.drop(columns=columns).to_numpy(np.int16)
    return Architectures(space, kept[columns], answers)


def _tabulated(run: RunFolder, space: SearchSpace) -> pd.DataFrame:
    """What follows from the codes: the columns of `Architectures.table`, then one per decision."""
    candidates = read_candidates(run.candidates, space)
    archs = [space.parse(code) for code in candidates.values()]
    large = sizes(space, archs)
    table = pd.DataFrame(
        {
            "id": list(candidates),
            "code": list(candidates.values()),
            "macs": large[MACS].astype(np.int64),
            "params": large[PARAMETERS].astype(np.int64),
            "depth": large[DEPTH].astype(np.int64) - ENDS,
        }
    )
    answers = pd.DataFrame(matrix(archs), columns=[f"answer {i}" for i in range(len(space.decisions))])
    return pd.concat([table, answers], axis="columns")


def answers(space: SearchSpace, codes: Sequence[str]) -> npt.NDArray[np.int16]:
    """What codes mean, shape (codes, decisions): the option chosen, or ABSENT; kept (`app.store`) if they are many.

    Raises:
        InputError: a code is not in the space.
    """

    def parsed() -> pd.DataFrame:
        return pd.DataFrame(matrix([space.parse(code) for code in codes]), columns=list(map(str, places)))

    places = range(len(space.decisions))
    if len(codes) < KEPT_FROM:
        return parsed().to_numpy(np.int16)
    return kept_table("answers", [repr(space).encode(), "\n".join(codes).encode()], parsed).to_numpy(np.int16)


def settings(run: RunFolder) -> list[Holding]:
    """What the ledger holds, latest first; nothing if there is no ledger yet."""
    if not run.ledger.is_file():
        return []
    with Ledger.read(run.ledger) as ledger:
        return ledger.settings()


def ledger_files(run: RunFolder) -> list[Path]:
    """The ledger, and the log beside it that holds the newest results."""
    return [run.ledger, run.ledger.with_name(f"{run.ledger.name}-wal")]


def results(run: RunFolder, setting: Setting) -> pd.DataFrame:
    """Every result of a setting by `code`: `top1`, `top5` (percent), `loss` (mean), `images`; kept (`app.store`)."""
    content = [file_digest(path) for path in ledger_files(run)]
    kept = kept_table("results", [*content, repr(setting).encode()], lambda: _results(run, setting).reset_index())
    return kept.set_index("code")


def _results(run: RunFolder, setting: Setting) -> pd.DataFrame:
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(setting)
    frame = pd.DataFrame(
        [(c.top1, c.top5, c.loss, c.total) for c in counts.values()],
        index=pd.Index(counts, name="code", dtype=object),
        columns=["top1", "top5", "loss", "images"],
        dtype=float,
    )
    total = frame["images"]
    return frame.assign(top1=100 * frame["top1"] / total, top5=100 * frame["top5"] / total, loss=frame["loss"] / total)


def joined(known: Architectures, found: pd.DataFrame) -> pd.DataFrame:
    """The candidates that have a result: the columns of both tables. The index is the row in `known`."""
    return known.table.join(found, on="code", how="inner")


def ranked(frame: pd.DataFrame, score: Score) -> pd.DataFrame:
    """Best first, with the `rank` in front: equal scores share the best of their ranks."""
    column = frame[score.column]
    ranks = column.rank(method="min", ascending=not score.higher_is_better)
    order = column.sort_values(ascending=not score.higher_is_better, kind="stable", na_position="last").index
    ordered = frame.loc[order]
    ordered.insert(0, "rank", ranks.loc[order].astype("Int64"))
    return ordered


def frontier(frame: pd.DataFrame, cost: str, score: Score) -> pd.DataFrame:
    """The candidates that no cheaper one beats, cheapest first."""
    signed = frame[score.column] * (1 if score.higher_is_better else -1)
    ordered = (
        frame.assign(_signed=signed).dropna(subset="_signed").sort_values([cost, "_signed"], ascending=[True, False])
    )
    best_before = ordered["_signed"].cummax().shift(fill_value=-np.inf)
    return ordered[ordered["_signed"] > best_before].drop(columns="_signed")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of `ranked`; the rank is None where there is no score."""

    rank: int | None
    id: str
    code: str
    macs: int
    params: int
    depth: int
    top1: float
    top5: float
    loss: float
    images: int


def candidate(table: pd.DataFrame, index: int) -> Candidate:
    """The candidate in this row of `ranked`."""
    row: dict[str, Any] = {field.name: table[field.name].loc[index] for field in fields(Candidate)}
    whole = {name: int(row[name]) for name in ("macs", "params", "depth", "images")}
    rank = None if pd.isna(row["rank"]) else int(row["rank"])
    return Candidate(**(row | whole | {"rank": rank}))


def find(frame: pd.DataFrame, text: str) -> int | None:
    """The row of the candidate with this id or code."""
    hits = frame.index[(frame["id"] == text) | (frame["code"] == text)]
    return int(hits[0]) if len(hits) else None


@dataclass(frozen=True, slots=True)
class Noise:
    """How much of a ranking's head may be chance.

    Attributes:
        alike: how many candidates cannot be told from the best with 95 % confidence, itself among them; None where the
            score's error is not known. As if their errors were independent; on the same images they are less than that,
            so it is an upper bound.
        distinct: how many different scores there are.
        total: candidates with a score.
    """

    alike: int | None
    distinct: int
    total: int


def noise(frame: pd.DataFrame, score: Score) -> Noise:
    """How far the scores of `joined` tell candidates apart."""
    known = frame.dropna(subset=score.column)
    values = known[score.column].to_numpy(float)
    alike = None
    if score.unit == "%" and len(values):
        error = margins(known, score)
        best = int(np.argmax(values))
        alike = int(np.count_nonzero(values[best] - values <= np.hypot(error, error[best])))
    return Noise(alike, len(np.unique(values)), len(values))


def margins(frame: pd.DataFrame, score: Score) -> npt.NDArray[np.float64]:
    """Half the 95 % interval of each accuracy; NaN where the score is none.

    Agresti and Coull (1998): two successes and failures more, so that 0 % and 100 % have an error too.
    """
    if score.unit != "%":
        return np.full(len(frame), np.nan)
    images = frame["images"].to_numpy(float) + 4
    share = (frame[score.column].to_numpy(float) / 100 * (images - 4) + 2) / images
    return np.asarray(1.96 * 100 * np.sqrt(share * (1 - share) / images))


def branches(known: Architectures) -> dict[str, tuple[int, int]]:
    """What filters can ask for, as `decision = option`: the numbers of decision and option."""
    return {
        f"{decision.name} = {option}": (number, place)
        for number, decision in enumerate(known.space.decisions)
        for place, option in enumerate(decision.options)
    }


def having(known: Architectures, wanted: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Which candidates have the wanted branches: one of those of each decision that is named."""
    mask = np.ones(len(known.answers), bool)
    for decision in {decision for decision, _ in wanted}:
        options = [option for each, option in wanted if each == decision]
        mask &= np.isin(known.answers[:, decision], options)
    return mask


def sampling_error(accuracy: float, images: float) -> float:
    """The standard error of an accuracy in percent that was measured on so many images: sqrt(p (1 - p) / n)."""
    share = accuracy / 100
    return 100 * float(np.sqrt(share * (1 - share) / images))


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file; nothing if it is not there."""
    if not path.is_file():
        return b""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def checkpoint_steps(run: RunFolder) -> dict[str, int]:
    """The step of every checkpoint that is still there, by the digest under which the ledger files its results."""
    steps = {}
    for step, path in run.checkpoints().items():
        steps[file_digest(path).hex()] = step
    return steps


def labels(holdings: list[Holding], steps: dict[str, int]) -> dict[str, Holding]:
    """What a reader calls each setting: checkpoint, batch-norm policy, images; the data too where that is ambiguous."""
    labelled: dict[str, Holding] = {}
    for holding in holdings:
        label = _label(holding.setting, steps)
        labelled[f"{label} · data {holding.setting.data[:8]}" if label in labelled else label] = holding
    return labelled


def _label(setting: Setting, steps: dict[str, int]) -> str:
    digest, _, average = setting.checkpoint.partition("+")
    weights = f"step {steps[digest]:,}" if digest in steps else f"checkpoint {digest[:8]}"
    parts = [weights, average, f"norm {setting.norm}", f"{setting.images:,} images"]
    return " · ".join(part for part in parts if part)
