"""An additive fit: what every option of every decision adds to a number, with intervals.

Ordinary least squares on one indicator per option, with standard errors that stand if some networks are noisier than
others (White, 1980: HC1). The effect of an option is its difference from the mean of the networks in which the decision
is made, so where blocks may be absent, what their presence is worth goes to the depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from app.views.decisions.scored import FloatArray, Scored
from toolkit.spaces import ABSENT

PREDICTED, TRUE, MISJUDGED = "predicted", "true", "misjudged"
"""The score; the truth; and how much better the score says than the truth, both in standard deviations."""

PER_EFFECT = 3
"""So many networks for each unknown, or else options get no effects of their own."""

Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Fit:
    """Everything in standard deviations of what is fitted.

    Attributes:
        effects: one row per option that occurs: `decision`, `option`, `networks`, `effect`, `low`, `high` (95 %).
        importance: one row per decision, the most important first: `decision`, `share` of the variance that its answers
            explain, corrected for what chance would, `low`, `high`, and `sure`: it matters at all, at 5 % for all
            decisions together (Wald's test, Holm's correction).
        interactions: pairs of decisions whose trends depend on one another, the clearest first: `first`, `second`,
            `share` of the variance, `sign` (1: large answers to both together are better than the sum says); only those
            that are clear at 5 % for all pairs together (Bonferroni).
        explained: share of the variance, corrected for the number of effects (adjusted R squared).
        networks: on how many it rests.
        trends: too few networks for an effect of every option: each decision has a straight line instead.
        sd: one standard deviation in the fitted number's own unit.
    """

    effects: pd.DataFrame
    importance: pd.DataFrame
    interactions: pd.DataFrame
    explained: float
    networks: int
    trends: bool
    sd: float


def fits(scored: Scored) -> dict[str, Fit | None]:
    """The fits to the score and, where there is a truth, to it and to the difference; None: too few networks."""
    found = {PREDICTED: fit(scored, scored.score)}
    if np.isfinite(scored.truth).any():
        both = np.isfinite(scored.truth) & np.isfinite(scored.score)
        difference = np.full(len(scored.score), np.nan)
        difference[both] = _standard(scored.score[both]) - _standard(scored.truth[both])
        found |= {TRUE: fit(scored, scored.truth), MISJUDGED: fit(scored, difference)}
    return found


def fit(scored: Scored, values: FloatArray) -> Fit | None:
    """The fit to `values`, NaN where a network has none; None if there are too few, or all are equal."""
    known = np.isfinite(values)
    answers, y = scored.answers[known], values[known]
    if len(y) < 2 or np.ptp(y) == 0:
        return None
    sd = float(y.std())
    y = (y - y.mean()) / sd
    for trends in (False, True):
        parts = list(_parts(answers, trends=trends))
        unknowns = 1 + sum(part.basis.shape[1] for part in parts)
        if parts and len(y) >= PER_EFFECT * unknowns:
            break
    else:
        return None
    design = np.column_stack([np.ones(len(y)), *(part.rows(answers) for part in parts)])
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    beta = inverse @ (design.T @ y)
    residual = y - design @ beta
    freedom = len(y) - unknowns
    meat = (design * residual[:, None] ** 2).T @ design * (len(y) / freedom)
    covariance = inverse @ meat @ inverse
    effects, importance, start = [], [], 1
    for part in parts:
        place = slice(start, start + part.basis.shape[1])
        start = place.stop
        decision = scored.space.decisions[part.decision]
        effect, spread = part.basis @ beta[place], part.basis @ covariance[place, place] @ part.basis.T
        error = Z * np.sqrt(np.clip(np.diag(spread), 0, None))
        effects += [
            (decision.name, str(decision.options[o]), n, e, e - w, e + w)
            for o, n, e, w in zip(part.options, part.counts, effect, error, strict=True)
        ]
        importance.append(
            (decision.name, *_share(part, effect, spread, len(y)), _wald(beta[place], covariance[place, place]))
        )
    table = pd.DataFrame(importance, columns=["decision", "share", "low", "high", "p"])
    return Fit(
        pd.DataFrame(effects, columns=["decision", "option", "networks", "effect", "low", "high"]),
        table.assign(sure=_holm(table["p"].to_numpy())).sort_values("share", ascending=False, ignore_index=True),
        _interactions(scored, answers, residual),
        max(0.0, 1 - float(residual @ residual) / freedom / (float(y @ y) / (len(y) - 1))),
        len(y),
        trends,
        sd,
    )


@dataclass(frozen=True)
class _Part:
    """One decision in the design: effects of its options are `basis @ coefficients`, weighted mean 0."""

    decision: int
    options: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    basis: FloatArray

    def rows(self, answers: npt.NDArray[np.int16]) -> FloatArray:
        """The columns of the design; zeros where the decision is not made."""
        table = np.zeros((int(self.options.max()) + 2, self.basis.shape[1]))
        table[self.options] = self.basis
        column = answers[:, self.decision].astype(np.int64)
        column[(column == ABSENT) | (column < 0)] = len(table) - 1
        return np.asarray(table[column])


def _parts(answers: npt.NDArray[np.int16], *, trends: bool) -> Iterator[_Part]:
    for decision in range(answers.shape[1]):
        made = answers[answers[:, decision] != ABSENT, decision]
        options, counts = np.unique(made, return_counts=True)
        if len(options) < 2:
            continue
        share = counts / counts.sum()
        if trends:
            basis = (options - share @ options)[:, None].astype(float)
        else:
            basis = np.vstack([np.eye(len(options) - 1), -share[:-1] / share[-1]])
        yield _Part(decision, options.astype(np.int64), counts, basis)


def _share(part: _Part, effect: FloatArray, spread: FloatArray, networks: int) -> tuple[float, float, float]:
    """The share of the variance, less what chance adds to it, and its interval by draws of the effects."""
    weight = part.counts / networks
    chance = float(weight @ np.diag(spread))
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(effect, spread, 400, check_valid="ignore", method="eigh")
    low, high = np.quantile(drawn**2 @ weight - 2 * chance, [0.025, 0.975])
    return tuple(float(np.clip(each, 0, 1)) for each in (effect**2 @ weight - chance, low, high))  # type: ignore[return-value]


def _wald(beta: FloatArray, covariance: FloatArray) -> float:
    statistic = float(beta @ np.linalg.pinv(covariance, hermitian=True) @ beta)
    return float(special.chdtrc(len(beta), max(statistic, 0.0)))


def _holm(p: FloatArray) -> npt.NDArray[np.bool_]:
    """Which hypotheses are rejected at 5 % together (Holm, 1979)."""
    order = np.argsort(p)
    passed = np.minimum.accumulate(p[order] <= 0.05 / np.arange(len(p), 0, -1))
    sure = np.zeros(len(p), bool)
    sure[order[passed]] = True
    return sure


def _interactions(scored: Scored, answers: npt.NDArray[np.int16], residual: FloatArray) -> pd.DataFrame:
    """Products of two decisions' standardised answers against what the additive fit leaves over."""
    made = answers != ABSENT
    x = np.where(made, answers, 0).astype(float)
    count = np.maximum(made.sum(0), 1)
    x = np.where(made, x - x.sum(0) / count, 0.0)
    spread = np.sqrt((x**2).mean(0))
    x = x / np.where(spread > 0, spread, 1.0)
    gain = (x * residual[:, None]).T @ x / len(residual)
    error = np.sqrt(np.clip((x**2 * residual[:, None] ** 2).T @ x**2, 1e-300, None)) / len(residual)
    first, second = np.triu_indices(x.shape[1], 1)
    z = (gain / error)[first, second]
    squares = (x**2).T @ x**2 / len(residual)
    clear = np.abs(z) > special.ndtri(1 - 0.025 / max(len(z), 1))
    names = np.array([decision.name for decision in scored.space.decisions])
    frame = pd.DataFrame(
        {
            "first": names[first[clear]],
            "second": names[second[clear]],
            "share": (gain**2 / np.where(squares > 0, squares, np.inf))[first, second][clear],
            "sign": np.sign(z[clear]).astype(int),
        }
    )
    return frame.sort_values("share", ascending=False, ignore_index=True)


def _standard(values: FloatArray) -> FloatArray:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))
