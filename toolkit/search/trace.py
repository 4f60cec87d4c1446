"""What a search leaves behind: everything it scored, best first, and how it went, round by round."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from toolkit.candidates import capped, write_entries
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading, write_text
from toolkit.numeric import is_number
from toolkit.spaces import Arch, SearchSpace


@dataclass(frozen=True, slots=True)
class Round:
    """After a round.

    Attributes:
        scored: networks so far; `best` and `mean` are the best score of all, and the mean of this round's.
        entropies: by decision, in nats, where a policy searches.
    """

    scored: int
    best: float
    mean: float
    entropies: dict[str, float] = field(default_factory=dict)


def rounds_file(result: Path) -> Path:
    """Where the rounds of a search stand whose result is this file."""
    return result.with_suffix(".rounds.jsonl")


def policy_file(result: Path) -> Path:
    """Where the policy of such a search stands, if there was one."""
    return result.with_suffix(".policy.json")


def write_found(path: Path, space: SearchSpace, scores: Mapping[Arch, float]) -> None:
    """Everything scored, best first, of equal ones the first found: a candidates file whose `acc` is the score."""
    order = sorted(scores, key=lambda arch: -scores[arch])
    codes = {f"arch{number}": space.format(arch) for number, arch in enumerate(order, start=1)}
    write_entries(path, codes, {key: scores[arch] for key, arch in zip(codes, order, strict=True)})


def write_rounds(path: Path, rounds: list[Round]) -> None:
    """One JSON object a line."""
    write_text(path, "".join(json.dumps(asdict(each)) + "\n" for each in rounds))


def read_rounds(path: Path) -> list[Round]:
    """What `write_rounds` wrote.

    Raises:
        InputError: it is no such file; lists all problems.
    """
    found, problems = [], []
    with reading(path, "is no record of a search"):
        lines = read_bytes(path).decode().splitlines()
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            values = (
                [row.get(name) for name in ("scored", "best", "mean", "entropies")] if isinstance(row, dict) else []
            )
            match values:
                case [int(scored), int() | float() as best, int() | float() as mean, dict(entropies)] if all(
                    map(is_number, [scored, best, mean, *entropies.values()])
                ):
                    found.append(Round(scored, best, mean, entropies))
                case _:
                    problems.append(f"{path}: line {number:,} is no round of a search")
    if problems:
        raise InputError(capped(problems))
    return found
