"""A file under examination, and what counts as a result in it."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from toolkit.candidates import Candidates, Table, name
from toolkit.spaces import SearchSpace

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Subject:
    """A file under examination.

    Attributes:
        space: what its codes must be in; None if they need only equal those of `candidates`.
        candidates: what it must agree with, if known.
        results: the entries whose `acc` is not a placeholder.
    """

    table: Table
    space: SearchSpace | None
    candidates: Candidates | None
    results: Mapping[str, float]

    @property
    def path(self) -> Path:
        """The file, as messages name it."""
        return self.table.path

    @property
    def order(self) -> Iterable[str]:
        """What neighbours are: the candidates' order, or else the file's own."""
        return self.table.ids if self.candidates is None else self.candidates

    def strangers(self) -> dict[str, str]:
        """The codes that are not known to be valid because the candidates file has the same."""
        known: Mapping[str, str] = {} if self.candidates is None else self.candidates
        return {key: code for key, code in self.table.codes.items() if known.get(key) != code}


def is_template(accs: Mapping[str, float]) -> bool:
    """Whether the column is that of a candidates file: fewer than one in a hundred is not 0."""
    return bool(accs) and sum(acc != 0 for acc in accs.values()) * 100 < len(accs)


def filled(accs: Mapping[str, float], candidates: Candidates | None) -> dict[str, float]:
    """The entries that hold a result: neither 0 nor what the candidates file has there, if that is a template."""
    if candidates is None or not is_template(candidates.accs):
        return {key: acc for key, acc in accs.items() if acc != 0}
    template = candidates.accs
    return {key: acc for key, acc in accs.items() if acc != 0 and acc != template.get(key)}


def inverted(mapping: Mapping[str, V]) -> dict[V, list[str]]:
    """The ids of every value."""
    keys = defaultdict(list)
    for key, value in mapping.items():
        keys[value].append(key)
    return keys


def join_ids(keys: Sequence[str]) -> str:
    """A few ids for a message."""
    shown = " and ".join(map(name, keys[:3]))
    return shown if len(keys) <= 3 else f"{shown} and {len(keys) - 3:,} more"
