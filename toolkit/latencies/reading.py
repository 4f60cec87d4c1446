"""Either kind of table from a file: its header tells which."""

from collections.abc import Mapping
from pathlib import Path

from toolkit.latencies.base import Latency, read_rows
from toolkit.latencies.networks import network_latencies
from toolkit.latencies.operations import COLUMNS, operation_latencies
from toolkit.spaces import SearchSpace


def read_latencies(path: Path | str, space: SearchSpace) -> Mapping[str, Latency]:
    """Milliseconds of networks of `space`, by device.

    Raises:
        InputError: no such table, or it has problems; lists all.
    """
    path = Path(path)
    header, rows = read_rows(path)
    if header[:1] == [COLUMNS[0]]:
        return operation_latencies(path, space, header, rows)
    return network_latencies(path, space, header, rows)
