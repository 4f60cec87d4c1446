"""Training methods as tests make them: with what they cannot do without."""

from typing import Any

from toolkit.methods import METHODS, Method
from toolkit.spaces import SearchSpace


def make_method(name: str, space: SearchSpace, **options: Any) -> Method:
    """The method called `name`, with default options but these."""
    return METHODS[name](space, METHODS[name].options_type(name=name, **options))
