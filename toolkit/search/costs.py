"""What an architecture costs, and how a reward pays for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast

import numpy as np

from toolkit.errors import InputError
from toolkit.latencies import OperationTable, read_latencies
from toolkit.names import did_you_mean
from toolkit.spaces import Arch, SearchSpace

Kind = Literal["macs", "parameters", "latency"]
Form = Literal["linear", "hinge", "power"]
Cost = Callable[[Arch], float]


def cost_of(kind: Kind, space: SearchSpace, table: Path | None = None, column: str | None = None) -> Cost:
    """MACs or parameters of the stand-alone network, or a latency from a table that has one for every network.

    Raises:
        InputError: a latency without a table or its column; the table has gaps or is none; lists all problems.
    """
    if kind == "macs":
        return lambda arch: float(space.cost(arch).macs)
    if kind == "parameters":
        return lambda arch: float(space.cost(arch).params)
    if table is None or column is None:
        raise InputError("a latency comes from a table: name its file, and the column of the device")
    return latency_of(table, space, column)


TRIED = 200
"""Random networks whose operations must be in a table, before anything is searched."""


def latency_of(table: Path, space: SearchSpace, column: str) -> Cost:
    """Milliseconds on one device, of every network of the space: none can be made up.

    Raises:
        InputError: as `read_latencies` does; no such device; networks of the space, or operations of them, are missing.
            The returned function raises it too, for an operation that is missing all the same.
    """
    found = read_latencies(table, space)
    if column not in found:
        raise InputError(f"{table}: has no device {column}{did_you_mean(column, found)}")
    device = found[column]
    if isinstance(device, OperationTable):
        return _added(device, table, column)
    known = cast(Mapping[Arch, float], device)
    if len(known) < space.cardinality:
        raise InputError(
            f"{table}: has {len(known):,} of the {space.cardinality:,} networks of space {space.name} under "
            f"{column}; no latency can be made up for the others, so complete the table, or take macs or parameters"
        )
    return known.__getitem__


def _added(device: OperationTable, table: Path, column: str) -> Cost:
    space = device.space

    def of(arch: Arch) -> float:
        if (latency := device.get(arch)) is None:
            raise InputError(
                f"{table}: operation {device.missing(arch)[0][0]} was not measured on {column}; "
                f"`supernet latency {space.format(arch)} --space {space.name} --operations {table} --device {column}` "
                "adds it"
            )
        return latency

    rng = np.random.default_rng(0)
    for arch in (space.largest, space.smallest, *(space.sample(rng) for _ in range(TRIED))):
        of(arch)
    return of


def priced(value: float, ratio: float, form: Form, weight: float) -> float:
    """A reward less what a network costs.

    linear: value - weight * ratio; hinge: value - weight * max(0, ratio - 1); power: value * min(1, ratio^-weight), for
    values from 0 (MnasNet's and ProxylessNAS's form).

    Args:
        ratio: the cost over the cost aimed at.
    """
    match form:
        case "linear":
            return value - weight * ratio
        case "hinge":
            return value - weight * max(0.0, ratio - 1)
        case "power":
            return value * min(1.0, 1 / float(ratio**weight))
