"""Files from strangers: whatever stands in them, nothing is executed, and memory and time stay bounded."""

import builtins
import contextlib
import copyreg
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.weights import budget, pdparams, pth, read_weights
from tests import weight_files
from toolkit.errors import InputError

SOME = {"blocks.0.conv.weight": np.ones((2, 1, 3, 3), np.float32)}


class Payload:
    """What attackers pickle: a call of anything."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def in_zip(content: bytes, name: str = "archive/data.pkl") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def in_legacy(content: bytes) -> bytes:
    intact = io.BytesIO()
    torch.save({}, intact, _use_new_zipfile_serialization=False)
    rest = io.BytesIO(intact.getvalue())
    for _ in range(3):
        pickle.load(rest)  # ours: magic number, protocol, machine
    return intact.getvalue()[: rest.tell()] + content + pickle.dumps([])


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "pdparams": lambda content: content,
    "zip": in_zip,
    "legacy": in_legacy,
}


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "stranger.pth"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_weights(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: cannot be read as weights (")
    return problem


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("hidden", ["alone", "beside arrays", "deep", "as a key", "by eval", "in a state"])
def test_a_malicious_pickle_does_nothing(tmp_path: Path, wrapping: str, protocol: int, hidden: str) -> None:
    mark = tmp_path / "executed"
    evil = Payload(os.system, f"touch {mark}")
    content: Any = {
        "alone": evil,
        "beside arrays": {**SOME, "blocks.0.bn.weight": evil},
        "deep": {"state_dict": {"a": [1, (2, {"b": evil})]}},
        "as a key": {evil: 1},
        "by eval": {**SOME, "x": Payload(builtins.eval, f"open({str(mark)!r}, 'w')", {"data": None})},
        "in a state": {**SOME, "x": Payload(np.ndarray, (0,), state=(1, (1,), evil, False, b""))},
    }[hidden]
    data = pickle.dumps(content, protocol)
    refused(tmp_path, WRAPPINGS[wrapping](data))
    assert not mark.exists()
    with contextlib.suppress(Exception):
        pickle.loads(data)
    assert mark.exists(), "the file was harmless, and this test proves nothing"


def raw(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (raw(b"cposix\nsystem\n", text("id"), b"\x85R"), "refers to posix.system"),
        (raw(text("os"), text("system"), b"\x93", text("id"), b"\x85R"), "refers to os.system"),
        (raw(b"(", text("id"), b"ios\nsystem\n"), "opcode INST"),
        (raw(b"(cbuiltins\nexec\n", text("1"), b"o"), "refers to builtins.exec"),
        (raw(b"\x82\x01"), "opcode EXT1"),
        (raw(b"cnumpy\nndarray\n)\x81"), "damaged"),  # NEWOBJ of something that cannot be called
        (raw(b"cnumpy\ndtype\n}", text("__class__"), text("x"), b"sb"), "inner state"),
        (raw(b"]}", text("append"), text("x"), b"sb"), "inner state"),
        (raw(b"c_codecs\nencode\n}", text("__code__"), text("x"), b"sb"), "inner state"),
        (raw(b"ccollections\nOrderedDict\n(((I1\nI2\ntI3\nt"), "opcode INT"),
        (raw(b"}(K\x01K\x02tK\x03s"), "entry under a tuple"),
        (raw(b"\x8e" + struct.pack("<Q", 2**40)), ""),  # BINBYTES8: a terabyte, it says
        (raw(b"\x96" + struct.pack("<Q", 2**40)), ""),  # BYTEARRAY8
        (raw(b"B" + struct.pack("<I", 2**32 - 1)), ""),  # BINBYTES
        (raw(b"\x95" + struct.pack("<Q", 2**60), b"}"), "no tensors"),  # FRAME
        (raw(b"r" + struct.pack("<I", 2**32 - 1), b"}"), ""),  # LONG_BINPUT
        (raw(b"Q"), "opcode BINPERSID"),
        (raw(), ""),
        (b"\x80\x04", ""),
        (b"\x80\x63.", ""),
    ],
)
def test_opcodes_and_names_that_weights_do_not_need(tmp_path: Path, content: bytes, why: str) -> None:
    if why == "no tensors":
        with pytest.raises(InputError, match=why):
            read_weights(write(tmp_path, content))
        return
    assert why in refused(tmp_path, content)


def test_a_file_of_endless_small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte would make a dictionary of 64."""
    monkeypatch.setattr(budget, "ELEMENTS", 1000)
    assert "far more work or memory" in refused(tmp_path, raw(b"}" * 1001))


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    return path


