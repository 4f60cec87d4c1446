"""A policy: a probability for every architecture of a space, by logits that can be learned.

*Factorised* it is a product of one categorical distribution per decision. *Joint* it has one per layer, over all
combinations of what is decided there (FP-NAS, arXiv 2011.10949 [A]; a layer's decisions are those with the same first
block [R]). Answers to decisions that do not apply are dropped, so an architecture has the
probability of all answers that come to the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from toolkit.errors import InputError
from toolkit.spaces import Arch, SearchSpace

Floats = npt.NDArray[np.float64]

LARGEST = 2**16
"""Combinations of a layer up to which it gets a joint distribution; a larger one stays factorised."""


@dataclass(frozen=True, eq=False)
class Table:
    """Decisions that are drawn together.

    Attributes:
        places: of the decisions.
        answers: every combination of their options, shape (combinations, decisions).
    """

    places: tuple[int, ...]
    answers: npt.NDArray[np.intp]

    def agrees(self, arch: Arch) -> npt.NDArray[np.bool_]:
        """Which combinations come to the answers of `arch`: all, where its decisions do not apply."""
        wanted = np.array([arch[place] for place in self.places])
        return np.asarray(np.all((self.answers == wanted) | (wanted < 0), axis=1))


class Policy:
    """A distribution over the architectures of a space.

    Args:
        tables: which decisions are drawn together; by default each alone.
        logits: by table, shape (combinations,); by default zeros, which is the uniform law.

    Raises:
        InputError: decisions of the space constrain each other.
    """

    def __init__(
        self, space: SearchSpace, tables: Sequence[Table] | None = None, logits: Sequence[Floats] | None = None
    ) -> None:
        if space.constrained:
            raise InputError(
                f"space {space.name}: a policy answers decisions apart from each other, but here they constrain each "
                "other; choose another space or law"
            )
        self.space = space
        self.tables = tuple(tables or (_table(space, (place,)) for place in range(len(space.decisions))))
        self.logits = [np.zeros(len(table.answers)) for table in self.tables] if logits is None else [*logits]

    @property
    def probabilities(self) -> list[Floats]:
        """Of the combinations of each table."""
        return [softmax(logits) for logits in self.logits]

    def sample(self, rng: np.random.Generator, count: int) -> list[Arch]:
        """Draw architectures."""
        uniform = rng.random((count, len(self.tables)))
        drawn = np.zeros((count, len(self.space.decisions)), np.intp)
        for number, (table, p) in enumerate(zip(self.tables, self.probabilities, strict=True)):
            cells = np.searchsorted(np.cumsum(p), uniform[:, number], side="right")
            drawn[:, table.places] = table.answers[np.minimum(cells, len(p) - 1)]
        return [self.space.canonical(row) for row in drawn.tolist()]

    def argmax(self) -> Arch:
        """The most probable answers; the first of equal ones."""
        answers = np.zeros(len(self.space.decisions), np.intp)
        for table, logits in zip(self.tables, self.logits, strict=True):
            answers[[*table.places]] = table.answers[int(np.argmax(logits))]
        return self.space.canonical(answers.tolist())

    def log_probability(self, arch: Arch) -> float:
        """ln p of an architecture."""
        found = 0.0
        for table, p in zip(self.tables, self.probabilities, strict=True):
            found += float(np.log(p[table.agrees(arch)].sum()))
        return found

    def gradient(self, archs: Sequence[Arch], weights: Sequence[float]) -> list[Floats]:
        """Of sum_s weights_s ln p(arch_s) in the logits: onehot - p, where all decisions of a table apply.

        Raises:
            InputError: a weight is no finite number.
        """
        if not np.isfinite(np.asarray(weights, np.float64)).all():
            raise InputError(
                "the policy was given a reward that is no finite number (NaN or infinite): the supernet, a label or a "
                "cost is broken"
            )
        found = [np.zeros_like(logits) for logits in self.logits]
        for table, p, total in zip(self.tables, self.probabilities, found, strict=True):
            for arch, weight in zip(archs, weights, strict=True):
                given = p * table.agrees(arch)
                total += weight * (given / given.sum() - p)
        return found

    def entropy_gradient(self) -> list[Floats]:
        """Of the entropy in the logits: -p (ln p + H)."""
        return [-p * (_log(p) + _entropy(p)) for p in self.probabilities]

    @property
    def entropy(self) -> float:
        """In nats, summed over tables; of the answers drawn, before those that do not apply are dropped."""
        return sum(map(_entropy, self.probabilities))

    def marginals(self) -> list[Floats]:
        """Of each decision, in the space's order: the probability of every option, shape (options,)."""
        found = [np.zeros(len(decision.options)) for decision in self.space.decisions]
        for table, p in zip(self.tables, self.probabilities, strict=True):
            for column, place in enumerate(table.places):
                np.add.at(found[place], table.answers[:, column], p)
        return found

    def entropies(self) -> dict[str, float]:
        """By decision, in nats: 0 where it is decided, ln(options) where every option is as likely."""
        return {decision.name: _entropy(p) for decision, p in zip(self.space.decisions, self.marginals(), strict=True)}

    def joint(self) -> "Policy":
        """The same distribution with a table for each layer: no probability changes but by rounding."""
        if any(len(table.places) > 1 for table in self.tables):
            return Policy(self.space, self.tables, self.logits)
        tables: list[Table] = []
        logits: list[Floats] = []
        logs = [_log(p) for p in self.probabilities]
        for places in layers(self.space):
            table = _table(self.space, places)
            tables.append(table)
            logits.append(np.sum([logs[p][table.answers[:, i]] for i, p in enumerate(places)], axis=0))
        return Policy(self.space, tables, logits)


def layers(space: SearchSpace) -> list[tuple[int, ...]]:
    """Places of decisions by layer; those of a layer with too many combinations each by itself."""
    found: list[tuple[int, ...]] = []
    first = [decision.blocks[0] if decision.blocks else -1 for decision in space.decisions]
    order = sorted(range(len(first)), key=lambda place: first[place])
    for block, members in groupby(order, key=lambda place: first[place]):
        places = tuple(members)
        size = np.prod([len(space.decisions[place].options) for place in places], dtype=float)
        found += [places] if block >= 0 and size <= LARGEST else [(place,) for place in places]
    return found


def softmax(logits: Floats) -> Floats:
    """exp(x) over its sum."""
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum())


def _table(space: SearchSpace, places: tuple[int, ...]) -> Table:
    shape = [len(space.decisions[place].options) for place in places]
    return Table(places, np.array(list(np.ndindex(*shape)), np.intp))


def _log(p: Floats) -> Floats:
    return np.log(np.maximum(p, 1e-300))


def _entropy(p: Floats) -> float:
    return float(-np.sum(p * _log(p)))
