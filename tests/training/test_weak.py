"""A run whose weights are shared weakly, through everything that is done with a run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.networks import logits, some_images
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Counts
from toolkit.backends.hypernet import is_hyper
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.interference.afterwards import probe_run
from toolkit.interference.probe import HISTORY, SHARING, Settings
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, parse_recipe, read_recipe
from toolkit.runs.setup import load_weights, open_data, open_space
from toolkit.spaces import get_space
from toolkit.spaces.conditioning import ConditionedSpace
from toolkit.spaces.plans import Plans
from toolkit.training.warm import start_warm

FORMS: dict[str, dict[str, Any]] = {
    "scale": {},
    "low-rank": {"rank": 2, "sees": "local"},
    "mixture": {"kernels": 3, "control": "shuffled"},
}
CODES = draw_candidates(get_space("resnet48-mini"), 6, 0)


def recipe(form: str = "scale", **tables: Any) -> Recipe:
    weak = {"form": form, "hidden": 8} | FORMS[form]
    tables = {"supernet": {"weak": weak}, "training": {"epochs": 2, "ema": 0.5, "clip_norm": 5.0}} | tables
    return tiny.recipe(**tables)


@pytest.fixture(scope="module", params=FORMS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Trained for two epochs."""
    return tiny.train_new(tmp_path_factory.mktemp("weak") / request.param, recipe(request.param))


ONE_FORM = pytest.mark.parametrize("run", list(FORMS)[:1], indirect=True)


def weights_of(run: RunFolder) -> dict[str, Any]:
    return load_checkpoint(run.latest_checkpoint()).model


def test_the_table_says_how_weakly() -> None:
    mini = get_space("resnet48-mini")
    derived = recipe("mixture").derive(mini)
    assert derived == ConditionedSpace(mini, "mixture", 0.5, 8, 3, "whole", "shuffled", warmup=0.2, dropout=0.1)
    weak = {"warmup": 0.0, "dropout": 0.0}
    assert tiny.recipe(supernet={"weak": weak}).derive(mini) == ConditionedSpace(mini, "scale", 0.5, 64)
    assert tiny.recipe(supernet={"weak": {"form": "low-rank"}}).derive(mini).terms == 4  # type: ignore[attr-defined]
    again = parse_recipe(recipe("low-rank").model_dump(exclude_none=True))
    assert again == recipe("low-rank")


