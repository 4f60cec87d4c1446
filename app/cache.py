"""Caching of views: computed again only when a file they read has changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Concatenate, TypeVar

import streamlit as st

from toolkit.runs.folder import RunFolder

T = TypeVar("T")
Stamp = tuple[str, int, int]
_HASHES: dict[str | type[Any], Callable[[Any], Any]] = {
    "app.views.ranking.subject.Subject": lambda subject: subject.digest
}


def load(view: Callable[Concatenate[RunFolder, ...], T], run: RunFolder, *files: Path, **options: Any) -> T:
    """`view(run, **options)`, remembered until one of `files` changes. The result is shared: never change it."""
    result: T = _load(view, f"{view.__module__}.{view.__qualname__}", str(run.path), tuple(map(stamp, files)), options)
    return result


def glance(view: Callable[Concatenate[RunFolder, ...], T], run: RunFolder, *files: Path, **options: Any) -> T:
    """`load` for what is small: kept of thousands of runs, so a page about all drives nothing large out."""
    name = f"{view.__module__}.{view.__qualname__}"
    result: T = _glance(view, name, str(run.path), tuple(map(stamp, files)), options)
    return result


@st.cache_resource(show_spinner="Reading the run folder", max_entries=64, hash_funcs=_HASHES)
def _load(_view: Callable[..., Any], name: str, path: str, stamps: tuple[Stamp, ...], options: dict[str, Any]) -> Any:  # noqa: ARG001
    with one_thread():
        return _view(RunFolder(path), **options)


@st.cache_resource(show_spinner="Reading the run folder", max_entries=10_000, hash_funcs=_HASHES)
def _glance(_view: Callable[..., Any], name: str, path: str, stamps: tuple[Stamp, ...], options: dict[str, Any]) -> Any:  # noqa: ARG001
    return _view(RunFolder(path), **options)


def one_thread() -> AbstractContextManager[Any]:
    """Linear algebra on one thread: on a busy machine several wait for each other at full speed, which costs more CPU
    than they save, and another visitor may need it.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def stamp(path: Path) -> Stamp:
    """Tells one state of a file from the next: name, time of change, size; zeros if it is not there or empty.

    Empty ones do not count because merely reading a ledger may leave an empty log beside it.
    """
    try:
        status = path.stat()
    except OSError:
        return path.name, 0, 0
    return path.name, status.st_mtime_ns if status.st_size else 0, status.st_size
