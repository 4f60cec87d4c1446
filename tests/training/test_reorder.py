import numpy as np
import pytest

from tests.networks import backend_on_cpu, logits, randomise, some_images, thin
from toolkit.backends import BACKENDS
from toolkit.spaces import SPACES
from toolkit.training.reorder import reorder_channels, trained_widths

SPACE = SPACES["resnet48-mini"].for_images(1, 8, 10)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_largest_network_computes_what_it_did_before(name: str) -> None:
    backend = backend_on_cpu(name)
    network = backend.network(SPACE, SPACE.widest, 0)
    randomise(network)
    weights, images = network.weights(), some_images(SPACE)
    found = {}
    for arch in (SPACE.largest, SPACE.smallest):
        found[arch] = logits(backend, network, arch, images, network.stored_norm())
    reordered = reorder_channels(weights)
    network.load_weights(reordered)
    again = logits(backend, network, SPACE.largest, images, network.stored_norm())
    np.testing.assert_allclose(again, found[SPACE.largest], rtol=1e-4, atol=1e-4)
    narrow = logits(backend, network, SPACE.smallest, images, network.stored_norm())
    assert np.abs(narrow - found[SPACE.smallest]).max() > 1e-3, "narrow paths have other channels now"

    moved = {key for key, array in weights.items() if (array != reordered[key]).any()}
    assert {key.split(".")[2] for key in moved} == {"conv1", "bn1", "conv2"}
    for key, array in reordered.items():
        np.testing.assert_array_equal(np.sort(array, axis=None), np.sort(weights[key], axis=None))
        if key.endswith("conv2.weight"):
            importance = np.abs(array).sum((0, 2, 3))
            assert (np.diff(importance) <= 0).all()


def test_channels_move_together() -> None:
    weights = {
        "blocks.1.conv1.weight": np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1),
        "blocks.1.bn1.running_mean": np.array([10, 11, 12], np.float32),
        "blocks.1.conv2.weight": np.array([[1, -5, 3]], np.float32).reshape(1, 3, 1, 1),
        "blocks.1.bn2.weight": np.array([7], np.float32),
        "blocks.11.bn1.weight": np.array([1, 2, 3], np.float32),
    }
    found = {name: array.ravel().tolist() for name, array in reorder_channels(weights).items()}
    assert found == {
        "blocks.1.conv1.weight": [1, 2, 0],
        "blocks.1.bn1.running_mean": [11, 12, 10],
        "blocks.1.conv2.weight": [-5, 3, 1],
        "blocks.1.bn2.weight": [7],
        "blocks.11.bn1.weight": [1, 2, 3],
    }


@pytest.mark.parametrize("name", BACKENDS)
def test_inverted_residuals_with_squeeze_and_excitation(name: str) -> None:
    """Of once-for-all: the largest network stays; trained widths keep their channels, so their paths do too."""
    space = thin(SPACES["ofa-mini"], 8)
    backend = backend_on_cpu(name)
    network = backend.network(space, space.widest, 0)
    randomise(network)
    weights, images = network.weights(), some_images(space)
    fours = tuple(1 if "expand" in decision.name else len(decision.options) - 1 for decision in space.decisions)
    found = {arch: logits(backend, network, arch, images, network.stored_norm()) for arch in (space.largest, fours)}
    kept = trained_widths(space, ["4"])
    assert (kept["blocks.2", "mid_channels"], kept["blocks.3", "squeeze_channels"]) == ([32], [8])
    for widths in (None, kept):
        reordered = reorder_channels(weights, widths)
        network.load_weights(reordered)
        for arch, before in found.items():
            moved = np.abs(logits(backend, network, arch, images, network.stored_norm()) - before).max()
            assert (moved < 1e-3) == (arch == space.largest or widths is not None)
        importance = np.abs(reordered["blocks.2.project.weight"]).sum((0, 2, 3))
        parts = np.split(importance, [32] if widths else [])
        assert all((np.diff(part) <= 0).all() for part in parts)
        changed = {
            name.split(".", 2)[2].rpartition(".")[0] for name in weights if (weights[name] != reordered[name]).any()
        }
        assert changed == {"expand", "bn1", "depthwise", "bn2", "project", "se.reduce", "se.expand"}
