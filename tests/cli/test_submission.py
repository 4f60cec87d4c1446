import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import supernet
from toolkit.backends.base import Counts
from toolkit.candidates import draw_candidates, scores, write_candidates, write_entries
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.files import digest
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

CANDIDATES = draw_candidates(SPACES["resnet48-mini"], 40, 0)
IDS = list(CANDIDATES)
ACCS = {key: (i * 17 % 41 + 50) / 211 for i, key in enumerate(IDS)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with the candidates in it."""
    monkeypatch.chdir(tmp_path)
    write_candidates("candidates.json", CANDIDATES)
    return tmp_path


def write(name: str, accs: dict[str, float]) -> None:
    write_entries(name, CANDIDATES, {key: accs.get(key, 0.0) for key in CANDIDATES})


def test_check_of_a_valid_submission() -> None:
    write("s.json", ACCS)
    result = supernet("check", "s.json", "--space", "resnet48-mini", "--candidates", "candidates.json")
    assert result.status == 0
    assert result.out.splitlines()[0] == "s.json: a valid submission: 40 of 40 entries hold results"
    assert result.err == ""


def test_check_lists_all_problems_and_exits_with_1() -> None:
    write("[red]s.json", ACCS | {"arch3": 0.0, "arch4": -1})
    result = supernet("check", "[red]s.json", "--candidates", "candidates.json")
    assert result.status == 1
    assert "[red]s.json: a submission that is not fit to hand in" in result.out
    assert [line.split(": ")[0] for line in result.err.splitlines()] == 2 * ["✗ [red]s.json"]
    assert "arch4 has acc -1" in result.err
    assert "hold the placeholder 0: arch3" in result.err


def test_check_as_json_prints_one_object_and_nothing_else() -> None:
    write("s.json", ACCS | {"arch3": 0.0})
    result = supernet("check", "s.json", "--json")
    assert (result.status, result.err) == (1, "")
    report = json.loads(result.out)
    assert (report["path"], report["kind"], report["entries"], report["results"]) == ("s.json", "submission", 40, 39)
    assert (report["valid"], len(report["problems"])) == (False, 1)
    result = supernet("check", "absent.json", "--json")
    assert (result.status, json.loads(result.out)["kind"]) == (1, None)


def test_check_tells_candidates_from_submissions() -> None:
    assert supernet("check", "candidates.json").status == 0
    assert "no submission" in supernet("check", "candidates.json").out
    assert supernet("check", "candidates.json", "--kind", "submission").status == 1
    assert supernet("check", "candidates.json", "--kind", "nonsense").status == 2


def test_an_unknown_space_and_a_broken_candidates_file_are_input_errors() -> None:
    result = supernet("check", "candidates.json", "--space", "resnet49")
    assert (result.status, result.out) == (1, "")
    assert "unknown space 'resnet49'" in result.err
    Path("broken.json").write_text("{")
    result = supernet("check", "candidates.json", "--candidates", "broken.json")
    assert (result.status, result.out) == (1, "")
    assert "broken.json: is not JSON" in result.err


def test_merge_writes_what_the_parts_hold() -> None:
    write("a.json", {key: ACCS[key] for key in IDS[:25]})
    write("b.json", {key: ACCS[key] for key in IDS[25:]})
    result = supernet("merge", "out.json", "a.json", "b.json", "--candidates", "candidates.json")
    assert result.status == 0, result.err
    assert "a.json: 25 of 40 entries hold results (fraction): arch1..arch25 (25 entries)\n" in result.out
    assert "out.json: 40 of 40 candidates have results" in result.out
    assert scores("out.json") == ACCS
    assert supernet("check", "out.json", "--candidates", "candidates.json").status == 0


def test_merge_writes_nothing_over_a_problem() -> None:
    write("a.json", {key: ACCS[key] for key in IDS[:25]} | {"arch30": 0.9})
    write("b.json", {key: ACCS[key] for key in IDS[28:]})
    arguments = ("merge", "out.json", "a.json", "b.json", "--candidates", "candidates.json")
    result = supernet(*arguments, "--json")
    assert (result.status, result.err) == (1, "")
    report = json.loads(result.out)
    assert report["written"] is None
    assert report["gaps"] == [{"first": "arch26", "last": "arch28", "count": 3}]
    assert report["parts"][0]["edited"] == {"arch30": 0.9}
    assert len(report["problems"]) == 2
    assert not Path("out.json").exists()
    assert len(supernet(*arguments).err.splitlines()) == 2
    result = supernet(*arguments, "--conflicts", "window", "--allow-gaps")
    assert result.status == 0, result.err
    assert "1 look edited" in result.out
    assert scores("out.json") == ACCS | dict.fromkeys(IDS[25:28], 0.0)


def test_merge_does_not_overwrite_a_file_unasked() -> None:
    write("a.json", {key: ACCS[key] for key in IDS[:25]})
    write("b.json", ACCS)
    before = Path("a.json").read_bytes()
    result = supernet("merge", "a.json", "b.json", "--candidates", "candidates.json")  # OUT was forgotten
    assert result.status == 1
    assert "a.json: is there already" in result.err
    assert Path("a.json").read_bytes() == before
    assert supernet("merge", "a.json", "b.json", "--candidates", "candidates.json", "--overwrite").status == 0
    assert scores("a.json") == ACCS


def test_check_says_what_makes_a_submission_of_another_shape() -> None:
    for name, text in {
        "lines.txt": "".join(f"{code} 0.5 0.6\n" for code in CANDIDATES.values()),
        "inverted.json": json.dumps({code: [key, 0.5] for key, code in CANDIDATES.items()}),
        "arc.json": json.dumps({key: {"acc": 0.5, "arc": code} for key, code in CANDIDATES.items()}),
    }.items():
        Path(name).write_text(text)
        for space in ((), ("--space", "resnet48-mini")):
            result = supernet("check", name, *space)
            assert result.status == 1
            assert f"{name}: holds 40 results in the shape {name.partition('.')[0]} (" in result.err
            assert "`supernet table` with `--to official --out FILE` makes one of it" in result.err


def test_merge_takes_any_shape_in_one_unit_with_equal_counts() -> None:
    items = list(CANDIDATES.items())
    Path("log.txt").write_text("".join(f"{key} {code} {100 * ACCS[key]:.9f} 99.5\n" for key, code in items[:20]))
    Path("gpu.json").write_text(json.dumps({code: [key, ACCS[key]] for key, code in items[20:]}))
    arguments = ("merge", "out.json", "log.txt", "gpu.json", "--candidates", "candidates.json")
    result = supernet(*arguments)
    assert result.status == 1
    assert "say `--unit fraction` or `--unit percent`" in result.err
    result = supernet(*arguments, "--unit", "fraction", "--repair-counts")
    assert result.status == 0, result.err
    assert "log.txt (id-lines): 20 of 20 entries hold results (fraction): arch1..arch20" in result.out
    assert "gpu.json (inverted): 20 of 20" in result.out
    assert "counts repaired, as asked for" in result.out
    assert scores("out.json") == ACCS
    result = supernet(*arguments, "--score", "top5", "--overwrite")
    assert "gpu.json: 20 of 20 rows have no top-5 accuracy; take top-1" in result.err


@pytest.fixture
def run(folder: Path) -> Callable[[int], RunFolder]:
    def evaluated(count: int) -> RunFolder:
        run = RunFolder(folder / "run")
        run.checkpoint(10).parent.mkdir(parents=True)
        run.checkpoint(10).write_bytes(b"weights")
        run.recipe.write_text('space = "resnet48-mini"\n[method]\nname = "spos"\n')
        setting = Setting("resnet48-mini", digest(b"weights"), "d" * 64, 200, "stored")
        rows = [Row(code, Counts(50 + i, 90 + i, 200, 300.0 - i), 0.1) for i, code in enumerate(CANDIDATES.values())]
        with Ledger.write(run.ledger) as ledger:
            ledger.record(setting, rows[:count])
        return run

    return evaluated


@pytest.mark.parametrize("score", ["top1", "top5", "loss"])
def test_submit_writes_a_file_that_check_accepts(run: Callable[[int], RunFolder], score: str) -> None:
    path = run(40).path
    result = supernet("submit", path, "--candidates", "candidates.json", "--out", "s.json", "--score", score)
    assert result.status == 0, result.err
    assert result.out.startswith("s.json: a valid submission: 40 of 40")
    assert ("exp(-mean cross-entropy)" in result.out) == (score == "loss")
    assert f"checkpoint {digest(b'weights')[:12]}, batch norm stored, 200 images" in result.out
    assert supernet("check", "s.json", "--candidates", "candidates.json", "--kind", "submission").status == 0


def test_submit_as_json(run: Callable[[int], RunFolder]) -> None:
    folder = run(40)
    write_candidates(folder.candidates, CANDIDATES)
    result = supernet("submit", folder.path, "--json")
    assert (result.status, result.err) == (0, "")
    report = json.loads(result.out)
    assert report["path"] == str(folder.submission)
    assert (report["score"], report["setting"]["norm"], report["others"]) == ("top1", "stored", [])


def test_submit_refuses_an_incomplete_ledger(run: Callable[[int], RunFolder]) -> None:
    result = supernet("submit", run(33).path, "--candidates", "candidates.json", "--out", "s.json")
    assert (result.status, result.out) == (1, "")
    missing, command = result.err.splitlines()
    assert "7 of 40 candidates have no result: arch34..arch40 (7 entries)" in missing
    assert "supernet evaluate " in command
    assert "--candidates candidates.json" in command
    assert sorted(path.name for path in Path().iterdir()) == ["candidates.json", "run"]


def test_a_template_is_no_submission_whatever_it_is_compared_with(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    write_candidates(template, draw_candidates(SPACES["resnet48-mini"], 30, 0))
    assert supernet("check", template).status == 0
    outcome = supernet("check", template, "--candidates", template)
    assert outcome.status == 1
    assert "a submission that is not fit to hand in: 0 of 30 entries hold results" in outcome.out
    assert supernet("check", template, "--candidates", template, "--kind", "candidates").status == 0
