"""EnTranNAS: engine and transit cells, shared features, and weights that are exactly 0."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.methods.mixing import CELL, CHAINS, EVERY_CELL, SPACES_OF_CELLS, TWO, batch_of, made
from tests.methods_made import make_method
from tests.networks import backend_on_cpu, on_backends
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend
from toolkit.errors import InputError
from toolkit.methods.entrannas import EnTranNAS
from toolkit.methods.mixture import MixtureMethod
from toolkit.spaces import SPACES
from toolkit.spaces.mixtures import Mixable, tables


def sparse(backend: Backend, batch: Any, seed: int = 0, **options: Any) -> EnTranNAS:
    """In the middle of a training, with logits far apart."""
    method = made("entrannas", backend, batch.net, sparse=True, **options)
    assert isinstance(method, EnTranNAS)
    logits = np.random.default_rng(seed).standard_normal(method.strengths().shape)
    method.parameters.load_weights({"weights": logits.astype(np.float32)})
    method._progress = batch.progress
    return method


def used(method: MixtureMethod, batch: Any) -> set[str]:
    method.step(batch)
    return {*batch.net.gradients()}


def test_which_cells_are_engines() -> None:
    assert make_method("entrannas", TWO).mixtures == {4, 2}  # type: ignore[attr-defined]
    assert make_method("entrannas", CELL).mixtures == {5}  # type: ignore[attr-defined]
    assert make_method("entrannas", SPACES["darts"]).mixtures == {20, 7}  # type: ignore[attr-defined]
    assert make_method("entrannas", TWO, engines=[1, 3]).mixtures == {1, 3}  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"method\.engines: 0, 9: no cell stands there; cells stand at 1, 2, 3, 4"):
        make_method("entrannas", TWO, engines=[0, 1, 9])
    with pytest.raises(InputError, match=r"method\.engines: no reduce cell among them.*one of 2, 3"):
        make_method("entrannas", TWO, engines=[1])


@pytest.mark.parametrize("kind", CHAINS)
def test_a_chain_has_no_transit_cells(kind: str) -> None:
    with pytest.raises(InputError, match=rf"entrannas: space {kind} has nothing that stands at two positions.*darts"):
        make_method("entrannas", CHAINS[kind])


def test_transit_cells_have_the_derived_graph_and_engines_everything(backend: Backend) -> None:
    batch = batch_of(backend, TWO)
    method = made("entrannas", backend, batch.net, affine=True, shared=False)
    plans, weights = method.network(method.weights())
    derived = TWO.supernet_plans(method.derived())
    assert (plans[1], plans[3]) == (derived[1], derived[3])
    assert weights.keys() == tables(plans).keys() == {2, 4}
    found = used(method, batch)
    widest = {name for name in batch.net.weights() if "running" not in name}
    for block in (2, 4):
        assert {name for name in widest if name.startswith(f"blocks.{block}.")} <= found
    for block in (1, 3):
        own = {name for name in found if name.startswith(f"blocks.{block}.")}
        assert own < {name for name in widest if name.startswith(f"blocks.{block}.")}


def test_batch_norms_scale_and_shift_in_transit_cells_alone(backend: Backend) -> None:
    batch = batch_of(backend, TWO)
    method = made("entrannas", backend, batch.net)
    blocks = {name.split(".")[1] for name in method.frozen() or ()}
    assert blocks == {"2", "4"}
    assert any(name.startswith("blocks.1.") and ".bn" in name for name in used(method, batch))


def test_the_derived_graph_rests_within_an_epoch(backend: Backend) -> None:
    batch = batch_of(backend, CELL)
    method = made("entrannas", backend, batch.net)
    assert isinstance(method, EnTranNAS)
    method.step(batch)
    first = method._transit
    turned = np.roll(method.parameters.weights()["weights"], 1, axis=1)
    method.parameters.load_weights({"weights": turned})
    method.step(batch)
    assert method._transit == first != method.derived()
    later = batch_of(backend, CELL, epoch=1)
    object.__setattr__(later, "net", batch.net)
    expected = method.derived()
    method.step(later)
    assert method._transit == expected


def test_features_are_shared_in_engines_alone(backend: Backend) -> None:
    found = used(made("entrannas", backend, (batch := batch_of(backend, CELL)).net), batch)
    engine = {name.split(".")[3] for name in found if name.startswith("blocks.5.edges.")}
    assert engine == {"0-1", "1-2", "2-3"}


@pytest.mark.parametrize(
    ("backend", "kind", "shared"),
    on_backends(product(SPACES_OF_CELLS, (False, True)), [("cell", True)]),
    indirect=["backend"],
)
def test_logits_are_the_same_before_and_after_derivation(backend: Backend, kind: str, shared: bool) -> None:
    """To the bit, and so are the running statistics of all that is left: there is no gap."""
    space = SPACES_OF_CELLS[kind]
    found = []
    for everything in (True, False):
        batch = batch_of(backend, space)
        method = sparse(backend, batch, shared=shared)
        weights = method.weights()
        active = method.active(weights)
        kept = sum(map(sum, active))
        assert len(space.edges) / 4 < kept < space.something.sum()
        if everything:
            method.active = lambda weights: tuple(map(tuple, space.something.tolist()))  # type: ignore[method-assign]
        plans, given = method.network(weights)
        logits = batch.net.run(plans, batch.images, weights=given)
        found.append((batch.net.ops.numpy(logits), batch.net.weights(), plans))
    (before, all_weights, whole), (after, kept_weights, derived) = found
    assert whole != derived
    assert before.tobytes() == after.tobytes()
    first = batch_of(backend, space).net.weights()
    moved = [name for name, array in kept_weights.items() if "running" in name and (array != first[name]).any()]
    assert moved
    assert all((all_weights[name] == kept_weights[name]).all() for name in moved)


@EVERY_CELL
def test_sparse_weights_sum_to_one_for_each_node_and_fade_with_the_threshold(backend: Backend, kind: str) -> None:
    space = SPACES_OF_CELLS[kind]
    batch = batch_of(backend, space)
    method, counts = sparse(backend, batch, threshold=0.9), []
    for progress in (0.0, 0.3, 0.6, 0.9):
        method._progress = progress
        weights = method.strengths()
        for node in range(space.nodes.max() + 1):
            assert weights[space.nodes == node].sum() == pytest.approx(1, rel=1e-5)
        assert not weights[~space.something].any()
        counts.append(int((weights > 0).sum()))
    assert counts[0] == space.something.sum()
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 2
    expected = _by_hand(space, method)
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-7)


def _by_hand(space: Mixable, method: EnTranNAS) -> Any:
    odds = np.where(space.something, 1 / (1 + np.exp(-method.parameters.weights()["weights"].astype(float))), 0)
    found = np.zeros_like(odds)
    for node in range(space.nodes.max() + 1):
        own = odds[space.nodes == node]
        left = np.maximum(own - 0.9 * 0.9 * own.max(), 0)
        found[space.nodes == node] = left / left.sum()
    return found


def test_sparse_weights_learn_alike_in_both_frameworks() -> None:
    found = []
    for name in BACKENDS:
        backend = backend_on_cpu(name)
        batch = batch_of(backend, CELL)
        method = sparse(backend, batch)
        batch.net.ops.backward(method.held_out_loss(batch, batch.net))
        found.append(backend.ops.numpy(method.parameters.gradients()["weights"]))
        assert method.step(batch)["operations"] == (method.strengths() > 0).sum()
    assert np.abs(found[0]).max() > 1e-4
    np.testing.assert_allclose(found[0], found[1], rtol=1e-2, atol=1e-5)
