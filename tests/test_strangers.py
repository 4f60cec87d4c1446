"""Data from strangers: an error in words or a result, never a traceback, never a hang; `benchmarks/strangers.py` is the
long form.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import supernet
from tests.strangers import CANDIDATES, READERS, Reader, hostile, spoiled
from tests.tiny import run, trained
from toolkit.data import open_dataset
from toolkit.errors import LONGEST, InputError
from toolkit.files import read_bytes, reading
from toolkit.names import did_you_mean
from toolkit.runs.folder import RunFolder
from toolkit.sqlite import only_writer

__all__ = ["run", "trained"]

CASES = Path(__file__).parents[2] / "shared/cases"
TIMES = 60

readers = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)


def attempt(reader: Reader, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    problems: tuple[str, ...] = ()
    try:
        reader.read(path)
    except InputError as error:
        problems = error.problems
    assert all(problem.isprintable() for problem in problems)
    assert sum(map(len, problems)) < 8000


@readers
def test_a_spoiled_file_is_an_error_or_still_a_file(reader: Reader, tmp_path: Path) -> None:
    good = reader.good(tmp_path)
    path = tmp_path / (reader.own_name or f"spoiled.{reader.suffix}")
    for seed in range(TIMES):
        attempt(reader, path, spoiled(good, seed))
    for content in hostile(good):
        attempt(reader, path, content)


@readers
def test_what_is_no_regular_file_is_refused_at_once(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to would be waited for, and /dev/zero has no end: the suite would hang."""
    places = {"pipe": tmp_path / "pipe", "socket": tmp_path / "socket", "folder": tmp_path, "zero": Path("/dev/zero")}
    os.mkfifo(places["pipe"])
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    server.bind("socket")
    (tmp_path / "link").symlink_to("pipe")
    for kind, place in {**places, "link": tmp_path / "link"}.items():
        if kind == "zero" and not place.exists():
            continue
        if reader.own_name:
            continue  # found by its name, and only if it is a regular file
        if reader.name == "results":
            from converters.tables.recognise import read_results

            assert read_results(place).problems
            continue
        with pytest.raises(InputError):
            reader.read(place)
    server.close()


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_image_folders_hold_regular_files(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "train/a/x.jpg"
    place.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nothing")
    with pytest.raises(InputError, match=r"x\.jpg: is no file"):
        open_dataset(f"imagefolder:{tmp_path}")


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("*")) or ["none"])
def test_the_cases_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that once ended in a traceback, through the command that it ended."""
    if not (CASES / name).is_file():
        pytest.skip("shared/cases is not beside this checkout")
    path, suffix = CASES / name, Path(name).suffix
    monkeypatch.chdir(tmp_path)
    if suffix in (".safetensors", ".pdparams"):
        outcomes = [supernet("convert", path, tmp_path / "out.pth")]
    elif suffix == ".sqlite":
        outcomes = [supernet("table", path)]
    else:
        outcomes = [supernet("rank", path, "--score-column", "acc", "--truth-column", "truth"), supernet("table", path)]
    for outcome in outcomes:
        assert "Traceback" not in outcome.err
        assert outcome.status in (0, 1)
        assert "\x1b]" not in outcome.out + outcome.err
        assert len(outcome.err) < 8000


def test_whatever_happens_inside_a_parser_is_told() -> None:
    for error in (
        RecursionError(),
        OverflowError("x"),
        MemoryError(),
        KeyError("k"),
        ZeroDivisionError("z"),
        OSError(5),
    ):
        with pytest.raises(InputError, match=r"^f: is broken \(.+\); take"), reading("f", "is broken"):
            raise error
    panic = type("PanicException", (BaseException,), {})
    with pytest.raises(InputError, match="is broken"), reading("f", "is broken"):
        raise panic("in Rust")
    with pytest.raises(KeyboardInterrupt), reading("f", "is broken"):
        raise KeyboardInterrupt
    with pytest.raises(InputError, match=r"^inner$"), reading("f", "is broken"):
        raise InputError("inner")


def test_an_error_is_one_screen() -> None:
    many = InputError(f"file: problem {i} {'x' * 3000}" for i in range(20_000))
    assert len(str(many)) < 8000
    assert "19,99" in str(many)
    assert "problem 19999 " in many.problems[-1]
    (one,) = InputError("file: " + "y" * 5_000_000 + "; do this").problems
    assert len(one) < LONGEST + 50
    assert one.startswith("file: ")
    assert one.endswith("; do this")
    assert InputError(["file: a", "file: b", "file: a"]).problems == ("file: a", "file: b")
    few = tuple(f"file: {i}" for i in range(20))
    assert InputError(few).problems == few
    assert len(did_you_mean("a", [f"column {i}" for i in range(15_625)])) < 1000


def test_escape_sequences_do_not_reach_the_terminal(tmp_path: Path) -> None:
    evil = "arch\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
    assert InputError(f"{evil}: x\ny").problems[0].isprintable()
    entries = dict(CANDIDATES) | {evil: {"acc": 0.5, "arch": evil}}
    (tmp_path / "evil.json").write_text(json.dumps(entries))
    for arguments in (
        ["check", tmp_path / "evil.json"],
        ["rank", tmp_path / "evil.json", "--truth", tmp_path / "evil.json"],
    ):
        outcome = supernet(*arguments)
        assert "\x1b]" not in outcome.out + outcome.err
        assert "\x9b" not in outcome.out + outcome.err
        assert "\x07" not in outcome.out + outcome.err


def test_files_beyond_all_measure(tmp_path: Path) -> None:
    """A sparse file has any size and needs no disk."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**42)
    for largest in (None, 2**20):
        with pytest.raises(InputError, match="bytes, and no more than"):
            read_bytes(tmp_path / "huge", largest)


def test_a_second_training_in_one_folder_is_refused(run: RunFolder) -> None:
    with only_writer(run.path, run.path / "train.lock"):
        outcome = supernet("train", "--resume", "--out", run.path)
    assert outcome.status == 1
    assert f"{run.path}: process {os.getpid()} is writing to it" in outcome.err.replace("\n", "")
    assert supernet("train", "--resume", "--out", run.path).status == 0


def test_a_damaged_checkpoint_is_skipped_if_asked(run: RunFolder) -> None:
    newest = run.latest_checkpoint()
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    outcome = supernet("train", "--resume", "--out", run.path)
    assert outcome.status == 1
    assert "--skip-damaged" in outcome.err
    assert supernet("train", "--resume", "--skip-damaged", "--out", run.path).status == 0
    assert newest.read_bytes() == whole  # trained anew, from the one before
    assert newest.with_name(f"{newest.name}.damaged").exists()
    for path in run.checkpoints().values():
        path.write_bytes(b"")
    assert "no checkpoint that can be read" in supernet("train", "--resume", "--skip-damaged", "--out", run.path).err


def test_the_weights_pages_process_has_little_memory() -> None:
    """It limits itself before anything of the file is read."""
    from app.views.weights import _LIMITED

    code = _LIMITED.replace('runpy.run_module("toolkit", run_name="__main__")', "bytearray(2**33)")
    assert code != _LIMITED
    done = subprocess.run([sys.executable, "-c", code, str(2**32)], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr
