import numpy as np
import pytest

from tests.interference.test_gradients import backend, some_batch
from tests.interference.toys import choice_network, mirrored_batch, width_space
from tests.networks import randomise
from toolkit.backends.base import Backend, Network
from toolkit.interference.gradients import block_of, gradient
from toolkit.interference.paths import Lookahead, Noise, Paths
from toolkit.interference.table import Row

__all__ = ["backend"]
ARCHS = [(0, 0), (2, 1), (1, 0)]


def wide(backend: Backend) -> Network:
    network = backend.network(width_space(), width_space().widest, 0)
    randomise(network)
    return network


def probed(network: Network, backend: Backend, archs: list[tuple[int, ...]], batches: list[object]) -> Paths:
    probe = Paths(network, archs)
    for batch in batches:
        assert len(list(probe.draw(batch))) == len(archs), "one backward pass for each path"
    return probe


def test_paths_in_closed_form(backend: Backend) -> None:
    """The paths of `plus`, `twin`, `minus` and `other` share the classifier, and nothing else."""
    network = choice_network(backend)
    rows = list(probed(network, backend, [(0,), (1,), (2,), (3,)], 2 * [mirrored_batch(backend)]).rows())
    pairs = {(row.first, row.second): row for row in rows if row.measure == "path_cosine" and row.distance >= 0}
    values = {pair: row.value for pair, row in pairs.items()}
    expected = {("0", "1"): 1, ("0", "2"): -1, ("0", "3"): 0, ("1", "2"): -1, ("1", "3"): 0, ("2", "3"): 0}
    assert values == pytest.approx(expected, abs=1e-6)
    assert all((row.block, row.distance, row.n) == (-1, 1, 2) for row in pairs.values())
    blocks = {(row.measure, row.block): row for row in rows if row.distance < 0 and not row.first}
    assert np.isnan(blocks["path_cosine", 0].value), "no branch shares anything with another"
    assert blocks["path_cosine", 1].value == pytest.approx(-1 / 6, abs=1e-6)
    assert blocks["conflict_rate", 1].value == pytest.approx(2 / 6)
    assert blocks["conflict_rate", -1].value == pytest.approx(2 / 6)
    losses = [row for row in rows if row.measure == "path_loss"]
    assert [row.value for row in losses] == pytest.approx(4 * [np.log(2)])


def test_forgetting_is_the_rise_of_the_loss(backend: Backend) -> None:
    network = wide(backend)
    batches = [some_batch(backend), some_batch(backend)]
    before = probed(network, backend, ARCHS, batches)
    assert not [row for row in before.rows() if row.measure == "forgetting"]
    randomise(network, seed=1)
    after = probed(network, backend, ARCHS, batches)
    rows = {row.first: row for row in after.rows(before.losses) if row.measure == "forgetting"}
    for arch in ARCHS:
        code = network.space.format(arch)
        rise = np.mean(after.losses[code]) - np.mean(before.losses[code])
        assert rows[code].value == pytest.approx(rise)
        assert (rows[code].n, rows[code].block) == (2, -1)


def test_lookahead_is_what_a_step_does(backend: Backend) -> None:
    network, eta, batch = wide(backend), 0.05, some_batch(backend)
    before = network.weights()
    probe = Lookahead(network, ARCHS, eta)
    assert len(list(probe.draw(batch))) == len(ARCHS)
    assert network.gradients() == {}
    for name, array in network.weights().items():
        assert (array == before[name]).all(), "the weights are put back to the last bit"
    found = {(row.first, row.second): row for row in probe.rows()}
    assert len(found) == 9, "in both directions, and what a path does for itself"
    g, _ = gradient(network, ARCHS[0], batch)
    _, loss = gradient(network, ARCHS[1], batch)
    network.load_weights({name: array - np.float32(eta) * g.get(name, 0) for name, array in before.items()})
    _, then = gradient(network, ARCHS[1], batch)
    row = found["0-0", "2-1"]
    assert (row.value, row.distance) == (pytest.approx(1 - then / loss, abs=1e-5), 2)


def test_lookahead_in_closed_form(backend: Backend) -> None:
    """What helps `plus` helps its twin as much, hurts `minus` and does nothing to `other`."""
    network = choice_network(backend)
    probe = Lookahead(network, [(0,), (1,), (2,), (3,)], 0.1)
    list(probe.draw(mirrored_batch(backend)))
    worth = {(row.first, row.second): row.value for row in probe.rows()}
    assert worth["0", "0"] == pytest.approx(worth["0", "1"])
    assert worth["0", "1"] > 0 > worth["0", "2"]
    assert worth["0", "3"] == pytest.approx(0, abs=1e-6)


def noise(batches: list[list[list[float]]]) -> Row:
    probe = Noise()
    for gradients in batches:
        probe.add([{"blocks.0.w": np.array(g, float)} for g in gradients], 1)
    (row,) = probe.rows()
    return row


def test_signal_to_noise_against_its_definition() -> None:
    rng = np.random.default_rng(0)
    batches = rng.normal(1.0, 1.0, (4, 3, 5))
    row, all_gradients = noise(batches.tolist()), batches.reshape(12, 5)

    def ratio(gradients: np.ndarray) -> float:
        variance = gradients.var(0, ddof=1).sum()
        return (np.square(gradients.mean(0)).sum() - variance / len(gradients)) / variance

    assert row.value == pytest.approx(ratio(all_gradients))
    left_out = [ratio(np.delete(batches, out, 0).reshape(9, 5)) for out in range(4)]
    assert row.error == pytest.approx((3 / 4 * np.square(left_out - np.mean(left_out)).sum()) ** 0.5)
    assert row.n == 4


def test_signal_to_noise_at_its_ends() -> None:
    assert np.isnan(noise([[[1.0], [1.0]]]).value), "no noise, no ratio"
    opposite = noise([[[1.0], [-1.0]], [[-1.0], [1.0]]])
    assert opposite.value == pytest.approx(-1 / 4), "no signal; the correction goes a little below 0"


def test_a_path_counts_for_the_blocks_it_has() -> None:
    probe = Noise()
    probe.add([{"blocks.0.w": np.ones(1)}, {"blocks.1.w": np.ones(1)}, {"blocks.1.w": np.full(1, 2.0)}], 3)
    found = {row.block: row.value for row in probe.rows()}
    assert found.keys() == {0, 1}
    assert np.isnan(found[0]), "one gradient has no variance"
    assert found[1] == pytest.approx((1.5**2 - 0.25) / 0.5)
    assert block_of("blocks.12.d3o0_1.conv.weight") == 12
