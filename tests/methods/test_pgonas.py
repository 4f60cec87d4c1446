"""PGONAS: schedules, pairs, and which way the rank loss pushes whom."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.methods.watching import SPACE, Gradients, Notes, assert_sum, notes_batch
from tests.methods_made import make_method
from toolkit.backends.base import Backend
from toolkit.candidates import write_entries
from toolkit.errors import InputError
from toolkit.methods.pgonas import EPOCHS, schedule
from toolkit.sampling.distance import distance_of
from toolkit.spaces import Arch


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ("warmup", [0, 0.5, 1, 2, 2, 2]),
        ("sine", [0, 0.3571, 0.7028, 1.3159, 1.9499, 1.2329]),
        ("multistage", [0, 0, 2 / 3, 2, 2, 0.1]),
    ],
)
def test_the_weight_of_the_rank_loss_over_70_epochs(name: Any, expected: list[float]) -> None:
    epochs = (0, 5, 10, 20, 50, 69)
    assert [schedule(name, epoch / EPOCHS) for epoch in epochs] == pytest.approx(expected, abs=1e-4)


def ordered_pair() -> tuple[Arch, Arch, list[Arch]]:
    """The first and the second path of the pair that a step with this file of two networks draws; and the file."""
    rng = np.random.default_rng(5)
    two = [SPACE.sample(np.random.default_rng(number)) for number in (1, 2)]
    for _ in range(2):  # the sandwich's random paths
        SPACE.sample(rng)
    first = two[rng.integers(2)]
    return first, next(arch for arch in two if arch != first), two


def write_scores(path: Path, scores: dict[Arch, float]) -> str:
    codes = {f"arch{number}": SPACE.format(arch) for number, arch in enumerate(scores, start=1)}
    write_entries(path, codes, dict(zip(codes, scores.values(), strict=True)))
    return f"file:{path}"


@pytest.mark.parametrize(
    ("rank_loss", "prior_is_right"), [("asymmetric", False), ("asymmetric", True), ("symmetric", False)]
)
def test_paths_in_the_wrong_order_are_pushed(
    rank_loss: str, prior_is_right: bool, backend: Backend, tmp_path: Path
) -> None:
    """Asymmetric: only the second moves, down where it should be the better one, else up."""
    gradients = Gradients(backend)
    first, second, two = ordered_pair()
    losses = {arch: gradients.loss(arch) for arch in two}
    scores = {arch: -losses[arch] if prior_is_right else losses[arch] for arch in two}
    prior = write_scores(tmp_path / "prior.json", scores)
    method = make_method(
        "pgonas", SPACE, prior=prior, pairs=1, min_distance=1, rank_loss=rank_loss, schedule="constant", weight=3.0
    )
    found = gradients.of_method(method)
    sandwich = gradients.of_method(make_method("sandwich", SPACE))
    if prior_is_right:
        assert_sum(found, (1.0, sandwich))
        return
    down = 1.0 if scores[second] > scores[first] else -1.0
    parts = [(1.0, sandwich), (3.0 * down, gradients.of_labels(second))]
    if rank_loss == "symmetric":
        parts.append((-3.0 * down, gradients.of_labels(first)))
    assert_sum(found, *parts)


def test_only_the_second_of_a_pair_is_trained(tmp_path: Path) -> None:
    """With notes: the later forward pass has the larger loss, by 1."""
    one, other, _ = ordered_pair()
    prior = write_scores(tmp_path / "prior.json", {one: 0.4, other: 0.6})
    method = make_method("pgonas", SPACE, prior=prior, pairs=1, min_distance=1, schedule="constant", paths=2)
    seen = set()
    for seed in range(20):
        notes = Notes()
        values = method.step(notes_batch(notes, seed))
        first, second = notes.archs[-2:]
        seen.add((first, second))
        assert notes.constants == [first]
        excess = 1.0 if (first, second) == (one, other) else 0.0
        assert notes.backwards[-1] == excess
        assert values["rank_loss"] == -excess
    assert seen == {(one, other), (other, one)}


def test_pairs_are_as_far_apart_as_asked() -> None:
    apart = distance_of("digits", SPACE)
    method = make_method("pgonas", SPACE, min_distance=33, pairs=3, paths=2, schedule="constant")
    for seed in range(20):
        notes = Notes()
        method.step(notes_batch(notes, seed))
        pairs = notes.archs[2:]
        assert len(pairs) == 6
        assert len(notes.constants) == 3
        assert all(apart(*pairs[i : i + 2]) >= 33 for i in (0, 2, 4))


def test_a_distance_that_no_pair_has_is_refused() -> None:
    with pytest.raises(InputError, match=r"^method\.min_distance: 48 is more than any two networks are apart"):
        make_method("pgonas", SPACE, min_distance=48)


def test_pairs_differ_in_one_of_the_decisions_that_are_named() -> None:
    named = [place for place, decision in enumerate(SPACE.decisions) if decision.name.startswith("width1")]
    method = make_method("pgonas", SPACE, differ=["width1"], pairs=3, paths=2, schedule="constant")
    for seed in range(20):
        notes = Notes()
        method.step(notes_batch(notes, seed))
        assert len(notes.archs) == 8
        for first, second in (notes.archs[i : i + 2] for i in (2, 4, 6)):
            (place,) = (place for place, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1])
            assert place in named


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"differ": ["widht1"]}, r"^method\.differ: no decision that paths can differ in is called 'widht1'.*'width1'"),
        ({"differ": ["width1"], "min_distance": 3}, "such pairs are near, not far apart; leave out min_distance"),
    ],
)
def test_pairs_that_cannot_be_had_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_method("pgonas", SPACE, **options)


def test_a_file_of_scores_has_no_neighbours(tmp_path: Path) -> None:
    archs = [SPACE.sample(np.random.default_rng(number)) for number in range(4)]
    prior = write_scores(tmp_path / "zen.json", {arch: number for number, arch in enumerate(archs)})
    with pytest.raises(InputError, match=r"^method\.differ: a prior from a file scores no neighbours"):
        make_method("pgonas", SPACE, prior=prior, differ=["width1"])


def test_without_weight_there_are_no_pairs() -> None:
    """So a warm-up from 0 costs nothing in its first step."""
    notes = Notes()
    values = make_method("pgonas", SPACE, paths=2).step(notes_batch(notes, progress=0.0))
    assert len(notes.archs) == 2
    assert "rank_loss" not in values


def test_pairs_come_from_the_file_of_scores(tmp_path: Path) -> None:
    archs = [SPACE.sample(np.random.default_rng(number)) for number in range(4)]
    prior = write_scores(tmp_path / "zen.json", {arch: -number for number, arch in enumerate(archs)})
    method = make_method("pgonas", SPACE, prior=prior, paths=2)
    notes = Notes()
    for seed in range(30):
        method.step(notes_batch(notes, seed))
    assert set(notes.archs) == {*archs, SPACE.largest, SPACE.smallest}


def test_a_prior_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        make_method("pgonas", SPACE, prior=f"file:{tmp_path}/none.json")