def test_an_extension_registered_in_this_process_is_out_of_reach(tmp_path: Path) -> None:
    copyreg.add_extension("os", "system", 0xEE)
    try:
        assert "EXT1" in refused(tmp_path, raw(b"\x82\xee", text("true"), b"\x85R"))
    finally:
        copyreg.remove_extension("os", "system", 0xEE)


def test_a_nest_of_dictionaries_that_would_unfold_for_ever(tmp_path: Path) -> None:
    nest: Any = {"a": 1}
    for _ in range(60):
        nest = {"a": nest, "b": nest}
    assert "more than" in refused(tmp_path, pickle.dumps(nest, 4))


def test_a_dictionary_that_holds_itself(tmp_path: Path) -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    assert "more than" in refused(tmp_path, pickle.dumps(endless, 4))


def torch_pickle(size: Any, stride: Any, offset: Any = 0, count: int = 4) -> bytes:
    class Written(pth._Rebuilt):
        def __init__(self) -> None:
            self._arguments = pth._Reference(0, np.zeros(count, np.float32)), offset, size, stride, False, {}

    file = io.BytesIO()
    pth._Pickler(file, 2).dump({"w": Written()})
    return file.getvalue()


NEST = b")\x94" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(60))
"""A tuple that holds the one before twice, and so on: hashing, printing or comparing it would take years."""

_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n)R"
_DTYPE = b"cnumpy\ndtype\n" + text("f4") + b"\x89\x88\x87R"


@pytest.mark.parametrize(
    ("wrapping", "content"),
    [
        ("pdparams", raw(b"}", NEST, b"K\x01s")),
        ("pdparams", raw(text("os"), NEST, b"\x93")),
        ("pdparams", raw(NEST, text("os"), b"\x93")),
        ("pdparams", raw(b"cnumpy\ndtype\n", NEST, b"\x85R")),
        ("pdparams", raw(_DTYPE, b"(K\x03", NEST, b"tb")),
        ("pdparams", raw(b"}", text("w"), _ARRAY, b"(K\x01", NEST, _DTYPE, b"\x89C\x04aaaatbs")),
        ("pdparams", raw(b"}", text("UnpackBigParamInfor@@"), b"}", text("w"), b"}", text("slices"), NEST, b"sss")),
        ("pdparams", raw(b"ccollections\nOrderedDict\n]]", NEST, b"aK\x01aa\x85R")),
        ("zip", raw(b"(", text("storage"), b"ctorch\nFloatStorage\n", NEST, text("cpu"), b"K\x01tQ")),
        ("zip", raw(b"(", text("storage"), NEST, text("0"), text("cpu"), b"K\x01tQ")),
        ("legacy", raw(b"(", text("storage"), b"ctorch\nFloatStorage\n", NEST, text("cpu"), b"K\x01NtQ")),
    ],
)
def test_a_nest_of_tuples_that_would_take_years(tmp_path: Path, wrapping: str, content: bytes) -> None:
    with contextlib.suppress(InputError):
        read_weights(write(tmp_path, WRAPPINGS[wrapping](content)))


@pytest.mark.parametrize("place", ["size", "stride", "offset"])
def test_a_nest_of_tuples_in_the_shape_of_a_tensor(tmp_path: Path, place: str) -> None:
    nest: Any = ()
    for _ in range(60):
        nest = (nest, nest)
    shape: dict[str, Any] = {"size": (2,), "stride": (1,), "offset": 0} | {place: nest}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", torch_pickle(**shape))
        archive.writestr("a/data/0", bytes(16))
    assert "whole numbers" in refused(tmp_path, file.getvalue())


