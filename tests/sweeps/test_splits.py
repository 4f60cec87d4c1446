import json
import tomllib
from functools import partial
from pathlib import Path

import pytest

from tests import tiny
from tests.command import supernet
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.interference.probe import Settings
from toolkit.interference.splits import Suggestion
from toolkit.interference.table import read_interference, write_interference
from toolkit.runs.recipe import parse_recipe
from toolkit.spaces import get_space
from toolkit.spaces.splitting import Split
from toolkit.sweeps.splits import split_sweep, suggestions_at

SPACE = get_space("nats-size")
RECIPE = parse_recipe(tiny.recipe().model_dump(exclude_none=True) | {"space": "nats-size"})


def suggestion(decision: str, gain: float) -> Suggestion:
    return Suggestion(Split(decision, (("8", "16"), ("24", "32", "40", "48", "56", "64"))), (1,), gain, 0.1, 4, 10)


def tables(suggestions: list[Suggestion]) -> dict[str, object]:
    return split_sweep(
        RECIPE,
        Path("run/recipe.toml"),
        Path("run/checkpoint"),
        suggestions,
        candidates=Path("c.json"),
        truth=Path("t.json"),
        epochs=2,
        seeds=[0, 1],
        norm="batch",
        images=None,
    )


def test_the_four_variants() -> None:
    found = tables([suggestion(f"width{i}", 1 - i / 10) for i in range(1, 6)])
    variants = found["variants"]
    assert isinstance(variants, dict)
    assert list(variants) == ["unsplit", "suggested", "random", "least"]
    assert found["baseline"] == "unsplit"
    assert variants["unsplit"] == {}
    split = {name: variant["split"][0]["decision"] for name, variant in variants.items() if variant}
    assert (split["suggested"], split["least"]) == ("width1", "width5")
    assert split["random"] in {"width2", "width3", "width4"}


def test_too_few_decisions_to_compare() -> None:
    with pytest.raises(InputError, match="would end conflict at 2 decisions"):
        tables([suggestion("width1", 1.0), suggestion("width2", 0.5)])


def test_the_experiment_in_one_command(tmp_path: Path) -> None:
    run = tiny.train_new(tmp_path / "run", RECIPE)
    drawn = draw_candidates(SPACE, 12, 0)
    truth = tmp_path / "truth.json"
    accuracies = {name: SPACE.cost(SPACE.parse(code)).macs / 1e9 for name, code in drawn.items()}
    write_candidates(truth, Candidates(drawn.codes, accuracies))
    assert supernet("probe", run.path, "--measures", "split_conflict", "--batches", 2, "--images", 8).status == 0
    before = run.interference.read_bytes()
    out = tmp_path / "out"
    command = "split-test", run.path, "--out", out, "--truth", truth, "--norm", "batch:32", "--images", 32, "--seed", 3
    done = supernet(*command, "--json")
    assert done.status == 0, done.err
    report = json.loads(done.out)
    assert [variant["name"] for variant in report["variants"]] == ["unsplit", "suggested", "random", "least"]
    assert report["seeds"] == [3]
    plan = tomllib.loads((out / "sweep.toml").read_text())
    decisions = {variant["split"][0]["decision"] for variant in plan["variants"].values() if variant}
    assert len(decisions) == 3
    assert json.loads(supernet(*command, "--json").out) == report, "nothing is trained again"
    assert run.interference.read_bytes() == before, "what was probed, perhaps on more images, stands"
    assert supernet("split-test", run.path, "--out", out, "--json").status == 0, "what is not asked for may be any"
    kept = (out / "sweep.toml").read_bytes(), (out / "sweep.json").read_bytes()
    other = supernet("split-test", run.path, "--out", out, "--epochs", 50, "--seed", 7, "--truth", tmp_path / "nowhere")
    assert other.status == 1
    assert "was begun with common.training.epochs = 1, and is asked for with 50 now" in other.err
    assert "was begun with seeds = [3], and is asked for with [7] now" in other.err
    assert "was begun with truth = " in other.err
    assert ((out / "sweep.toml").read_bytes(), (out / "sweep.json").read_bytes()) == kept


def test_a_table_that_lacks_decisions_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.sweeps.splits.Settings", partial(Settings, batches=2, images=8))
    run = tiny.train_new(tmp_path / "run", RECIPE)
    (_, checkpoint), *_ = reversed(run.checkpoints().items())
    first = suggestions_at(run, checkpoint)
    assert len(first) == 5
    table = read_interference(run.interference)
    write_interference(run.interference, table[table["decision"] != first[0].split.decision])
    assert suggestions_at(run, checkpoint) == first
