import os
from pathlib import Path

import pytest

from toolkit.cli.app import app
from toolkit.errors import InputError


def test_the_command_opens_streamlit_on_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: called.append(command))
    app(tmp_path, port=9000, headless=True)
    (command,) = called
    assert command[1:3] == ["-m", "app"]
    assert command[-2:] == ["--", str(tmp_path)]
    assert "--browser.gatherUsageStats false" in " ".join(command)
    assert "--server.port 9000" in " ".join(command)


def test_a_file_is_no_folder_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(InputError, match="is a file"):
        app(path)
