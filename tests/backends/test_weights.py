"""What a fresh network holds, in every framework."""

import numpy as np
import pytest

from tests.networks import EVERY_FORM, forward
from toolkit.backends.base import SGD, Backend, Network, Optimizer
from toolkit.backends.shapes import is_matrix
from toolkit.spaces import SPACES, Arch, SearchSpace
from toolkit.spaces.grouping import GroupedSpace
from toolkit.spaces.splitting import Split, SplitSpace


@EVERY_FORM
def test_a_seed_draws_everything(backend: Backend, space: SearchSpace) -> None:
    first, same, other = (backend.network(space, space.widest, seed).weights() for seed in (3, 3, 4))
    for name, array in first.items():
        np.testing.assert_array_equal(array, same[name])
        if is_matrix(name):
            np.testing.assert_array_equal(array, np.eye(len(array)))
            continue
        if array.ndim > 1:
            assert (array != other[name]).any()
        if array.ndim > 1 and array.size > 500:
            spread = 0.01 if array.ndim == 2 else (2 / (len(array) * array[0, 0].size)) ** 0.5
            assert array.std() == pytest.approx(spread, rel=0.2)


def test_residual_branches_begin_silent_in_every_copy_of_a_split_block(backend: Backend) -> None:
    """So every block that keeps width and size begins as the identity."""
    space = SPACES["resnet48-mini"]
    first = space.decisions[0]
    options = [str(option) for option in first.options]
    split = SplitSpace(space, (Split(first.name, (tuple(options[:1]), tuple(options[1:]))),))
    for chosen in (space, split):
        silent = {
            name: array
            for name, array in backend.network(chosen, chosen.widest, 0).weights().items()
            if "bn2.weight" in name
        }
        assert not any(array.any() for array in silent.values())
    assert any(name.count(".") > 3 for name in silent), "copies have a name of their own"


MOVING = SGD(weight_decay=0.1, decay_norm=True, decay_bias=True, move_idle=True)


def test_idle_weights_move_if_asked_even_after_a_break(backend: Backend) -> None:
    """Those that were used before, by momentum and decay; whoever asks for gradients sees none of it."""
    space = SPACES["nats-size"].for_images(3, 8, 5)
    grouped = GroupedSpace(space, "widths")
    images = backend.place(np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32))

    def step(network: Network, optimizer: Optimizer, arch: Arch) -> None:
        network.ops.backward(network.ops.cross_entropy(forward(network, arch, images), backend.place(np.arange(4))))
        optimizer.step(0.1)

    network = backend.network(grouped, grouped.widest, 0)
    optimizer = backend.optimizer(network, MOVING)
    step(network, optimizer, space.largest)
    before, state = network.weights(), optimizer.state()
    assert network.gradients() == {}
    resumed = backend.network(grouped, grouped.widest, 1)
    resumed.load_weights(before)
    further = backend.optimizer(resumed, MOVING)
    further.load_state(state)
    for each, its in ((network, optimizer), (resumed, further)):
        step(each, its, space.smallest)
    after = network.weights()
    wide, unused = "blocks.0.conv.groups.64.weight", "blocks.0.conv.groups.32.weight"
    np.testing.assert_allclose(
        after[wide], before[wide] - 0.1 * (0.9 * state[f"momentum.{wide}"] + 0.1 * before[wide]), rtol=1e-4, atol=1e-6
    )
    assert (after[unused] == before[unused]).all(), "never used"
    for name, array in resumed.weights().items():
        np.testing.assert_array_equal(array, after[name])
