"""Which part of the widest weight a narrower layer uses: the leading channels, and the centre of a larger kernel."""

from collections.abc import Sequence

Window = tuple[slice, ...]


def window(held: Sequence[int], used: Sequence[int]) -> Window:
    """The part of shape `used` of a tensor of shape `held`.

    The first two dimensions are channels or features, as in convolutions (out, in, height, width), fully connected
    layers (out, in) and vectors (channels,); what follows is the kernel.
    """
    if tuple(held[2:]) == tuple(used[2:]):
        return tuple(map(slice, used[:2]))
    kernel = (((whole - part) // 2, part) for whole, part in zip(held[2:], used[2:], strict=True))
    return (*map(slice, used[:2]), *(slice(start, start + part) for start, part in kernel))
