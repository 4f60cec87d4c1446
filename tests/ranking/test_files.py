import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.ranking.files import CANDIDATES, Columns, compare_files, rank_files
from toolkit.ranking.metrics import METRICS
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
        compare_files(scores, truth, space and get_space(space))
    return error.value.problems


def test_two_files(tmp_path: Path) -> None:
    scores = write(tmp_path / "scores.json", entries(50, noise=10))
    truth = write(tmp_path / "truth.json", dict(list(entries(60).items())[:40]))
    found = rank_files(scores, truth, SPACE, resamples=50, seed=3)
    assert (found.networks, found.without_truth, found.without_score, found.seed) == (40, 10, 0, 3)
    assert [prior.name for prior in found.priors] == ["MACs", "parameters", "depth"]
    assert found.notes == ()


def test_priors_belong_to_the_networks_whose_truth_they_meet(tmp_path: Path) -> None:
    """Whatever the order of the files."""
    table = entries(20)
    macs = cost_priors(SPACE, [SPACE.parse(code) for _, code in table.values()])["MACs"]
    truth = write(tmp_path / "truth.json", {key: (mac, table[key][1]) for key, mac in zip(table, macs, strict=True)})
    scores = write(tmp_path / "scores.json", dict(reversed(table.items())))
    found = compare_files(scores, truth, SPACE)
    assert np.array_equal(found.priors["MACs"], found.pairs.truth)
    assert abs(METRICS["kendall"](found.pairs.scores, found.pairs.truth)) < 0.6


def test_networks_are_matched_by_what_their_codes_mean(tmp_path: Path) -> None:
    """Other ids, and the 51 digits of the documentation, name the same networks."""
    assert isinstance(SPACE, ResNet48)
    scores = write(tmp_path / "scores.json", entries(20))
    renamed = {
        f"other{key}": (acc, SPACE.format(SPACE.parse(code), image_digit=False))
        for key, (acc, code) in entries(20).items()
    }
    found = compare_files(scores, write(tmp_path / "truth.json", renamed), SPACE).pairs
    assert found.networks == tuple(sorted(codes(20)))
    assert np.array_equal(found.scores, found.truth)


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
    scores, truth = write(tmp_path / "scores.json", bad_acc), write(tmp_path / "truth.json", bad_code)
    for space in ("resnet48", None):
        problems = rejected(scores, truth, space)
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
    found = compare_files(scores, truth)
    (remark,) = found.remarks
    assert "Costs are those of resnet48; the codes fit resnet48-wide" in remark
    macs = [
        compare_files(scores, truth, get_space(name)).priors["MACs"].tolist() for name in ("resnet48", "resnet48-mini")
    ]
    assert found.priors["MACs"].tolist() == macs[0] != macs[1]


def test_codes_of_no_space_are_compared_without_costs(tmp_path: Path) -> None:
    names = ("x", "y", "z", "w")
    truth = write(tmp_path / "truth.json", {f"arch{i}": (float(i), name) for i, name in enumerate(names)})
    scores = write(tmp_path / "scores.json", {f"arch{i}": (float(-i), name) for i, name in enumerate(names)})
    found = compare_files(scores, truth)
    assert found.pairs.networks == ("w", "x", "y", "z")
    assert found.priors == {}
    assert found.remarks[0].startswith("No search space of this toolkit accepts the codes")
    problems = rejected(scores, truth, "resnet48")
    assert len(problems) == 8
    assert "is not in space resnet48" in problems[0]


def test_losses_are_negated_on_request_only(tmp_path: Path) -> None:
    scores, truth = (write(tmp_path / f"{name}.json", entries(20)) for name in ("scores", "truth"))
    found = compare_files(scores, truth, SPACE, loss=True, against=[scores])
    assert np.array_equal(found.pairs.scores, -found.pairs.truth)
    assert np.array_equal(found.pairs.rivals[str(scores)], -found.pairs.truth)
    assert found.remarks == ("Scores are taken for losses and negated.",)


def test_other_scores_stand_beside(tmp_path: Path) -> None:
    truth = write(tmp_path / "truth.json", entries(20))
    other = write(tmp_path / "other.json", dict(list(entries(20, noise=1).items())[5:]))
    found = compare_files(truth, truth, SPACE, against=[other]).pairs
    assert list(found.rivals) == [str(other)]
    assert len(found.networks) == len(found.rivals[str(other)]) == 15
    assert found.without_score == 5


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    rows = ["code,mine,theirs,seed0,seed1,size"]
    rows += [f"{code},{i},{-i},{i}.5,{i + 1 if i % 2 else ''},{i}" for i, code in enumerate(codes(20))]
    path.write_text("\n".join(rows))
    return path


