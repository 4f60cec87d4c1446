import contextlib
import math
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger as Results
from toolkit.priors.ledger import FORMAT, Ledger, Row, Setting

SETTING = Setting("resnet20", "zen", '{"seed": 0}', "3x32x32, 100 classes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "priors.sqlite"


def file(path: Path, *rows: tuple[str, float], setting: Setting = SETTING) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(setting, [Row(code, value, 2.0) for code, value in rows])


def read(path: Path, setting: Setting = SETTING) -> dict[str, float]:
    with Ledger.read(path) as ledger:
        return ledger.scores(setting)


def test_scores_come_back(path: Path) -> None:
    file(path, ("b", 0.1), ("a", -math.inf), ("c", math.nan), ("d", 1e-300))
    scores = read(path)
    assert math.isnan(scores.pop("c"))
    assert scores == {"a": -math.inf, "b": 0.1, "d": 1e-300}


@settings(max_examples=20)  # each writes to the disk and waits until it is there
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False), max_size=8))
def test_every_number_comes_back(tmp_path_factory: pytest.TempPathFactory, scores: dict[str, float]) -> None:
    path = tmp_path_factory.mktemp("ledger") / "priors.sqlite"
    file(path, *scores.items())
    assert read(path) == scores


def test_the_first_score_of_a_network_counts(path: Path) -> None:
    file(path, ("a", 1.0))
    file(path, ("a", 2.0), ("b", 3.0))
    assert read(path) == {"a": 1.0, "b": 3.0}


@pytest.mark.parametrize(
    "other",
    [{"space": "resnet48"}, {"prior": "naswot"}, {"options": '{"seed": 1}'}, {"images": "3x32x32, 10 classes"}],
)
def test_other_settings_are_never_mixed_in(path: Path, other: dict[str, str]) -> None:
    setting = replace(SETTING, **other)
    file(path, ("a", 1.0))
    file(path, ("a", 2.0), ("b", 3.0), setting=setting)
    assert read(path) == {"a": 1.0}
    assert read(path, setting) == {"a": 2.0, "b": 3.0}
    with Ledger.read(path) as ledger:
        assert ledger.settings("resnet20") == [some for some in (SETTING, setting) if some.space == "resnet20"]
        assert ledger.scores(replace(SETTING, options="{}")) == {}


def test_seconds_are_averaged(path: Path) -> None:
    with Ledger.write(path) as ledger:
        assert ledger.seconds(SETTING) == 0
        ledger.record(SETTING, [Row("a", 1.0, 1.0), Row("b", 1.0, 2.0)])
        assert ledger.seconds(SETTING) == 1.5


def test_all_or_nothing(path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        file(path, ("a", 1.0), (None, 2.0))  # type: ignore[arg-type]
    with Ledger.write(path) as ledger:
        assert ledger.scores(SETTING) == {}


def test_one_writer_and_any_number_of_readers(path: Path) -> None:
    file(path, ("a", 1.0))
    with Ledger.write(path) as ledger:
        with pytest.raises(InputError, match=r"process \d+ is writing to it"), Ledger.write(path):
            pass
        ledger.record(SETTING, [Row("b", 2.0, 1.0)])
        assert read(path) == {"a": 1.0, "b": 2.0}
    file(path, ("c", 3.0))


def test_what_a_killed_process_recorded_stays(path: Path, root: Path) -> None:
    program = f"""
import os
from toolkit.priors.ledger import *
with Ledger.write({str(path)!r}) as ledger:
    ledger.record(Setting(*{(SETTING.space, SETTING.prior, SETTING.options, SETTING.images)!r}), [Row("a", 1.0, 1.0)])
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=root).returncode == -9
    assert read(path) == {"a": 1.0}
    file(path, ("b", 2.0))
    assert read(path) == {"a": 1.0, "b": 2.0}


def test_no_scores_yet(path: Path) -> None:
    with pytest.raises(InputError, match="there are no scores yet; `supernet prior` makes them"), Ledger.read(path):
        pass
    assert not path.exists()


def test_files_of_other_kinds_are_left_as_they_are(path: Path) -> None:
    with Results.write(path):
        pass
    before = path.read_bytes()
    for opening in (Ledger.read, Ledger.write):
        with pytest.raises(InputError, match="an SQLite file, but no ledger of priors"), opening(path):
            pass
    assert path.read_bytes() == before
    path.write_text("x" * 1000)
    for opening in (Ledger.read, Ledger.write):
        with pytest.raises(InputError, match="damaged or no SQLite file"), opening(path):
            pass
    assert path.read_text() == "x" * 1000
    path.write_text("x")
    with pytest.raises(InputError, match="too short"), Ledger.write(path):
        pass


def test_a_newer_format(path: Path) -> None:
    file(path, ("a", 1.0))
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(InputError, match=rf"has format {FORMAT + 1}.* update the toolkit"), Ledger.read(path):
        pass


def changed(path: Path, script: str) -> None:
    file(path, ("4-12", 1.0), ("4-16", math.nan))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE scores SET code = '4-20' WHERE code = '4-12'",
        "UPDATE scores SET value = -value",
        "UPDATE scores SET value = 0 WHERE value IS NULL",
        "UPDATE settings SET options = '{\"seed\": 1}'",
    ],
)
def test_a_changed_score_is_noticed(script: str, path: Path) -> None:
    """As a flipped bit would: a code of digits becomes another valid code."""
    changed(path, script)
    with Ledger.read(path) as ledger, pytest.raises(InputError, match="not what was recorded"):
        ledger.scores(ledger.settings("resnet20")[0])


def test_format_1_is_read_as_it_is(path: Path) -> None:
    changed(path, "ALTER TABLE scores DROP COLUMN checksum; PRAGMA user_version = 1")
    assert read(path)["4-12"] == 1.0
    file(path, ("4-20", 2.0))
    assert {code for code, value in read(path).items() if value > 0} == {"4-12", "4-20"}


def test_scores_of_a_stranger(path: Path) -> None:
    file(path, ("a", 1.0))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE scores SET value = 'plenty'")
    connection.close()
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be read or written"), Ledger.write(tmp_path / "file" / "p.sqlite"):
        pass


@pytest.mark.parametrize(
    ("options", "why"),
    [("[" * 100_000, "nested too deeply"), ("9" * 5000, "digits"), ("3", "no object"), ("oops", "damaged: .*not JSON")],
)
def test_options_of_a_stranger(options: str, why: str, path: Path) -> None:
    file(path, ("a", 1.0))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE settings SET options = ?", (options,))
    with Ledger.read(path) as ledger, pytest.raises(InputError, match=why):
        ledger.settings("resnet20")
