"""What a recipe will do, before it trains: which weights are shared, and which paths are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolkit.backends.shapes import parameters
from toolkit.candidates import read_candidates
from toolkit.runs.recipe import Recipe
from toolkit.sampling.distribution import Distribution, compare
from toolkit.spaces import SearchSpace, get_space
from toolkit.spaces.grouping import Layers, elastic_layers, groups_of
from toolkit.spaces.own import group_of
from toolkit.training.steps import Pipeline
from toolkit.verbs.training import open_recipe


@dataclass(frozen=True, slots=True)
class Shared:
    """The degrees of sharing in a recipe's supernets: the space, and for each step what `describe` says, by name."""

    space: str
    steps: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """How far the paths that a step trains are from the candidates; None: its method draws none."""

    title: str
    name: str
    distribution: Distribution | None


def sharing(recipe: str | Path | Mapping[str, Any] | Pipeline, changes: Sequence[str] = ()) -> Shared:
    """Which weights each width of a recipe's supernet runs on, step by step.

    Args:
        recipe, changes: as `train` takes them.

    Raises:
        InputError: the recipe has problems; lists all.
    """
    pipeline = open_recipe(recipe, changes)
    space = get_space(pipeline.recipe.space)
    steps = ({"name": step.name, **describe(step.recipe.derive(space), space)} for step in pipeline.steps)
    return Shared(space.name, tuple(steps))


def compare_sampling(
    recipe: str | Path | Mapping[str, Any] | Pipeline,
    candidates: Path | str,
    changes: Sequence[str] = (),
    *,
    draws: int = 5000,
    seed: int = 0,
) -> tuple[Sampled, ...]:
    """Compare the paths that each step of a recipe would train with the candidates that will be ranked.

    Raises:
        InputError: the recipe, the sampler's or the candidates' file cannot be used.
    """
    steps = open_recipe(recipe, changes).steps
    return tuple(Sampled(step.title, step.name, compare_recipe(step.recipe, candidates, draws, seed)) for step in steps)


def compare_recipe(recipe: Recipe, candidates: Path | str, draws: int = 5000, seed: int = 0) -> Distribution | None:
    """The same for one step, in the space's own image size."""
    space = recipe.derive(get_space(recipe.space))
    archs = [space.parse(code) for code in read_candidates(candidates, space).values()]
    method = recipe.make_method(space)
    return compare(method.sampler, archs, draws, seed) if method.draws else None


def describe(space: SearchSpace, base: SearchSpace) -> dict[str, Any]:
    """The degree of sharing in a supernet, as plain data.

    `layers` lists the sets of layers that are grouped alike: the widest of their widths, their positions, and for
    weights, norms and slopes the groups, each named by its size, with the widths that run on it. `trunk` names the
    weight that all share.

    Args:
        base: the space itself, which says what the widths of the candidates are.
    """
    nominal = {(layers.position, layers.field): layers.users for layers in elastic_layers(base)}
    found: list[dict[str, Any]] = []
    for layers, own in groups_of(space):
        widths = _widths(layers, nominal.get((layers.position, layers.field), {}))
        row: dict[str, Any] = {"widest": max(layers.users), "blocks": []}
        for kind, groups in asdict(own).items():
            held: dict[str, list[dict[str, int]]] = {}
            for each in widths:
                group = str(group_of(each["runs_as"], groups)) if groups else "trunk"
                held.setdefault(group, []).append(each)
            row[kind] = held
        same = next((other for other in found if other | {"blocks": []} == row), None)
        if same is None:
            found.append(same := row)
        if layers.position not in same["blocks"]:
            same["blocks"].append(layers.position)
    return {"params": parameters(space.widest), "params_shared": parameters(base.widest), "layers": found}


def _widths(layers: Layers, nominal: Mapping[int, Sequence[str]]) -> list[dict[str, int]]:
    """Every width of the candidates, and the one that the supernet runs in its place."""
    runs_as = {option: width for width, options in layers.users.items() for option in options}
    return [
        {"width": width, "runs_as": runs_as[options[0]]} for width, options in nominal.items() if options[0] in runs_as
    ]
