import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.views import candidates, submission
from app.views.submission import Upload, Uploaded
from converters.submission import Options
from converters.tables import SHAPES, dump, in_unit, parse_results
from tests.app import example_run
from tests.app.example_run import COUNT
from toolkit.candidates import dump_entries, parse_table
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder

Shaped = Callable[..., Upload]


def read(run: RunFolder, *uploads: Upload, **options: object) -> Uploaded:
    rest = {key: options.pop(key) for key in ("conflicts", "allow_gaps") if key in options}
    return submission.read_uploads(run, uploads, Options(**options), **rest)  # type: ignore[arg-type]


@pytest.fixture
def shaped(full_run: RunFolder) -> Shaped:
    """Some results of the run's submission, as a file in any shape and unit."""
    whole = parse_results("own", full_run.submission.read_bytes())

    def write(name: str, shape: str, first: int = 0, last: int = COUNT, unit: str = "fraction") -> Upload:
        rows = tuple(row._replace(top5=0.9) for row in whole.rows[first:last])
        content = dump(in_unit(replace(whole, rows=rows), unit), SHAPES[shape])  # type: ignore[arg-type]
        return name, content

    return write


def test_the_runs_own_file_is_valid(full_run: RunFolder) -> None:
    assert submission.check_own(full_run).problems == ()


def test_problems_are_counted(own_run: RunFolder) -> None:
    assert submission.count_problems(own_run) == 0
    own_run.submission.write_text("{")
    assert submission.count_problems(own_run) == 1
    own_run.submission.unlink()
    assert submission.count_problems(own_run) is None


def test_what_is_built_equals_what_the_command_writes(full_run: RunFolder) -> None:
    setting = candidates.settings(full_run)[0].setting
    built = submission.build_submission(full_run, setting, "top1")
    assert built.content == full_run.submission.read_bytes()
    assert built.report.results == COUNT


def test_nothing_incomplete_is_built(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path)
    example_run.train(run, epochs=1)
    example_run.evaluate(run, 30, done=12)
    with pytest.raises(InputError, match="18 of 30 candidates"):
        submission.build_submission(run, candidates.settings(run)[0].setting, "top1")


@pytest.mark.parametrize("shape", [name for name, shape in SHAPES.items() if shape.dump])
def test_an_upload_in_any_shape_makes_the_submission(full_run: RunFolder, shaped: Shaped, shape: str) -> None:
    found = read(full_run, shaped("upload", shape))
    assert found.problems == ()
    assert found.complete
    assert found.content == full_run.submission.read_bytes()
    assert found.verdict == f"a valid submission: {COUNT} of {COUNT} entries hold results"
    (row,) = found.files.to_dict("records")
    assert row["Shape"].startswith(f"{shape}: ")
    assert (row["Entries"], row["Results"], row["Suspect"], row["Values"]) == (COUNT, COUNT, 0, "fractions")
    assert row["Where"] == f"arch1..arch{COUNT} ({COUNT} entries)"


def test_parts_of_several_shapes_and_units_are_put_together(full_run: RunFolder, shaped: Shaped) -> None:
    parts = shaped("part", "lines", 0, 100), shaped("part", "inverted", 100, 250, "percent"), shaped("c", "arc", 250)
    found = read(full_run, *parts)
    assert found.content is None
    assert any("part (2): percentages" in problem for problem in found.problems)
    found = read(full_run, *parts, unit="fraction", repair_counts=True)
    assert found.problems == ()
    assert found.content == full_run.submission.read_bytes()
    assert list(found.files["File"]) == ["part", "part (2)", "c"]
    assert any(note.startswith("part (2): brought from percentages to fractions") for note in found.notes)


def test_files_of_one_name_that_contradict_each_other(full_run: RunFolder, shaped: Shaped) -> None:
    name, content = shaped("same.json", "official")
    other = content.replace(b'"acc": 0.', b'"acc": 0.0', 1)
    found = read(full_run, (name, content), (name, other))
    assert any("same.json, same.json (2): different results for arch1" in problem for problem in found.problems)


def test_a_part_is_offered_where_gaps_are_allowed(full_run: RunFolder, shaped: Shaped) -> None:
    part = shaped("part.json", "official", 0, 120)
    assert "180 of 300 candidates have no result" in " ".join(read(full_run, part).problems)
    found = read(full_run, part, allow_gaps=True)
    assert (found.problems, found.complete) == ((), False)
    assert found.verdict == "a part file: 120 of 300 candidates have results"
    assert sum(acc > 0 for acc in parse_table("part", found.content or b"").accs.values()) == 120


