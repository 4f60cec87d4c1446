"""A recipe: everything that determines a training run, as validated TOML."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import tomli_w
from pydantic import (
    BaseModel,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from toolkit.backends import BACKENDS
from toolkit.errors import InputError
from toolkit.files import digest, read_bytes, reading
from toolkit.methods import METHODS, Method
from toolkit.methods.base import Options
from toolkit.names import did_you_mean
from toolkit.runs.folder import RunFolder
from toolkit.runs.tables import (
    Checkpoints,
    Data,
    Initial,
    Positive,
    Probe,
    Seed,
    Split,
    Supernet,
    Table,
    Track,
    Training,
)
from toolkit.sampling import SAMPLERS, SamplerOptions
from toolkit.spaces import SPACES, SearchSpace, SpaceOptions, splitting
from toolkit.spaces.splitting import SplitSpace, split_problems

SHIPPED = Path(__file__).parent.parent / "recipes"

_SOURCES = {"weights", "run"}
"""In `[initial]`, where weights come from."""


UNSET = "none"
"""The value of a key that is to be what it is by default: TOML has no word for that."""


class Recipe(Table):
    """The whole file. Every run folder holds the recipe it was made with, all defaults written out."""

    space: str = Field(description="the search space; `supernet spaces` lists them")
    backend: str = Field("torch", description="the framework: torch or paddle")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: Positive | None = Field(None, description="CPU threads of each process; the framework's choice by default")
    seed: Seed = Field(0, description="of weights, draws and the order of images")
    method: SerializeAsAny[Options]
    data: Data = Data()
    training: Training = Training()
    initial: Initial = Initial()
    checkpoints: Checkpoints = Checkpoints()
    probe: Probe = Probe()
    track: Track = Track()
    split: list[Split] | None = None
    supernet: Supernet | None = None
    space_options: SpaceOptions | None = None

    @model_serializer(mode="wrap")
    def _space_in_one(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`space` is a name, or a table where there are options."""
        tables: dict[str, Any] = serialise(self)
        tables.pop("space_options", None)
        if self.space_options is not None and "space" in tables:
            tables["space"] = {"name": self.space} | self.space_options.given
        return tables

    @field_validator("space")
    @classmethod
    def _known_space(cls, name: str) -> str:
        if name not in SPACES:
            raise ValueError(f"unknown space {name!r}{did_you_mean(name, SPACES)}")
        return name

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, name: str) -> str:
        if name not in BACKENDS:
            raise ValueError(f"unknown backend {name!r}{did_you_mean(name, BACKENDS)}")
        return name

    @model_validator(mode="after")
    def _supernet_fits(self) -> "Recipe":
        if problems := split_problems(self.splits, SPACES[self.space]):
            raise ValueError(f"split: {'; '.join(problems)}")
        if self.supernet is not None and (problems := self.supernet.problems(self._own(SPACES[self.space]))):
            raise ValueError(f"supernet: {'; '.join(problems)}")
        return self

    @property
    def splits(self) -> tuple[splitting.Split, ...]:
        """The splits, as the space takes them."""
        return tuple(splitting.Split(each.decision, tuple(map(tuple, each.groups))) for each in self.split or ())

    def derive(self, space: SearchSpace) -> SearchSpace:
        """`space` with this recipe's options, its supernet enhanced, grouped and split as it says."""
        space = self._own(space)
        if self.supernet is not None:
            space = self.supernet.derive(space)
        return SplitSpace(space, self.splits) if self.splits else space

    def _own(self, space: SearchSpace) -> SearchSpace:
        return space if self.space_options is None else space.with_options(self.space_options)

    def make_method(self, space: SearchSpace) -> Method:
        """The training method, with this recipe's options, for a space.

        Raises:
            InputError: its options do not go with the space, or with the accumulation of gradients.
        """
        method = METHODS[self.method.name](space, self.method)
        if self.training.accumulate and method.needs().whole:
            without = (
                ""
                if not hasattr(self.method, "look")
                else (", or its comparisons of losses before and after an update (method.look = 0)")
            )
            raise InputError(
                f"training.accumulate: method {method.name} needs whole batches; leave training.accumulate out{without}"
            )
        return method

    def to_toml(self) -> str:
        """The recipe as TOML, every value written out; `read_recipe` takes it back unchanged."""
        tables = self.model_dump(mode="json", exclude_none=True)
        return tomli_w.dumps({key: value for key, value in tables.items() if (key, value) != ("track", {})})

    @property
    def digest(self) -> str:
        """SHA-256 of the recipe as written, but for probes and trackers: they do not touch what is trained."""
        kept = self.model_dump(mode="json", exclude_none=True, exclude={"probe", "track"})
        return digest(tomli_w.dumps(_as_filed(kept)).encode())


