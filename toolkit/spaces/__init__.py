"""Search spaces, one file each. A new one gets its own file and is listed here; no other file names it.

Other packages add theirs by the entry points `supernet_toolkit.spaces` (`toolkit/plugins.py`).
"""

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.plugins import Registry, instance_of
from toolkit.spaces.base import ABSENT, Arch, Decision, SearchSpace
from toolkit.spaces.cost import Cost
from toolkit.spaces.darts import DARTS_CIFAR, DARTS_IMAGENET, DARTS_MINI, DARTS_NONE
from toolkit.spaces.nasbench201 import NASBENCH201
from toolkit.spaces.nasbench_macro import NASBENCH_MACRO
from toolkit.spaces.nats_size import NATS_SIZE
from toolkit.spaces.ofa import OFA_MBV3, OFA_MBV3_WIDE, OFA_MINI, OFA_PROXYLESS, OFA_PROXYLESS_WIDE
from toolkit.spaces.options import SpaceOptions
from toolkit.spaces.pinas import PINAS, PINAS_MINI
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.proxyless import BN_NAS, PROXYLESS
from toolkit.spaces.resnet20 import RESNET20
from toolkit.spaces.resnet48 import RESNET48, RESNET48_MINI, RESNET48_TINY, RESNET48_WIDE

SPACES: Registry[SearchSpace] = Registry(
    "spaces",
    (
        RESNET48,
        RESNET48_WIDE,
        RESNET48_MINI,
        RESNET48_TINY,
        RESNET20,
        NASBENCH201,
        NATS_SIZE,
        NASBENCH_MACRO,
        PINAS,
        PINAS_MINI,
        OFA_MBV3,
        OFA_MBV3_WIDE,
        OFA_PROXYLESS,
        OFA_PROXYLESS_WIDE,
        OFA_MINI,
        PROXYLESS,
        BN_NAS,
        DARTS_CIFAR,
        DARTS_NONE,
        DARTS_IMAGENET,
        DARTS_MINI,
    ),
    instance_of(SearchSpace),
)


def get_space(name: str) -> SearchSpace:
    """The space called `name`.

    Raises:
        InputError: there is none; names the nearest and all.
    """
    try:
        return SPACES[name]
    except KeyError:
        raise InputError(f"unknown space {name!r}{did_you_mean(name, SPACES)}") from None


__all__ = [
    "ABSENT",
    "SPACES",
    "Arch",
    "Cost",
    "Decision",
    "Plan",
    "Plans",
    "SearchSpace",
    "SpaceOptions",
    "get_space",
]