def test_a_nest_as_deep_as_the_limit_allows(tmp_path: Path) -> None:
    assert "no tensors" not in refused(tmp_path, raw(b")" + b"\x85" * 200_000, b"}s"))


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((2**40,), (1,), 0),
        ((2**20, 2**20), (0, 0), 0),  # a terabyte that needs one number
        ((2, 2), (2, 1), 1),
        ((2,), (-1,), 1),
        ((2,), (1,), -1),
        ((4,), (2**62,), 0),
        ((2, 2), (2,), 0),
        ((-2, -2), (1, 1), 0),
        ((10**30,), (1,), 0),
    ],
)
def test_tensors_that_reach_beyond_their_data(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", torch_pickle(size, stride, offset))
        archive.writestr("a/data/0", bytes(16))
    refused(tmp_path, file.getvalue())


def test_a_zip_file_is_not_unpacked(tmp_path: Path) -> None:
    """Names that lead out of the folder are only names."""
    outside = tmp_path / "outside"
    file = io.BytesIO()
    inner = tmp_path / "inner"
    inner.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../outside", b"evil")
        archive.writestr(str(outside), b"evil")
        archive.writestr("a/data.pkl", torch_pickle((2, 2), (2, 1)))
        archive.writestr("a/data/0", np.arange(4, dtype=np.float32).tobytes())
    path = write(inner, file.getvalue())
    assert read_weights(path).tensors["w"].tolist() == [[0, 1], [2, 3]]
    assert not outside.exists()
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["file.pth", "inner"]


def test_a_storage_named_by_a_path_stays_in_the_file(tmp_path: Path) -> None:
    content = torch_pickle((2, 2), (2, 1)).replace(b"X\x01\x00\x00\x000", b"X\x0a\x00\x00\x00../../../x")
    assert "../../../x" in refused(tmp_path, in_zip(content))


def test_a_zip_bomb(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", torch_pickle((2, 2), (2, 1)))
        archive.writestr("a/data/0", bytes(50_000_000))
    assert "compressed" in refused(tmp_path, file.getvalue())


def test_a_zip_file_whose_members_overlap(tmp_path: Path) -> None:
    """Each of them declares the same bytes, and together more than there are."""
    content = bytearray(in_zip(bytes(100_000), "a/data/0"))
    directory = content.index(b"PK\x01\x02")
    entry, end = bytes(content[directory : content.index(b"PK\x05\x06")]), content.index(b"PK\x05\x06")
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, 1000, 1000, 1000 * len(entry))
    refused(tmp_path, bytes(content[:directory]) + 1000 * entry + bytes(tail))


@pytest.mark.parametrize("name", ["data.pkl", "a/b/data.pkl", "a/code/data.py"])
def test_zip_files_of_other_kinds(tmp_path: Path, name: str) -> None:
    assert "data.pkl" in refused(tmp_path, in_zip(pickle.dumps({}), name))


def test_a_pickled_module_is_explained(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save(torch.nn.Linear(1, 1), file)
    with pytest.raises(
        InputError, match=r"no tensors outside of objects .*torch\.nn\.modules\.linear\.Linear.*state_dict"
    ):
        read_weights(write(tmp_path, file.getvalue()))


@pytest.fixture(scope="module")
def intact() -> dict[str, bytes]:
    """A small file of each format."""
    arrays = {"blocks.0.conv.weight": np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3), "n": np.array([1])}
    file = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, file)
    return {
        "pdparams": weight_files.pdparams(arrays),
        "zip": file.getvalue(),
        "legacy": weight_files.legacy_pth(arrays),
        "ours": pth.write_zip(arrays),
    }


@pytest.mark.parametrize("kind", ["pdparams", "zip", "legacy", "ours"])
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_still_a_file(
    kind: str, intact: dict[str, bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(intact[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_weights(path)


named = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(lambda name: "@@" not in name),
    arrays_of.arrays(np.float32, arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=4)),
    min_size=1,
    max_size=4,
)


def assert_same(found: dict[str, Any], wanted: dict[str, np.ndarray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        got = found[name].array()
        assert got.dtype == array.dtype
        assert got.shape == array.shape
        assert got.tobytes() == array.tobytes()


@settings(max_examples=40)
@given(arrays=named)
def test_what_is_written_is_read_back_bit_for_bit(arrays: dict[str, np.ndarray]) -> None:
    assert_same(pdparams.read_pdparams(pdparams.write_pdparams(arrays)), arrays)
    assert_same(pth.read_zip(pth.write_zip(arrays)), arrays)


@settings(max_examples=40)
@given(arrays=named, protocol=st.sampled_from([2, 3, 4, 5]), by_column=st.booleans())
def test_what_python_pickles_is_read_bit_for_bit(arrays: dict[str, np.ndarray], protocol: int, by_column: bool) -> None:
    laid_out = {name: np.asfortranarray(array) if by_column else array for name, array in arrays.items()}
    assert_same(pdparams.read_pdparams(pickle.dumps(laid_out, protocol)), arrays)


@settings(max_examples=40)
@given(arrays=named)
def test_what_torch_saves_is_read_bit_for_bit(arrays: dict[str, np.ndarray]) -> None:
    for zipped in (True, False):
        file = io.BytesIO()
        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
        assert_same((pth.read_zip if zipped else pth.read_legacy)(file.getvalue()), arrays)
