"""A sweep as validated TOML: one recipe, its variants, and what all of them are judged by."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolkit.backends.base import Score
from toolkit.errors import InputError
from toolkit.evaluation.judging import By
from toolkit.evaluation.policy import NormPolicy
from toolkit.names import did_you_mean
from toolkit.runs.recipe import Recipe, explain, find_recipe, merge_tables, read_tables
from toolkit.runs.tables import Seed
from toolkit.sweeps.report import VARIANT
from toolkit.training.steps import Pipeline, parse_pipeline

_IMAGES = ("source", "validation", "split_seed", "bad_images")
"""What in `[data]` decides on which images candidates are tested."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Evaluation(_Table):
    """`[evaluation]`: how every supernet tests the candidates."""

    norm: str = Field("calibrate", description="batch-norm statistics, as for `supernet evaluate`")
    images: Annotated[int, Field(ge=1)] | None = Field(None, description="validation images; all by default")
    by: By = Field("labels", description="what judges, as for `supernet evaluate`: labels, probe, knn or contrastive")
    score: Score = Field("top1", description="what ranks the candidates: top1, top5, or minus the loss")


class Sweep(_Table):
    """The whole file. Paths are relative to the folder in which the command is started, as in recipes.

    Attributes:
        recipe: a TOML file or the name of a shipped recipe, which every run begins with.
        seeds: each variant is trained once with each; they replace the recipe's seed.
        candidates: what every supernet evaluates.
        truth: true accuracies of at least some of them, in the candidates format; default: `candidates` itself.
        baseline: the variant that the others are compared with; default: the first.
        common: what all runs change in the recipe, such as `data.source`.
        variants: by name, what each changes in the recipe on top of that. Another `method.name` brings its own options.
    """

    recipe: str
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    candidates: Path
    truth: Path | None = None
    baseline: str | None = None
    evaluation: Evaluation = Evaluation()
    common: dict[str, Any] = {}
    variants: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]

    @property
    def reference(self) -> str:
        """The variant that others are compared with."""
        return self.baseline or next(iter(self.variants))


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a sweep: a variant with a seed, and the recipe that follows, in one step or in several."""

    variant: str
    seed: int
    pipeline: Pipeline

    @property
    def recipe(self) -> Recipe:
        """The recipe of the last step, whose supernet is judged."""
        return self.pipeline.recipe

    @property
    def key(self) -> tuple[str, int]:
        """What sets it apart from all others of the sweep."""
        return self.variant, self.seed

    def folder(self, out: Path) -> Path:
        """Its run folder, below the sweep's."""
        return out / self.variant / f"seed-{self.seed}"


def read_sweep(path: Path) -> tuple[Sweep, list[Trial]]:
    """A sweep and all its runs, seed by seed, so that a sweep cut short has compared all variants with some seeds.

    Raises:
        InputError: not TOML, unknown keys, wrong values, a recipe that a variant makes invalid; lists all problems.
    """
    try:
        sweep = Sweep(**read_tables(path))
    except ValidationError as error:
        raise InputError(explain(error, str(path), Sweep)) from error
    problems = _problems(sweep, path)
    base = read_tables(find_recipe(sweep.recipe))
    if "seed" in sweep.common or any("seed" in changes for changes in sweep.variants.values()):
        problems.append(f"{path}: seed: cannot be changed by common or variants; list all seeds under `seeds`")
    trials: list[Trial] = []
    for seed in dict.fromkeys(sweep.seeds):
        for variant, changes in sweep.variants.items():
            tables = merge_tables(merge_tables(base, sweep.common), changes) | {"seed": seed}
            try:
                trials.append(Trial(variant, seed, parse_pipeline(tables, f"{path}: variants.{variant}")))
            except InputError as error:
                problems += error.problems
    problems += [
        f"{path}: variants.{trial.variant}: a step has a seed; leave it out, for all steps take the run's"
        for trial in trials
        if any(step.recipe.seed != trial.seed for step in trial.pipeline.steps)
    ]
    recipes = {trial.variant: trial.recipe for trial in trials}
    spaces = {recipe.space for recipe in recipes.values()}
    if len(spaces) > 1:
        problems.append(f"{path}: variants train {' and '.join(sorted(spaces))}; all must have the same space")
    reference = recipes.get(sweep.reference)
    for variant, recipe in recipes.items():
        problems += [
            f"{path}: variants.{variant}: data.{name} is another than that of {sweep.reference}; all must be judged on "
            "the same images: change it under `common`"
            for name in _IMAGES
            if reference is not None and getattr(recipe.data, name) != getattr(reference.data, name)
        ]
    if problems:
        raise InputError(dict.fromkeys(problems))
    return sweep, trials


def _problems(sweep: Sweep, path: Path) -> list[str]:
    problems = [
        f"{path}: variants.{name!a}: names a folder; use letters, digits, '.', '_', '+' and '-'"
        for name in sweep.variants
        if not re.match(VARIANT, name)
    ]
    if len(set(sweep.seeds)) < len(sweep.seeds):
        problems.append(f"{path}: seeds: the same one twice would be the same run twice; list each once")
    if sweep.reference not in sweep.variants:
        known = did_you_mean(sweep.reference, sweep.variants)
        problems.append(f"{path}: baseline: unknown variant {sweep.reference!r}{known}")
    try:
        NormPolicy.parse(sweep.evaluation.norm)
    except InputError as error:
        problems += [f"{path}: evaluation.norm: {problem}" for problem in error.problems]
    return problems
