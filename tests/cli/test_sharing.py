"""`supernet sharing`, and steps as a user trains them."""

import json
from pathlib import Path

import pytest

from tests.command import supernet
from tests.training.test_steps import RECIPE
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.spaces import get_space


def test_the_table_of_the_winner_s_steps() -> None:
    outcome = supernet("sharing", "progressive", "--json")
    found = json.loads(outcome.out)
    assert (outcome.status, outcome.err) == (0, "")
    assert [step["name"] for step in found["steps"]] == ["largest", "shared", "groups", "widths"]
    assert [step["params"] for step in found["steps"][:2]] == [289_812, 289_821]
    assert {step["params_shared"] for step in found["steps"]} == {289_812}
    four, eight, twelve, sixteen = ({"width": w, "runs_as": e} for w, e in ((4, 5), (8, 9), (12, 12), (16, 16)))
    shared, groups, widths = (step["layers"][0] for step in found["steps"][1:])
    assert shared["convs"] == {"trunk": [four, eight, twelve, sixteen]}
    assert (groups["widest"], groups["blocks"]) == (16, [0, 1, 2, 3])
    assert groups["convs"] == groups["norms"] == {"8": [four], "12": [eight, twelve], "16": [sixteen]}
    assert widths["convs"] == groups["convs"]


def test_the_table_as_text() -> None:
    outcome = supernet("sharing", "resnet48", "--set", "supernet.groups=2", "--set", "supernet.norms=widths")
    assert outcome.status == 0
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert "512 wide, blocks 19-24 weights 512 360, 384, 408, 432, 464, 488, 512" in lines
    assert "batch norms 360 360" in lines
    assert outcome.out.splitlines()[-1].endswith("those of the plain supernet (34,043,688).")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("space=nasbench201", "supernet.groups=2"), "supernet: space nasbench201 has no widths to group"),
        (("supernet.groups={17 = 2}",), "groups.17: no layer's widest width"),
        (("supernet.group=2",), "supernet.group: unknown key; did you mean 'groups'?"),
    ],
)
def test_problems_are_explained(changes: tuple[str, ...], message: str) -> None:
    outcome = supernet("sharing", "resnet20", *(word for change in changes for word in ("--set", change)))
    assert (outcome.status, outcome.out) == (1, "")
    assert message in outcome.err


def test_a_recipe_in_steps_is_trained_and_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.toml").write_text(RECIPE)
    short = ("--set", "training.epochs=1", "--set", "method.look=0")
    outcome = supernet("train", "r.toml", "--out", "run", *short)
    assert (outcome.status, outcome.out.splitlines()[0]) == (0, "Trained: run/checkpoints/step_00000002.safetensors")
    assert all(f"step {number} of 4" in outcome.err for number in (1, 2, 3, 4))
    write_candidates("candidates.json", draw_candidates(get_space("resnet48-mini"), 4, 0))
    for folder in ("run", "run/steps/3-groups", "run/steps/1-largest"):
        done = supernet("evaluate", folder, "--candidates", "candidates.json", "--norm", "batch", "--images", "32")
        assert done.status == 0, done.err
    again = supernet("train", "r.toml", "--out", "run", *short)
    assert "holds a run already" in again.err
    assert supernet("train", "r.toml", "--out", "run", "--resume", *short).status == 0
    assert supernet("train", "--out", "run", "--resume").status == 0
    refused = supernet("train", "r.toml", "--out", "run", "--resume")
    assert "was begun with training.epochs = 1, the recipe given says 2" in refused.err
