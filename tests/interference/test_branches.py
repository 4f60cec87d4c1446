"""What the branches of toy networks do to each other, known in closed form, on every backend."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.interference.toys import SCALES, choice_network, mirrored_batch, width_space
from tests.networks import backend_on_cpu, randomise
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network, Tensor
from toolkit.backends.shapes import used
from toolkit.errors import InputError
from toolkit.interference import branches as branches_module
from toolkit.interference.branches import Branches
from toolkit.interference.gradients import gradient
from toolkit.interference.splits import split_recipe, suggest_splits
from toolkit.interference.table import CHANCE, Row, as_frame
from toolkit.spaces import SPACES


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


def cells(rows: list[Row], measure: str) -> dict[tuple[Any, ...], Row]:
    return {(row.block, row.decision, row.first, row.second): row for row in rows if row.measure == measure}


def test_branches_in_closed_form(backend: Backend) -> None:
    """Opposite gradients: -1; identical branches: +1; orthogonal: 0; nothing shared: no number, not 0."""
    network = choice_network(backend)
    probe = Branches(network)
    assert sum(probe.draw([0], mirrored_batch(backend), [0])) == len(SCALES)
    rows = list(probe.rows())
    expected = {
        ("plus", "twin"): 1.0,
        ("plus", "minus"): -1.0,
        ("plus", "other"): 0.0,
        ("twin", "minus"): -1.0,
        ("twin", "other"): 0.0,
        ("minus", "other"): 0.0,
    }
    found = cells(rows, "gradient_cosine")
    assert {(first, second): row.value for (_, _, first, second), row in found.items()} == pytest.approx(
        expected, abs=1e-6
    )
    assert all(row.n == 1 and math.isnan(row.error) and row.block == 0 for row in found.values())
    for row in cells(rows, "shared_gradient_cosine").values():
        assert (math.isnan(row.value), row.n) == (True, 0)
    rates = {(first, second): row.value for (_, _, first, second), row in cells(rows, "conflict_rate").items()}
    assert (rates["plus", "minus"], rates["plus", "twin"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("blocks", "expected", "gain"),
    [
        ((0,), dict.fromkeys(itertools.combinations(SCALES, 2), math.nan), 0.0),
        ((0, 1), {("plus", "twin"): 0, ("plus", "minus"): 2, ("twin", "minus"): 2, "else": 1}, 1.0),
    ],
    ids=["outside", "inside"],
)
def test_only_conflict_in_the_blocks_that_a_split_copies_counts(
    blocks: tuple[int, ...], expected: dict[Any, float], gain: float, backend: Backend
) -> None:
    """All conflict is in the classifier, on which `plus` and `minus` disagree fully. The decision shapes it, or not."""
    network = choice_network(backend, blocks)
    probe = Branches(network)
    list(probe.draw([0], mirrored_batch(backend), [0]))
    rows = list(probe.rows())
    found = {(first, second): row.value for (_, _, first, second), row in cells(rows, "split_conflict").items()}
    assert found == pytest.approx(
        {pair: expected.get(pair, expected.get("else")) for pair in found}, abs=1e-5, nan_ok=True
    )
    (suggested,) = suggest_splits(network.space, as_frame(rows, 1, 1.0))
    assert suggested.gain == pytest.approx(gain, abs=1e-5)
    if gain:
        assert suggested.split.groups == (("plus", "twin"), ("minus", "other"))
    else:
        with pytest.raises(InputError, match="branch ends no conflict"):
            split_recipe(tiny.recipe(), Path("checkpoint"), [suggested])


def test_chance_is_how_far_a_network_lies_from_itself_on_other_images(backend: Backend) -> None:
    network, batch, number = first_depth(backend)
    rng = np.random.default_rng(1)
    other = backend.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32)), batch[1]
    answers = [0] * len(network.space.decisions)
    found = {}
    for name, images in {"same": batch, "other": other}.items():
        probe = Branches(network)
        assert sum(probe.draw(answers, batch, [number], 5, images)) == 5, "one of four options is the draw's own"
        rows = [row for row in probe.rows() if row.first == CHANCE]
        assert {row.measure for row in rows} == {"split_conflict", "feature_kl"}
        found[name] = [row.value for row in rows if not math.isnan(row.value)]
    assert found["same"] == pytest.approx([0] * len(found["same"]), abs=1e-5)
    assert min(found["other"]) > 1e-3
    assert list(Branches(network).draw(answers, batch, [number], 4, batch)) == [], "there is no pass left for it"


def first_depth(backend: Backend) -> tuple[Network, tuple[Tensor, Tensor], int]:
    """A random supernet of depths, a batch, and the number of the decision `depth1`."""
    space = SPACES["resnet48-mini"].for_images(1, 8, 10)
    network = backend.network(space, space.widest, 0)
    randomise(network)
    rng = np.random.default_rng(0)
    batch = backend.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32)), backend.place(rng.integers(10, size=4))
    number = [decision.name for decision in space.decisions].index("depth1")
    return network, batch, number


def test_a_split_of_a_depth_ends_what_is_in_the_blocks_that_both_have(backend: Backend) -> None:
    """Depth 2 has none of the blocks that are copied. Of 4 and 5, those are the third and the fourth."""
    network, batch, number = first_depth(backend)
    space = network.space
    answers = [0] * len(space.decisions)
    probe = Branches(network)
    list(probe.draw(answers, batch, [number]))
    rows = list(probe.rows())
    found = cells(rows, "split_conflict")
    third, fourth, fifth = space.decisions[number].blocks
    assert all(math.isnan(found[third, "depth1", "2", other].value) for other in "345")
    pair = [space.canonical([option, *answers[1:]]) for option in (2, 3)]
    (g, _), (h, _) = (gradient(network, arch, batch) for arch in pair)
    both = {name: array.shape for name, array in g.items() if name in h}
    copied = {name: shape for name, shape in both.items() if name.startswith((f"blocks.{third}.", f"blocks.{fourth}."))}
    assert copied
    assert not any(name.startswith(f"blocks.{fifth}.") for name in both)
    lengths = [math.prod(length(each, names) for each in (g, h)) for names in (copied, both)]
    expected = (1 - cosine(g, h, copied)) * lengths[0] / lengths[1]
    assert found[third, "depth1", "4", "5"].value == found[fifth, "depth1", "4", "5"].value == pytest.approx(expected)
    assert 0 < expected < 1 - cosine(g, h, both)
    suggested = {each.split.decision: each for each in suggest_splits(space, as_frame(rows, 1, 1.0))}
    assert 0 < suggested["depth1"].gain < (1 - cosine(g, h, both))


def test_features_of_branches_in_closed_form(backend: Backend) -> None:
    """What leaves the first block: f, f, -f, and the same in another channel. The head's logits are no features."""
    network = choice_network(backend)
    probe = Branches(network)
    list(probe.draw([0], mirrored_batch(backend), [0]))
    rows = list(probe.rows())
    cosines = {(first, second): row.value for (_, _, first, second), row in cells(rows, "feature_cosine").items()}
    assert cosines == pytest.approx(
        {("plus", "twin"): 1, ("plus", "minus"): -1, ("twin", "minus"): -1}
        | {(first, "other"): 0 for first in ("plus", "twin", "minus")},
        abs=1e-6,
    )
    shifts = {(first, second): row.value for (_, _, first, second), row in cells(rows, "feature_kl").items()}
    assert shifts["plus", "twin"] == pytest.approx(0, abs=1e-6)
    assert shifts["plus", "minus"] == pytest.approx(0, abs=1e-4), "the images are their own negatives"
    assert shifts["plus", "other"] > 1
    alike = {(first, second): row.value for (_, _, first, second), row in cells(rows, "feature_cka").items()}
    assert alike["plus", "minus"] == pytest.approx(1, abs=1e-5)


