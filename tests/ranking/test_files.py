import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.ranking.files import rank_files
from toolkit.ranking.priors import cost_priors
from toolkit.spaces import get_space
from toolkit.spaces.resnet48 import ResNet48

SPACE = get_space("resnet48")


def codes(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [SPACE.format(SPACE.sample(rng)) for _ in range(count)]


def write(path: Path, entries: Mapping[str, tuple[float, str]]) -> Path:
    path.write_text(json.dumps({key: {"acc": acc, "arch": code} for key, (acc, code) in entries.items()}))
    return path


def entries(count: int, noise: float = 0.0) -> dict[str, tuple[float, str]]:
    errors = np.random.default_rng(1).normal(size=count)
    return {f"arch{i}": (i + noise * errors[i], code) for i, code in enumerate(codes(count))}


def rejected(scores: Path, truth: Path, space: str | None = "resnet48") -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        rank_files(scores, truth, space and get_space(space), resamples=2)
    return error.value.problems


def test_two_files(tmp_path: Path) -> None:
    scores = write(tmp_path / "scores.json", entries(50, noise=10))
    truth = write(tmp_path / "truth.json", dict(list(entries(60).items())[:40]))
    found = rank_files(scores, truth, SPACE, resamples=50, seed=3)
    assert (found.networks, found.without_truth, found.without_score, found.seed) == (40, 10, 0, 3)
    assert [prior.name for prior in found.priors] == ["MACs", "parameters"]
    assert found.notes == ()


def test_priors_belong_to_the_networks_whose_truth_they_meet(tmp_path: Path) -> None:
    """If MACs are the truth, then as a prior they are perfect, in whatever order the files are."""
    table = entries(20)
    macs = cost_priors(SPACE, [SPACE.parse(code) for _, code in table.values()])["MACs"]
    truth = write(tmp_path / "truth.json", {key: (mac, table[key][1]) for key, mac in zip(table, macs, strict=True)})
    scores = write(tmp_path / "scores.json", dict(reversed(table.items())))
    found = rank_files(scores, truth, SPACE, resamples=2)
    assert found.priors[0].metrics["kendall"].value == pytest.approx(1)
    assert abs(found.score.metrics["kendall"].value or 1) < 0.6


def test_networks_are_matched_by_what_their_codes_mean(tmp_path: Path) -> None:
    """Other ids, and the 51 digits of the documentation, name the same networks."""
    assert isinstance(SPACE, ResNet48)
    scores = write(tmp_path / "scores.json", entries(20))
    renamed = {
        f"other{key}": (acc, SPACE.format(SPACE.parse(code), image_digit=False))
        for key, (acc, code) in entries(20).items()
    }
    found = rank_files(scores, write(tmp_path / "truth.json", renamed), SPACE, resamples=2)
    assert found.networks == 20
    assert found.score.metrics["kendall"].value == pytest.approx(1)


def test_an_id_that_means_two_networks(tmp_path: Path) -> None:
    scores, truth = entries(20), entries(20)
    truth["arch3"], truth["arch4"] = truth["arch4"], truth["arch3"]
    problems = rejected(write(tmp_path / "scores.json", scores), write(tmp_path / "truth.json", truth))
    assert len(problems) == 2
    assert problems[0].startswith(
        f"{tmp_path / 'scores.json'}: arch3 is another network than in {tmp_path / 'truth.json'}"
    )


def test_a_network_with_two_values(tmp_path: Path) -> None:
    table = entries(20)
    again = table | {"again": (99.0, table["arch7"][1]), "same": table["arch8"]}
    (problem,) = rejected(write(tmp_path / "scores.json", again), write(tmp_path / "truth.json", table))
    assert "again is a network that stands there before with another acc" in problem


def test_the_problems_of_both_files_are_listed_together(tmp_path: Path) -> None:
    bad_acc, bad_code = entries(20), entries(20)
    bad_acc["arch1"] = (float("nan"), bad_acc["arch1"][1])
    bad_code["arch2"] = (1.0, "1" * 52)
    problems = rejected(write(tmp_path / "scores.json", bad_acc), write(tmp_path / "truth.json", bad_code))
    assert len(problems) == 2
    assert "scores.json: arch1" in problems[0]
    assert "truth.json: arch2" in problems[1]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    truth = write(tmp_path / "truth.json", entries(20))
    (problem,) = rejected(tmp_path / "scores.json", truth)
    assert "scores.json" in problem
    assert "cannot be read" in problem


def test_an_empty_template(tmp_path: Path) -> None:
    template = {key: (0.0, code) for key, (_, code) in entries(20).items()}
    (problem,) = rejected(write(tmp_path / "scores.json", template), write(tmp_path / "truth.json", entries(20)))
    assert "scores.json: all 20 networks in common have the value 0" in problem


def test_the_space_is_found_and_the_choice_told(tmp_path: Path) -> None:
    scores, truth = write(tmp_path / "scores.json", entries(20, noise=5)), write(tmp_path / "truth.json", entries(20))
    found = rank_files(scores, truth, resamples=2)
    assert "Costs are those of resnet48; the codes fit resnet48-wide" in found.notes[-1]
    assert found.priors == rank_files(scores, truth, SPACE, resamples=2).priors
    mini = rank_files(scores, truth, get_space("resnet48-mini"), resamples=2)
    assert mini.priors != found.priors


def test_real_truths_find_their_own_space(shared: Path) -> None:
    path = shared / "data/truth/resnet20_cifar100_first500.json"
    found = rank_files(path, path, resamples=2)
    assert (found.networks, found.truth.distinct, found.notes) == (500, 435, ())
    assert found.score.metrics["kendall"].value == pytest.approx(1)


def test_codes_of_no_space(tmp_path: Path) -> None:
    path = write(tmp_path / "truth.json", {"a": (1.0, "x"), "b": (2.0, "y"), "c": (3.0, "z")})
    (problem,) = rejected(path, path, None)
    assert "truth.json: no search space accepts" in problem


def test_a_real_entry_with_gaps_is_remarked_on(shared: Path, tmp_path: Path) -> None:
    """In its part file 6, the results of 949 networks from arch41951 on are missing, and stand there as 0."""
    part = json.loads((shared / "data/submissions/team9_submit_6.json").read_bytes())
    some = {f"arch{i}": (part[f"arch{i}"]["acc"], part[f"arch{i}"]["arch"]) for i in range(41_000, 43_500)}
    truth = {key: (float(number), code) for number, (key, (_, code)) in enumerate(some.items())}
    scores = write(tmp_path / "scores.json", some)
    found = rank_files(scores, write(tmp_path / "truth.json", truth), SPACE, resamples=2)
    assert found.notes[0].startswith("949 scores are exactly 0")
