"""Every key of a recipe, what it means and what it is by default: for `supernet recipe` and docs/recipes.md."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from toolkit.methods import METHODS
from toolkit.runs.recipe import Recipe, parse_recipe
from toolkit.runs.tables import Split
from toolkit.sampling import SAMPLERS, SamplerOptions
from toolkit.spaces import SPACES, SpaceOptions

_NESTED = ("split", "method", "space_options")
"""Fields of a recipe that are no plain table."""

Key = tuple[str, str, str]
"""A key, its value (or default) as TOML, and what it means."""


def annotated(tables: Mapping[str, Any], where: str = "recipe") -> str:
    """A recipe of one step as TOML: every value written out, a comment after each key.

    Keys without a value stand as comments. `read_recipe` takes it back as the same recipe.

    Raises:
        InputError: the recipe is not valid.
    """
    return "\n".join(_recipe_lines(parse_recipe(dict(tables), where))) + "\n"


def _recipe_lines(recipe: Recipe) -> Iterator[str]:
    space_options = SPACES[recipe.space].options_type
    tabled = len(space_options.model_fields) > 1
    for name, field in Recipe.model_fields.items():
        if not _table(field) and name not in _NESTED and not (tabled and name == "space"):
            yield from _lines(name, field, getattr(recipe, name))
    if tabled:
        yield from _table_lines("space", recipe.space_options or space_options(name=recipe.space))
    yield from _table_lines("method", recipe.method)
    for name, field in Recipe.model_fields.items():
        if (table := _table(field)) and name not in _NESTED:
            yield from _table_lines(name, getattr(recipe, name), table)
    for split in recipe.split or []:
        yield from ("", "[[split]]", tomli_w.dumps(split.model_dump()).strip())


def _table_lines(name: str, options: BaseModel | None, kind: type[BaseModel] | None = None) -> Iterator[str]:
    fields = kind.model_fields if kind else type(options).model_fields if options else {}
    yield from ("", f"[{name}]" if options is not None else f"# [{name}]")
    later: list[tuple[str, BaseModel]] = []
    for key, field in fields.items():
        value = None if options is None else getattr(options, key)
        if isinstance(value, BaseModel):
            later.append((f"{name}.{key}", value))
        else:
            yield from _lines(key, field, value)
    for below, value in later:
        yield from _table_lines(below, value)


def _lines(key: str, field: FieldInfo, value: Any) -> Iterator[str]:
    about = f"  # {field.description}" if field.description else ""
    if value is None:
        yield f"# {key} = {about}".rstrip()
    elif isinstance(value, dict):
        inner = ", ".join(f"{name} = {_toml(each)}" for name, each in value.items())
        yield f"{key} = {{ {inner} }}{about}"
    else:
        yield f"{key} = {_toml(value)}{about}"


def _toml(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").strip()


def _table(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table of its own."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def keys(kind: type[BaseModel], without: type[BaseModel] | None = None) -> list[Key]:
    """The keys of a table, but for those that `without` has too."""
    found = []
    for name, field in kind.model_fields.items():
        if (without is not None and name in without.model_fields) or _table(field):
            continue
        if field.is_required():
            value = "needed"
        else:
            default = field.get_default(call_default_factory=True)
            value = "" if default is None else f"`{_toml(default)}`"
        found.append((name, value, field.description or ""))
    return found


def reference() -> str:
    """docs/recipes.md."""
    parts = [
        "# Recipes, key by key",
        "Written by `python -m toolkit.runs.reference > docs/recipes.md` from the code that reads recipes; do not "
        "edit.",
        "`supernet recipe NAME` prints a shipped recipe, or a file, with every default and these words beside each "
        'key. `--set key=value` changes one, `--set key=none` (in a file: `key = "none"`) goes back to the default.',
        "## At the top",
        _markdown([key for key in keys(Recipe) if key[0] not in _NESTED]),
    ]
    for name, field in Recipe.model_fields.items():
        if (table := _table(field)) and name not in _NESTED:
            parts += [f"## `[{name}]`", _about(table), _markdown(keys(table))]
            for below, inner in table.model_fields.items():
                if nested := _table(inner):
                    parts += [f"### `[{name}.{below}]`", _about(nested), _markdown(keys(nested))]
    parts += [
        "## `[space]`",
        "Some spaces have options. Then `space` is a table: its `name` and options.",
    ]
    for kind in dict.fromkeys(space.options_type for space in SPACES.values()):
        if own := keys(kind, SpaceOptions):
            names = [f'`name = "{name}"`' for name, space in SPACES.items() if space.options_type is kind]
            parts += [f"### {', '.join(names)}", _markdown(own)]
    parts += ["## `[[split]]`", _about(Split), _markdown(keys(Split))]
    first = next(iter(METHODS.values()))
    base = next(kind for kind in first.options_type.__mro__ if kind.__name__ == "Options")
    parts += ["## `[method]`", "Every method has these keys:", _markdown([*keys(base), _SAMPLING])]
    for name, method in METHODS.items():
        parts += [f'### `name = "{name}"`', f"{method.summary[0].upper()}{method.summary[1:]}."]
        if own := keys(method.options_type, base):
            parts.append(_markdown(own))
    parts += ["## `[method.sampling]`", "How random paths are drawn; [sampling.md](sampling.md) compares the laws."]
    for name, sampler in SAMPLERS.items():
        parts += [f'### `name = "{name}"`', f"{sampler.summary[0].upper()}{sampler.summary[1:]}."]
        if own := keys(sampler.options_type, SamplerOptions):
            parts.append(_markdown(own))
    parts += [
        "## `[[step]]`",
        "Several trainings, one after the other: each has a `name` and changes any of the keys above; see README.md.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


_SAMPLING: Key = ("sampling", "", "a table of its own: how random paths are drawn; uniformly by default")


def _about(table: type[BaseModel]) -> str:
    text = " ".join((table.__doc__ or "").split())
    return text.partition(": ")[2][:1].upper() + text.partition(": ")[2][1:] if ": " in text else text


def _markdown(rows: list[Key]) -> str:
    lines = ["| key | default | |", "|---|---|---|"]
    lines += [f"| `{key}` | {value} | {about.replace('|', chr(92) + '|')} |" for key, value, about in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference(), end="")