def test_a_table_holds_everything(table: Path) -> None:
    columns = Columns(("code",), ("mine", "theirs"), ("seed0", "seed1"), ("size",))
    found = compare_files(table, table, SPACE, columns=columns)
    pairs = found.pairs
    order = np.argsort(pairs.scores)
    assert pairs.networks == tuple(sorted(codes(20)))
    assert pairs.truth[order].tolist() == [i + (0.75 if i % 2 else 0.5) for i in range(20)]
    assert pairs.seeds is not None
    assert np.isnan(pairs.seeds).sum(axis=1).tolist() == [0, 10]
    assert pairs.rivals["theirs"][order].tolist() == [-i for i in range(20)]
    assert found.priors["size"][order].tolist() == list(range(20))
    assert list(found.priors) == ["MACs", "parameters", "depth", "size"]
    assert found.remarks == (f"{table}: 10 networks have no seed1.",)


def test_a_table_of_truths_and_a_submission(table: Path, tmp_path: Path) -> None:
    scores = write(tmp_path / "scores.json", entries(20))
    found = compare_files(scores, table, SPACE, columns=Columns(("code",), truth=("seed0",)))
    assert np.allclose(found.pairs.truth, found.pairs.scores + 0.5)
    assert found.pairs.seeds is None


def test_a_prior_with_gaps(table: Path) -> None:
    with pytest.raises(InputError, match="10 networks have no seed1; a prior needs a value for each"):
        compare_files(table, table, SPACE, columns=Columns(("code",), ("mine",), ("seed0",), ("seed1",)))


def test_a_column_that_is_not_there_is_named_once_per_file(table: Path) -> None:
    with pytest.raises(InputError) as error:
        compare_files(table, table, SPACE, columns=CANDIDATES)
    assert len(error.value.problems) == 2
    assert "has no column 'acc'; there are: code, mine, theirs" in error.value.problems[1]


def test_nasbench201_as_it_is(shared: Path, tmp_path: Path) -> None:
    """Every fifth row of the table as it lies there: seeds apart, networks with fewer seeds kept."""
    heading, *rows = (shared / "data/truth/nasbench201.csv").read_text().splitlines()
    path = tmp_path / "nasbench201.csv"
    path.write_text("\n".join([heading, *rows[::5]]))
    seeds = tuple(f"c10_test200_seed{number}" for number in range(3))
    found = compare_files(
        path, path, columns=Columns(score=("supernet_oneshot",), truth=seeds, prior=("params_M_c10",))
    )
    assert len(found.pairs.networks) == 3_125
    assert found.pairs.seeds is not None
    missing = [sum(not row.split(",")[column] for row in rows[::5]) for column in (14, 15, 16)]
    assert np.isnan(found.pairs.seeds).sum(axis=1).tolist() == missing
    assert missing[0] == 0 < missing[1] < missing[2]
    assert METRICS["kendall"](found.pairs.scores, found.pairs.truth) == pytest.approx(0.485, abs=0.02)
    assert METRICS["kendall"](found.priors["params_M_c10"], found.pairs.truth) > 0.5


def test_codes_keep_their_leading_zeros(shared: Path) -> None:
    path = shared / "data/truth/nasbench_macro_cifar10.csv"
    columns = Columns(score=("flops",), truth=("acc0", "acc1", "acc2"), prior=("params",))
    found = compare_files(path, path, columns=columns)
    assert found.pairs.networks[0] == "00000000"
    assert len(found.pairs.networks) == 6_561


def test_real_truths_find_their_own_space(shared: Path) -> None:
    path = shared / "data/truth/resnet20_cifar100_first500.json"
    found = compare_files(path, path)
    assert len(found.pairs.networks) == 500
    assert found.remarks == ()


def test_a_real_entry_with_gaps_is_remarked_on(shared: Path, tmp_path: Path) -> None:
    """In its part file 6, the results of 949 networks from arch41951 on are missing, and stand there as 0."""
    part = json.loads((shared / "data/submissions/team9_submit_6.json").read_bytes())
    some = {f"arch{i}": (part[f"arch{i}"]["acc"], part[f"arch{i}"]["arch"]) for i in range(41_000, 43_500)}
    truth = {key: (float(number), code) for number, (key, (_, code)) in enumerate(some.items())}
    scores = write(tmp_path / "scores.json", some)
    found = rank_files(scores, write(tmp_path / "truth.json", truth), SPACE, resamples=2)
    assert found.notes[0].startswith("949 scores are exactly 0")
