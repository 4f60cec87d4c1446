"""`supernet spaces`, `cost` and `candidates`."""

import csv
import json
from pathlib import Path

import pytest

from tests.command import supernet
from toolkit.spaces import SPACES, get_space

LARGEST = "1" + "5585" + 47 * "1"
SMALLEST = "1222233333000000333300000055550000000000007777000000"


def test_spaces_are_listed() -> None:
    outcome = supernet("spaces")
    assert outcome.status == 0
    for space in SPACES.values():
        assert space.name in outcome.out
        assert space.summary in outcome.out
    assert "31 decisions, 3.9e+17 codes; 1,255.133-5,282.238 M MACs, 6.540-34.044 M parameters" in outcome.out


def test_spaces_as_json() -> None:
    found = json.loads(supernet("spaces", "--json").out)
    assert list(found) == list(SPACES)
    assert found["resnet48"] == {
        "summary": get_space("resnet48").summary,
        "decisions": 31,
        "codes": 390_693_436_560_000_000,
        "macs": [1_255_133_184, 5_282_238_464],
        "params": [6_539_984, 34_043_688],
    }


def test_cost_of_codes() -> None:
    outcome = supernet("cost", "--space", "resnet48", LARGEST, SMALLEST[1:])
    assert outcome.status == 0
    header, *lines = outcome.out.splitlines()
    assert header.split() == ["MACs", "parameters", "code"]
    assert [line.split() for line in lines] == [
        ["5,282,238,464", "34,043,688", LARGEST],
        ["1,255,133,184", "6,539,984", SMALLEST[1:]],
    ]


def test_cost_of_codes_as_json() -> None:
    found = json.loads(supernet("cost", "--space", "resnet48", "--json", LARGEST).out)
    assert found == [{"code": LARGEST, "macs": 5_282_238_464, "params": 34_043_688}]


@pytest.mark.parametrize(
    ("space", "spelled"),
    [
        ("ofa-mini", json.dumps({"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": [32]})),
        ("bn-nas", "[3, -1, 0, 4, 0, -1, -1, 0, 4, -1, 4, 4, 1, 4, 2, 0, 0, 4, 0, 2, 2]"),
    ],
)
def test_cost_of_codes_as_their_authors_spell_them(space: str, spelled: str) -> None:
    (found,) = json.loads(supernet("cost", "--space", space, "--json", spelled).out)
    assert found["params"] == {"ofa-mini": 1_834_940, "bn-nas": 5_228_536}[space]


def test_cost_names_every_bad_code_and_prints_nothing_else() -> None:
    outcome = supernet("cost", "--space", "resnet48", LARGEST, "2" + LARGEST[1:], "12")
    assert (outcome.status, outcome.out) == (1, "")
    first, second = outcome.err.splitlines()
    assert "position 0 (image size): found '2', allowed: 1" in first
    assert "code '12' is not in space resnet48: found 2 characters" in second


def test_cost_of_a_file(tmp_path: Path) -> None:
    codes = {"arch1": LARGEST, "arch2": SMALLEST, "arch3": SMALLEST[:5] + "1" + "31" + "11" + SMALLEST[10:]}
    path, table = tmp_path / "candidates.json", tmp_path / "costs.csv"
    path.write_text(json.dumps({key: {"acc": 0.0, "arch": code} for key, code in codes.items()}))

    outcome = supernet("cost", "--space", "resnet48", "--candidates", path, "--out", table)
    assert outcome.status == 0
    assert "3 candidates" in outcome.out
    assert "tau_b(MACs, parameters) = 1.0000" in outcome.out
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: row["code"] for row in rows} == codes
    assert (rows[0]["macs"], rows[0]["params"]) == ("5282238464", "34043688")

    found = json.loads(supernet("cost", "--space", "resnet48", "--candidates", path, "--json").out)
    assert (found["candidates"], found["tau_b"]) == (3, 1.0)
    assert found["macs"]["minimum"] == {"id": "arch2", "value": 1_255_133_184}
    assert found["macs"]["median"]["id"] == "arch3"
    assert found["params"]["maximum"] == {"id": "arch1", "value": 34_043_688}


