import numpy as np
import pytest

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.measure import Measure
from toolkit.ranking.metrics import CORE, METRICS, correlations
from toolkit.ranking.uncertainty import draw


def columns(networks: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(networks)
    truth = rng.normal(0.7, 0.02, size=networks).round(3)
    return (truth + rng.normal(0, 0.02, size=networks)).round(3), truth


def test_values_are_those_of_the_metrics() -> None:
    score, truth = columns(60)
    assert Measure(score, truth).values == pytest.approx(list(correlations(score, truth).values()), nan_ok=True)
    assert Measure(score, truth, CORE).values == pytest.approx([correlations(score, truth)[name] for name in CORE])


@pytest.mark.parametrize("networks", [40, 3000])
def test_a_draw_is_what_the_drawn_networks_give(networks: int) -> None:
    """For metrics of all networks; those of a part draw from the part, which is chosen before.

    But for those in which a network that is drawn twice would be a tie with itself (`test_formulas.py`).
    """
    score, truth = columns(networks)
    measure = Measure(score, truth)
    for number in range(3):
        drawn = draw(networks, 5, number)
        found = measure(np.bincount(drawn, minlength=networks).astype(np.int32)[None])[0]
        for name, value in zip(METRICS, found, strict=True):
            metric = METRICS[name]
            if name in ("tau_a", "tau_c", "concordant"):
                continue
            kept, x, y = metric.view(score, truth)
            place = np.full(networks, -1)
            place[kept] = np.arange(len(kept))
            inside = place[drawn][place[drawn] >= 0]
            assert value == pytest.approx(metric.formula.of_columns(x[inside], y[inside]), abs=1e-9, nan_ok=True), name


def test_leaving_out_a_network_that_a_metric_does_not_see_changes_nothing() -> None:
    score, truth = columns(50)
    measure = Measure(score, truth)
    left_out = dict(zip(METRICS, measure.without_each().T, strict=True))
    kept, *_ = METRICS["top_half"].view(score, truth)
    unseen = np.setdiff1d(np.arange(50), kept)
    value = dict(zip(METRICS, measure.values, strict=True))["top_half"]
    assert np.allclose(left_out["top_half"][unseen], value)
    assert np.all(left_out["top_half"][kept] != value)
    assert np.isnan(left_out["weighted"]).all()
    expected = [METRICS["kendall"](np.delete(score, i), np.delete(truth, i)) for i in range(50)]
    assert left_out["kendall"] == pytest.approx(expected)
