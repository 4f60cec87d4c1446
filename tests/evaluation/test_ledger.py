import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import sqlite
from toolkit.backends.base import Counts
from toolkit.errors import InputError
from toolkit.evaluation.ledger import FORMAT, Holding, Ledger, Row, Setting

SETTING = Setting("resnet48", "c" * 64, "d" * 64, 500, "stored")
OTHERS = [
    Setting("resnet48-mini", "c" * 64, "d" * 64, 500, "stored"),
    Setting("resnet48", "e" * 64, "d" * 64, 500, "stored"),
    Setting("resnet48", "c" * 64, "e" * 64, 500, "stored"),
    Setting("resnet48", "c" * 64, "d" * 64, 501, "stored"),
    Setting("resnet48", "c" * 64, "d" * 64, 500, "batch"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a run #1?" / "ledger.sqlite"  # characters that mean something in an SQLite address


def row(code: str = "a", top1: int = 1, loss: float = 2.5) -> Row:
    return Row(code, Counts(top1, 5, 10, loss), 0.25)


def rows(count: int, start: int = 0) -> list[Row]:
    return [row(f"code{i:06}", i % 6) for i in range(start, start + count)]


def script(code: str, path: Path) -> subprocess.Popen[str]:
    """A process that runs `code`, which knows `path` and `setting`."""
    program = f"""
import sys
from toolkit.backends.base import Counts
from toolkit.evaluation.ledger import *
path, setting = sys.argv[1], {SETTING!r}
{textwrap.dedent(code)}
"""
    return subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)


def test_what_is_recorded_is_there_after_reopening(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row("b", 2), row("a", 1)])
        assert ledger.done(SETTING) == {"a", "b"}
    with Ledger.read(path) as ledger:
        assert ledger.done(SETTING) == {"a", "b"}
        assert ledger.results(SETTING) == {"a": Counts(1, 5, 10, 2.5), "b": Counts(2, 5, 10, 2.5)}


@pytest.mark.parametrize("other", OTHERS)
def test_every_field_of_the_setting_keeps_results_apart(path: Path, other: Setting) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row(top1=1)])
        assert ledger.done(other) == set()
        assert ledger.results(other) == {}
        ledger.record(other, [row(top1=2)])
        assert ledger.results(SETTING)["a"].top1 == 1
        assert ledger.results(other)["a"].top1 == 2


def test_what_a_ledger_holds_newest_first(path: Path) -> None:
    before = datetime.now(UTC)
    with Ledger.write(path) as ledger:
        assert ledger.settings() == []
        ledger.record(OTHERS[0], [])
        assert ledger.settings() == []
        for setting in (SETTING, OTHERS[1]):
            ledger.record(setting, rows(3))
            time.sleep(0.002)
        ledger.record(SETTING, rows(1, start=3))
        first, second = ledger.settings()
    assert first == Holding(SETTING, 4, 1.0, first.first_at, first.last_at)
    assert before - timedelta(seconds=1) < first.first_at < second.first_at < first.last_at
    assert second == Holding(OTHERS[1], 3, 0.75, second.first_at, second.first_at)


counts = st.builds(
    Counts,
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.floats(allow_nan=False, allow_infinity=True),
)


@settings(deadline=None, max_examples=50)  # every example waits for the disk
@given(results=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), counts, max_size=5))
def test_counts_survive_exactly(results: dict[str, Counts], tmp_path_factory: pytest.TempPathFactory) -> None:
    with Ledger.write(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        ledger.record(SETTING, [Row(code, counts, 0.0) for code, counts in results.items()])
        assert ledger.results(SETTING) == results


def test_the_loss_of_a_diverged_network_stays_nan(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row(loss=math.nan)])
        ledger.record(SETTING, [row(loss=math.nan)])  # the same again
        assert math.isnan(ledger.results(SETTING)["a"].loss)
        with pytest.raises(InputError):
            ledger.record(SETTING, [row(loss=1.0)])


def test_the_same_result_twice_is_one_result(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row(loss=2.5)])
        ledger.record(SETTING, [row(loss=2.5), row(loss=2.50000001), row("b")])
        assert ledger.results(SETTING) == {"a": Counts(1, 5, 10, 2.5), "b": Counts(1, 5, 10, 2.5)}
        assert ledger.settings()[0].seconds == 0.5


def test_other_results_for_the_same_codes_are_all_named_and_none_is_recorded(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row("a"), row("b"), row("c")])
        with pytest.raises(InputError) as error:
            ledger.record(SETTING, [row("new"), row("a", top1=4), row("b"), row("c", loss=2.6)])
        assert len(error.value.problems) == 2
        assert "a is recorded with Counts(top1=1, top5=5, total=10, loss=2.5)" in error.value.problems[0]
        assert "Counts(top1=4, top5=5, total=10, loss=2.5)" in error.value.problems[0]
        assert "loss=2.6" in error.value.problems[1]
        assert ledger.done(SETTING) == {"a", "b", "c"}
        ledger.record(SETTING, [row("new")])  # the ledger goes on


