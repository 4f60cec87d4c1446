"""Learning rates as functions of the step."""

import math


def warmup_cosine(step: int, total: int, warmup: int, peak: float, final: float) -> float:
    """Linear from near 0 to `peak` over the first `warmup` steps, then half a cosine down to `final` at `total`.

    `step` counts from 0; the first step of a warm-up already moves (`peak / warmup`).
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))
