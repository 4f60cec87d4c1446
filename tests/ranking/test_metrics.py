from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from toolkit.ranking.metrics import METRICS, correlations

tied = arrays(
    np.float64, (2, 12), elements=st.integers(-3, 3).map(float)
)  # few values: many ties, some constant columns


@pytest.mark.parametrize(
    ("column", "golden"),
    [
        ("supernet_oneshot", {"kendall": 0.4849, "spearman": 0.6771, "pearson": 0.4993}),
        ("supernet_fewshot", {"kendall": 0.5508, "spearman": 0.7410, "pearson": 0.5054}),
    ],
)
def test_published_supernets_on_nas_bench_201(shared: Path, column: str, golden: dict[str, float]) -> None:
    table = pd.read_csv(shared / "data/truth/nasbench201.csv")
    found = correlations(table[column], table["c10_test200_v11"])
    assert len(table) == 15_625
    assert found == pytest.approx(golden, abs=5e-5)


@given(tied)
def test_the_same_as_scipy(columns: npt.NDArray[np.float64]) -> None:
    x, y = columns
    found = correlations(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(list(found.values())).all()
    else:
        assert found["kendall"] == pytest.approx(stats.kendalltau(x, y).statistic)
        assert found["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert found["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_several_estimates_at_once_are_the_same_one_by_one() -> None:
    *estimates, truth = np.random.default_rng(0).normal(size=(4, 50))
    for name, metric in METRICS.items():
        together = metric.compute(np.array(estimates), truth)
        assert together == pytest.approx([correlations(estimate, truth)[name] for estimate in estimates])


@given(tied)
def test_ordinal_metrics_see_ranks_only(columns: npt.NDArray[np.float64]) -> None:
    ranks = stats.rankdata(columns, method="dense", axis=1).astype(np.uint8)
    for metric in METRICS.values():
        if metric.ordinal:
            for stretched in (ranks, np.exp(columns)):
                values, expected = (metric.compute(side[:1], side[1]) for side in (stretched, columns))
                np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, 0.7, 1e9 + 0.1])
@pytest.mark.filterwarnings("error")
def test_a_constant_has_no_correlation_even_if_its_mean_suffers_rounding(constant: float) -> None:
    varying = np.random.default_rng(0).normal(size=10)
    for pair in ((np.full(10, constant), varying), (varying, np.full(10, constant))):
        assert np.isnan(list(correlations(*pair).values())).all()


def test_perfect_and_reversed_order() -> None:
    values = np.arange(5.0)
    assert correlations(values, values) == pytest.approx(dict.fromkeys(METRICS, 1.0))
    assert correlations(-values, values) == pytest.approx(dict.fromkeys(METRICS, -1.0))
