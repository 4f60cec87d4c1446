"""What a sweep found: every variant's correlation with the truth, and how far it is ahead of the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, ValidationError, model_validator

from toolkit.backends.base import Score
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading
from toolkit.ranking.assembly import estimates
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.layout import Section
from toolkit.ranking.measure import Measure
from toolkit.ranking.metrics import CORE, MAIN, METRICS
from toolkit.ranking.report import Estimate, Verdict
from toolkit.ranking.uncertainty import Sampled, bootstrap, combine
from toolkit.ranking.verdicts import together, verdicts

REPORT, PLAN = "sweep.json", "sweep.toml"
"""What the report, and the sweep's own file, are called in the sweep's folder."""

VARIANT = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$"
"""What variants may be called: each names a folder."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Ranked(_Record):
    """A variant (or a prior), judged.

    Attributes:
        metrics: the mean over the seeds; intervals say what other networks could have given.
        by_seed: Kendall's tau of each seed; None where it is undefined, as where all scores are equal.
        spread: its standard deviation over the seeds, None for a single one: what other seeds could have given.
        difference: Kendall's tau less that of the baseline, on the same networks; None for the baseline itself, and as
            long as that has no run.
        verdict: whether that is better than the baseline's, with 95% confidence in all verdicts together, as far as
            networks go.
        behind: Kendall's tau of the leading variant less its own, likewise; None for the leading one.
        training, evaluation: seconds of work per seed; None for priors.
    """

    name: str
    metrics: dict[str, Estimate]
    by_seed: tuple[float | None, ...]
    spread: float | None
    difference: Estimate | None
    verdict: Verdict | None
    behind: Estimate | None
    training: NonNegativeFloat | None = None
    evaluation: NonNegativeFloat | None = None

    @property
    def tau(self) -> Estimate:
        """Kendall's tau."""
        return self.metrics[MAIN]


class Run(_Record):
    """One run of a sweep: a variant with a seed.

    Attributes:
        state: what failed is tried again when the sweep is started again.
        tau: Kendall's tau; None until it is finished, and where it is undefined.
        training, evaluation: seconds of work; None until it is finished.
        problems: why it failed.
    """

    variant: Annotated[str, Field(pattern=VARIANT)]
    seed: NonNegativeInt
    state: Literal["to do", "finished", "failed"] = "to do"
    tau: float | None = None
    training: NonNegativeFloat | None = None
    evaluation: NonNegativeFloat | None = None
    problems: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its run folder, below the sweep's."""
        return f"{self.variant}/seed-{self.seed}"


class SweepReport(_Record):
    """`sweep.json` in the sweep's folder, written anew after every run.

    Attributes:
        networks: how many candidates have a truth.
        score: by what supernets rank them.
        seeds: what is compared: those that every variant has finished which has finished any.
        leader: the variant with the highest mean tau; None as long as there is none.
        variants: those that have finished these seeds.
        priors: what costs nothing.
        runs: all that the sweep asks for, in the order in which they are done.
    """

    format: Literal[2] = 2
    space: str
    networks: int
    score: Score = "top1"
    seeds: tuple[int, ...]
    baseline: str
    leader: str | None
    variants: tuple[Ranked, ...]
    priors: tuple[Ranked, ...]
    runs: tuple[Run, ...]
    resamples: int

    @model_validator(mode="after")
    def _complete(self) -> "SweepReport":
        for each in (*self.variants, *self.priors):
            if missing := set(CORE) - each.metrics.keys():
                raise ValueError(f"{each.name} lacks {' and '.join(sorted(missing))}")
        if any(len(each.by_seed) != len(self.seeds) for each in self.variants):
            raise ValueError("by_seed has other seeds than the sweep")
        names = [each.name for each in self.variants]
        if len(set(names)) < len(names) or not set(names) <= {run.variant for run in self.runs}:
            raise ValueError("variants are there twice, or have no run")
        if (self.leader is not None or names) and self.leader not in names:
            raise ValueError("the leader is none of the variants")
        return self

    def finished(self) -> tuple[Run, ...]:
        """The runs that have scores."""
        return tuple(run for run in self.runs if run.state == "finished")

    def problems(self) -> tuple[str, ...]:
        """Why runs failed, each reason once."""
        return tuple(dict.fromkeys(problem for run in self.runs for problem in run.problems))


