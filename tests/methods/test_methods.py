"""What every method asks of its network: watched on a network that only takes notes, and on real ones."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from tests.methods.watching import SPACE, Gradients, Notes, assert_sum, notes_batch
from tests.methods_made import alone, make_method
from tests.networks import forward
from toolkit.backends.base import Backend, Network
from toolkit.methods import METHODS, Method
from toolkit.methods.losses import soft_cross_entropy
from toolkit.spaces import ABSENT, Arch


def make(name: str, **options: Any) -> Method:
    return make_method(name, SPACE, **options)


def noted(name: str, seed: int = 0, **options: Any) -> tuple[Notes, dict[str, Any]]:
    notes = Notes()
    values = make(name, **options).step(notes_batch(notes, seed))
    return notes, values


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_described_and_listed_under_its_name(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert "arXiv" in method.summary or "doi" in method.summary
    assert "\n" not in method.summary
    assert method.options_type.model_fields["name"].is_required()


@pytest.mark.parametrize("name", alone())
def test_every_method_logs_its_loss_as_a_constant(name: str) -> None:
    notes, values = noted(name)
    assert values["loss"] == -notes.backwards[0]


@pytest.mark.parametrize("name", alone())
def test_draws_depend_on_the_generator_alone(name: str) -> None:
    """So all processes of a data-parallel run, and a resumed one, train the same paths."""
    assert noted(name, 3)[0].archs == noted(name, 3)[0].archs
    assert name == "largest" or noted(name, 3)[0].archs != noted(name, 4)[0].archs
    assert all(SPACE.contains(arch) for arch in noted(name)[0].archs)


@pytest.mark.parametrize("name", alone())
def test_labels_are_smoothed_as_asked(name: str) -> None:
    """In every loss that compares with labels: pairs that are ranked, landmarks, shares of labels."""
    assert set(noted(name)[0].smoothing) == {0.0}
    options = {"label_share": 0.5} if "label_share" in METHODS[name].options_type.model_fields else {}
    likelihood = {0.0} if name in ("parsec", "fpnas") else set()  # by which paths are weighed
    assert set(noted(name, label_smoothing=0.25, **options)[0].smoothing) == {0.25} | likelihood


def test_single_path_trains_one_path() -> None:
    notes, values = noted("spos")
    assert len(notes.archs) == 1
    assert notes.backwards == [11.0]
    assert values == {"loss": -11.0}


def test_single_path_draws_uniformly() -> None:
    """Every option of every decision equally often, among the draws in which the decision applies."""
    method, notes = make("spos"), Notes()
    for step in range(3000):
        method.step(notes_batch(notes, step))
    for place, decision in enumerate(SPACE.decisions):
        drawn = Counter(arch[place] for arch in notes.archs if arch[place] != ABSENT)
        counts = [drawn[option] for option in range(len(decision.options))]
        assert sum(counts) > 300
        assert chisquare(counts).pvalue > 1e-4, decision


def test_sandwich_trains_the_extremes_and_random_paths_on_the_largest_ones_predictions() -> None:
    notes, values = noted("sandwich", paths=5)
    assert notes.archs[:2] == [SPACE.largest, SPACE.smallest]
    assert len(set(notes.archs)) == 5
    assert notes.backwards == [11.0, 22.0, 23.0, 24.0, 25.0]
    assert notes.targets == 4 * [-1.0], "the largest network's logits, as a constant"
    assert values == {"loss": -11.0, "distillation_loss": -(22 + 23 + 24 + 25) / 4}
    assert noted("sandwich", paths=2)[0].archs == [SPACE.largest, SPACE.smallest]


def test_sandwich_sums_the_gradients_of_its_paths(backend: Backend) -> None:
    gradients = Gradients(backend)
    images, labels = gradients.images, gradients.labels
    together = gradients.of_method(make("sandwich", paths=4, label_smoothing=0.1))

    rng = np.random.default_rng(5)
    students = [SPACE.smallest, SPACE.sample(rng), SPACE.sample(rng)]
    teacher = gradients.network()
    target = backend.place(np.asarray(teacher.ops.detach(forward(teacher, SPACE.largest, images))))  # surely a constant

    def learn(net: Network) -> None:
        net.ops.backward(net.ops.cross_entropy(forward(net, SPACE.largest, images), labels, 0.1))

    def imitate(net: Network, arch: Arch) -> None:
        net.ops.backward(soft_cross_entropy(net.ops, forward(net, arch, images), target))

    apart = [gradients.of(learn), *(gradients.of(lambda net, arch=arch: imitate(net, arch)) for arch in students)]
    assert_sum(together, *((1.0, gradient) for gradient in apart))


def test_single_path_gradients_stay_on_the_path(backend: Backend) -> None:
    found = Gradients(backend).of_method(make("spos"))
    plans = SPACE.supernet_plans(SPACE.sample(np.random.default_rng(5)))
    touched = {int(name.split(".")[2]) for name in found}
    assert touched == {index for index, plan in enumerate(plans) if plan is not None}


def test_several_paths_sum_their_gradients(backend: Backend) -> None:
    """FairNAS: every option once, then one update."""
    gradients = Gradients(backend)
    together = gradients.of_method(make("spos", paths=3))
    rng = np.random.default_rng(5)
    assert_sum(together, *((1.0, gradients.of_labels(SPACE.sample(rng))) for _ in range(3)))