def test_rows_that_fail_while_they_are_made_leave_nothing(path: Path) -> None:
    def failing() -> Iterator[Row]:
        yield row("a")
        raise KeyboardInterrupt

    with Ledger.write(path) as ledger:
        with pytest.raises(KeyboardInterrupt):
            ledger.record(SETTING, failing())
        assert ledger.done(SETTING) == set()


def test_readers_see_what_a_writer_has_recorded_so_far(path: Path) -> None:
    with Ledger.write(path) as writer, Ledger.read(path) as reader:
        assert reader.done(SETTING) == set()
        for code in "abc":
            writer.record(SETTING, [row(code)])
            assert reader.done(SETTING) == writer.done(SETTING)


def test_a_reader_cannot_write(path: Path) -> None:
    with Ledger.write(path):
        pass
    with Ledger.read(path) as ledger, pytest.raises(InputError, match="readonly"):
        ledger.record(SETTING, [row()])


def test_a_second_writer_is_told_who_is_writing(path: Path) -> None:
    with Ledger.write(path):
        with pytest.raises(InputError, match=f"ledger.sqlite: process {os.getpid()} is writing"), Ledger.write(path):
            pass
        second = script("with Ledger.write(path): pass", path)
        assert second.wait() == 1
    with Ledger.write(path):
        pass


def test_a_killed_writer_loses_nothing_it_acknowledged_and_bars_nobody(path: Path) -> None:
    chance = random.Random(0)
    for _ in range(5):
        writer = script(
            """
            with Ledger.write(path) as ledger:
                start = len(ledger.done(setting))
                while True:
                    ledger.record(setting, [Row(f"code{i:06}", Counts(i % 6, 5, 10, 2.5), 0.25)
                                            for i in range(start, start + 20)])
                    start += 20
                    print(start, flush=True)
            """,
            path,
        )
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        acknowledged = int((first + writer.stdout.read()).split()[-1])
        assert writer.wait() == -signal.SIGKILL
        with Ledger.read(path) as ledger:
            assert len(ledger.done(SETTING)) >= acknowledged
        with Ledger.write(path) as ledger:
            results = ledger.results(SETTING)
            assert results == {row.code: row.counts for row in rows(len(results))}
            assert len(results) in (acknowledged, acknowledged + 20)  # at most the group in flight besides


def test_a_full_disk_costs_only_what_did_not_fit(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(50))
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(InputError, match="full"):
            ledger.record(SETTING, rows(5000, start=50))
        assert len(ledger.done(SETTING)) == 50
        ledger._connection.execute("PRAGMA max_page_count = 100000")
        ledger.record(SETTING, rows(5000, start=50))  # somebody freed some space
    with Ledger.read(path) as ledger:
        assert len(ledger.done(SETTING)) == 5050


