"""What an audit found: per tensor and step; what is as declared; and every violation with its remedy."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from toolkit.audit.moves import Cause, Move, Notes, Pass
from toolkit.backends.shapes import is_slope, is_statistic
from toolkit.runs.recipe import Recipe
from toolkit.spaces import SearchSpace

KINDS: tuple[Cause, ...] = ("unknown", "gradient", "momentum", "decay", "forward")
"""Causes, the strongest first: a tensor's kind is that of its strongest."""

_NAMED = 3
"""Tensors that a sentence names."""

_Tensors = Literal["PReLU slope", "running statistic", "weight"]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a frozen teacher's logits are from those before the first step, relative to their length."""

    by_batch: float
    stored: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happened; for each of its updates, the parameters that no pass learning for it has read."""

    step: int
    notes: Notes
    unused: tuple[frozenset[str], ...]
    drift: Drift | None

    def is_idle(self, move: Move) -> bool:
        """Whether an update moved a tensor as a whole that none of its passes used."""
        return move.cause in ("momentum", "decay") and move.tensor in self.unused[move.update]


@dataclass(frozen=True, slots=True)
class Violation:
    """What should not have changed, and did.

    Attributes:
        kind: `frozen`: declared so by the method; `idle`: no path used it; `unknown`: by no known cause.
        tensors: all of them; `change`: the largest, relative to the tensor before (None: it was 0).
        words: a sentence; `remedy`: another.
    """

    kind: Literal["frozen", "idle", "unknown"]
    tensors: tuple[str, ...]
    change: float | None
    words: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """Steps, and what follows from them.

    Attributes:
        sizes, norms: of all tensors before the first step, parameters and running statistics.
        frozen: the tensors that the method declares frozen.
        owned: by name of what the method owns besides the supernet (networks, heads, optimisers), how far it moved over
            all steps, relative to its length before.
    """

    space: SearchSpace
    recipe: Recipe
    steps: tuple[Step, ...]
    sizes: dict[str, int]
    norms: dict[str, float]
    frozen: frozenset[str]
    owned: dict[str, float] = field(default_factory=dict)

    @cached_property
    def moves(self) -> tuple[tuple[Step, Move], ...]:
        """All of them."""
        return tuple((step, move) for step in self.steps for move in step.notes.moves)

    @cached_property
    def kinds(self) -> dict[str, Cause | None]:
        """By tensor, the strongest cause that moved it in any step; None: it never moved."""
        causes: dict[str, set[Cause]] = {name: set() for name in self.sizes}
        for _, move in self.moves:
            causes[move.tensor].add(move.cause)
        return {name: next((kind for kind in KINDS if kind in found), None) for name, found in causes.items()}

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """What should not have changed."""
        return (*self._frozen(), *self._idle(), *self._unknown())

    def facts(self) -> Iterator[str]:
        """Sentences about what is as declared, and what is worth knowing."""
        if self.frozen and not any(each.kind == "frozen" for each in self.violations):
            whose = "What the method freezes" if self.steps[-1].drift is None else "The frozen teacher"
            yield f"{whose} is frozen: none of its {_count(len(self.frozen), 'tensor')} changed."
        if (drift := self.steps[-1].drift) is not None:
            yield (
                f"The frozen teacher's logits moved by {_share(drift.by_batch)} with batch statistics and by "
                f"{_share(drift.stored)} with running ones."
            )
        for name, moved in self.owned.items():
            yield f"The method's own {name} moved by {_share(moved)}." if moved else f"The method's own {name} rested."
        updates = [unused for step in self.steps for unused in step.unused]
        partial = [unused for unused in updates if unused - self.frozen]
        if partial:
            moved = any(each.kind == "idle" for each in self.violations)
            yield (
                f"In {len(partial)} of {_count(len(updates), 'update')} some weights were used by no path (up to "
                f"{_count(max(len(unused - self.frozen) for unused in partial), 'tensor')})"
                + ("." if moved else "; none of them moved.")
            )
        yield from self._beyond()
        yield from self._statistics()

    def _beyond(self) -> Iterator[str]:
        taught = sum(move.elements for _, move in self.moves if move.cause == "gradient")
        carried = [move for step, move in self.moves if move.cause in ("momentum", "decay") and not step.is_idle(move)]
        if count := sum(move.elements for move in carried):
            yield (
                f"{_share(count / (count + taught))} of the moves of single numbers came without a gradient, by "
                "momentum or decay, in tensors that the paths did use: channels beyond the widest path of the update, "
                "places of a kernel that only see padding, or weights that have no effect yet. That is part of every "
                "shared supernet."
            )

    def _statistics(self) -> Iterator[str]:
        movers = [
            by for step in self.steps for by in dict.fromkeys(move.by for move in step.notes.moves) if by is not None
        ]
        if movers:
            constant = sum(by.constant for by in movers)
            names = Counter(self._name(by) for by in movers)
            yield (
                f"Running statistics were moved by {_count(len(movers), 'forward pass', 'es')}: "
                f"{', '.join(f'{name} ({count})' for name, count in names.items())}"
                + (f"; {constant} of them without gradients." if constant else ".")
            )

    def _name(self, by: Pass) -> str:
        extremes = {self.space.largest: "the largest path", self.space.smallest: "the smallest path"}
        name = "other paths" if by.path is None else extremes.get(by.path, "other paths")
        return name + (" through the trunk" if by.trunk else "")

    def _frozen(self) -> Iterator[Violation]:
        grouped: dict[tuple[_Tensors, str, str], list[Move]] = {}
        for _, move in self.moves:
            if move.tensor in self.frozen:
                grouped.setdefault((_kind(move.tensor), *self._because(move)), []).append(move)
        for (tensors, why, remedy), moves in grouped.items():
            names, change = self._changed(moves)
            words = (
                f"{_count(len(names), tensors)} of the frozen teacher changed, {_by(moves)}: {_list(names)}, by "
                f"{_most(change)}. {why}"
            )
            yield Violation("frozen", names, change, words, remedy)

    def _because(self, move: Move) -> tuple[str, str]:
        """Why a frozen tensor moved, and what to do about it."""
        supernet = self.recipe.supernet
        groups = "supernet.groups, so that every width has weights beside the teacher's; or method.teacher = trained"
        if move.cause == "unknown":
            return "Something other than passes and updates wrote to them.", self._look
        if move.by is not None and move.by.trunk:
            return (
                "The teacher's own forward pass moves its running statistics.",
                "in the method, give that pass norm=net.batch_norm()",
            )
        if is_slope(move.tensor) and supernet is not None and supernet.group_slopes is False:
            return "The groups of widths train the same slopes.", "supernet.group_slopes = true"
        return "Students' paths use the same weights.", groups

    @property
    def _look(self) -> str:
        name = self.recipe.method.name
        return f"look into method {name} for what writes to them; step and after may only accumulate gradients"

    def _idle(self) -> Iterator[Violation]:
        found = [(step, move) for step, move in self.moves if step.is_idle(move) and move.tensor not in self.frozen]
        if not found:
            return
        names, change = self._changed(move for _, move in found)
        why = "Zeros were left in place of gradients, and on them momentum and decay go on."
        remedy = "clear gradients to none after each update, not to zeros"
        if self.recipe.training.move_idle:
            why = "The recipe lets momentum and decay move what no path used."
            remedy = "training.move_idle = false"
        words = (
            f"{_count(len(names), 'tensor')} changed in updates whose paths did not use them, "
            f"{_by(move for _, move in found)}, in {len({step.step for step, _ in found})} of "
            f"{_count(len(self.steps), 'step')}: {_list(names)}, by {_most(change)}. {why}"
        )
        yield Violation("idle", names, change, words, remedy)

    def _unknown(self) -> Iterator[Violation]:
        moves = [move for _, move in self.moves if move.cause == "unknown" and move.tensor not in self.frozen]
        if moves:
            names, change = self._changed(moves)
            words = (
                f"{_count(len(names), 'tensor')} changed without any known cause: {_list(names)}, by {_most(change)}. "
                "They had no gradient, momentum or decay to follow, or changed outside of updates."
            )
            yield Violation("unknown", names, change, words, self._look)

    def _changed(self, moves: Iterable[Move]) -> tuple[tuple[str, ...], float | None]:
        """The tensors that moves are about, in order, and the largest change: all distances of a tensor, relative."""
        distances: dict[str, float] = {}
        for move in moves:
            distances[move.tensor] = distances.get(move.tensor, 0.0) + move.distance
        names = tuple(name for name in self.sizes if name in distances)
        if not all(self.norms[name] for name in names):
            return names, None
        return names, max(distances[name] / self.norms[name] for name in names)

    def plain(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "steps": [self._plain_step(step) for step in self.steps],
            "tensors": {name: {"cause": kind, "frozen": name in self.frozen} for name, kind in self.kinds.items()},
            "facts": list(self.facts()),
            "violations": [
                {
                    "kind": each.kind,
                    "tensors": list(each.tensors),
                    "change": each.change,
                    "words": each.words,
                    "remedy": each.remedy,
                }
                for each in self.violations
            ],
        }

    def _plain_step(self, step: Step) -> dict[str, Any]:
        return {
            "step": step.step,
            "updates": step.notes.updates,
            "passes": [
                {
                    "code": None if p.path is None else self.space.format(p.path),
                    "trunk": p.trunk,
                    "constant": p.constant,
                    "update": p.update,
                }
                for p in step.notes.passes
            ],
            "moves": [
                {
                    "tensor": move.tensor,
                    "cause": move.cause,
                    "elements": move.elements,
                    "distance": move.distance,
                    "update": move.update,
                    "pass": None if move.by is None else move.by.number,
                    "idle": step.is_idle(move),
                }
                for move in step.notes.moves
            ],
            "drift": None if step.drift is None else {"by_batch": step.drift.by_batch, "stored": step.drift.stored},
        }


def _kind(name: str) -> _Tensors:
    if is_statistic(name):
        return "running statistic"
    return "PReLU slope" if is_slope(name) else "weight"


def _by(moves: Iterable[Move]) -> str:
    words: dict[Cause, str] = {
        "unknown": "without a known cause",
        "gradient": "by gradients",
        "momentum": "by momentum",
        "decay": "by weight decay",
        "forward": "in forward passes",
    }
    causes = {move.cause for move in moves}
    return " and ".join(phrase for cause, phrase in words.items() if cause in causes)


def _count(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _share(value: float) -> str:
    return f"{100 * value:.2g} %"


def _most(change: float | None) -> str:
    return "a first move away from 0" if change is None else f"up to {_share(change)}"


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
