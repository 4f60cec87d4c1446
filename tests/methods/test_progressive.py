"""Progressive training: the teacher, frozen or not; its students; those that an update hurt."""

from dataclasses import replace

import numpy as np
import pytest

from tests.methods.watching import SPACE, Notes, notes_batch
from tests.methods_made import make_method
from tests.networks import randomise, some_images
from toolkit.backends.base import SGD, Backend
from toolkit.errors import InputError
from toolkit.methods import Batch
from toolkit.spaces import SPACES, Arch
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace, parted
from toolkit.spaces.resnet20 import ResNet20

RESNET20 = SPACES["resnet20"].for_images(3, 8, 7)


def moved(backend: Backend, teacher: str, *, group_slopes: bool = True, look: int = 2) -> set[str]:
    """The weights and statistics that one step changed, on a grouped and enhanced space."""
    assert isinstance(RESNET20, ResNet20)
    enhanced = EnhancedSpace(replace(RESNET20, always_project=True), ((4, 5), (8, 9)), "prelu")
    space = GroupedSpace(enhanced, 4, activations=group_slopes)
    network = backend.network(space, space.widest, 0)
    randomise(network)
    before = network.weights()
    optimizer = backend.optimizer(network, SGD(weight_decay=5e-4, decay_norm=True, decay_bias=True))
    images = backend.normalise(backend.place(some_images(space, 4)), (0.5,) * 3, (0.25,) * 3)
    batch = Batch(network, images, backend.place(np.arange(4)), np.random.default_rng(0), 0.5)
    method = make_method("progressive", space, teacher=teacher, look=look, paths=3)
    for _ in range(2):
        method.step(batch)
        optimizer.step(0.01)
        if method.after(batch) is not None:
            optimizer.step(0.01)
    after = network.weights()
    return {name for name, array in before.items() if not np.array_equal(array, after[name])}


def trunk(names: set[str]) -> set[str]:
    return {name for name in names if parted(name)[1] is None}


def test_a_frozen_teacher_does_not_change(backend: Backend) -> None:
    changed = moved(backend, "frozen")
    assert not trunk(changed)
    assert any(name.endswith("running_mean") for name in changed)
    assert any(name.endswith("conv2.groups.64.weight") for name in changed)


def test_shared_slopes_let_it_drift_as_theirs_did(backend: Backend) -> None:
    drifted = trunk(moved(backend, "frozen", group_slopes=False))
    assert len(drifted) == 9
    assert all(name.endswith("outer.weight") for name in drifted)


def test_a_trained_teacher_changes(backend: Backend) -> None:
    changed = moved(backend, "trained", look=0)
    assert "blocks.1.conv1.weight" in changed
    assert "blocks.1.bn1.running_mean" in changed


def test_a_teacher_whose_weights_the_paths_train_is_not_frozen() -> None:
    with pytest.raises(InputError, match=r"^method\.teacher: frozen, but .*set supernet\.groups"):
        make_method("progressive", SPACE, teacher="frozen")


def test_students_learn_from_the_teacher_and_a_share_of_labels() -> None:
    notes = Notes()
    values = make_method("progressive", SPACE, paths=3, look=0, label_share=0.25).step(notes_batch(notes))
    assert notes.archs[0] == SPACE.largest
    assert notes.targets == 3 * [-1.0], "the teacher's logits, as a constant"
    assert notes.backwards == [11.0, *(0.75 * (20 + n) + 0.25 * (10 + n) for n in (2, 3, 4))]
    assert values == {"loss": -11.0, "distillation_loss": -sum(notes.backwards[1:]) / 3}


def test_a_frozen_teacher_is_not_trained() -> None:
    notes = Notes()
    method = make_method("progressive", GroupedSpace(RESNET20, 4), teacher="frozen", paths=2, look=0, label_share=0.0)
    values = method.step(notes_batch(notes))
    assert notes.constants == [RESNET20.largest]
    assert notes.backwards == [22.0, 23.0]
    assert values["loss"] == 11.0


class Hurt(Notes):
    """From a moment on, some paths are farther from the teacher than they were."""

    hurt: frozenset[Arch] = frozenset()

    def soft_cross_entropy(self, logits: float, target: float) -> float:
        super().soft_cross_entropy(logits, target)
        return 20.5 if self.archs[int(logits) - 1] in self.hurt else 20.0


def test_paths_that_an_update_hurt_are_trained_once_more() -> None:
    notes = Hurt()
    batch = notes_batch(notes)
    method = make_method("progressive", SPACE, look=5, paths=2)
    values = method.step(batch)
    looked = list(notes.constants)
    assert len(looked) == 5
    assert values["recovered"] == 0
    assert notes.targets == 7 * [-1.0]

    trained = len(notes.backwards)
    assert method.after(batch) is None, "none otherwise"
    assert len(notes.backwards) == trained

    notes.hurt = frozenset(looked[1:3])
    assert method.after(batch) == {"recovered": 2}
    assert notes.backwards[trained:] == [20.5, 20.5], "towards the teacher, whatever the labels"
    assert notes.archs[-2:] == looked[1:3]
    assert set(notes.targets) == {-1.0}, "the teacher as it was before the update"


def test_nothing_is_looked_at_unless_asked() -> None:
    notes = Notes()
    values = make_method("progressive", SPACE, look=0).step(notes_batch(notes))
    assert notes.constants == []
    assert "recovered" not in values
