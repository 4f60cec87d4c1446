"""Spaces, methods, samplers, priors and pages of other packages, found by their entry points.

A package names what it brings in its `pyproject.toml`, and nothing here is edited:

    [project.entry-points."supernet_toolkit.spaces"]
    tiny = "their_package.spaces:TINY"

The groups are `supernet_toolkit.` and `spaces`, `methods`, `samplers`, `priors` or `pages`; the name is what recipes
and commands say. What cannot be used is passed over with a warning that names the package: it never breaks a command.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar, cast

PREFIX = "supernet_toolkit."

T = TypeVar("T")


class PluginWarning(UserWarning):
    """Something that a package brings cannot be used."""


class Registry(Mapping[str, T]):
    """What there is of a kind, by name: the toolkit's own first, then what other packages bring.

    Those are looked for when somebody asks for a name that is not the toolkit's, or for all names.

    Args:
        group: of entry points, without the prefix.
        own: the toolkit's own, each by its attribute `name`.
        fits: what is wrong with an object that an entry point gives; empty if nothing is.
    """

    def __init__(self, group: str, own: Iterable[T], fits: Callable[[object], str]) -> None:
        self._group, self._fits = group, fits
        self._found: dict[str, T] = {each.name: each for each in own}  # type: ignore[attr-defined]
        self._complete = False

    def __getitem__(self, name: str) -> T:
        if name not in self._found:
            self._complete_once()
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._found:
            self._complete_once()
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        self._complete_once()
        return iter(self._found)

    def __len__(self) -> int:
        self._complete_once()
        return len(self._found)

    def _complete_once(self) -> None:
        if self._complete:
            return
        self._complete = True  # first: a plug-in may look at what there is while it is imported
        self._found |= cast(dict[str, T], load(self._group, self._named, taken=self._found))

    def _named(self, name: str, found: object) -> str:
        if wrong := self._fits(found):
            return wrong
        own = getattr(found, "name", None)
        return "" if own == name else f"its name is {own!r}, not {name!r}"


def load(group: str, wrong: Callable[[str, object], str], taken: Iterable[str] = ()) -> dict[str, object]:
    """What other packages bring, by name, as far as it can be used.

    Args:
        wrong: what is wrong with an object under a name; empty if nothing is.
        taken: names that are no longer free.
    """
    found: dict[str, object] = {}
    for point in sorted(entry_points(group=PREFIX + group), key=lambda point: (point.name, point.value)):
        if point.name in taken or point.name in found:
            _warn(group, point, "the name is taken")
            continue
        try:
            value = point.load()
            problem = wrong(point.name, value)
        except (Exception, SystemExit) as error:  # whatever a stranger's module does when it is imported
            problem = f"{type(error).__name__}: {error}"
        if problem:
            _warn(group, point, problem)
        else:
            found[point.name] = value
    return found


def subclass_of(kind: type) -> Callable[[object], str]:
    """A check for `Registry`: a class that can be made, below `kind`."""

    def wrong(found: object) -> str:
        if not (isinstance(found, type) and issubclass(found, kind)):
            return f"it is {found!r:.80}, and not a subclass of {kind.__module__}.{kind.__qualname__}"
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        return f"it lacks {', '.join(missing)}" if missing else ""

    return wrong


def instance_of(kind: type) -> Callable[[object], str]:
    """A check for `Registry`: an instance of `kind`."""

    def wrong(found: object) -> str:
        good = isinstance(found, kind)
        return "" if good else f"it is {found!r:.80}, and not a {kind.__module__}.{kind.__qualname__}"

    return wrong


def _warn(group: str, point: EntryPoint, problem: str) -> None:
    package = point.dist.name if point.dist is not None else "an unknown package"
    warnings.warn(
        f"package {package}: its entry point {point.name} = {point.value} in {PREFIX}{group} is passed over: "
        f"{problem}; mend it there, or uninstall the package",
        PluginWarning,
        stacklevel=2,
    )
