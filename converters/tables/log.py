"""The log of the winner of 2021 (challenge-2021.md 3.2); it is only read.

2021-05-18 00:37:35,800 - INFO - arch name: arch4501, code: 16-12-...
2021-05-18 00:37:39,853 - INFO - Update BN is done
2021-05-18 00:37:42,876 - INFO - *All Valid 078   Loss 0.0000   Top@1 55.3100   Top@5 83.9300
"""

import re
from collections.abc import Sequence
from pathlib import Path

from converters.tables.lines import NUMBER, to_number
from converters.tables.results import Row
from converters.tables.shape import Found, Shape
from toolkit.candidates import capped, name
from toolkit.numeric import is_number

NETWORK = re.compile(r"arch name: (\S{1,100}), code: (\S{1,1000})\s*$", re.ASCII)
_RESULT = re.compile(rf"Top@1\s+({NUMBER})\s+Top@5\s+({NUMBER})\s*$", re.ASCII)


def _read(path: Path, lines: Sequence[str]) -> Found:
    rows: list[Row] = []
    problems = []
    network: tuple[str, str] | None = None
    for number, line in enumerate(lines, start=1):
        if found := NETWORK.search(line):
            if network:
                problems.append(f"{path}: {name(network[0])} has no result before line {number:,}; evaluate it")
            network = found[1], found[2]
        elif found := _RESULT.search(line):
            top1, top5 = map(to_number, found.groups())
            if not network:
                problems.append(f"{path}: line {number:,} has a result, but of no network; remove it")
            elif is_number(top1) and is_number(top5):
                rows.append(Row(*network, top1, top5))
            else:
                problems.append(f"{path}: line {number:,} has an accuracy that is no finite number; evaluate it anew")
            network = None
    if network:
        problems.append(f"{path}: {name(network[0])}, the last network, has no result; evaluate it")
    return Found(rows, list(dict.fromkeys(row.id for row in rows)), capped(problems))


LOG = Shape("log", "arch name: ID, code: CODE ... Top@1 TOP1 Top@5 TOP5", ids=True, top5=True, read=_read)
