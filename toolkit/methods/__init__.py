"""Training methods, one file each, written once against the backend seam. A new method is listed here."""

from toolkit.methods.base import Batch, Method, Needs
from toolkit.methods.landmark import Landmark
from toolkit.methods.largest import Largest
from toolkit.methods.nsas import NSAS
from toolkit.methods.pgonas import PGONAS
from toolkit.methods.progressive import Progressive
from toolkit.methods.sandwich import Sandwich
from toolkit.methods.spos import SPOS

METHODS: dict[str, type[Method]] = {
    method.name: method for method in (SPOS, Sandwich, PGONAS, Largest, Progressive, Landmark, NSAS)
}

__all__ = ["METHODS", "Batch", "Method", "Needs"]
