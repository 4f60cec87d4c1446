"""How long networks take on devices, in milliseconds: tables of whole networks, and tables of operations to add up."""

from toolkit.latencies.base import Latency
from toolkit.latencies.operations import Operation, OperationTable, operations, read_operations, write_operations
from toolkit.latencies.reading import read_latencies

__all__ = [
    "Latency",
    "Operation",
    "OperationTable",
    "operations",
    "read_latencies",
    "read_operations",
    "write_operations",
]
