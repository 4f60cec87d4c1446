"""Golden values: two published supernets (Few-shot NAS) against the CIFAR-10 accuracies of NAS-Bench-201.

Networks stand in the order of their codes; equals keep that order, on either side (`toolkit.ranking.selection`). The
values are those of `specs/methods.md`, section 7, in the same digits.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit.ranking import formulas
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.gaussian import r_of, tau_of
from toolkit.ranking.metrics import METRICS, Metric, Rounded
from toolkit.ranking.noise import between_seeds, seeds_reliability
from toolkit.ranking.selection import select

GOLDEN = {
    "supernet_oneshot": {
        "kendall": 0.4849, "sparse": [0.4877, 0.5104], "pearson": 0.4993, "spearman": 0.6771, "top_half": -0.0502,
        "top": [0, 0.014, 0.102, 0.325], "bottom": [0.296, 0.730, 0.738],
        "best_ranks": [6419, 1653, 1653, 141, 141], "n_at": [6661, 6661, 6520, 6419, 1653], "best": 91.28,
    },
    "supernet_fewshot": {
        "kendall": 0.5508, "sparse": [0.5540, 0.5767], "pearson": 0.5054, "spearman": 0.7410, "top_half": 0.1546,
        "top": [0.006, 0.127, 0.287, 0.508], "bottom": [0.517, 0.768, 0.738],
        "best_ranks": [732, 141, 141, 84, 37], "n_at": [2098, 732, 732, 655, 141], "best": 92.70,
    },
}  # fmt: skip
supernets = pytest.mark.parametrize("supernet", GOLDEN)


@pytest.fixture(scope="module")
def table(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/truth/nasbench201.csv").sort_values("arch")


@pytest.fixture(scope="module")
def truth(table: pd.DataFrame) -> FloatArray:
    values = table["c10_test200_v11"].to_numpy(np.float64)
    assert (len(values), len(np.unique(values)), values.max()) == (15_625, 1_917, 94.37)
    return values


@supernets
@pytest.mark.parametrize("metric", ["kendall", "pearson", "spearman", "top_half"])
def test_correlations(supernet: str, metric: str, table: pd.DataFrame, truth: FloatArray) -> None:
    found = METRICS[metric](table[supernet].to_numpy(np.float64), truth)
    assert found == pytest.approx(GOLDEN[supernet][metric], abs=5e-5)


@supernets
def test_sparse_tau_at_a_tenth_of_a_point_and_at_one(supernet: str, table: pd.DataFrame, truth: FloatArray) -> None:
    score = table[supernet].to_numpy(np.float64)
    found = [Metric("", formulas.TAU_B, Rounded(step))(score, truth) for step in (None, 1.0)]
    assert found == pytest.approx(GOLDEN[supernet]["sparse"], abs=5e-5)


@supernets
def test_the_top_half_has_7807_networks(supernet: str, table: pd.DataFrame, truth: FloatArray) -> None:
    kept, *_ = METRICS["top_half"].view(table[supernet].to_numpy(np.float64), truth)
    assert len(kept) == 7_807


@supernets
def test_what_one_gets_who_trusts_them(supernet: str, table: pd.DataFrame, truth: FloatArray) -> None:
    golden, score = GOLDEN[supernet], table[supernet].to_numpy(np.float64)

    def of_share(share: float) -> int:
        return int(share * len(truth))

    tops = [select(score, truth, of_share(share)).top for share in (0.01, 0.05, 0.1, 0.2)]
    bottoms = [select(score, truth, of_share(share)).bottom for share in (0.05, 0.1, 0.2)]
    assert tops == pytest.approx(golden["top"], abs=5e-4)
    assert bottoms == pytest.approx(golden["bottom"], abs=5e-4)
    best_ranks = [select(score, truth, of_share(share)).best_rank for share in (0.001, 0.005, 0.01, 0.05, 0.1)]
    assert best_ranks == golden["best_ranks"]
    assert [select(score, truth, size).best_rank for size in (1, 5, 10, 20, 50)] == golden["n_at"]
    first = select(score, truth, 1)
    assert first.best == golden["best"]
    assert first.regret == pytest.approx(94.37 - golden["best"])


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("nasbench201.csv", ["c10_test200_seed0", "c10_test200_seed1", "c10_test200_seed2"]),
        ("nasbench_macro_cifar10.csv", ["acc0", "acc1", "acc2"]),
    ],
)
def test_noise_predicts_what_two_seeds_say_about_the_third(shared: Path, file: str, columns: list[str]) -> None:
    """The same law gives the ceiling, which cannot be observed."""
    seeds = pd.read_csv(shared / "data/truth" / file)[columns].dropna().to_numpy(np.float64).T[:, ::2]
    between = between_seeds(seeds, fewest=10)["kendall"]
    assert between > 0.87
    predicted = tau_of(np.sqrt(r_of(between) * seeds_reliability(between, 2)))
    halves = [METRICS["kendall"](seeds[i], np.delete(seeds, i, axis=0).mean(axis=0)) for i in range(3)]
    assert predicted == pytest.approx(np.mean(halves), abs=0.004)
