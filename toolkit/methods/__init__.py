"""Training methods, one file each, written once against the backend seam. A new method is listed here.

Other packages add theirs by the entry points `supernet_toolkit.methods` (`toolkit/plugins.py`).
"""

from toolkit.methods.base import Batch, Method, Needs
from toolkit.methods.bn_nas import BNNAS
from toolkit.methods.darts import DARTS
from toolkit.methods.entrannas import EnTranNAS
from toolkit.methods.fpnas import FPNAS, PARSEC
from toolkit.methods.landmark import Landmark
from toolkit.methods.largest import Largest
from toolkit.methods.nsas import NSAS
from toolkit.methods.ofa import OFA
from toolkit.methods.pgonas import PGONAS
from toolkit.methods.pinas import PiNAS
from toolkit.methods.pinas_supervised import PiNASSupervised
from toolkit.methods.progressive import Progressive
from toolkit.methods.sandwich import Sandwich
from toolkit.methods.sparsenas import SparseNAS
from toolkit.methods.spos import SPOS
from toolkit.methods.wpnas import WPNAS
from toolkit.plugins import Registry, subclass_of

METHODS: Registry[type[Method]] = Registry(
    "methods",
    (
        SPOS,
        Sandwich,
        PGONAS,
        Largest,
        Progressive,
        OFA,
        Landmark,
        NSAS,
        PiNAS,
        PiNASSupervised,
        BNNAS,
        WPNAS,
        PARSEC,
        FPNAS,
        DARTS,
        EnTranNAS,
        SparseNAS,
    ),
    subclass_of(Method),
)

__all__ = ["METHODS", "Batch", "Method", "Needs"]