def test_suspects_are_counted_and_set_aside(full_run: RunFolder, shaped: Shaped) -> None:
    table = parse_table("own", full_run.submission.read_bytes())
    ids = list(table.ids)
    stale = dump_entries(
        table.codes,
        {key: table.accs[key] if i >= 150 else table.accs[key] / 2 if i < 9 else 0 for i, key in enumerate(ids)},
    )
    uploads = shaped("a", "official", 0, 150), ("b", stale)
    found = read(full_run, *uploads)
    assert list(found.files["Suspect"]) == [0, 9]
    assert any("look stale" in problem for problem in found.problems)
    assert read(full_run, *uploads, conflicts="window").content == full_run.submission.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b'{"arch1": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": {"acc": 1e999, "arch": 3}}',
        b'{"arch1": {"acc": 0.5, "arch": "1"}, "arch1": {"acc": 0.6, "arch": "1"}}',
        b"cos\nsystem\n(S'true'\ntR.",
        b"SQLite format 3\0" + bytes(1000),
        b"arch1 <script>alert(1)</script> 0.5 0.6\n",
    ],
    ids=[
        "empty",
        "binary",
        "list",
        "cut off",
        "NaN",
        "deep list",
        "deep object",
        "digits",
        "huge number",
        "wrong types",
        "key twice",
        "pickle",
        "SQLite",
        "markup",
    ],
)
def test_files_of_strangers_are_explained(full_run: RunFolder, content: bytes, shaped: Shaped) -> None:
    for uploads in ([("upload.json", content)], [("upload.json", content), shaped("good.json", "official")]):
        found = read(full_run, *uploads)
        assert found.content is None
        assert any("upload.json" in problem for problem in found.problems)
        json.dumps(found.problems).encode("ascii")


def test_an_upload_is_held_against_the_candidates(full_run: RunFolder) -> None:
    entries = json.loads(full_run.submission.read_text())
    del entries["arch7"]
    entries["arch8"]["acc"] = 0.0
    entries["stranger"] = {"acc": 0.5, "arch": "12"}
    found = " ".join(read(full_run, ("upload.json", json.dumps(entries).encode())).problems)
    for part in ("arch7", "arch8", "stranger"):
        assert part in found


def test_a_constant_is_no_submission(full_run: RunFolder) -> None:
    table = parse_table("own", full_run.submission.read_bytes())
    found = read(full_run, ("c.json", dump_entries(table.codes, dict.fromkeys(table.ids, 0.5))))
    assert "all 300 results are 0.5" in found.problems[0]
    assert found.content is None


def test_without_candidates_each_file_is_checked_by_itself(own_run: RunFolder) -> None:
    content = own_run.submission.read_bytes()
    own_run.candidates.unlink()
    found = read(own_run, ("a.json", content), ("b.json", b"{"))
    assert list(found.files["Shape"].str.partition(":")[0]) == ["official", "not readable"]
    assert len(found.problems) == 1
    assert "no candidates file" in found.notes[-1]
    found = read(own_run, ("a.json", content))
    assert (found.verdict, found.problems, found.content) == ("no problems in these files", (), None)


def test_too_much_is_refused_before_it_is_read(full_run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "UPLOAD_MB", 1)
    monkeypatch.setattr(submission, "ALL_UPLOADS_MB", 3)
    found = read(full_run, ("big.json", b" " * (2**20 + 1)))
    assert "big.json: has 1 MB, and the dashboard takes 1; use `supernet merge`" in found.problems
    monkeypatch.setattr(submission, "parse_results", lambda *_: pytest.fail("was read"))
    for uploads in ([("x", b" " * 2**20)] * 4, [("x", b"")] * (submission.UPLOADS + 1)):
        assert "the dashboard takes 128 files of 3 MB together" in read(full_run, *uploads).problems[0]


def test_names_never_clash(full_run: RunFolder) -> None:
    names = ["a", "./a", "a (2)", "x/a", "", ".", "/"]
    found = read(full_run, *((name, b"{") for name in names))
    assert found.files["File"].nunique() == len(names)


def test_long_names_are_cut(full_run: RunFolder) -> None:
    found = read(full_run, ("n" * 5000, b"{"), ("n" * 5000, b"{"))
    assert all(len(problem) < 300 for problem in found.problems)
    assert found.files["File"].nunique() == 2