def read_recipe(source: Path | str, changes: list[str] | None = None) -> Recipe:
    """The recipe in a TOML file, or the one shipped under that name, with `key=value` changes applied.

    A change names its key with dots, such as `training.epochs=5`; its value is read as TOML, or else as text. `none`
    is the default.

    Raises:
        InputError: not TOML, an unknown or misspelt key (names the nearest valid one), a wrong value; lists all.
    """
    path = find_recipe(source)
    tables = read_changed(path, changes)
    if path.name == "recipe.toml" and RunFolder(path.parent).checkpoints():
        tables = moved(tables)
    return parse_recipe(tables, str(path))


def read_changed(path: Path, changes: list[str] | None = None) -> dict[str, Any]:
    """What a TOML file holds, with `key=value` changes applied; errors as in `read_recipe`."""
    tables = read_tables(path)
    for change in changes or []:
        apply_change(tables, change)
    return tables


def find_recipe(source: Path | str) -> Path:
    """The recipe file at a path, or the one shipped under a name.

    Raises:
        InputError: neither is there.
    """
    path = Path(source)
    if not path.is_file() and (SHIPPED / f"{source}.toml").is_file():
        path = SHIPPED / f"{source}.toml"
    if not path.exists():
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise InputError(f"{source}: no such recipe; give a TOML file or the name of a shipped recipe: {shipped}")
    return path


