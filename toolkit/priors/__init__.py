"""Priors, the field's zero-cost proxies: scores of networks that were never trained, one file each; listed here.

Those of other packages come in by the entry points `supernet_toolkit.priors` (`toolkit/plugins.py`).
"""

from toolkit.plugins import Registry, subclass_of
from toolkit.priors.base import Options, Prior
from toolkit.priors.cost import Depth, Macs, Params
from toolkit.priors.grad_norm import GradNorm
from toolkit.priors.naswot import Naswot
from toolkit.priors.snip import Snip
from toolkit.priors.synflow import SynFlow
from toolkit.priors.zen import Zen

PRIORS: Registry[type[Prior]] = Registry(
    "priors", (Zen, Naswot, SynFlow, Snip, GradNorm, Macs, Params, Depth), subclass_of(Prior)
)

__all__ = ["PRIORS", "Options", "Prior"]
