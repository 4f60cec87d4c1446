"""How widths are rounded."""


def make_divisible(value: float, divisor: int) -> int:
    """Round to the nearest multiple of `divisor`, but never lose more than a tenth.

    The rule of MobileNets, of once-for-all and of the 2022 challenge's kit.
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
