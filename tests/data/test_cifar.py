"""CIFAR: the standard layout is read, and nothing in it is ever executed."""

import importlib.util
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.data import open_dataset
from toolkit.data.cifar import LAYOUTS, read_batch
from toolkit.errors import InputError

LAYOUT = LAYOUTS["cifar100"]
COUNT = 30
DATA = np.random.default_rng(0).integers(0, 256, (COUNT, 3072), dtype=np.uint8)
FINE = [i % 100 for i in range(COUNT)]


def batch(data=DATA, labels=FINE, key=b"fine_labels"):
    return {b"data": data, key: labels, b"coarse_labels": [0] * len(labels), b"batch_label": b"all"}


@pytest.fixture
def cifar100(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    (folder / "train").write_bytes(pickle.dumps(batch()))
    (folder / "test").write_bytes(pickle.dumps(batch(255 - DATA[:12], FINE[:12])))
    return folder


def read(path, content):
    path.write_bytes(content)
    return read_batch(path, LAYOUT)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(tmp_path, protocol):
    images, labels = read(tmp_path / "train", pickle.dumps(batch(), protocol))
    np.testing.assert_array_equal(images, DATA.reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(labels, FINE)
    assert labels.dtype == np.int64


def python2_pickle(data, labels):
    """What Python 2 and its numpy wrote, opcode by opcode, as in the original archives."""

    def text(value):
        return b"T" + struct.pack("<i", len(value)) + value

    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"tR"
    dtype = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR"
    dtype += b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    shape = b"(M" + struct.pack("<H", len(data)) + b"M\x00\x0ct"
    state = b"(K\x01" + shape + dtype + b"\x89" + text(data.tobytes()) + b"tb"
    return b"\x80\x02}(" + text(b"data") + array + state + text(b"fine_labels") + numbers + b"u."


def test_files_of_python_2(tmp_path):
    images, labels = read(tmp_path / "train", python2_pickle(DATA, FINE))
    np.testing.assert_array_equal(images, DATA.reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(labels, FINE)


@pytest.mark.parametrize("parent", [False, True])
def test_the_folder_or_its_parent(cifar100, parent):
    dataset = open_dataset(f"cifar100:{cifar100.parent if parent else cifar100}", calibration=5)
    assert [len(part.labels) for part in (dataset.train, dataset.calibration, dataset.validation)] == [25, 5, 12]
    assert (dataset.name, dataset.spec.size, dataset.spec.classes) == ("cifar100", 32, 100)
    seen = np.concatenate([dataset.train.pixels, dataset.calibration.pixels]).reshape(-1, 3072)
    assert {row.tobytes() for row in seen} == {row.tobytes() for row in DATA}
    assert {row.tobytes() for row in dataset.validation.pixels} == {row.tobytes() for row in 255 - DATA[:12]}


def test_part_of_the_test_images(cifar100):
    dataset = open_dataset(f"cifar100:{cifar100}", validation=4, size=16)
    assert dataset.validation.images(range(4)).shape == (4, 3, 16, 16)
    with pytest.raises(InputError, match="validation: 13 images asked for; choose from 1 to 12"):
        open_dataset(f"cifar100:{cifar100}", validation=13)


def test_cifar10(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    labels = [i % 10 for i in range(COUNT)]
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (folder / name).write_bytes(pickle.dumps(batch(labels=labels, key=b"labels")))
    dataset = open_dataset(f"cifar10:{tmp_path}")
    assert len(dataset.train.labels) + len(dataset.calibration.labels) == 5 * COUNT
    assert dataset.spec.classes == 10
    (folder / "data_batch_2").unlink()
    (folder / "test_batch").unlink()
    with pytest.raises(InputError, match="data_batch_2, test_batch not found; name the folder 'cifar-10-batches-py'"):
        open_dataset(f"cifar10:{tmp_path}")


def test_absent_and_empty_folder(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="train, test not found; name the folder 'cifar-100-python'"):
            open_dataset(f"cifar100:{folder}")


def test_every_broken_file_is_named(cifar100):
    for name in ("train", "test"):
        (cifar100 / name).write_bytes(b"")
    with pytest.raises(InputError) as raised:
        open_dataset(f"cifar100:{cifar100}")
    assert [problem.split(": ")[0] for problem in raised.value.problems] == [
        str(cifar100 / "train"),
        str(cifar100 / "test"),
    ]


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def global_call(module, name, argument):
    """A pickle, protocol 4, that calls module.name(argument) in place of a batch."""
    return (
        b"\x80\x04"
        + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        + b"\x93\x8c"
        + bytes([len(argument)])
        + argument.encode()
        + b"\x85R."
    )


def test_a_malicious_pickle_runs_nothing(tmp_path, cifar100):
    trace = tmp_path / "trace"
    (cifar100 / "train").write_bytes(pickle.dumps({**batch(), b"extra": Command(trace)}))
    with pytest.raises(InputError, match=r"train: is not a file of cifar-100-python \(it refers to (posix|nt)\.system"):
        open_dataset(f"cifar100:{cifar100}")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "fromfile"),
        ("_codecs", "decode"),
        ("toolkit.data.cifar", "pickle.loads"),
        ("this", "s"),
    ],
)
def test_nothing_but_arrays_can_be_referred_to(tmp_path, module, name):
    with pytest.raises(InputError, match=f"it refers to {module}.{name}"):
        read(tmp_path / "train", global_call(module, name, "1"))


def test_an_array_of_forged_object_addresses_is_not_followed(tmp_path):
    """Numpy itself, asked to restore this, reads whatever memory the eight bytes name: a crash at best."""

    class Forged:
        def __init__(self, *reduced):
            self.reduced = reduced

        def __reduce__(self):
            return self.reduced

    reconstruct = np.array(0).__reduce__()[0]
    fields = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)
    dtype = Forged(np.dtype, ("V8",), fields)
    array = Forged(reconstruct, (np.ndarray, (0,), b"b"), (1, (1,), dtype, False, b"AAAAAAAA"))
    with pytest.raises(InputError, match="is not a file of cifar-100-python"):
        read(tmp_path / "train", pickle.dumps(batch(data=array)))


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux reports it")
@pytest.mark.parametrize(
    "claim",
    [
        b"}r\xff\xff\xff\x03.",  # the place of an object in the table of those to come back to
        b"\x96" + (2**30).to_bytes(8, "little") + b".",  # the length of a bytearray
        b"\x8e" + (2**30).to_bytes(8, "little") + b".",  # the length of bytes
        b"\x95" + (2**30).to_bytes(8, "little") + b".",  # the length of a frame
    ],
)
def test_a_few_bytes_cannot_claim_memory(tmp_path, claim):
    (tmp_path / "train").write_bytes(b"\x80\x05" + claim)
    code = """
import re, sys
from pathlib import Path
from toolkit.data.cifar import LAYOUTS, read_batch
from toolkit.errors import InputError
try:
    read_batch(Path(sys.argv[1]), LAYOUTS["cifar100"])
except InputError:
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "train")], capture_output=True, text=True)
    assert int(run.stdout) < 500_000  # kilobytes


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (batch(labels=FINE[:-1]), "its fine_labels are not one whole number for each of its 30 images"),
        (batch(labels=[*FINE[:-1], "x"]), "its fine_labels are not one whole number"),
        (batch(labels=[*FINE[:-1], 2**70]), "its fine_labels are not one whole number"),
        (batch(labels=[*FINE[:-1], 100]), "its fine_labels are not all from 0 to 99"),
        (batch(labels=[*FINE[:-1], -1]), "its fine_labels are not all from 0 to 99"),
        (batch(key=b"labels"), "it has no entry 'fine_labels'"),
        (batch(data=DATA[:, :-1].copy()), "cannot reshape"),
        (batch(data=DATA.astype(np.int64)), "its fine_labels are not one whole number for each of its 240 images"),
        (batch(data=np.asfortranarray(DATA)), "its pixels are stored by column"),
        (batch(data="pixels"), "'str' object has no attribute 'pixels'"),
        ([1, 2], "'list' object"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_wrong_content(tmp_path, content, why, protocol):
    with pytest.raises(InputError) as raised:
        read(tmp_path / "train", pickle.dumps(content, protocol))
    assert why in str(raised.value)
    assert str(tmp_path / "train") in str(raised.value)
    assert "fetch the data set again" in str(raised.value)


def test_truncated_file(cifar100):
    content = (cifar100 / "test").read_bytes()
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        (cifar100 / "test").write_bytes(content[:length])
        with pytest.raises(InputError, match="test: is not a file of cifar-100-python"):
            open_dataset(f"cifar100:{cifar100}")


@settings(max_examples=300, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), min_size=1, max_size=4), data=st.data())
def test_corrupted_bytes_end_in_an_input_error_or_in_valid_data(tmp_path_factory, edits, data):
    content = bytearray(pickle.dumps(batch(DATA[:1], FINE[:1]), data.draw(st.sampled_from([2, 4, 5]))))
    for place, value in edits:
        content[place if place < 125 else place - 250] = value  # the pixels between are not interesting
    path = tmp_path_factory.getbasetemp() / "corrupted"
    try:
        images, labels = read(path, bytes(content))
    except InputError:
        return
    assert images.shape[1:] == (3, 32, 32)
    assert labels.shape == images.shape[:1]


def test_real_images_in_the_layout_of_the_shared_script(shared, tmp_path):
    location = importlib.util.spec_from_file_location("make_cifar100", shared / "data" / "make_cifar100.py")
    script = importlib.util.module_from_spec(location)
    location.loader.exec_module(script)
    content = script.batch(["test"])
    for name in ("train", "test"):
        (tmp_path / name).write_bytes(pickle.dumps(content))
    dataset = open_dataset(f"cifar100:{tmp_path}", calibration=1000)
    assert [len(part.labels) for part in (dataset.train, dataset.calibration, dataset.validation)] == [
        9000,
        1000,
        10000,
    ]
    assert set(np.bincount(dataset.validation.labels)) == {100}
    assert set(np.bincount(dataset.calibration.labels)) == {10}
    pixels = dataset.validation.pixels
    assert pixels.mean((0, 2, 3)) / 255 == pytest.approx(dataset.spec.mean, abs=0.003)
    assert pixels.std((0, 2, 3)) / 255 == pytest.approx(dataset.spec.std, abs=0.003)
    rows = {row.tobytes(): label for row, label in zip(content[b"data"], content[b"fine_labels"], strict=True)}
    for image, label in zip(pixels[:100], dataset.validation.labels, strict=False):
        assert rows[image.tobytes()] == label
