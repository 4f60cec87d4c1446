"""Files are whole or not there."""

import errno
import json
import os
from pathlib import Path

import pytest

from toolkit.errors import InputError
from toolkit.files import atomic_write, digest, read_bytes, write_json, write_text


def files(folder: Path) -> list[str]:
    """Everything in `folder`, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that was there before."""
    path = tmp_path / "result.json"
    path.write_bytes(b"old")
    return path


def assert_untouched(old: Path) -> None:
    assert old.read_bytes() == b"old"
    assert files(old.parent) == [old.name], "something was left over"


def test_a_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a/b/result.json"
    with atomic_write(path) as file:
        file.write(b"one ")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"one two"
    assert files(path.parent) == ["result.json"]


def test_an_old_file_is_replaced_at_the_end(old: Path) -> None:
    with atomic_write(old) as file:
        file.write(b"new")
        file.flush()
        assert old.read_bytes() == b"old"
    assert old.read_bytes() == b"new"
    assert files(old.parent) == [old.name]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, InputError])
def test_a_failure_while_writing_changes_nothing(failure: type[BaseException], old: Path) -> None:
    def write_half() -> None:
        with atomic_write(old) as file:
            file.write(b"half of it")
            raise failure("in the middle")

    with pytest.raises(failure, match="in the middle"):
        write_half()
    assert_untouched(old)


def test_a_failure_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "result.json") as file:
        file.write(bytes(1 // 0))
    assert files(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_changes_nothing(step: str, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*(os, "fsync") if step == "fsync" else (Path, "replace"), no_space)
    with pytest.raises(InputError, match=r"result\.json: cannot be written \(No space left on device\)"):
        write_text(old, "new")
    monkeypatch.undo()
    assert_untouched(old)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the full disk of Linux")
def test_a_disk_that_is_really_full_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is opened on a device that has no space: the write itself fails, wherever it is buffered."""
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode: real(Path("/dev/full") if mode == "wb" else path, mode))
    with pytest.raises(InputError, match=r"No space left on device.*free some space.*Nothing there was changed"):
        write_text(old, 100_000 * "new")
    monkeypatch.undo()
    assert_untouched(old)


def test_a_folder_that_cannot_be_made(old: Path) -> None:
    """A file stands where a folder is needed; permissions would not stop root."""
    with pytest.raises(InputError, match=r"result\.json/deep/x\.txt: cannot be written"):
        write_text(old / "deep/x.txt", "new")
    assert_untouched(old)


@pytest.mark.parametrize("name", [".", "", "/", "folder"])
def test_a_folder_is_no_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is not a file"):
        write_text(name, "new")
    assert files(tmp_path) == ["folder"]


def test_devices_survive(tmp_path: Path) -> None:
    """Root could replace /dev/null by a file; a named pipe stands for it here."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="is not a file"):
        write_text(pipe, "new")
    assert pipe.is_fifo()


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_text(tmp_path / (300 * "x"), "new")
    assert files(tmp_path) == []


def test_text_is_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "τ = 0.4566\n")
    assert (tmp_path / "text").read_bytes() == "τ = 0.4566\n".encode()


def test_json_is_readable_and_never_nan(old: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(old, {"acc": float("nan")})
    assert_untouched(old)
    write_json(old, {"acc": 0.5, "archs": ["a"]})
    assert json.loads(old.read_text()) == {"acc": 0.5, "archs": ["a"]}
    assert old.read_text().count("\n") > 1


def test_reading_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.json: cannot be read \(No such file or directory\)"):
        read_bytes(tmp_path / "absent.json")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_bytes(tmp_path)
    (tmp_path / "there").write_bytes(b"\x00\xff")
    assert read_bytes(tmp_path / "there") == b"\x00\xff"


def test_digest_is_sha256() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