def test_cost_of_the_official_candidates(shared: Path) -> None:
    path = shared / "data/candidates/CVPR_2022_NAS_Track1_test.json"
    outcome = supernet("cost", "--space", "resnet48", "--candidates", path)
    assert "45,000 candidates" in outcome.out
    assert all(found in outcome.out for found in ("1,379,516,352", "arch24859", "4,858,652,672", "arch35187"))
    assert "tau_b(MACs, parameters) = 0.4566" in outcome.out


def test_cost_of_one_candidate_has_no_correlation(tmp_path: Path) -> None:
    path = tmp_path / "candidates.json"
    path.write_text(json.dumps({"arch1": {"acc": 0.0, "arch": LARGEST}}))
    outcome = supernet("cost", "--space", "resnet48", "--candidates", path)
    assert "tau" not in outcome.out
    assert outcome.err == ""
    assert json.loads(supernet("cost", "--space", "resnet48", "--candidates", path, "--json").out)["tau_b"] is None


def test_cost_survives_strange_ids(tmp_path: Path) -> None:
    """Half a surrogate pair is valid JSON and no valid UTF-8; an escape sequence would move the terminal's cursor."""
    path, table = tmp_path / "candidates.json", tmp_path / "costs.csv"
    path.write_text(json.dumps({"\ud800": {"acc": 0, "arch": LARGEST}, "\x1b[2J[red]": {"acc": 0, "arch": SMALLEST}}))
    outcome = supernet("cost", "--space", "resnet48", "--candidates", path, "--out", table)
    assert outcome.status == 0
    assert "\x1b[2J" not in outcome.out
    assert table.read_text().startswith("id,code,macs,params\n\\ud800,")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--space", "resnet48"),
        ("--space", "resnet48", LARGEST, "--candidates", "candidates.json"),
        ("--space", "resnet48", LARGEST, "--out", "costs.csv"),
        (LARGEST,),
    ],
    ids=["neither codes nor a file", "both", "--out without a file", "no space"],
)
def test_wrong_usage_of_cost(arguments: tuple[str, ...]) -> None:
    assert supernet("cost", *arguments).status == 2


def test_cost_names_an_unknown_space_and_an_absent_file(tmp_path: Path) -> None:
    outcome = supernet("cost", "--space", "resnet84", LARGEST)
    assert outcome.status == 1
    assert "did you mean 'resnet48'?" in outcome.err
    outcome = supernet("cost", "--space", "resnet48", "--candidates", tmp_path / "absent.json")
    assert outcome.status == 1
    assert "absent.json: cannot be read" in outcome.err


@pytest.mark.parametrize("space", SPACES)
def test_candidates_are_drawn(space: str, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.json" for name in ("first", "second", "third"))
    for path, seed in ((first, 1), (second, 1), (third, 2)):
        outcome = supernet("candidates", "--space", space, "--count", 20, "--seed", seed, "--out", path)
        assert outcome.status == 0
        assert str(path) in outcome.out.replace("\n", "")
    assert first.read_bytes() == second.read_bytes() != third.read_bytes()
    entries = json.loads(first.read_bytes())
    assert list(entries) == [f"arch{i}" for i in range(1, 21)]
    archs = [get_space(space).parse(entry["arch"]) for entry in entries.values()]
    assert len({get_space(space).plans(arch) for arch in archs}) == 20


def test_candidates_are_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = supernet("candidates", "--space", "resnet48", "--count", 5, "--out", tmp_path / "file/candidates.json")
    assert outcome.status == 1
    assert "cannot be written" in outcome.err
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("option", [("--count", "0"), ("--count", "many"), ("--seed", "-1")])
def test_wrong_usage_of_candidates(option: tuple[str, str], tmp_path: Path) -> None:
    outcome = supernet("candidates", "--space", "resnet48", "--out", tmp_path / "candidates.json", *option)
    assert outcome.status == 2
    assert not list(tmp_path.iterdir())