def read_tables(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    with reading(path, "not valid TOML", "repair it, or begin with a shipped recipe"):
        return tomllib.loads(read_bytes(path, largest=2**20).decode("utf-8"))


def merge_tables(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """TOML tables with changes on top, table by table.

    Another `method.name` or `space.name` begins a new table, for it has options of its own; one source of initial
    weights displaces the other.
    """
    merged = dict(tables)
    for key, value in changes.items():
        before = merged.get(key)
        merged[key] = value
        if key == "space" and isinstance(before, str) and isinstance(value, dict):
            before = {"name": before}
        if isinstance(before, dict) and isinstance(value, dict):
            if key == "initial" and value.keys() & _SOURCES:
                before = {name: entry for name, entry in before.items() if name not in _SOURCES}
            other = key in ("method", "space") and value.get("name", before.get("name")) != before.get("name")
            merged[key] = value if other else merge_tables(before, value)
    return merged


def parse_recipe(tables: dict[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from TOML tables; errors as in `read_recipe`, with `where` in front."""
    if "step" in tables:
        raise InputError(
            f"{where}: step: this takes a recipe of one step; each step that was trained has its own in RUN/steps"
        )
    options: Options | None = None
    tables = _unset(tables, Recipe)
    tables, problems = _with_space(tables, where)
    table = tables.get("method")
    name = table.get("name") if isinstance(table, dict) else None
    if not isinstance(table, dict) or name is None:
        problems.append(f"{where}: method.name: missing; there are: {', '.join(METHODS)}")
    elif not isinstance(name, str) or name not in METHODS:
        problems.append(f"{where}: method.name: unknown method {name!r}{did_you_mean(str(name), METHODS)}")
    else:
        try:
            options = METHODS[name].options_type(**_unset(table, METHODS[name].options_type))
        except ValidationError as error:
            problems += explain(error, where, METHODS[name].options_type, ("method",))
    try:
        recipe = Recipe(**(tables | {"method": options or Options(name="")}))
    except ValidationError as error:
        problems += explain(error, where, Recipe)
    if problems:
        raise InputError(problems)
    return recipe


def _with_space(tables: dict[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Tables whose `space` is a name, with its options beside it; and what is wrong with them."""
    problems = [f"{where}: space_options: unknown key; they stand in [space]"] if "space_options" in tables else []
    tables = {key: value for key, value in tables.items() if key != "space_options"}
    supernet, space = tables.get("supernet"), tables.get("space")
    if isinstance(supernet, dict) and _MOVED in supernet:
        problems.append(
            f"{where}: supernet.{_MOVED}: is an option of the space; in its place write the table [space] with name = "
            f'"{space["name"] if isinstance(space, dict) and "name" in space else space}" and {_MOVED}'
        )
        tables["supernet"] = {key: value for key, value in supernet.items() if key != _MOVED} or None
    if not isinstance(space, dict):
        return tables, problems
    if (name := space.get("name")) is None:
        return tables, [*problems, f"{where}: space.name: missing; there are: {', '.join(SPACES)}"]
    tables["space"] = name
    if isinstance(name, str) and name in SPACES:
        kind = SPACES[name].options_type
        try:
            options = kind(**_unset(space, kind))
            tables["space_options"] = options if options.given else None
        except ValidationError as error:
            problems += explain(error, where, kind, ("space",))
    return tables, problems


_MOVED = "always_project"
"""It stood in `[supernet]` before spaces had options."""

_ORDER = ("activation", "widths", _MOVED, "groups", "norms", "group_slopes")


def moved(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a run that may have been written before spaces had options, as they are written now."""
    found = dict(tables)
    supernet = found.get("supernet")
    if isinstance(supernet, dict) and _MOVED in supernet:
        found = merge_tables(found, {"space": {_MOVED: supernet[_MOVED]}})
        found["supernet"] = {key: value for key, value in supernet.items() if key != _MOVED}
        if not found["supernet"]:
            del found["supernet"]
    if isinstance(steps := found.get("step"), list):
        found["step"] = [moved(step) if isinstance(step, dict) else step for step in steps]
    return found


def _as_filed(tables: dict[str, Any]) -> dict[str, Any]:
    """As digests have it, which stand in checkpoints: what moved is where it was."""
    space = tables["space"]
    if not isinstance(space, dict) or _MOVED not in space:
        return tables
    supernet = tables.get("supernet", {}) | {_MOVED: space[_MOVED]}
    rest = {key: value for key, value in space.items() if key != _MOVED}
    return tables | {
        "space": rest["name"] if len(rest) == 1 else rest,
        "supernet": {key: supernet[key] for key in _ORDER if key in supernet},
    }


def _unset(tables: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Without the keys whose value is `UNSET`: they are what they are by default. Unknown ones stay, to be refused."""
    found = {}
    for key, value in tables.items():
        field = model.model_fields.get(key)
        if value == UNSET and field is not None:
            continue
        below = [] if field is None else _tables(field.annotation)
        found[key] = _unset(value, below[0]) if isinstance(value, dict) and len(below) == 1 else value
    return found


def explain(error: ValidationError, where: str, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    """pydantic's findings about a TOML file as sentences; an unknown key names its nearest neighbour."""
    sentences = []
    for found in error.errors():
        owner, location = _keys(model, found["loc"])
        key = ".".join(prefix + location)
        match found["type"]:
            case "extra_forbidden":
                sentences.append(f"{where}: {key}: unknown key{did_you_mean(location[-1], owner.model_fields)}")
            case "missing":
                sentences.append(f"{where}: {key}: missing, but needed")
            case "model_attributes_type" | "model_type":
                sentences.append(f"{where}: {key}: is a table of its own, [{key}] (found {found['input']!r})"[:500])
            case "union_tag_not_found":
                sentences.append(f"{where}: {key}.name: missing, but needed")
            case "union_tag_invalid":
                name, names = found["ctx"]["tag"], found["ctx"]["expected_tags"].replace("'", "").split(", ")
                sentences.append(f"{where}: {key}.name: unknown name {name!r}{did_you_mean(name, names)}")
            case _:
                message = found["msg"].removeprefix("Value error, ")
                shown = "" if isinstance(found["input"], dict) else f" (found {found['input']!r})"
                sentences.append(f"{where}: {key or 'recipe'}: {message}{shown}"[:500])
    return sentences


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[type[BaseModel], tuple[str, ...]]:
    """The table that an entry stands in, and the keys that lead to the entry.

    Where a table's `name` says of which kind it is, pydantic puts that name into the location; it is no key.
    """
    keys: list[str] = []
    kinds: list[type[BaseModel]] = []
    for part in location:
        if kinds:
            model = next(kind for kind in kinds if part in get_args(kind.model_fields["name"].annotation))
            kinds = []
            continue
        keys.append(str(part))
        tables = _tables(model.model_fields[part].annotation) if part in model.model_fields else []
        if len(tables) == 1:
            model = tables[0]
        elif tables:
            kinds = tables
    return model, tuple(keys)


def _tables(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field may hold, itself or in a list."""
    if annotation is SamplerOptions:
        return [sampler.options_type for sampler in SAMPLERS.values()]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [table for part in get_args(annotation) for table in _tables(part)]


def apply_change(tables: dict[str, Any], change: str) -> None:
    """Put a `key=value` change into TOML tables; errors as in `read_recipe`."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise InputError(f"--set {change}: write key=value, such as --set training.epochs=5")
    try:
        change.encode()
    except UnicodeEncodeError as error:  # bytes of a file name, say
        raise InputError(f"--set {change!a}: not UTF-8, which is all that a recipe can hold; rename it") from error
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except Exception:  # tomllib raises several; what is no TOML is text
        value = text
    *parents, last = key.strip().split(".")
    if parents[:1] == ["step"] and isinstance(steps := tables.get("step"), list):
        names = {str(number): step for number, step in enumerate(steps, start=1) if isinstance(step, dict)}
        names |= {str(step.get("name")): step for step in names.values()}
        if len(parents) < 2 or parents[1] not in names:
            raise InputError(f"--set {change}: name a step as step.1 or by its name; there are: {', '.join(names)}")
        tables, parents = names[parents[1]], parents[2:]
    if parents[:1] == ["space"] and isinstance(name := tables.get("space"), str):
        tables["space"] = {"name": name}
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise InputError(f"--set {change}: {parent} is a value, not a table")
    tables[last] = value