@pytest.mark.parametrize(
    ("weak", "message"),
    [
        ({"rho": 0.0}, "supernet.weak.rho: Input should be greater than 0"),
        ({"rho": -1.0}, "supernet.weak.rho"),
        ({"form": "film"}, "supernet.weak.form: Input should be 'scale', 'low-rank' or 'mixture'"),
        ({"rank": 3}, 'rank is for form = "low-rank"'),
        ({"kernels": 3}, 'kernels is for form = "mixture"'),
        ({"form": "mixture", "kernels": 1}, "supernet.weak.kernels"),
        ({"sees": "all"}, "supernet.weak.sees"),
        ({"warmup": 1.0}, "supernet.weak.warmup: Input should be less than 1"),
        ({"dropout": -0.1}, "supernet.weak.dropout: Input should be greater than or equal to 0"),
        ({"control": "random"}, "supernet.weak.control"),
        ({"rhoo": 1.0}, "supernet.weak.rhoo: unknown key; did you mean 'rho'?"),
    ],
)
def test_what_cannot_be_is_explained(weak: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe({"space": "nasbench-macro", "method": {"name": "spos"}, "supernet": {"weak": weak}}, "r.toml")
    assert message in "\n".join(caught.value.problems)
    assert all(problem.startswith("r.toml: ") for problem in caught.value.problems)


def test_a_frozen_teacher_cannot_be_bent() -> None:
    asked = recipe(method={"name": "progressive", "teacher": "frozen"}, supernet={"weak": {}, "groups": 2})
    with pytest.raises(InputError, match="the HyperNet that paths train bends its weights too"):
        asked.make_method(asked.derive(get_space("resnet48-mini")))


def test_the_hypernet_is_trained_and_saved(run: RunFolder) -> None:
    checkpoint = load_checkpoint(run.latest_checkpoint())
    names = [name for name in checkpoint.model if is_hyper(name)]
    assert names
    heads = [name for name in names if name.endswith("conv1.hyper.weight") and checkpoint.model[name].any()]
    assert heads, "heads began with zeros"
    moved = [name for name in names if not np.array_equal(checkpoint.ema[name], checkpoint.model[name])]
    assert moved, "its moving average follows"
    assert any(is_hyper(name) for name in checkpoint.optimizer)


@pytest.mark.parametrize(("method", "backend"), [*(("spos", backend) for backend in BACKENDS), ("wpnas", "torch")])
def test_a_resumed_run_is_the_same_bit_for_bit(method: str, backend: str, tmp_path: Path) -> None:
    get_backend(backend, "cpu")
    asked = recipe("scale", method={"name": method}).model_copy(update={"backend": backend})
    run, last = tiny.train_with_a_break(tmp_path, asked)
    assert last.read_bytes() == run.latest_checkpoint().read_bytes()


def test_with_a_tiny_rho_it_trains_as_plain_sharing_does(tmp_path: Path) -> None:
    """The same draws, the same weights: only what the HyperNet says makes a difference."""
    training = {"epochs": 1, "clip_norm": None, "weight_decay": 0.0}
    plain = tiny.train_new(tmp_path / "plain", tiny.recipe(training=training))
    near, far = (
        tiny.train_new(
            tmp_path / f"weak{rho}", tiny.recipe(training=training, supernet={"weak": {"rho": rho, "hidden": 8}})
        )
        for rho in (1e-10, 0.5)
    )
    expected, closely, hardly = (weights_of(run) for run in (plain, near, far))
    assert all(np.allclose(closely[name], array, rtol=1e-4, atol=1e-6) for name, array in expected.items())
    assert not all(np.allclose(hardly[name], array, rtol=1e-4) for name, array in expected.items())


def test_every_pass_of_a_training_has_the_strength_of_its_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that reward paths too, which leave nothing out; after the warm-up all of it counts, as in evaluation."""
    from toolkit.backends.torch.network import TorchNetwork

    seen: list[tuple[float, bool, bool]] = []
    run = TorchNetwork.run

    def watched(self: TorchNetwork, plans: Plans, *given: Any, **how: Any) -> Any:
        logits = run(self, plans, *given, **how)
        (strength,) = {plan.strength for plan in plans if plan and plan.answers}
        whole = self.space.supernet_plans(how["path"])
        told = [plan.answers for plan in plans if plan] == [plan.answers for plan in whole if plan]
        seen.append((strength, logits.requires_grad, told))
        return logits

    monkeypatch.setattr(TorchNetwork, "run", watched)
    method = {"name": "wpnas", "warmup": 0.0, "samples": 2}
    weak = {"warmup": 0.5, "dropout": 0.5, "hidden": 8}
    tiny.train_new(tmp_path / "run", tiny.recipe(method=method, supernet={"weak": weak}, training={"epochs": 4}))
    learning, rewarding = ([each for each in seen if each[1] == learns] for learns in (True, False))
    assert learning
    assert rewarding
    steps = len(learning)
    assert [strength for strength, *_ in learning] == pytest.approx([min(1, 2 * k / steps) for k in range(steps)])
    assert {strength for strength, *_ in rewarding} == {strength for strength, *_ in learning}
    assert not all(told for *_, told in learning)
    assert all(told for *_, told in rewarding)


@ONE_FORM
def test_plain_and_weak_are_not_taken_for_each_other(run: RunFolder, trained: RunFolder, tmp_path: Path) -> None:
    for own, other, message in (
        (run, trained, "holds plainly shared weights, and this supernet has a HyperNet"),
        (trained, run, "holds a HyperNet, for it shares its weights weakly, and this supernet has none"),
    ):
        job = Job(own.path, other.latest_checkpoint(), NormPolicy("stored"), images=16, threads=1)
        with pytest.raises(InputError, match=message) as caught:
            evaluate_candidates(job, CODES)
        assert len(caught.value.problems) == 1
    start = {"weights": str(run.latest_checkpoint()), "reorder_channels": True}
    supernet = read_recipe(run.recipe).model_dump(exclude_none=True)["supernet"]
    with pytest.raises(InputError, match="has groups of widths or a HyperNet"):
        tiny.train_new(tmp_path / "reordered", tiny.recipe(initial=start, supernet=supernet))


def test_a_plain_supernet_may_go_on_weakly_shared(trained: RunFolder, tmp_path: Path) -> None:
    still = {"epochs": 1, "warmup_epochs": 0.0, "lr": 1e-30, "weight_decay": 0.0}
    start = {"weights": str(trained.latest_checkpoint())}
    begun = weights_of(tiny.train_new(tmp_path / "run", recipe(training=still, initial=start)))
    for name, array in weights_of(trained).items():
        if "running" not in name:
            np.testing.assert_allclose(begun[name], array, rtol=0, atol=1e-20, err_msg=name)
    start = {"weights": str(RunFolder(tmp_path / "run").latest_checkpoint())}
    with pytest.raises(InputError, match="holds a HyperNet"):
        tiny.train_new(tmp_path / "back", tiny.recipe(initial=start))


@ONE_FORM
def test_evaluated_with_processes_or_without(run: RunFolder) -> None:
    def results() -> dict[str, Counts]:
        with Ledger.read(run.ledger) as ledger:
            (setting,) = ledger.settings()
            return ledger.results(setting.setting)

    write_candidates(run.candidates, Candidates(dict(CODES), dict.fromkeys(CODES, 0.0)))
    job = Job(run.path, run.latest_checkpoint(), NormPolicy("calibrate", 32), images=32, threads=1)
    evaluate_candidates(job, CODES)
    alone = results()
    run.ledger.unlink()
    evaluate_candidates(job, CODES, workers=2)
    assert results() == alone
    assert len({counts.loss for counts in alone.values()}) == len(CODES)


def test_alone_a_candidate_begins_with_modulated_weights(run: RunFolder) -> None:
    asked = read_recipe(run.recipe)
    data = open_data(asked)
    space, backend = open_space(asked, data), get_backend("torch", "cpu")
    arch = space.parse(CODES["arch1"])
    shared, alone = (backend.network(space, plans, 0) for plans in (space.widest, space.plans(arch)))
    checkpoint = load_checkpoint(run.latest_checkpoint())
    load_weights(shared, checkpoint, "")
    start_warm(alone, space, arch, checkpoint.model)
    images = some_images(space)
    found = [
        logits(backend, network, arch, images, network.batch_norm(), plans)
        for network, plans in ((shared, space.supernet_plans(arch)), (alone, space.plans(arch)))
    ]
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-4)
    plain = tuple(plan and plan.structure for plan in space.supernet_plans(arch))
    other = logits(backend, shared, arch, images, shared.batch_norm(), plain)
    assert not np.allclose(other, found[0], rtol=1e-3, atol=1e-4), "the modulation matters"


def test_a_probe_tells_the_degree_of_sharing(run: RunFolder) -> None:
    settings = Settings(paths=3, batches=1, images=16, measures=(*SHARING, *HISTORY))
    table = probe_run(run, [run.latest_checkpoint()], settings).table
    for measure in SHARING:
        values = table[table["measure"] == measure]
        assert len(values) > 3
        assert np.isfinite(values["value"]).any()
    assert (table.loc[table["measure"] == SHARING[0], "value"] > 0).any()
    assert not table["first"].str.contains("hyper").any(), "a HyperNet has no widths of its own"


@ONE_FORM
def test_probes(run: RunFolder) -> None:
    """Branch after branch, which takes long; gradients of each form: tests/backends/test_hypernet.py."""
    table = probe_run(run, [run.latest_checkpoint()], Settings(paths=3, batches=1, images=16)).table
    assert {*SHARING, *HISTORY} < set(table["measure"])
    assert np.isfinite(table.loc[table["measure"] == "gradient_cosine", "value"]).any()
    assert not table["first"].str.contains("hyper").any()


def test_weights_and_candidates_leave_and_come_back(run: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from converters.onnx import Options, chosen_by_code, export
    from converters.weights import Ask, convert, read_weights, recognise

    for policy in (NormPolicy("stored"), NormPolicy("calibrate", 32)):
        chosen = chosen_by_code(list(CODES.values())[:2], tmp_path / str(policy))
        for one in export(run.path, chosen, Options(policy=policy)):
            assert one.difference < 1e-5
    convert(run.latest_checkpoint(), tmp_path / "1.pdparams", Ask(), candidates=1)
    convert(tmp_path / "1.pdparams", tmp_path / "2.safetensors", Ask("resnet48-mini", size=8), candidates=1)
    again = recognise(read_weights(tmp_path / "2.safetensors"), Ask())
    assert isinstance(again.space, ConditionedSpace)
    saved = weights_of(run)
    assert again.weights.keys() == saved.keys()
    for name, array in saved.items():
        assert again.weights[name].tobytes() == array.tobytes(), name
