"""The one JSON shape of candidates files, submissions and files of true accuracies.

    {"arch1": {"acc": 0.0, "arch": "1252..."}, "arch2": {"acc": 0.0, "arch": "1447..."}, ...}

Files are written exactly as `json.dumps` does by default: one line, ASCII, no newline at the end, `acc` before `arch`.
So an official file that is read and written back is the same byte for byte; `acc` keeps its type (the 2021 template has
the integer 0, that of 2022 the float 0.0). Sources: the files of both challenges.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.collector import no_collector
from toolkit.errors import InputError
from toolkit.files import atomic_write, read_bytes, reading
from toolkit.numeric import is_number
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace
from toolkit.spaces.base import shorten

SHOWN = 5
"""How many problems of one kind are spelled out; the others are counted."""

_SOME = 100
"""Codes by which spaces are tried first."""

_KEYS = frozenset({"acc", "arch"})
_STREAM = 0x63616E64  # sets the draw of candidates apart from all others made with the same seed


@dataclass(frozen=True)
class Table:
    """What could be read of a file in the shape above, and everything that is wrong with its shape.

    Attributes:
        ids: every id, in file order.
        codes: id to code, where that is a string.
        accs: id to number, where that is a finite number (`bool` is none).
        problems: one sentence per problem; empty if all entries stand in `codes` and `accs`.
    """

    path: Path
    ids: tuple[str, ...]
    codes: dict[str, str]
    accs: dict[str, float]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Candidates(Mapping[str, str]):
    """Codes by id, in file order; `accs` are the numbers that stood beside them, normally the placeholder 0."""

    codes: Mapping[str, str]
    accs: Mapping[str, float] = field(repr=False)

    def __getitem__(self, candidate: str) -> str:
        return self.codes[candidate]

    def __iter__(self) -> Iterator[str]:
        return iter(self.codes)

    def __len__(self) -> int:
        return len(self.codes)


def read_candidates(path: Path | str, space: SearchSpace) -> Candidates:
    """The candidates in a file; a submission or a file of true accuracies will do as well.

    Raises:
        InputError: the file is not of this shape, or holds codes that are not in `space`; lists all problems.
    """
    table = read_table(path)
    problems = [*table.problems, *code_problems(table.path, table.codes, space)]
    if problems:
        raise InputError(problems)
    return Candidates(table.codes, table.accs)


def write_candidates(path: Path | str, candidates: Candidates) -> None:
    """Write a candidates file, atomically."""
    write_entries(path, candidates, candidates.accs)


def draw_candidates(space: SearchSpace, count: int, seed: int) -> Candidates:
    """`count` candidates arch1, arch2, ... with the official distribution (`space.sample`), no network twice.

    Raises:
        InputError: the space seems not to hold that many distinct networks, or a number is out of range.
    """
    if count < 1 or seed < 0:
        raise InputError(f"cannot draw {count} candidates with seed {seed}; ask for at least 1, with a seed from 0")
    rng = np.random.default_rng((seed, _STREAM))
    drawn: dict[Plans, Arch] = {}
    misses = 0
    while len(drawn) < count:
        arch, before = space.sample(rng), len(drawn)
        # Two codes may name one network, never the other way round: so distinct plans are distinct codes.
        drawn.setdefault(space.plans(arch), arch)
        misses = misses + 1 if len(drawn) == before else 0
        if misses > 1000:
            raise InputError(
                f"space {space.name} gave no new network in 1,000 draws after {len(drawn):,} distinct ones; "
                f"ask for fewer than {count:,}"
            )
    codes = {f"arch{i}": space.format(arch) for i, arch in enumerate(drawn.values(), start=1)}
    return Candidates(codes, dict.fromkeys(codes, 0.0))


def scores(path: Path | str) -> dict[str, float]:
    """The `acc` of every entry of any file of this shape, by id, in file order.

    Raises:
        InputError: the file is not of this shape; lists all problems.
    """
    table = read_table(path)
    if table.problems:
        raise InputError(table.problems)
    return table.accs


def accepting_spaces(path: Path | str, codes: Collection[str]) -> list[SearchSpace]:
    """The spaces that accept the most of `codes`, in the order of `SPACES`.

    Raises:
        InputError: no space accepts any; `path` is where they stand.
    """
    some = list(islice(codes, _SOME))
    promising = sorted(SPACES.values(), key=lambda space: sum(bool(space.problems(code)) for code in some))
    fewest, refused = len(codes) - 1, {}
    for space in promising:
        refusals = (1 for code in codes if space.problems(code))
        refused[space.name] = sum(islice(refusals, fewest + 1))  # more than the best refuses is too many
        fewest = min(fewest, refused[space.name])
    found = [space for name, space in SPACES.items() if refused[name] == fewest]
    if not found:
        raise InputError(f"{path}: no search space accepts any of its codes; `supernet spaces` lists the spaces")
    return found


def dump_entries(codes: Mapping[str, str], accs: Mapping[str, float]) -> bytes:
    """The file's content: one entry per code, in its order."""
    return json.dumps({key: {"acc": accs[key], "arch": code} for key, code in codes.items()}, allow_nan=False).encode()


def write_entries(path: Path | str, codes: Mapping[str, str], accs: Mapping[str, float]) -> None:
    """Write a file of this shape, atomically, one entry per code."""
    content = dump_entries(codes, accs)
    with atomic_write(path) as file:
        file.write(content)


def read_table(path: Path | str) -> Table:
    """Read as much of a file as can be read.

    Raises:
        InputError: the file cannot be read, or is not one JSON object with entries.
    """
    return parse_table(path, read_bytes(path))


def parse_table(path: Path | str, content: bytes) -> Table:
    """`read_table` for content at hand; `path` is what messages call it."""
    with no_collector():
        return to_table(path, load_object(path, content))


