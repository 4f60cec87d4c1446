import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cli.app import DASHBOARD, app
from toolkit.errors import InputError


def test_the_command_opens_streamlit_on_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: called.append(command))
    app(tmp_path, port=9000, headless=True)
    (command,) = called
    assert command[1] == str(DASHBOARD)
    assert command[-2:] == ["--", str(tmp_path)]
    assert "--browser.gatherUsageStats false" in " ".join(command)
    assert "--server.port 9000" in " ".join(command)


def test_strangers_modules_in_the_folder_are_never_run(tmp_path: Path) -> None:
    """Where somebody works may lie a module that is called as one of ours is."""
    for name in ("app.py", "toolkit.py", "text.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong one')")
    code = f"""
import runpy, sys
sys.path[0] = {str(DASHBOARD.parent)!r}  # as Python sets it for a script
runpy.run_path({str(DASHBOARD)!r}, run_name="dashboard")
import app
print(app.__file__)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert Path(done.stdout.strip()) == DASHBOARD.with_name("__init__.py"), done.stderr


def test_a_file_is_no_folder_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(InputError, match="is a file"):
        app(path)
