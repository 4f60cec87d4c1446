"""The front door itself: help, exit statuses, and what happens when something goes wrong."""

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from tests import tiny
from tests.command import supernet
from toolkit.cli import main as module
from toolkit.cli import training
from toolkit.errors import InputError, Stopped
from toolkit.methods import METHODS

COMMANDS = (
    *("demo", "spaces", "methods", "cost", "candidates", "train", "standalone"),
    *("evaluate", "status", "submit", "check", "merge", "rank", "app"),
)
HEAVY = ("torch", "paddle", "numpy", "scipy", "sklearn", "pandas", "tensorboard", "streamlit", "plotly", "pydantic")


def in_a_process(*arguments: str, **options: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "toolkit", *arguments]
    return subprocess.run(command, cwd=tiny.ROOT, env=os.environ | options, capture_output=True, timeout=120)


def pretend(monkeypatch: pytest.MonkeyPatch, methods: Callable[[], None]) -> None:
    """Let `supernet methods` do something else."""
    (command,) = [c for c in module.command_line.registered_commands if c.callback is training.methods]
    monkeypatch.setattr(command, "callback", methods)


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `supernet methods` end in an error."""

    def methods() -> NoReturn:
        raise error

    pretend(monkeypatch, methods)


def test_a_librarys_warning_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of source after it, no escape sequence in it."""

    def methods() -> None:
        warnings.warn("overflow\x1b[2J in exp", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr(warnings, "showwarning", module._show_warning)
    methods()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("! overflow\\x1b[2J in exp (RuntimeWarning at ")


def test_help_names_every_command() -> None:
    outcome = supernet("--help")
    assert outcome.status == 0
    assert all(f" {name} " in outcome.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    outcome = supernet(command, "--help")
    assert outcome.status == 0
    assert f"Usage: supernet {command}" in outcome.out


def test_help_loads_nothing_heavy() -> None:
    """So the command answers at once."""
    script = f"""
import sys
from toolkit.cli.main import main
sys.argv = ["supernet", "--help"]
try:
    main()
finally:
    loaded = [name for name in {HEAVY} if name in sys.modules]
    if loaded:
        sys.exit(f"supernet --help loads {{loaded}}")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tiny.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "evaluate" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("trian",),
        ("train", "demo", "--epochs", "5"),
        ("train",),
        ("train", "--resume", "--set", "training.epochs=5"),
        ("train", "--resume", "--data", "digits"),
        ("standalone",),
        ("standalone", "RUN", "--seed", "-1"),
        ("standalone", "RUN", "--count", "0"),
        ("evaluate",),
        ("evaluate", "RUN", "--workers", "0"),
        ("evaluate", "RUN", "--images", "none"),
        ("status", "RUN", "RUN"),
        ("demo", "--workers", "many"),
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_wrong_usage_is_exit_status_2(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = supernet(*arguments)
    assert outcome.status == 2
    assert "Traceback" not in outcome.out + outcome.err
    assert not list(tmp_path.iterdir())


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    assert "train" in supernet("trian").err


def test_problems_are_listed_one_a_line_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, InputError(["[red]a.json[/]: first " + 200 * "x", "b.json: second"]))
    outcome = supernet("methods")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines() == ["✗ [red]a.json[/]: first " + 200 * "x", "✗ b.json: second"]


def test_stopping_is_exit_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, Stopped("Stopped; [5] of 6 are kept."))
    outcome = supernet("methods")
    assert (outcome.status, outcome.out, outcome.err) == (1, "", "Stopped; [5] of 6 are kept.\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/root/x"), "/root/x: Permission denied"),
        (OSError(28, "No space left on device"), "the system: No space left on device"),
        (OSError("odd"), "the system: odd"),
    ],
    ids=str,
)
def test_what_the_system_refuses_is_no_traceback(monkeypatch: pytest.MonkeyPatch, error: OSError, message: str) -> None:
    fail(monkeypatch, error)
    outcome = supernet("methods")
    assert (outcome.status, outcome.out, outcome.err) == (1, "", f"✗ {message}\n")


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        supernet("methods")


@pytest.mark.parametrize("swallowed", [False, True], ids=["plainly", "as an import error"])
def test_ctrl_c_anywhere_is_explained(monkeypatch: pytest.MonkeyPatch, swallowed: bool) -> None:
    """Also in the middle of loading a compiled module, where an exception comes out as an ImportError."""

    def methods() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException as error:
            if swallowed:
                raise ImportError("initialization failed") from error
            raise

    pretend(monkeypatch, methods)
    outcome = supernet("methods")
    assert (outcome.status, outcome.err) == (1, "Interrupted. What was finished is kept.\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_json_is_all_there_is_on_standard_output() -> None:
    done = in_a_process("methods", "--json")
    assert done.returncode == 0
    assert done.stderr == b""
    assert list(json.loads(done.stdout)) == list(METHODS)


def test_names_that_a_terminal_cannot_show() -> None:
    """Neither file names of any bytes nor a terminal that knows ASCII only end in a traceback."""
    done = in_a_process("train", os.fsdecode(b"\xff.toml"), PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert b"no such recipe" in done.stderr
    assert b"Traceback" not in done.stderr


def test_one_process_of_a_data_parallel_run_reports() -> None:
    assert in_a_process("methods", RANK="1").stdout == b""
    assert in_a_process("methods", RANK="0").stdout != b""


def test_the_app_object_itself_works_for_those_who_test_with_typer() -> None:
    assert CliRunner().invoke(module.command_line, ["methods"]).exit_code == 0