def test_where_a_network_has_no_block_it_passes_on_what_it_was_given(backend: Backend) -> None:
    network, batch, number = first_depth(backend)
    space = network.space
    probe = Branches(network)
    list(probe.draw([0] * len(space.decisions), batch, [number]))
    found = cells(list(probe.rows()), "feature_cosine")
    third, fourth, _ = space.decisions[number].blocks
    assert found[third, "depth1", "2", "3"].value < 1 - 1e-4
    assert found[third, "depth1", "4", "5"].value == pytest.approx(1, abs=1e-6)  # both have this block
    assert found[fourth, "depth1", "2", "3"].value == found[third, "depth1", "2", "3"].value  # neither has


def test_draws_are_averaged_with_their_error(backend: Backend) -> None:
    """Three draws in which a cell is -1, -1 and, on a batch with the classes exchanged in part, something else."""
    network = choice_network(backend)
    images, labels = mirrored_batch(backend)
    probe = Branches(network)
    singles = []
    batches = [(images, labels), (images, labels), (images, backend.place(np.array([0, 0, 1, 1, 1, 0])))]
    for batch in batches:
        alone = Branches(network)
        for each in (probe, alone):
            list(each.draw([2], batch, [0]))
        singles.append(cells(list(alone.rows()), "gradient_cosine")[0, "branch", "plus", "other"].value)
    row = cells(list(probe.rows()), "gradient_cosine")[0, "branch", "plus", "other"]
    assert row.n == 3
    assert row.value == pytest.approx(np.mean(singles))
    assert row.error == pytest.approx(np.std(singles, ddof=1) / 3**0.5)


