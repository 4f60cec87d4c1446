"""How long networks take on this machine, by adding up operations; and how true that is of whole networks."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.data.base import Progress
from toolkit.files import write_text
from toolkit.latencies import Operation, OperationTable, read_operations, write_operations
from toolkit.latencies.operations import CALL, all_operations
from toolkit.predictors.agreement import Agreement, agreements
from toolkit.runs.setup import quiet
from toolkit.spaces import Arch, get_space
from toolkit.verbs.spaces import read_codes

DEVICE = "onnxruntime-cpu"
FEWEST = 3
"""Whole networks, to say how added and measured agree."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole network: milliseconds added up, and measured."""

    code: str
    added: float
    measured: Operation


@dataclass(frozen=True, slots=True)
class Latencies:
    """What came of it.

    Attributes:
        networks: milliseconds by code.
        fresh, known: how many operations were measured now, and before.
        whole: networks that were measured as a whole.
        tau: Kendall's tau of added and measured; None for fewer than three networks.
        ratio: measured over added, the median; None without whole networks.
    """

    networks: Mapping[str, float]
    fresh: int
    known: int
    whole: Sequence[Whole]
    tau: Agreement | None
    ratio: float | None


def latency(
    space: str,
    codes: Sequence[str],
    table: Path,
    *,
    device: str = DEVICE,
    threads: int = 1,
    whole: int = 0,
    progress: Progress = quiet,
) -> Latencies:
    """Latencies of `codes` on one image, from `table`; operations that are not in it are measured and added to it.

    Args:
        table: CSV of operations (`toolkit.latencies`), written after every few; what it holds of other devices stays.
        device: what the device is called there.
        threads: of onnxruntime.
        whole: so many of the networks, spread from the fastest to the slowest, are measured whole as well.

    Raises:
        InputError: codes are not of the space; the table has problems or cannot be written; onnxruntime is missing.
    """
    from converters.onnx.operations import measure_networks, measure_operations

    found = get_space(space)
    archs = dict(read_codes(found, codes))
    tables = read_operations(table, found)
    rows = dict(tables[device].rows) if device in tables else {}
    wanted = all_operations(found, archs.values())
    fresh = {key: plan for key, plan in wanted.items() if key not in rows}
    done = 0
    progress("operations", done, len(fresh))
    for measured in measure_operations(fresh, threads):
        call = rows.get((CALL, ""))
        rows |= measured if call is None else {key: row for key, row in measured.items() if key[0] != CALL}
        tables[device] = OperationTable(found, rows)
        write_operations(table, tables)
        done += len(measured) - 1
        progress("operations", done, len(fresh))
    added = {code: _added(tables[device], arch) for code, arch in archs.items()}
    chosen = spread(added, whole)
    pairs: list[Whole] = []
    timed = measure_networks(found, [found.plans(archs[code]) for code in chosen], threads)
    for code, measured_whole in zip(chosen, timed, strict=True):
        pairs.append(Whole(code, added[code], measured_whole))
        progress("whole networks", len(pairs), len(chosen))
    return Latencies(added, len(fresh), len(wanted) - len(fresh), pairs, *_agreement(pairs))


def spread(added: Mapping[str, float], count: int) -> list[str]:
    """`count` of the networks, or all, from the fastest to the slowest."""
    ranked = sorted(added, key=added.__getitem__)
    if count == 0:
        return []
    places = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
    return [ranked[place] for place in dict.fromkeys(places.tolist())]


def write_networks(path: Path, found: Latencies, device: str) -> None:
    """A table of whole networks (`toolkit.latencies.networks`): what adds up and, in a column of its own, what was
    measured whole, if anything was.

    Raises:
        InputError: the file cannot be written.
    """
    measured = {one.code: f"{one.measured.ms:.6g}" for one in found.whole}
    columns = 2 if measured else 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", *(device, f"{device} measured")[:columns]])
    for code, ms in found.networks.items():
        writer.writerow([code, *(f"{ms:.6g}", measured.get(code, ""))[:columns]])
    write_text(path, text.getvalue())


def _added(table: OperationTable, arch: Arch) -> float:
    latency = table.get(arch)
    if latency is None:
        raise ValueError(f"operations were left unmeasured: {table.missing(arch)}")
    return latency


def _agreement(pairs: Sequence[Whole]) -> tuple[Agreement | None, float | None]:
    """Kendall's tau and the median ratio of measured and added."""
    if not pairs:
        return None, None
    added, measured = np.array([(one.added, one.measured.ms) for one in pairs]).T
    tau = agreements({"": added}, measured)[""] if len(pairs) >= FEWEST else None
    return tau, float(np.median(measured / added))
