"""Weights of others as a run folder: what it takes to evaluate them, rank by them and submit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.weights.files import read_weights
from converters.weights.recognition import Ask, Match, Recognised, Unmatched, recognise
from toolkit.backends.shapes import Shape, shapes
from toolkit.data.base import ImageSpec, Progress
from toolkit.errors import InputError
from toolkit.files import write_text
from toolkit.runs.checkpoint import Facts, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.left_out import tell_what_was_left_out
from toolkit.runs.recipe import Recipe, apply_change, find_recipe, merge_tables, parse_recipe, read_tables
from toolkit.runs.setup import open_data, open_space, quiet
from toolkit.spaces import SearchSpace
from toolkit.spaces.conditioning import ConditionedSpace
from toolkit.spaces.derived import DerivedSpace
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace, groups_of
from toolkit.spaces.splitting import SplitSpace

FOREIGN = "imported"
"""In place of the digest of the recipe that weights were trained with: no training goes on with these as if its own."""

ENHANCED_2021 = {"4": 5, "8": 9}
"""Widths that the 2021 winner's supernet runs in place of others from its second step on ("48p1" in its code)."""


@dataclass(frozen=True)
class Imported:
    """What was made.

    Attributes:
        recipe: as written into the run; of its training it says nothing, for nobody knows.
        spec: the images that candidates will be evaluated on, and their normalisation.
        network: which one of the file's.
    """

    run: Path
    source: str
    recipe: Recipe
    spec: ImageSpec
    network: str
    matches: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...]
    notes: tuple[str, ...]


def import_run(
    source: Path,
    out: Path,
    ask: Ask,
    tables: Mapping[str, Any],
    *,
    recipe: Path | str | None = None,
    changes: Sequence[str] = (),
    progress: Progress = quiet,
) -> Imported:
    """Make a run folder of a supernet's weights.

    The recipe's `[supernet]` and `[[split]]` tables follow from names and shapes of tensors, as far as these tell.

    Args:
        ask: which network of the file.
        tables: of the recipe: `data`, and of `supernet` what no tensor tells, `widths`.
        recipe: a file or a shipped recipe that takes the place of what is recognised.
        changes: `key=value`, on top.

    Raises:
        InputError: `out` holds a run; the file cannot be read, holds no such network, or one for other images; what no
            tensor tells has to be said.
    """
    run = RunFolder(out)
    if run.exists() or run.checkpoints():
        raise InputError(f"{out}: holds a run already; choose another --out")
    given = read_weights(source)
    base = {} if recipe is None else read_tables(find_recipe(recipe))
    named = base.get("space")
    ask = Ask(
        ask.space or (named.get("name") if isinstance(named, dict) else named), None, ask.network, ask.size, ask.drop
    )
    found = recognise(given, ask)
    if recipe is None:
        base = _tables(found, source, tables)
    merged = merge_tables(merge_tables({"space": found.space.name, "method": {"name": "spos"}}, base), tables)
    if merged.get("supernet") == {}:
        del merged["supernet"]
    made = parse_recipe(_changed(merged, changes), str(source))
    data = open_data(made, progress)
    space = open_space(made, data)
    if problems := list(_differences(found, space, str(source))):
        raise InputError(problems)
    facts = given.facts
    said = Facts(
        space.name,
        space.channels,
        space.size,
        space.classes,
        facts.step if facts else 0,
        facts.recipe if facts else FOREIGN,
    )
    save_checkpoint(run.checkpoint(said.step), said, found.weights)
    tell_what_was_left_out(data, run)
    write_text(run.recipe, made.to_toml())  # the last: with it the folder is a run
    notes = (*found.notes, *_untold(made, found, data.spec))
    return Imported(out, str(source), made, data.spec, found.network, found.matches, found.unmatched, notes)