def to_table(path: Path | str, entries: Mapping[str, Any]) -> Table:
    """The entries of a JSON object, as `load_object` gives it."""
    path = Path(path)
    codes: dict[str, str] = {}
    accs: dict[str, float] = {}
    twice = [f"{path}: {name(key)} stands there more than once; keep one of them" for key in repeated(entries)]
    shapes: list[str] = []
    values: list[str] = []
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            shapes.append(f'{path}: {name(key)} is {show(entry)}; an entry is {{"acc": number, "arch": code}}')
            continue
        twice += [f"{path}: {name(key)} has {name(inner)} more than once; keep one" for inner in repeated(entry)]
        if entry.keys() != _KEYS:
            found = ", ".join(map(name, islice(entry, SHOWN))) or "none"
            shapes.append(f"{path}: {name(key)} has the keys {found}; an entry has exactly 'acc' and 'arch'")
        code, acc = entry.get("arch", ""), entry.get("acc", 0)
        if not isinstance(code, str):
            values.append(f"{path}: {name(key)} has {show(code)} as arch; a code is a string")
        elif "arch" in entry:
            codes[key] = code
        if not is_number(acc):
            values.append(f"{path}: {name(key)} has {show(acc)} as acc; it is a finite number")
        elif "acc" in entry:
            accs[key] = acc
    problems = (*capped(twice), *capped(shapes), *capped(values))
    return Table(path, tuple(entries), codes, accs, problems)


def code_problems(path: Path, codes: Mapping[str, str], space: SearchSpace) -> list[str]:
    """What is wrong with the codes, as far as `space` is concerned."""
    found = []
    for key, code in codes.items():
        if problems := [mangled(code)] if mangled(code) else space.problems(code):
            found.append(f"{path}: {name(key)}: code {show(code)} is not in space {space.name}: {'; '.join(problems)}")
    return capped(found)


_MANGLED = re.compile(r"\d(?:[.,]\d{1,20})?[eE]\+?\d{1,3}|\d{1,300}[.,]0", re.ASCII)
"""A long code that a program took for a number: its digits are gone."""


def mangled(code: str) -> str:
    """What happened to a code that a spreadsheet turned into a number, and what to do; empty if it did not."""
    if "." not in code and "," not in code and "e" not in code.lower():
        return ""  # plain digits are the space's own business
    if not _MANGLED.fullmatch(code.strip()):
        return ""
    return "a spreadsheet took the code for a number, and its digits are lost; import that column as text"


def capped(problems: Sequence[str]) -> list[str]:
    """Problems of one kind: the first few, and how many more there are."""
    shown = list(problems[:SHOWN])
    if len(problems) > SHOWN:
        shown.append(f"... and {len(problems) - SHOWN:,} more like the last")
    return shown


def name(key: str) -> str:
    """A key for a message: as it is if it is harmless, else quoted, escaped and cut."""
    return key if re.fullmatch(r"[\w.-]{1,40}", key, re.ASCII) else show(key)


def show(value: object) -> str:
    """A JSON value for a message, in one short line of ASCII."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return shorten(json.dumps(value))


@dataclass(frozen=True, slots=True)
class Window:
    """A run of consecutive candidates, by the ids of its first and last."""

    first: str
    last: str
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return name(self.first)
        return f"{name(self.first)}..{name(self.last)} ({self.count:,} entries)"


def windows(ids: Collection[str], order: Iterable[str]) -> tuple[Window, ...]:
    """`ids` as the longest possible runs of neighbours in `order`; ids that are not in `order` are left out."""
    members = frozenset(ids)
    runs = (list(run) for inside, run in groupby(order, members.__contains__) if inside)
    return tuple(Window(run[0], run[-1], len(run)) for run in runs)


def list_windows(found: Sequence[Window]) -> str:
    """Windows for a message; many are cut short and counted."""
    text = ", ".join(map(str, found[:SHOWN]))
    if len(found) > SHOWN:
        text += f" and {sum(window.count for window in found[SHOWN:]):,} more in {len(found) - SHOWN:,} places"
    return text


class _Repeated(dict[str, Any]):
    """A JSON object in which a key stood more than once; the last one counts, as everywhere."""

    repeated: tuple[str, ...] = ()


def repeated(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that stood more than once in an object from `load_object`."""
    return value.repeated if isinstance(value, _Repeated) else ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value = _Repeated(value)
        value.repeated = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return value


def load_object(path: Path | str, content: bytes) -> dict[str, Any]:
    """The outermost JSON object.

    Raises:
        InputError: `content`, which messages call `path`, is no JSON object with entries.
    """
    if content.startswith(codecs.BOM_UTF8):
        raise InputError(f"{path}: starts with a byte order mark, which is no JSON; save it as UTF-8 without one")
    with reading(path, "is no file of candidates"):
        try:
            text = content.decode().rstrip()
            value = json.loads(text, object_pairs_hook=_object)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not a text file in UTF-8 (byte {error.start:,}); take the original") from None
        except json.JSONDecodeError as error:
            end = "" if text.endswith("}") and error.pos < len(text) else "; it ends in the middle, as if cut off"
            raise InputError(
                f"{path}: is not JSON ({error.msg}, at line {error.lineno:,}, column {error.colno:,}{end}); "
                "take the original or write it anew"
            ) from None
        except (RecursionError, ValueError) as error:
            what = "a number with thousands of digits" if isinstance(error, ValueError) else "far too many brackets"
            raise InputError(f"{path}: is JSON with {what}; that is no file of candidates") from None
    if not isinstance(value, dict):
        raise InputError(f'{path}: is {show(value)}, not {{"arch1": {{"acc": number, "arch": code}}, ...}}')
    if not value:
        raise InputError(f"{path}: has no entries")
    return value
