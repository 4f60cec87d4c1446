"""Landmark regularisation: which landmarks, which pairs, and the gradient of each form of its rank loss."""

import json
from collections.abc import Callable
from math import cos, exp, log1p, pi, tanh
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.methods.watching import SPACE, Gradients, Notes, assert_sum, notes_batch
from tests.methods_made import make_method, truth_file
from toolkit.backends.base import Backend
from toolkit.candidates import write_entries
from toolkit.errors import InputError
from toolkit.methods.landmark import schedule, spread
from toolkit.methods.rank_loss import rank_loss
from toolkit.sampling.prior import prior_of
from toolkit.spaces import Arch


def write_truth(path: Path, truths: dict[Arch, float]) -> str:
    codes = {f"arch{number}": SPACE.format(arch) for number, arch in enumerate(truths, start=1)}
    write_entries(path, codes, dict(zip(codes, truths.values(), strict=True)))
    return str(path)


def drawn(count: int) -> list[Arch]:
    return [SPACE.sample(np.random.default_rng([7, number])) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "warmup", "expected"),
    [
        ("constant", 0.0, [1, 1, 1, 1, 1, 1]),
        ("constant", 0.5, [0, 0.2, 0.5, 0.8, 1, 1]),
        ("step", 0.0, [0, 0, 0.01, 0.1, 1, 1]),
        ("cosine", 0.0, [(1 - cos(pi * t)) / 2 for t in (0, 0.1, 0.25, 0.4, 0.5, 0.9)]),
        ("cosine", 0.5, [0, 0.2 * (1 - cos(pi * 0.1)) / 2, 0.5 * (1 - cos(pi / 4)) / 2, 0.8 * (1 - cos(0.4 * pi)) / 2]),
    ],
)
def test_the_weight_over_the_training(name: Any, warmup: float, expected: list[float]) -> None:
    found = [schedule(name, progress, warmup) for progress in (0, 0.1, 0.25, 0.4, 0.5, 0.9)]
    assert found[: len(expected)] == pytest.approx(expected)
    assert all(0 <= weight <= 1 for weight in found)


FORMS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(0.0, x),
    "weighted": lambda x: max(0.0, 0.3 * x),
    "softplus": lambda x: log1p(exp(4 * x)) / 4,
    "tanh": lambda x: max(0.0, tanh(x)),
}


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_the_form(form: Any, backend: Backend) -> None:
    """Against finite differences; and finite far out, where exp overflows."""
    for x in (-2.0, -0.3, 0.2, 1.5):
        expected = (FORMS[form](x + 1e-5) - FORMS[form](x - 1e-5)) / 2e-5
        assert slope(backend, form, x) == pytest.approx(expected, abs=1e-4)
    for x in (-1e4, 1e4):
        assert slope(backend, form, x) in (0.0, 1.0, pytest.approx(0.3))


def slope(backend: Backend, form: Any, x: float) -> float:
    excess = backend.place(np.array(x, np.float32))
    if backend.name == "torch":
        excess.requires_grad_()
    else:
        excess.stop_gradient = False
    rank_loss(backend.ops, form, excess, beta=4.0, gap=0.3).backward()
    return float(excess.grad)


def test_landmarks_are_spread_from_the_best_to_the_worst(tmp_path: Path) -> None:
    archs = drawn(9)
    file = write_truth(tmp_path / "truth.json", {arch: 0.5 + n / 100 for n, arch in enumerate(archs)})
    truth = prior_of(f"file:{file}", SPACE)
    assert spread(truth, 3) == [archs[8], archs[4], archs[0]]
    assert spread(truth, 2) == [archs[8], archs[0]]
    assert spread(truth, 50) == archs[::-1]
    for count in range(2, 10):
        assert len(set(spread(truth, count))) == count


def test_pairs(tmp_path: Path) -> None:
    """The better first; none of equals; random ones one at a time, each as likely."""
    a, b, c, d = drawn(4)
    file = write_truth(tmp_path / "truth.json", {b: 0.5, a: 0.6, d: 0.4, c: 0.5})

    def runs(pairs: str, seed: int = 0) -> tuple[list[Arch], list[float]]:
        notes = Notes()
        make_method("landmark", SPACE, truth=file, pairs=pairs, weight=1.0).step(notes_batch(notes, seed))
        return notes.archs[1:], notes.backwards[1:]

    # Losses of landmarks rise by 1 from one to the next, so every excess is negative here.
    assert runs("all") == ([a, b, c, d], [0.0])
    assert runs("adjacent") == ([a, b, c, d], [0.0])
    seen = {tuple(runs("random", seed)[0]) for seed in range(60)}
    assert seen == {(a, b), (a, c), (a, d), (b, d), (c, d)}


@pytest.mark.parametrize("form", ["relu", "weighted"])
def test_the_loss_pulls_the_better_down_and_the_worse_up(form: str, backend: Backend, tmp_path: Path) -> None:
    gradients = Gradients(backend)
    better, worse = sorted(drawn(2), key=gradients.loss, reverse=True)  # truth and supernet disagree
    file = write_truth(tmp_path / "truth.json", {worse: 0.5, better: 0.75})
    found = gradients.of_method(make_method("landmark", SPACE, truth=file, form=form, weight=2.0))
    factor = 2.0 if form == "relu" else 0.5
    assert_sum(
        found,
        (1.0, gradients.of_method(make_method("spos", SPACE))),
        (factor, gradients.of_labels(better)),
        (-factor, gradients.of_labels(worse)),
    )


class Upside(Notes):
    """The later a path is run, the lower its loss."""

    def cross_entropy(self, logits: float, labels: Any, smoothing: float = 0.0) -> float:
        return 100 - logits

    def detach(self, tensor: float) -> float:
        return tensor


def test_the_mean_violation_is_logged_whatever_the_form() -> None:
    notes = Upside()
    values = make_method("landmark", SPACE, pairs="adjacent", weight=3.0).step(notes_batch(notes))
    assert values == {"loss": 99.0, "rank_loss": 1.0}
    assert notes.backwards == [99.0, 3.0]
    values = make_method("landmark", SPACE, pairs="adjacent", form="softplus").step(notes_batch(Upside()))
    assert values["rank_loss"] == 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("[]", "truth.json"),
        ({"arch1": {"acc": 0.5, "arch": "12"}}, "is not in space"),
        ({"arch1": {"acc": 0.5, "arch": None}}, "has no two networks with different accuracies"),
        ({"arch1": {"acc": 0.5, "arch": None}, "arch2": {"acc": 0.6, "arch": None}}, "another score; keep one"),
    ],
)
def test_what_a_truth_file_may_lack_is_a_sentence(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    if isinstance(content, dict):
        content = json.dumps(content).replace("null", f'"{SPACE.format(SPACE.largest)}"')
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as refusal:
        make_method("landmark", SPACE, truth=str(path))
    assert all(problem.startswith("method.truth: ") for problem in refusal.value.problems)
    assert any(message in problem for problem in refusal.value.problems)


def test_without_weight_no_landmark_is_run() -> None:
    notes = Notes()
    method = make_method("landmark", SPACE, truth=truth_file(SPACE), warmup=0.5)
    assert method.step(notes_batch(notes, progress=0.0)) == {"loss": -11.0}
    assert len(notes.archs) == 1
