"""Training methods, one file each, written once against the backend seam. A new method is listed here."""

from toolkit.methods.base import Method
from toolkit.methods.sandwich import Sandwich
from toolkit.methods.spos import SPOS

METHODS: dict[str, type[Method]] = {method.name: method for method in (SPOS, Sandwich)}

__all__ = ["METHODS", "Method"]