def read_report(path: Path) -> SweepReport:
    """The report in a file.

    Raises:
        InputError: it is absent, damaged, or of another version of the toolkit.
    """
    remedy = "start the same `supernet sweep` again, which writes it anew: finished runs are not done twice"
    with reading(path, "is no report of a sweep of this version", remedy):
        try:
            return SweepReport.model_validate_json(read_bytes(path))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(map(str, problem["loc"])) or "file"
            message = problem["msg"].removeprefix("Value error, ")
            raise InputError(
                f"{path}: {where}: is no report of a sweep of this version ({message}); {remedy}"
            ) from None


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run came to: a score for each network, shape (networks,), and seconds of training and evaluation."""

    scores: FloatArray
    training: float
    evaluation: float


def compare(
    planned: Sequence[tuple[str, int]],
    found: Mapping[tuple[str, int], Finished],
    priors: Mapping[str, FloatArray],
    truth: FloatArray,
    *,
    space: str,
    baseline: str,
    score: Score = "top1",
    failed: Mapping[tuple[str, int], tuple[str, ...]] | None = None,
    resamples: int = 1000,
) -> SweepReport:
    """Judge variants by what their seeds have scored on the same networks.

    All correlations are computed on the same draws of networks, so differences are paired; the correlation of a variant
    is the mean of its seeds', not that of their mean scores.

    Args:
        planned: all runs, as (variant, seed).
        found, failed: what became of those that are over.
        priors: by name, one value for each network, shape (networks,).
        truth: shape (networks,).
    """
    main = CORE.index(MAIN)
    compared = [variant for variant in dict.fromkeys(v for v, _ in planned) if any(v == variant for v, _ in found)]
    seeds = [seed for seed in dict.fromkeys(s for _, s in planned) if all((v, seed) in found for v in compared)]
    variants = compared if seeds else []
    own = {trial: Measure(result.scores, truth, CORE) for trial, result in found.items()}
    measures = {variant: [own[variant, seed] for seed in seeds] for variant in variants}
    measures |= {name: [Measure(column, truth, CORE)] for name, column in priors.items()}
    flat = [measure for each in measures.values() for measure in each]
    drawn = iter(bootstrap(flat, len(truth), resamples, seed=0))
    means = {
        name: combine(_mean, *(Sampled(measure.values, next(drawn), measure.without_each()) for measure in each))
        for name, each in measures.items()
    }
    leader = max(variants, key=lambda name: float(np.nan_to_num(means[name].values[main], nan=-2.0)), default=None)

    def less(one: str | None, other: str | None) -> tuple[Estimate, float] | None:
        if one not in means or other not in means or one == other:
            return None
        ahead = combine(np.subtract, means[one], means[other])
        return estimates(ahead, "bca")[main], ahead.jackknife_error()[main]

    differences = {name: ahead for name in means if (ahead := less(name, baseline))}
    judged = verdicts([ahead for ahead, _ in differences.values()], [e for _, e in differences.values()], len(truth))
    verdict_of = dict(zip(differences, judged, strict=True))

    def ranked(name: str) -> Ranked:
        taus = [_defined(measure.values[main]) for measure in measures[name]]
        known = [tau for tau in taus if tau is not None]
        runs = [found[name, seed] for seed in seeds] if name in variants else []
        difference, behind = differences.get(name), less(leader, name)
        return Ranked(
            name=name,
            metrics=dict(zip(CORE, estimates(means[name], "bca"), strict=True)),
            by_seed=tuple(taus),
            spread=stdev(known) if len(known) > 1 else None,
            difference=difference and difference[0],
            verdict=verdict_of.get(name),
            behind=behind and behind[0],
            training=fmean(run.training for run in runs) if runs else None,
            evaluation=fmean(run.evaluation for run in runs) if runs else None,
        )

    def run(trial: tuple[str, int]) -> Run:
        variant, seed = trial
        if result := found.get(trial):
            tau, seconds = _defined(own[trial].values[main]), (result.training, result.evaluation)
            return Run(
                variant=variant, seed=seed, state="finished", tau=tau, training=seconds[0], evaluation=seconds[1]
            )
        problems = (failed or {}).get(trial, ())
        return Run(variant=variant, seed=seed, state="failed" if problems else "to do", problems=problems)

    return SweepReport(
        space=space,
        networks=len(truth),
        seeds=tuple(seeds),
        baseline=baseline,
        score=score,
        leader=leader,
        variants=tuple(map(ranked, variants)),
        priors=tuple(map(ranked, priors)),
        runs=tuple(map(run, planned)),
        resamples=resamples,
    )


def sections(report: SweepReport) -> Iterator[Section]:
    """The table, for the screen and for Markdown."""
    variants = {each.name for each in report.variants}
    rows = tuple(
        (
            each.name,
            *(each.metrics[name].show() if name == MAIN else each.metrics[name].brief() for name in CORE),
            ", ".join("-" if tau is None else f"{tau:.2f}" for tau in each.by_seed) if each.name in variants else "",
            "" if each.difference is None else each.difference.show("+"),
            each.verdict or "",
            ""
            if each.training is None or each.evaluation is None
            else f"{each.training:,.0f} + {each.evaluation:,.0f}",
        )
        for each in (*report.variants, *report.priors)
    )
    told = together([each.difference for each in (*report.variants, *report.priors) if each.difference])
    yield Section(
        f"{report.space}: {len(report.variants)} variants, {len(report.seeds)} seeds, {report.networks:,} networks",
        (
            "",
            *(METRICS[name].label for name in CORE),
            "by seed",
            f"ahead of {report.baseline}",
            "it is",
            "seconds",
        ),
        rows,
        "Means over the seeds. Intervals say what other networks could have given, not what other seeds could have. "
        f"Seconds: training + evaluation, per seed. {told}".rstrip(),
    )


def _mean(*values: FloatArray) -> FloatArray:
    return np.asarray(np.mean(values, axis=0))


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
