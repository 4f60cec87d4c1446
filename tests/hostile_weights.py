"""Small files of weights that ask for far more memory or time than they are worth: nothing in them is malformed."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable

import numpy as np

START, END = b"\x80\x04", b"."
MEMO, GET = b"\x94", b"h\x00"


def _text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _name(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _list(count: int) -> bytes:
    """So many empty tuples."""
    return b"](" + count * b")" + b"e"


def repeated_call(module: str, name: str, operand: bytes, times: int) -> bytes:
    """One call, over and over, with one long operand from the memo."""
    call = _name(module, name)
    return START + operand + MEMO + call + MEMO + times * (b"h\x01" + GET + b"\x85R") + END


def copies_of_a_tuple(scale: float) -> bytes:
    return repeated_call("builtins", "tuple", _list(int(500_000 * scale)), int(300_000 * scale))


def copies_of_a_mapping(scale: float) -> bytes:
    pairs = b"](" + b"".join(_text(f"k{i}") + b"N\x86" for i in range(int(20_000 * scale))) + b"e"
    return repeated_call("collections", "OrderedDict", pairs, int(200_000 * scale))


def copies_of_bytes(scale: float) -> bytes:
    operands = _text("x" * int(1_000_000 * scale)) + MEMO + _text("latin1") + MEMO
    calls = _name("_codecs", "encode") + MEMO + int(300_000 * scale) * (b"h\x02" + GET + b"h\x01\x86R")
    return START + operands + calls + END


def calls_with_endless_arguments(module: str, name: str, scale: float) -> bytes:
    arguments = b"(" + int(500_000 * scale) * b")" + b"t" + MEMO
    return START + arguments + _name(module, name) + MEMO + int(300_000 * scale) * (b"h\x01" + GET + b"R") + END


def states_without_end(scale: float) -> bytes:
    state = b"(" + int(500_000 * scale) * b")" + b"t" + MEMO
    return (
        START
        + state
        + _name("numpy.core.multiarray", "_reconstruct")
        + b")R"
        + int(200_000 * scale) * (GET + b"b")
        + END
    )


def a_long_prefix(scale: float) -> bytes:
    """A name of a megabyte, in front of all entries."""
    return pickle.dumps({"x" * 900_000: {f"e{i}": {} for i in range(int(10_000 * scale))}}, 4)


def deep_prefixes(scale: float) -> bytes:
    inner: dict[str, object] = {str(i): np.zeros(1, np.float32) for i in range(5000)}
    for _ in range(90):
        inner = {"x" * 900: inner}
    return pickle.dumps(inner, 4)


def one_array_under_many_names(scale: float) -> bytes:
    array = np.zeros(250_000, np.float32)
    return pickle.dumps({f"blocks.{i}.w": array for i in range(int(12_000 * scale))}, 4)


def a_product_of_huge_numbers(scale: float) -> bytes:
    """Of a shape with 600,000 sides, each of 2,000 bits."""
    sides = b"(" + b"\x8a\xff" + 255 * b"\x7f" + MEMO + int(600_000 * scale) * GET + b"t"
    storage = b"(" + _text("storage") + _name("torch", "FloatStorage") + _text("0") + _text("cpu") + b"K\x01tQ"
    tensor = _name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + b"K\x00" + sides + b"K\x01\x85\x89Nt" + b"R"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", START + b"}" + _text("w") + tensor + b"s" + END)
        archive.writestr("a/data/0", bytes(4))
    return file.getvalue()


def many_networks(scale: float) -> bytes:
    """Each under a prefix of its own, and so each to be held against every space."""
    array = np.zeros((1, 1, 1, 1), np.float32)
    return pickle.dumps({f"n{i}.blocks.0.conv.weight": array for i in range(int(2000 * scale))}, 4)


def keys_with_one_hash(scale: float) -> bytes:
    """Every one a multiple of 2**61 - 1, modulo which Python hashes integers."""
    keys = (i * (2**61 - 1) for i in range(1, int(60_000 * scale)))
    return START + b"}(" + b"".join(b"\x8a\x0b" + key.to_bytes(11, "little") + b"N" for key in keys) + b"u" + END


def a_directory_without_end(scale: float) -> bytes:
    """A zip file of nothing but its directory."""
    entry = b"PK\x01\x02" + bytes(42)
    directory = int(400_000 * scale) * entry
    return b"PK\x03\x04" + directory + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, 65535, 65535, len(directory), 4, 0
    )  # fmt: skip


def a_header_of_brackets(scale: float) -> bytes:
    header = b'{"__metadata__":{},"a":' + b"[" + int(10_000_000 * scale) * b"[]," + b"[]]}"
    return struct.pack("<Q", len(header)) + header


FILES: dict[str, Callable[[float], bytes]] = {
    "tuple": copies_of_a_tuple,
    "mapping": copies_of_a_mapping,
    "latin1": copies_of_bytes,
    "arguments of a tensor": lambda scale: calls_with_endless_arguments("torch._utils", "_rebuild_tensor_v2", scale),
    "arguments of an array": lambda scale: calls_with_endless_arguments("numpy.core.multiarray", "_reconstruct", scale),
    "arguments of an opaque object": lambda scale: calls_with_endless_arguments("argparse", "Namespace", scale),
    "arguments of a shape": lambda scale: calls_with_endless_arguments("torch", "Size", scale),
    "states": states_without_end,
    "a long prefix": a_long_prefix,
    "deep prefixes": deep_prefixes,
    "one array, many names": one_array_under_many_names,
    "a product": a_product_of_huge_numbers,
    "many networks": many_networks,
    "one hash": keys_with_one_hash,
    "a directory": a_directory_without_end,
    "brackets": a_header_of_brackets,
    "empty dictionaries": lambda scale: START + int(3_000_000 * scale) * b"}" + END,
    "memo": lambda scale: START + b"}" + int(3_000_000 * scale) * MEMO + END,
    "marks": lambda scale: START + int(3_000_000 * scale) * b"(" + END,
}
"""By what they do; 1 is the scale at which they would need gigabytes or minutes, were there no budget."""


READ = """
import json, resource, sys, time
from pathlib import Path
from converters.weights import Ask, read_weights, recognise
from toolkit.errors import InputError

def megabytes():
    try:  # getrusage counts what the parent had when it forked
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

for name in sys.argv[1:]:
    began = time.perf_counter()
    try:
        recognise(read_weights(Path(name)), Ask())
        said = None
    except InputError as error:
        said = str(error)
    print(json.dumps([time.perf_counter() - began, megabytes(), said]), flush=True)
"""
"""A program that reads the files named: for each, the seconds, the process's peak in MB, and why it was refused."""
