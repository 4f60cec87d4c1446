"""One rule for all commands: a file that the user names is never replaced unasked, and that is found out first."""

from pathlib import Path

import pytest

from tests.command import supernet
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.cli.main import COMMANDS
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space
from toolkit.verbs.outputs import refuse_existing

SPACE = "resnet48-mini"

WRITING = {
    "candidates": ("candidates", "--space", SPACE, "--count", 5, "--out"),
    "cost": ("cost", "--space", SPACE, "--candidates", "c.json", "--out"),
    "merge": ("merge", "--candidates", "c.json", "--space", SPACE, "OUT", "c.json"),
    "blend": ("blend", "OUT", "c.json", "c.json"),
    "table": ("table", "c.json", "--out"),
    "prior": ("prior", "c.json", "--score", "macs", "--out"),
    "rank": ("rank", "c.json", "--truth", "c.json", "--out"),
    "rank --html": ("rank", "c.json", "--truth", "c.json", "--html"),
    "predict": ("predict", "--space", SPACE, "--labels", "c.json", "--candidates", "c.json", "--out"),
    "submit": ("submit", "run", "--out"),
    "probe": ("probe", "run", "--suggest-split"),
    "convert": ("convert", "c.json"),
}


@pytest.mark.parametrize("command", WRITING)
def test_what_is_there_stays(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_candidates("c.json", draw_candidates(get_space(SPACE), 5, 0))
    out = Path("out.pth")
    out.write_text("precious")
    arguments = WRITING[command]
    arguments = tuple(out if each == "OUT" else each for each in arguments) if "OUT" in arguments else (*arguments, out)
    outcome = supernet(*arguments)
    assert outcome.status == 1
    assert "out.pth: is there already" in outcome.err
    assert "--overwrite" in outcome.err
    assert out.read_text() == "precious"


def test_whoever_says_so_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.json").write_text("old")
    assert supernet("candidates", "--space", SPACE, "--count", 5, "--out", "c.json", "--overwrite").status == 0
    assert Path("c.json").read_text() != "old"


def test_every_command_with_an_output_file_knows_the_option() -> None:
    """By its signature: those whose --out is a folder to go on with have none."""
    folders = {"train", "demo", "sweep", "split_test", "import_"}
    for command in (command for group in COMMANDS.values() for command in group):
        names = command.__annotations__
        if {"out", "html", "suggest_split", "target"} & names.keys() and command.__name__ not in folders:
            assert "overwrite" in names, command.__name__


def test_what_a_run_keeps_under_its_own_name_is_renewed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.recipe.touch()
    for path in (run.submission, run.rank, tmp_path / "other.json"):
        path.touch()
    refuse_existing(run.submission, run.rank, overwrite=False)
    with pytest.raises(InputError, match=r"other\.json: is there already"):
        refuse_existing(run.submission, tmp_path / "other.json", overwrite=False)
