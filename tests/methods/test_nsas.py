"""NSAS: the loss over the archive, and what the archive keeps."""

import numpy as np
import pytest

from tests.methods.watching import SPACE, Gradients, Notes, assert_sum, notes_batch
from tests.methods_made import make_method
from toolkit.backends.base import Backend
from toolkit.errors import InputError
from toolkit.methods.nsas import Archs, distances, renewed

ALL = list(range(4))


def archs(*rows: str) -> Archs:
    return np.array([list(map(int, row)) for row in rows], np.int64).reshape(len(rows), 4)


def test_distances_are_shares_of_the_decisions_that_count() -> None:
    first, second = archs("0000", "0123"), archs("0000", "0011", "1123")
    np.testing.assert_array_equal(distances(first, second, ALL), [[0, 0.5, 1], [0.75, 0.75, 0.25]])
    np.testing.assert_array_equal(distances(first, second, [1, 2]), [[0, 0.5, 1], [1, 1, 0]])


def test_the_first_different_paths_fill_the_archive() -> None:
    archive = archs()
    for recent in (["0000"], ["0000", "0000"], ["0000", "0000", "0001"], ["0000", "0001", "0002"]):
        archive = renewed(archive, archs(*recent), 2, 9, ALL)
    np.testing.assert_array_equal(archive, archs("0000", "0001"))


def test_the_least_novel_gives_way_to_the_most_novel() -> None:
    archive = archs("0000", "0001", "1111")
    # To its neighbours 0001 is on average 0.25 and 0.75 away, 0000 as much plus a quarter, 1111 the farthest.
    recent = archs("0011", "2222", "0001")
    np.testing.assert_array_equal(renewed(archive, recent, 3, 9, ALL), archs("0000", "1111", "2222"))
    same = archs("0000", "1111", "2222")
    np.testing.assert_array_equal(renewed(same, archs("0011", "0000"), 3, 9, ALL), same)


def test_diversity_never_falls() -> None:
    """The mean distance between members, whatever is trained."""
    method = make_method("nsas", SPACE, archive=5, recent=20, neighbours=4)
    before = 0.0
    for seed in range(60):
        method.step(notes_batch(Notes(), seed))
        archive = method.state()["archive"]
        if seed >= 10:
            diversity = distances(archive, archive, list(range(len(SPACE.decisions)))).mean()
            assert diversity >= before - 1e-12
            before = diversity
    assert len(archive) == 5
    assert len(np.unique(archive, axis=0)) == 5
    assert before > 0


def test_new_path_and_archive_have_half_the_loss_each(backend: Backend) -> None:
    gradients = Gradients(backend)
    method = make_method("nsas", SPACE, archive=2)
    for seed in (1, 2):
        method.step(notes_batch(Notes(), seed))
    members = [tuple(answers) for answers in method.state()["archive"].tolist()]
    assert members == [SPACE.sample(np.random.default_rng(seed)) for seed in (1, 2)]
    found = gradients.of_method(method)
    new = SPACE.sample(np.random.default_rng(5))
    parts = [(0.5, gradients.of_labels(new)), *((0.25, gradients.of_labels(member)) for member in members)]
    assert_sum(found, *parts)


def test_what_is_logged() -> None:
    notes = Notes()
    method = make_method("nsas", SPACE, archive=2, archive_share=0.2)
    assert method.step(notes_batch(notes, 0)) == {"loss": -11.0}
    assert notes.backwards == [11.0], "without an archive the new path has it all"
    values = method.step(notes_batch(notes, 1))
    assert values == {"loss": -12.0, "archive_loss": -13.0}
    assert notes.backwards[1:] == pytest.approx([0.8 * 12, 0.2 * 13])


def test_memory_comes_back_from_its_state() -> None:
    method = make_method("nsas", SPACE, archive=3, recent=4)
    for seed in range(9):
        method.step(notes_batch(Notes(), seed))
    other = make_method("nsas", SPACE, archive=3, recent=4)
    other.load_state(method.state())
    for seed in range(9, 15):
        ours, theirs = Notes(), Notes()
        method.step(notes_batch(ours, seed))
        other.step(notes_batch(theirs, seed))
        assert ours.archs == theirs.archs
    assert method.state()["recent"].shape == (4, len(SPACE.decisions))


@pytest.mark.parametrize("wrong", [{}, {"archive": np.zeros((2, 3), np.int64), "recent": np.zeros((2, 3), np.int64)}])
def test_a_memory_of_another_method_is_refused(wrong: dict[str, Archs]) -> None:
    with pytest.raises(InputError, match=r"^method\.archive: .*another"):
        make_method("nsas", SPACE).load_state(wrong)