def test_shared_passes_find_what_two_passes_a_cell_would(backend: Backend) -> None:
    space = width_space()
    network = backend.network(space, space.widest, 0)
    randomise(network)
    rng = np.random.default_rng(2)
    batch = backend.place(rng.normal(size=(8, 2, 2, 2)).astype(np.float32)), backend.place(rng.integers(2, size=8))
    answers = [1, 1]
    probe = Branches(network)
    passes = list(probe.draw(answers, batch, [1, 0]))
    assert passes == [2, 2], "the network of the draw serves both decisions"
    rows = list(probe.rows())
    for number, decision in enumerate(space.decisions):
        for i, j in itertools.combinations(range(len(decision.options)), 2):
            archs = [(*answers[:number], option, *answers[number + 1 :]) for option in (i, j)]
            (g, _), (h, _) = (gradient(network, arch, batch) for arch in archs)
            first, second = (used(network.space.supernet_plans(arch)) for arch in archs)
            alike = [name for name in g if first[name] == second[name]]
            ends = str(decision.options[i]), str(decision.options[j])
            for block in decision.blocks:
                row = cells(rows, "gradient_cosine")[block, decision.name, *ends]
                assert row.value == pytest.approx(cosine(g, h, {name: first[name] for name in alike}), abs=1e-5)
                cut = {
                    name: tuple(map(min, first[name], second[name]))
                    for name in g
                    if name not in alike and name.startswith(f"blocks.{block}.")
                }
                row = cells(rows, "shared_gradient_cosine")[block, decision.name, *ends]
                assert row.value == pytest.approx(cosine(g, h, cut), abs=1e-5)
            both = {name: tuple(map(min, first[name], second[name])) for name in g if name in h}
            copied = {name: shape for name, shape in both.items() if int(name.split(".")[1]) in decision.blocks}
            share = math.prod(length(each, copied) / length(each, both) for each in (g, h))
            row = cells(rows, "split_conflict")[decision.blocks[0], decision.name, *ends]
            assert row.value == pytest.approx(share * (1 - cosine(g, h, copied)), abs=1e-5)


def cosine(g: Any, h: Any, slices: dict[str, tuple[int, ...]]) -> float:
    x, y = (np.concatenate([each[n][tuple(map(slice, s))].ravel() for n, s in slices.items()]) for each in (g, h))
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def length(g: Any, slices: dict[str, tuple[int, ...]]) -> float:
    return float(np.linalg.norm([np.linalg.norm(g[name][tuple(map(slice, shape))]) for name, shape in slices.items()]))


def test_a_limit_leaves_whole_decisions_out(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = backend_on_cpu("torch")
    space = SPACES["resnet48-mini"]
    network = backend.network(space, space.widest, 0)
    counted = []
    monkeypatch.setattr(branches_module, "gradient", lambda *given: counted.append(given) or gradient(*given))
    rng = np.random.default_rng(0)
    batch = backend.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32)), backend.place(rng.integers(10, size=4))
    probe = Branches(network)
    spent = sum(probe.draw([0] * 31, batch, [8, 0, 1, 30, 12], 7))
    assert spent == len(counted) <= 7
    decided = {row.decision for row in probe.rows()}
    # Then depth2 does not fit; middle4.5 and middle1.5 do not apply to stages of two blocks.
    assert decided == {"middle1.1", "depth1"}
    assert spent == 2 + 3, "two of the three widths are 8 channels: one network"
    complete = [row for row in probe.rows() if row.decision == "depth1" and row.measure == "gradient_cosine"]
    assert len(complete) == 6 * 3, "all pairs of four depths, in each of three blocks"
