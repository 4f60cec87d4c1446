import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from toolkit.ranking.concordance import Concordance
from toolkit.ranking.formulas import CONCORDANT, PEARSON, SPEARMAN, TAU_A, TAU_B, TAU_C, WEIGHTED, Formula

FORMULAS = {
    "tau_a": TAU_A,
    "tau_b": TAU_B,
    "tau_c": TAU_C,
    "concordant": CONCORDANT,
    "weighted": WEIGHTED,
    "spearman": SPEARMAN,
    "pearson": PEARSON,
}
SCIPY = {
    "tau_b": lambda x, y: stats.kendalltau(x, y).statistic,
    "tau_c": lambda x, y: stats.kendalltau(x, y, variant="c").statistic,
    "weighted": lambda x, y: stats.weightedtau(x, y).statistic,
    "spearman": lambda x, y: stats.spearmanr(x, y).statistic,
    "pearson": lambda x, y: stats.pearsonr(x, y).statistic,
}
Columns = npt.NDArray[np.float64]


def by_pairs(columns: Columns, drawn: npt.NDArray[np.int64]) -> tuple[float, float, int]:
    """Concordant less discordant, and concordant pairs of what was drawn, as shares of pairs of different networks."""
    (x, y), (i, j) = columns, np.triu_indices(len(drawn), 1)
    a, b = drawn[i], drawn[j]
    products = (np.sign(x[a] - x[b]) * np.sign(y[a] - y[b]))[a != b]
    values = min(len(np.unique(column)) for column in columns)
    if not len(products) or min(np.ptp(x[drawn]), np.ptp(y[drawn])) == 0:
        return np.nan, np.nan, values
    return products.mean(), (products > 0).mean(), values


def tau_c(columns: Columns, drawn: npt.NDArray[np.int64]) -> float:
    """With the values that there are, not those that happened to be drawn."""
    share, _, values = by_pairs(columns, drawn)
    return share * (1 - 1 / len(drawn)) * values / (values - 1) if values > 1 else np.nan


NORMALISED = {
    TAU_A: lambda columns, drawn: by_pairs(columns, drawn)[0],
    CONCORDANT: lambda columns, drawn: by_pairs(columns, drawn)[1],
    TAU_C: tau_c,
}
"""Those that count pairs of all networks: a network drawn twice is no pair with itself."""

tied = arrays(np.float64, (2, 12), elements=st.integers(-3, 3).map(float))  # some columns are constant
few = settings(max_examples=30)  # each leaves out or draws many times
every_formula = pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)


@pytest.mark.parametrize("name", SCIPY)
@given(columns=tied)
def test_the_same_as_scipy(name: str, columns: Columns) -> None:
    x, y = columns
    found = FORMULAS[name].of_columns(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(SCIPY[name](x, y), abs=1e-12)


@given(tied)
def test_tau_a_and_concordant_pairs_by_looking_at_every_pair(columns: Columns) -> None:
    x, y = columns
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    i, j = np.triu_indices(len(x), 1)
    products = np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
    assert TAU_A.of_columns(x, y) == pytest.approx(products.mean())
    assert CONCORDANT.of_columns(x, y) == pytest.approx((products > 0).mean())


@every_formula
@pytest.mark.filterwarnings("error")
@few
@given(columns=tied, draws=arrays(np.int64, (3, 12), elements=st.integers(0, 11)))
def test_draws_are_what_the_drawn_networks_give(
    formula: Formula, columns: Columns, draws: npt.NDArray[np.int64]
) -> None:
    x, y = columns
    copies = np.array([np.bincount(drawn, minlength=12) for drawn in draws], dtype=np.int32)
    found = formula.of_draws(Concordance(x, y).count(copies))
    expected = [formula.of_columns(x[drawn], y[drawn]) for drawn in draws]
    if formula in NORMALISED:
        expected = [NORMALISED[formula](columns, drawn) for drawn in draws]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize(
    "formula", NORMALISED, ids=lambda formula: next(n for n, f in FORMULAS.items() if f is formula)
)
def test_a_network_drawn_twice_is_no_tie(formula: Formula) -> None:
    """A perfect order is perfect in every draw."""
    values = np.arange(50.0)
    copies = np.random.default_rng(0).multinomial(50, np.full(50, 0.02), size=20).astype(np.int32)
    assert formula.of_draws(Concordance(values, values).count(copies)) == pytest.approx(np.ones(20))


@every_formula
@pytest.mark.filterwarnings("error")
@few
@given(columns=tied)
def test_leaving_one_out_is_exact(formula: Formula, columns: Columns) -> None:
    x, y = columns
    found = formula.without_each(Concordance(x, y).once())
    if formula is WEIGHTED:
        assert found is None
        return
    assert found is not None
    expected = [formula.of_columns(np.delete(x, i), np.delete(y, i)) for i in range(len(x))]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@every_formula
@few
@given(columns=tied)
def test_monotone_maps_change_nothing_but_pearson(formula: Formula, columns: Columns) -> None:
    x, y = columns
    if formula is PEARSON:
        found, expected = formula.of_columns(3 * x + 1, y / 7 - 2), formula.of_columns(x, y)
    else:
        found, expected = formula.of_columns(np.exp(x), y**3), formula.of_columns(x, y)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("formula", [TAU_A, TAU_B, TAU_C, SPEARMAN, PEARSON])
@few
@given(columns=tied)
def test_a_loss_flips_the_sign(formula: Formula, columns: Columns) -> None:
    x, y = columns
    np.testing.assert_allclose(formula.of_columns(-x, y), -formula.of_columns(x, y), atol=1e-12)
    np.testing.assert_allclose(formula.of_columns(-x, -y), formula.of_columns(x, y), atol=1e-12)
    np.testing.assert_allclose(formula.of_columns(y, x), formula.of_columns(x, y), atol=1e-12)


@every_formula
def test_perfect_and_reversed_order(formula: Formula) -> None:
    values = np.arange(5.0)
    assert formula.of_columns(values, values) == pytest.approx(1)
    assert formula.of_columns(-values, values) == pytest.approx(0 if formula is CONCORDANT else -1)


@every_formula
@pytest.mark.parametrize("constant", [0.0, 0.1, 0.7, 1e9 + 0.1])
@pytest.mark.filterwarnings("error")
def test_a_constant_has_no_correlation_even_if_its_mean_suffers_rounding(formula: Formula, constant: float) -> None:
    varying = np.random.default_rng(0).normal(size=10)
    flat = np.full(10, constant)
    for x, y in ((flat, varying), (varying, flat)):
        assert np.isnan(formula.of_columns(x, y))
        assert np.isnan(formula.of_draws(Concordance(x, y).once())).all()


@every_formula
@pytest.mark.parametrize("networks", [0, 1])
@pytest.mark.filterwarnings("error")
def test_nothing_can_be_said_of_fewer_than_two(formula: Formula, networks: int) -> None:
    values = np.zeros(networks)
    assert np.isnan(formula.of_columns(values, values))
    assert np.isnan(formula.of_draws(Concordance(values, values).once())).all()


def test_leaving_out_the_one_that_differs_leaves_nothing() -> None:
    x = np.array([0.1, 0.1, 0.1, 0.7])
    for formula in (TAU_B, SPEARMAN, PEARSON):
        left_out = formula.without_each(Concordance(x, np.arange(4.0)).once())
        assert left_out is not None
        assert np.isnan(left_out).tolist() == [False, False, False, True]
