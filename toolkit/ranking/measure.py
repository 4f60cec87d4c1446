"""All metrics of one estimate, for draws of networks: sorted once, counted for every draw."""

from collections.abc import Iterable

import numpy as np

from toolkit.ranking.concordance import Concordance, Copies, FloatArray
from toolkit.ranking.metrics import METRICS, Indices, Metric, View


class Measure:
    """Some metrics of an estimate and the truth; a `Statistic` for `toolkit.ranking.uncertainty.bootstrap`.

    The networks that a metric looks at are chosen once: those of the true top tenth, say, are drawn like all others,
    but which they are does not depend on the draw.

    Attributes:
        values: the metrics, shape (metrics,).
    """

    def __init__(self, estimate: FloatArray, truth: FloatArray, metrics: Iterable[str] = METRICS) -> None:
        chosen = [METRICS[name] for name in metrics]
        self.values = np.array([metric(estimate, truth) for metric in chosen])
        self._networks = len(truth)
        self._seen: dict[View, tuple[Indices, Concordance, list[tuple[int, Metric]]]] = {}
        for number, metric in enumerate(chosen):
            if metric.view not in self._seen:
                kept, x, y = metric.view(estimate, truth)
                self._seen[metric.view] = kept, Concordance(x, y), []
            self._seen[metric.view][2].append((number, metric))

    def __call__(self, copies: Copies) -> FloatArray:
        """Shape (draws, metrics) from (draws, networks); NaN where a draw happened to hold equal values only."""
        found = np.empty((len(copies), len(self.values)))
        for kept, columns, metrics in self._seen.values():
            drawn = columns.count(copies.take(kept, axis=1))
            for number, metric in metrics:
                found[:, number] = metric.formula.of_draws(drawn)
        return found

    def without_each(self) -> FloatArray:
        """With each network left out in turn, shape (networks, metrics); NaN for metrics without a closed form."""
        found = np.tile(self.values, (self._networks, 1))
        for kept, columns, metrics in self._seen.values():
            once = columns.once()
            for number, metric in metrics:
                values = metric.formula.without_each(once)
                found[kept, number] = np.nan if values is None else values
        return found