def test_a_file_that_may_not_grow_costs_only_what_did_not_fit(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(50))
    writer = script(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with Ledger.write(path) as ledger:
                ledger.record(setting, [Row(f"more{i:06}", Counts(1, 5, 10, 2.5), 0.25) for i in range(5000)])
        except InputError as error:
            print(*error.problems)
        """,
        path,
    )
    message, _ = writer.communicate()
    assert writer.returncode == 0
    assert str(path) in message
    assert "free space" in message
    with Ledger.write(path) as ledger:
        assert ledger.done(SETTING) == {row.code for row in rows(50)}


def test_reading_before_there_is_anything(path: Path) -> None:
    with pytest.raises(InputError, match="there are no results yet; `supernet evaluate`"), Ledger.read(path):
        pass
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    with pytest.raises(InputError, match="holds no results yet"), Ledger.read(path):
        pass
    with Ledger.write(path) as ledger:  # a process killed early leaves such a file
        ledger.record(SETTING, [row()])


def refused(path: Path, message: str) -> None:
    """Neither way to open it works, and the file is untouched."""
    content = path.read_bytes()
    for opening in (Ledger.read, Ledger.write):
        with pytest.raises(InputError, match=message) as error, opening(path) as ledger:
            ledger.results(SETTING)
        assert str(path) in str(error.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"x", b'{"arch1": {"acc": 0.0, "arch": "1"}}\n' * 500, bytes(8192)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    refused(path, "is damaged or no SQLite file")


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE contacts (name)")
    refused(path, "no ledger")


def test_a_newer_format_is_refused(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row()])
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    refused(path, "update the toolkit")


def test_an_earlier_format_is_brought_up_to_date(path: Path) -> None:
    """Format 1 knew of no precision: everything was fp32."""
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row()])
        expected = ledger.results(SETTING)
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """CREATE TEMP TABLE before AS SELECT * FROM settings;
            DROP TABLE settings;
            CREATE TABLE settings (
                id INTEGER PRIMARY KEY, space TEXT NOT NULL, checkpoint TEXT NOT NULL, data TEXT NOT NULL,
                images INTEGER NOT NULL, norm TEXT NOT NULL, UNIQUE (space, checkpoint, data, images, norm));
            INSERT INTO settings SELECT id, space, checkpoint, data, images, norm FROM before;
            ALTER TABLE results DROP COLUMN checksum;
            PRAGMA user_version = 1;"""
        )
    connection.close()
    with pytest.raises(InputError, match="is of an earlier format; `supernet evaluate` brings"), Ledger.read(path):
        pass
    with Ledger.write(path) as ledger:
        assert ledger.results(SETTING) == expected
        other = replace(SETTING, precision="bf16")
        ledger.record(other, [row()])
        assert {holding.setting for holding in ledger.settings()} == {SETTING, other}


def test_a_truncated_ledger_is_refused(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(2000))
    path.write_bytes(path.read_bytes()[:20_000])
    refused(path, "is damaged")


@settings(deadline=None, max_examples=50)  # every example waits for the disk
@given(place=st.integers(0, 10**9), damage=st.binary(min_size=1, max_size=200))
def test_damage_anywhere_never_ends_in_a_traceback(
    place: int, damage: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(300))
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(damage)] = damage[: len(content) - place]
    path.write_bytes(content)
    for opening in (Ledger.read, Ledger.write):
        try:
            with opening(path) as ledger:
                ledger.results(SETTING)
                ledger.settings()
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017


def test_places_that_cannot_hold_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read or written"), Ledger.write(tmp_path):
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="cannot be read or written"),
        Ledger.write(tmp_path / "file" / "ledger.sqlite"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_ledger_in_a_folder_of_somebody_else_can_be_read(path: Path) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [row()])
    path.parent.chmod(0o555)
    try:
        with Ledger.read(path) as ledger:
            assert ledger.done(SETTING) == {"a"}
    finally:
        path.parent.chmod(0o755)


def changed(path: Path, script: str) -> Path:
    """A ledger with two results, changed by a stranger."""
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(2))
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA writable_schema = ON;" + script)
    connection.close()
    return path


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("UPDATE results SET top1 = 'many'", "wrong type"),
        ("UPDATE results SET top5 = x'00ff'", "wrong type"),
        ("UPDATE results SET seconds = x'00'", "wrong type"),
        ("UPDATE results SET at = 'today'", "wrong type"),
        ("UPDATE results SET code = x'31' WHERE code = (SELECT min(code) FROM results)", "wrong type"),
        ("UPDATE settings SET images = 'all'", "wrong type"),
        ("ALTER TABLE results RENAME TO r; CREATE VIEW results AS SELECT * FROM r", "a view 'results'"),
        ("CREATE TRIGGER t AFTER INSERT ON results BEGIN DELETE FROM results; END", "a trigger 't'"),
        ("CREATE INDEX i ON results (abs(top1))", "an index 'i'|a index 'i'"),
        ("ALTER TABLE results ADD COLUMN more INTEGER AS (top1 * 2)", "not as it should be"),
        ("ALTER TABLE results DROP COLUMN top5", "not as it should be"),
        ("CREATE VIRTUAL TABLE v USING fts5(x)", "a virtual table 'v'"),
        (
            "DROP TABLE results; CREATE VIEW results AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT 1 AS setting, i AS code, 1 AS top1, 1 AS top5, 1 AS total, 1.0 AS loss, 1.0 AS seconds, 1.0 AS at,"
            " 1 AS checksum FROM n",
            "a view 'results'",
        ),
    ],
)
def test_a_strangers_ledger_is_refused(script: str, why: str, path: Path) -> None:
    changed(path, script)
    for opening in (Ledger.read, Ledger.write):
        with pytest.raises(InputError, match=why), opening(path) as ledger:
            ledger.settings()


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE results SET code = 'other' WHERE code = (SELECT min(code) FROM results)",
        "UPDATE results SET top1 = top1 + 1",
        "UPDATE results SET loss = loss + 1",
        "UPDATE settings SET images = images + 1",
    ],
)
def test_a_changed_result_is_noticed(script: str, path: Path) -> None:
    """As a flipped bit would: a code of digits becomes another valid code."""
    changed(path, script)
    with Ledger.read(path) as ledger, pytest.raises(InputError, match="not what was recorded"):
        ledger.results(ledger.settings()[0].setting)


def test_format_2_is_read_as_it_is(path: Path) -> None:
    changed(path, "ALTER TABLE results DROP COLUMN checksum; PRAGMA user_version = 2")
    with Ledger.read(path) as ledger:
        assert len(ledger.results(SETTING)) == 2
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(3))
        assert len(ledger.results(SETTING)) == 3


def test_a_query_has_a_budget(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, rows(3000))
    for name, value in {"_STEPS": 0, "_STEPS_PER_BYTE": 0, "_EVERY": 100}.items():
        monkeypatch.setattr(sqlite, name, value)
    with pytest.raises(InputError, match="far longer to read"), Ledger.read(path) as ledger:
        ledger.results(SETTING)


@pytest.mark.parametrize("name", ["q_view.sqlite", "q_blobs.sqlite"])
def test_the_ledgers_kept(name: str) -> None:
    case = Path(__file__).parents[3] / "shared/cases" / name
    if not case.exists():
        pytest.skip("shared/cases is not beside this checkout")
    with pytest.raises(InputError), Ledger.read(case) as ledger:
        ledger.settings()
