"""`supernet probe`: what a user sees."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.test_training import refused
from tests.command import supernet
from toolkit.interference.table import read_interference
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe

QUICK = ("--batches", "2", "--paths", "2", "--images", "8")


def test_it_fills_the_table_of_all_kept_checkpoints(run: RunFolder) -> None:
    outcome = supernet("probe", run.path, *QUICK, "--measures", "path_loss,forgetting,sign_flips,times_trained")
    assert outcome.status == 0
    assert outcome.out.splitlines()[-2:] == [f"Measured: {run.interference}", "Next: supernet app, page Interference"]
    table = read_interference(run.interference)
    assert set(table["step"]) == {4, 8}
    measures = table.groupby("step")["measure"].agg(set)
    assert measures[4] == {"path_loss", "sign_flips", "times_trained"}
    assert measures[8] == {"path_loss", "forgetting", "times_trained"}, "after the last step there are no updates"
    assert table[table["measure"] == "sign_flips"]["n"].max() == 3, "pairs of the four updates that follow step 4"


def test_one_checkpoint_by_name_and_again(run: RunFolder) -> None:
    for _ in range(2):
        outcome = supernet(
            "probe", run.path, *QUICK, "--checkpoint", run.checkpoint(4), "--measures", "feature_kl", "--json"
        )
        assert outcome.status == 0
        said = json.loads(outcome.out)
        table = read_interference(run.interference)
        assert (said["table"], said["rows"], said["splits"]) == (str(run.interference), len(table), [])
        assert set(table["measure"]) == {"feature_kl"}


def test_a_recipe_that_splits(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "split.toml"
    outcome = supernet(
        "probe",
        run.path,
        *("--batches", "1", "--paths", "2", "--images", "4", "--measures", "path_loss"),
        *("--checkpoint", run.checkpoint(8), "--suggest-split", out, "--splits", "2", "--json"),
    )
    assert outcome.status == 0, outcome.err
    suggested = json.loads(outcome.out)["splits"]
    tables = tomllib.loads(out.read_text())
    assert tables["split"] == [{name: each[name] for name in ("decision", "groups")} for each in suggested[:2]]
    assert [each["gain"] for each in suggested] == sorted((each["gain"] for each in suggested), reverse=True)
    assert all(each["params"] > 0 and each["error"] is None for each in suggested), "one draw has no error"
    recipe = read_recipe(out)
    assert len(recipe.splits) == 2
    assert recipe.initial.weights == str(run.checkpoint(8).resolve())
    assert recipe.training == read_recipe(run.recipe).training


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--measures", "gradient_cosin,luck"), "unknown measure 'gradient_cosin'; did you mean 'gradient_cosine'"),
        (("--checkpoint", "absent.safetensors"), "absent.safetensors: cannot be read"),
    ],
)
def test_what_is_wrong_is_explained(
    arguments: tuple[str, ...], message: str, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(supernet("probe", run.path, *QUICK, *arguments))
    assert not run.interference.exists()


def test_without_a_run_or_a_checkpoint(run: RunFolder, tmp_path: Path) -> None:
    assert "not a run folder" in refused(supernet("probe", tmp_path))
    for path in run.checkpoints().values():
        path.unlink()
    assert "no checkpoint yet" in refused(supernet("probe", run.path))


def test_a_damaged_table_is_left_and_named(run: RunFolder) -> None:
    run.interference.write_bytes(b"not a table")
    assert "damaged, or no parquet table" in refused(supernet("probe", run.path, *QUICK, "--measures", "path_loss"))
    assert run.interference.read_bytes() == b"not a table"
