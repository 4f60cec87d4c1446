"""How methods and samplers work together."""

import numpy as np
import pytest

from tests.methods.watching import SPACE, Gradients, Notes, notes_batch
from tests.methods_made import make_method
from toolkit.backends.base import Backend
from toolkit.errors import InputError
from toolkit.runs.recipe import parse_recipe
from toolkit.sampling.fair import FairOptions


@pytest.mark.parametrize(("mode", "kept"), [("best-up", 0), ("worst-up", 2)])
def test_attentive_sampling_looks_at_losses(mode: str, kept: int) -> None:
    """AttentiveNAS by recipe. With notes a later forward pass has a larger loss: the first of three is the best."""
    sampling = {"name": "attentive", "mode": mode, "table": 200}
    recipe = parse_recipe({"space": "resnet48-mini", "method": {"name": "sandwich", "paths": 4, "sampling": sampling}})
    notes = Notes()
    recipe.make_method(SPACE).step(notes_batch(notes))
    looked = notes.constants
    assert len(looked) == 6
    assert notes.archs == [SPACE.largest, *looked, SPACE.smallest, looked[kept], looked[3 + kept]]
    assert len(notes.backwards) == 4


def test_looking_leaves_no_trace(backend: Backend) -> None:
    """Neither in the weights' statistics nor in the gradients."""
    gradients = Gradients(backend)
    network = gradients.network()
    before = network.weights()
    loss = gradients.batch(network).loss_of(SPACE.largest)
    assert 0 < loss < 100
    assert not network.gradients()
    assert all(np.array_equal(array, before[name]) for name, array in network.weights().items())


def test_fair_paths_train_every_option_in_one_step() -> None:
    """FairNAS by recipe: as many paths as the largest decision has options."""
    most = max(len(decision.options) for decision in SPACE.decisions)
    recipe = parse_recipe(
        {"space": "resnet48-mini", "method": {"name": "spos", "paths": most, "sampling": {"name": "fair"}}}
    )
    notes = Notes()
    recipe.make_method(SPACE).step(notes_batch(notes))
    assert len(notes.archs) == len(notes.backwards) == most
    always = [place for place, decision in enumerate(SPACE.decisions) if all(arch[place] >= 0 for arch in notes.archs)]
    assert always
    for place in always:
        options = len(SPACE.decisions[place].options)
        trained = [arch[place] for arch in notes.archs]
        assert {trained.count(option) for option in range(options)} <= {most // options, -(-most // options)}


def test_a_deck_is_part_of_the_state() -> None:
    method, other = (make_method("sandwich", SPACE, sampling=FairOptions()) for _ in range(2))
    method.step(notes_batch(Notes(), 1))
    other.load_state(method.state())
    ours, theirs = Notes(), Notes()
    method.step(notes_batch(ours, 2))
    other.step(notes_batch(theirs, 2))
    assert ours.archs == theirs.archs


def test_a_name_in_place_of_the_table_is_answered_with_the_table() -> None:
    with pytest.raises(InputError, match=r"^recipe: method\.sampling: is a table of its own, \[method\.sampling\]"):
        parse_recipe({"space": "resnet48-mini", "method": {"name": "spos", "sampling": "fair"}})
