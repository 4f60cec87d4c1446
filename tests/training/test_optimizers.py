"""The optimiser that a recipe names."""

from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.backends.base import SGD, Adam
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import parse_recipe, read_recipe

MINIMAL = {"space": "resnet20", "method": {"name": "spos"}}


def made(**training: Any) -> SGD | Adam:
    return parse_recipe(MINIMAL | {"training": training}).training.made_optimizer


def test_options_reach_the_optimiser() -> None:
    assert made() == made(optimizer="sgd") == SGD(weight_decay=5e-4)
    assert made(momentum=0.5, nesterov=True, move_idle=True, clip_norm=1.0) == SGD(
        weight_decay=5e-4, momentum=0.5, nesterov=True, move_idle=True, clip_norm=1.0
    )
    assert made(optimizer="adam", lr=1e-3, decay_norm=True) == Adam(weight_decay=5e-4, decay_norm=True)
    assert made(optimizer="adamw", lr=1e-3, betas=[0.8, 0.9], eps=1e-6, weight_decay=0.1) == Adam(
        weight_decay=0.1, beta1=0.8, beta2=0.9, eps=1e-6, decoupled=True
    )


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"optimizer": "adam", "lr": 1e-3, "momentum": 0.9}, "momentum: is an option of sgd; leave out"),
        ({"optimizer": "adamw", "lr": 1e-3, "nesterov": True, "move_idle": True}, "nesterov, move_idle: are options"),
        ({"betas": [0.9, 0.99]}, "betas: is an option of adam and adamw; leave out"),
        ({"optimizer": "sgd", "eps": 1e-8}, "eps: is an option of adam and adamw"),
        ({"optimizer": "adam"}, "optimizer adam needs an lr, such as 0.001"),
        ({"optimizer": "adma", "lr": 1e-3}, "training.optimizer: "),
        ({"optimizer": "adam", "lr": 1e-3, "betas": [0.9, 1.0]}, "training.betas"),
        ({"optimizer": "adam", "lr": 1e-3, "betas": [0.9]}, "training.betas"),
        ({"optimizer": "adam", "lr": 1e-3, "eps": 0}, "training.eps"),
    ],
)
def test_options_of_another_optimiser_are_refused(training: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        made(**training)
    assert message in str(caught.value)


def test_a_change_unsets_what_belongs_to_sgd(tmp_path: Path) -> None:
    changes = ["training.optimizer=adamw", "training.lr=0.001", "training.momentum=none", "training.nesterov=none"]
    recipe = read_recipe("resnet20-fast", changes)
    (tmp_path / "again.toml").write_text(recipe.to_toml())
    assert read_recipe(tmp_path / "again.toml") == recipe
    assert "momentum" not in recipe.to_toml()


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_training_learns_and_resumes(name: str, optimizer: str, tmp_path: Path) -> None:
    """Bit for bit, moments and their counts included."""
    backend_on_cpu(name)
    asked = tiny.recipe(training={"optimizer": optimizer, "lr": 3e-3, "epochs": 2}, checkpoints={"every_epochs": 1})
    asked = asked.model_copy(update={"backend": name, "device": "cpu"})
    run, resumed = tiny.train_with_a_break(tmp_path, asked)
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    assert {key.partition(".")[0] for key in load_checkpoint(resumed).optimizer} == {"mean", "square", "steps"}
    losses = [record["loss"] for record in read_metrics(run)]
    assert losses[-1] < losses[0]
