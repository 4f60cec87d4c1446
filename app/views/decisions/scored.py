"""Networks of one space with the answers that they give to its decisions, and numbers that are known of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.views.candidates import answers, space_of
from app.views.ranking.sources import Source, read_values
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Networks with a score; larger is better.

    Attributes:
        codes, ids: of every network, and what its file calls it.
        answers: int16, shape (networks, decisions): the option chosen, or ABSENT.
        score: float64, shape (networks,).
        truth: likewise, NaN where there is none.
    """

    space: SearchSpace
    codes: tuple[str, ...]
    ids: tuple[str, ...]
    answers: npt.NDArray[np.int16]
    score: FloatArray
    truth: FloatArray

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        content = hashlib.sha256(repr(self.space).encode())
        for part in (self.answers, self.score, self.truth, "\n".join(self.ids).encode()):
            content.update(part if isinstance(part, bytes) else part.tobytes())
        return content.hexdigest()


def against(own: Scored, other: Scored) -> Scored:
    """`own` with another run's scores in the place of the truth."""
    theirs = dict(zip(other.codes, other.score.tolist(), strict=True))
    return replace(own, truth=np.array([theirs.get(code, np.nan) for code in own.codes], np.float64))


def read_scored(run: RunFolder, *, score: Source, truth: Source | None) -> Scored:
    """Every network that has a score, with its truth where there is one.

    Raises:
        InputError: a file cannot be read or has problems, or there is nothing in it.
    """
    space = space_of(run)
    judged = read_values(run, score)
    if not judged.by_code:
        raise InputError(f"{score.path}: scores no network; evaluate some: supernet evaluate {run.path}")
    true: Mapping[str, float] = read_values(run, truth).by_code if truth else {}
    codes = tuple(judged.by_code)
    return Scored(
        space,
        codes,
        tuple(judged.ids.get(code, code) for code in codes),
        answers(space, codes),
        np.fromiter(judged.by_code.values(), np.float64, len(codes)),
        np.array([true.get(code, np.nan) for code in codes], np.float64),
    )
