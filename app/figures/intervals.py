"""Error bars of Plotly, from the ends of intervals."""

from typing import Any


def interval(value: Any, low: Any, high: Any, **look: object) -> dict[str, object]:
    """What `error_x` or `error_y` takes: from `low` to `high` around `value`, numbers or columns; without caps.

    Args:
        look: more of Plotly's options, such as color and thickness.
    """
    ends = {"type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low}
    return {**ends, "width": 0, **look}
