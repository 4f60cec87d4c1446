"""A path's features, without its classifier, and what a projection head makes of them."""

from toolkit.backends.base import Network, Norm, Tensor
from toolkit.backends.ops import Ops
from toolkit.methods.head import Head
from toolkit.spaces import Arch, Plans, SearchSpace


def trunk(plans: Plans) -> Plans:
    """All blocks but the last, which classifies."""
    return (*plans[:-1], None)


def feature_width(space: SearchSpace) -> int:
    """How many features the widest path has."""
    return space.widest[-1].inputs[0].channels  # type: ignore[union-attr]


def features(ops: Ops, maps: Tensor, width: int) -> Tensor:
    """The mean of each channel of maps (n, c, h, w), and zeros for channels that a narrow path lacks: (n, width).

    In float32 at least, as heads are.
    """
    means = ops.single(ops.mean(maps, (2, 3)))
    if means.shape[1] == width:
        return means
    lacking = means[:, :1] * 0
    return ops.concatenate([means, *((width - means.shape[1]) * [lacking])], 1)


def embed(
    net: Network, head: Head, plans: Plans, images: Tensor, norm: Norm | None = None, path: Arch | None = None
) -> Tensor:
    """z: the head's output for the features of a path, of length 1; shape (n, features of the head)."""
    maps = net.run(trunk(plans), images, norm, path=path)
    return net.ops.normalise(head(features(net.ops, maps, feature_width(net.space))))
