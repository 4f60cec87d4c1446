"""Caching by content: what follows from it is computed once, whichever file or visitor it came from."""

from collections.abc import Callable
from typing import Any, Concatenate, Protocol, TypeVar

import streamlit as st

from app.cache import one_thread


class Content(Protocol):
    """What knows a digest of everything that is in it."""

    @property
    def digest(self) -> str:
        """Equal for equal contents only."""
        ...


T = TypeVar("T")
C = TypeVar("C", bound=Content)


def derive(view: Callable[Concatenate[C, ...], T], content: C, **options: Any) -> T:
    """`view(content, **options)`, remembered by the content's digest. The result is shared: never change it."""
    name = f"{view.__module__}.{view.__qualname__}"
    result: T = _derive(view, content, name, content.digest, options)
    return result


@st.cache_resource(show_spinner="Computing", max_entries=64)
def _derive(_view: Callable[..., Any], _content: Content, name: str, digest: str, options: dict[str, Any]) -> Any:  # noqa: ARG001
    with one_thread():
        return _view(_content, **options)
