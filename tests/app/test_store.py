from pathlib import Path

import pandas as pd
import pytest

from app import store
from app.views import candidates, submission
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder

TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def refuse() -> pd.DataFrame:
    raise AssertionError("computed again")


def test_what_was_computed_is_kept_for_the_next_server() -> None:
    assert store.kept_table("t", [b"1"], lambda: TABLE) is TABLE
    pd.testing.assert_frame_equal(store.kept_table("t", [b"1"], refuse), TABLE)
    for other in ([b"2"], [b"1", b""]):
        with pytest.raises(AssertionError):
            store.kept_table("t", other, refuse)


def test_tables_that_belong_together_are_kept_together() -> None:
    tables = {"t": TABLE, "empty": TABLE.head(0)}
    for make in (lambda: tables, refuse):
        kept = store.kept_tables("ts", [b"1"], make)
        assert list(kept) == list(tables)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(kept[name], table)


def test_other_code_computes_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    store.kept_table("t", [b"1"], lambda: TABLE)
    monkeypatch.setattr(store, "_code", lambda: b"another version")
    with pytest.raises(AssertionError):
        store.kept_table("t", [b"1"], refuse)


def test_a_damaged_file_and_a_folder_that_cannot_be_written_break_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.kept_table("t", [b"1"], lambda: TABLE)
    (path,) = store.folder().glob("*.parquet")
    path.write_bytes(b"PAR1 not")
    assert store.kept_table("t", [b"1"], lambda: TABLE) is TABLE
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert store.kept_table("t", [b"1"], lambda: TABLE) is TABLE


def test_problems_are_not_kept() -> None:
    def fail() -> pd.DataFrame:
        raise InputError("no")

    for _ in range(2):
        with pytest.raises(InputError):
            store.kept_table("t", [b"1"], fail)


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT", 3)
    for number in range(6):
        store.kept_table("t", [bytes([number])], lambda: TABLE)
    assert len(list(store.folder().glob("*"))) == 3


def test_nothing_in_the_run_changes_and_a_changed_file_is_seen(own_run: RunFolder) -> None:
    before = {path: path.read_bytes() for path in own_run.path.rglob("*") if path.is_file()}
    first = candidates.architectures(own_run)
    again = candidates.architectures(own_run)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert (first.answers == again.answers).all()
    assert first.answers.dtype == again.answers.dtype
    assert submission.count_problems(own_run) == submission.count_problems(own_run) == 0
    assert before == {path: path.read_bytes() for path in own_run.path.rglob("*") if path.is_file()}
    own_run.submission.write_text('{"arch1": {"acc": 0.5, "arch": "1"}}')
    assert submission.count_problems(own_run)