def _tables(found: Recognised, source: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says of the supernet that was recognised.

    Raises:
        InputError: widths that run in place of others have to be said.
    """
    tables: dict[str, Any] = {}
    supernet: dict[str, Any] = {}
    space: SearchSpace = found.space
    while isinstance(space, DerivedSpace):
        match space:
            case SplitSpace():
                tables["split"] = [
                    {"decision": split.decision, "groups": [list(group) for group in split.groups]}
                    for split in space.splits
                ]
            case GroupedSpace():
                supernet |= _groups(space)
            case ConditionedSpace():
                supernet["weak"] = _weak(space)
            case EnhancedSpace():
                supernet["activation"] = space.activation
        space = space.base
    if supernet:
        tables["supernet"] = supernet
    if "activation" in supernet and found.layout == "2021" and "widths" not in given.get("supernet", {}):
        raise InputError(
            f"{source}: has PReLUs and the names of the 2021 challenge, as the winner's supernet from its second step "
            f"on, which runs {_shown(ENHANCED_2021)} (a width, and what runs in its place). No tensor tells: say "
            f"--widths {_shown(ENHANCED_2021)}, or --widths none"
        )
    return tables


def _groups(space: GroupedSpace) -> dict[str, Any]:
    """Groups of widths as a recipe says them, by the widest width of layers; of those that differ the last."""
    convs: dict[str, list[int]] = {}
    norms, slopes = False, True
    for layers, own in groups_of(space):
        if own.convs:
            convs[str(max(layers.users))] = list(own.convs)
            slopes = bool(own.activations)
        norms = norms or own.norms not in ((), own.convs)  # a classifier has none
    has_slopes = isinstance(space.base, EnhancedSpace)
    return (
        ({"groups": convs} if convs else {})
        | ({"norms": "widths"} if norms else {})
        | ({"group_slopes": False} if convs and has_slopes and not slopes else {})
    )


def _weak(space: ConditionedSpace) -> dict[str, Any]:
    terms = {"low-rank": {"rank": space.terms}, "mixture": {"kernels": space.terms}}.get(space.form, {})
    return {"form": space.form, "rho": space.rho, "hidden": space.hidden, "sees": space.sees} | terms


def _changed(tables: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    for change in changes:
        apply_change(tables, change)
    return tables


def _differences(found: Recognised, space: SearchSpace, source: str) -> Iterator[str]:
    """Why the weights are not those of the supernet, for the images, that the run is about."""
    given = {name: array.shape for name, array in found.weights.items()}
    needed: Mapping[str, Shape] = shapes(space.widest)
    own = found.space
    if (own.channels, own.classes) != (space.channels, space.classes):
        yield (
            f"{source}: is for images of {own.channels} channels and {own.classes} classes; the data have "
            f"{space.channels} and {space.classes}; name other data"
        )
        return
    what = "the run's supernet (groups that no rule makes are said by --recipe FILE, with a [supernet] table)"
    yield from (f"{source}: {what} needs tensor {name}, which is missing" for name in needed.keys() - given.keys())
    yield from (f"{source}: {what} has no tensor {name}" for name in given.keys() - needed.keys())
    yield from (
        f"{source}: tensor {name} has shape {given[name]}, {what} needs {shape}"
        for name, shape in needed.items()
        if name in given and given[name] != shape
    )


def _untold(recipe: Recipe, found: Recognised, spec: ImageSpec) -> Iterator[str]:
    """What a user should check, for no tensor tells."""
    supernet = recipe.supernet
    if supernet is None or not supernet.widths:
        yield "no tensor tells whether widths run in place of others; if so, say which with --widths, such as 4=5,8=9"
    if supernet is not None and supernet.weak is not None:
        yield (
            "no tensor tells how far the HyperNet may go, nor whether its code was a control; taken is rho = "
            f"{supernet.weak.rho:g}: --set supernet.weak.rho=NUMBER"
        )
    mean, std = (" ".join(f"{number:.4g}" for number in numbers) for numbers in (spec.mean, spec.std))
    yield f"images are normalised by mean {mean} and std {std}; if these were not the training's: --mean, --std"
    if found.layout == "2021" and recipe.data.std is None:
        yield "the 2021 challenge's kit trained with std 0.1942 0.1918 0.1958: --std 0.1942,0.1918,0.1958"
    yield "accuracies are as good as these say; evaluate a candidate whose accuracy is known before all others"


def _shown(widths: Mapping[str, int]) -> str:
    return ",".join(f"{before}={after}" for before, after in widths.items())
