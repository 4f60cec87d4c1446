import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from converters.tables import SHAPES
from tests.command import supernet
from toolkit.backends.base import Counts
from toolkit.candidates import draw_candidates, scores, write_candidates, write_entries
from toolkit.cli.table import table
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.spaces import SPACES

CANDIDATES = draw_candidates(SPACES["resnet48"], 20, 0)
ACCS = {key: (i * 17 % 41 + 50) / 211 for i, key in enumerate(CANDIDATES)}
LINES = "".join(f"{code} {100 * ACCS[key]!r} 90.5\n" for key, code in CANDIDATES.items())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with candidates and a file of lines."""
    monkeypatch.chdir(tmp_path)
    write_candidates("candidates.json", CANDIDATES)
    Path("channel_sample.txt").write_text(LINES)
    return tmp_path


def test_every_shape_that_can_be_written_can_be_asked_for() -> None:
    writable = [name for name, shape in SHAPES.items() if shape.dump]
    assert list(get_args(get_args(get_type_hints(table, include_extras=True)["to"])[0])) == writable


def test_what_was_recognised_is_said_and_nothing_is_written(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    result = supernet("table", "channel_sample.txt", "candidates.json")
    assert (result.status, result.err) == (0, "")
    lines, note, space, official, _ = result.out.splitlines()
    assert space == "  note: 20 of 20 codes are in space resnet48"
    assert lines == ("channel_sample.txt: shape lines, CODE TOP1 TOP5; 20 rows, 20 results in percentages, with top-5")
    assert "numbered in file order" in note
    assert official.endswith("20 rows, all placeholders")
    assert sorted(path.name for path in folder.iterdir()) == before


def test_lines_become_a_submission_that_check_accepts() -> None:
    result = supernet(
        "table", "channel_sample.txt", "--candidates", "candidates.json", "--unit", "fraction", "--out", "s.json"
    )
    assert result.status == 0, result.err
    assert "note: lost: the top-5 accuracies of 20 rows; `--score top5` writes them instead" in result.out
    assert result.out.endswith("s.json: 20 rows in the shape official\n")
    assert scores("s.json") == pytest.approx(ACCS, rel=1e-15)
    assert supernet("check", "s.json", "--candidates", "candidates.json", "--kind", "submission").status == 0


@pytest.mark.parametrize("shape", [name for name, shape in SHAPES.items() if shape.dump])
def test_there_and_back_by_the_command(shape: str) -> None:
    common = ("--candidates", "candidates.json")
    there = supernet("table", "channel_sample.txt", *common, "--to", shape, "--out", "there")
    assert there.status == 0, there.err
    back = supernet("table", "there", *common, "--out", "back.json")
    assert back.status == 0, back.err
    assert scores("back.json") == {key: 100 * acc for key, acc in ACCS.items()}


def test_json_says_everything() -> None:
    result = supernet("table", "channel_sample.txt", "--to", "by-code", "--score", "top5", "--out", "x", "--json")
    assert (result.status, result.err) == (0, "")
    facts = json.loads(result.out)
    assert (facts["written"], facts["shape"], len(facts["lost"])) == ("x", "by-code", 1)
    (file,) = facts["files"]
    assert (file["shape"], file["rows"], file["results"], file["unit"]) == ("lines", 20, 20, "percent")
    assert set(json.loads(Path("x").read_text()).values()) == {90.5}


def test_problems_are_listed_and_nothing_is_written() -> None:
    Path("bad.txt").write_text(LINES + "1234 nan 1\n" + LINES.splitlines()[0].replace(" 90.5", " 91.5"))
    result = supernet("table", "bad.txt", "absent.txt", "--candidates", "candidates.json")
    assert result.status == 1
    assert "bad.txt: shape lines" in result.out
    assert [line.split(": ")[0] for line in result.err.splitlines()] == ["✗ bad.txt", "✗ bad.txt", "✗ absent.txt"]
    assert supernet("table", "bad.txt", "--out", "out.json").status == 1
    report = json.loads(supernet("table", "bad.txt", "--out", "out.json", "--json").out)
    assert (report["written"], len(report["files"][0]["problems"])) == (None, 2)
    assert not Path("out.json").exists()


def test_codes_are_held_against_what_was_named() -> None:
    codes = dict(CANDIDATES)
    codes["arch3"] = codes["arch4"]
    write_entries("c.json", codes, ACCS)
    assert "arch3 has the code" in supernet("table", "c.json", "--candidates", "candidates.json").err
    Path("short.txt").write_text("".join(f"{code[1:]} 0.5\n" for code in CANDIDATES.values()))
    assert "20 of 20 codes are in space resnet48" in supernet("table", "short.txt").out  # as in the documentation
    Path("words.txt").write_text("".join(f"net-{i} 0.5\n" for i in range(20)))
    assert "no search space accepts any of its codes" in supernet("table", "words.txt").out
    assert supernet("table", "words.txt", "--space", "resnet48").status == 1
    result = supernet("table", "short.txt", "--candidates", "candidates.json")
    assert (result.status, "lack the first digit" in result.out) == (0, True)


def test_units_are_settled_by_the_rule_or_by_the_user() -> None:
    write_entries("f.json", CANDIDATES, ACCS)
    said = supernet("table", "f.json").out
    assert "20 results in fractions" in said
    assert "if they are percentages: `--read-as percent`" in said
    assert "20 results in percentages" in supernet("table", "f.json", "--read-as", "percent").out
    result = supernet("table", "channel_sample.txt", "--read-as", "fraction")
    assert (result.status, "holds values above 1" in result.err) == (1, True)
    write_entries("g.json", CANDIDATES, ACCS | {"arch3": -20.0, "arch4": 120.0})
    assert supernet("table", "g.json").err.count("an accuracy lies between") == 2


def test_ids_from_zero_and_counts() -> None:
    write_entries("f.json", CANDIDATES, {key: acc * (1 + 1e-9) for key, acc in ACCS.items()})
    result = supernet("table", "f.json", "--repair-counts", "--to", "arc", "--from-zero", "--out", "a.json")
    assert result.status == 0, result.err
    assert "counts repaired: 20 rows were changed" in result.out
    entries = json.loads(Path("a.json").read_text())
    assert next(iter(entries)) == "arch0"
    assert [entry["acc"] for entry in entries.values()] == list(ACCS.values())


def test_a_file_is_not_overwritten_unasked_and_holds_one_table() -> None:
    before = Path("candidates.json").read_bytes()
    result = supernet("table", "channel_sample.txt", "--out", "candidates.json")
    assert (result.status, "is there already" in result.err) == (1, True)
    assert Path("candidates.json").read_bytes() == before
    result = supernet("table", "channel_sample.txt", "candidates.json", "--out", "x.json")
    assert (result.status, "`supernet merge`" in result.err) == (1, True)
    arguments = ("table", "channel_sample.txt", "--to", "id-lines", "--out", "channel_sample.txt", "--overwrite")
    assert supernet(*arguments).status == 0
    assert Path("channel_sample.txt").read_text().startswith("arch1 ")


def test_a_ledger_is_a_table_too() -> None:
    setting = Setting("resnet48", "c" * 64, "d" * 64, 211, "stored")
    with Ledger.write("ledger.sqlite") as ledger:
        rows = [Row(code, Counts(round(ACCS[key] * 211), 200, 211, 1.0), 0.1) for key, code in CANDIDATES.items()]
        ledger.record(setting, rows)
    result = supernet("table", "ledger.sqlite", "--candidates", "candidates.json", "--to", "id-lines", "--out", "l.txt")
    assert result.status == 0, result.err
    assert "lost: what else the ledger knows" in result.out
    assert sorted(Path("l.txt").read_text().splitlines()) == sorted(
        f"{key} {code} {ACCS[key]!r} {200 / 211!r}" for key, code in CANDIDATES.items()
    )
