"""Losses, each written once over a backend's `Ops`. Plain cross-entropy is in `Ops`, because frameworks fuse it."""

import math

from toolkit.backends.ops import Ops, Tensor


def soft_cross_entropy(ops: Ops, logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of logits (n, classes) against softmax(`target`), temperature 1, a constant.

    Computed in float32.
    """
    return ops.soft_cross_entropy(logits, ops.softmax(target))


def alpha_divergence(
    ops: Ops, logits: Tensor, target: Tensor, alphas: tuple[float, float], clip: float, *, clip_kl: bool = False
) -> Tensor:
    """Mean over images of the larger of two alpha-divergences of softmax(`logits`) from softmax(`target`).

    Of p, the target, and q, D_a = (sum q (p/q)^a - 1) / (a (a - 1)); a = 1 is KL(p || q), and 0 is not allowed. The
    weight (p/q)^a is no more than `clip`, and constant in the gradient (AlphaNet, arXiv 2102.07954, eq. 6-8).
    Computed in float32 from log-probabilities, so that it is finite for finite logits.

    Args:
        clip_kl: clip at a = 1 too. AlphaNet's published code does not.
    """
    log_p, log_q = ops.detach(ops.log_softmax(target)), ops.log_softmax(logits)
    constant = ops.detach(log_q)
    q = ops.exp(constant)
    sizes, losses = [], []
    for alpha in alphas:
        if alpha == 1 and not clip_kl:
            weight = ops.exp(log_p)
        else:
            # Clipped as a logarithm: (p/q)^alpha itself overflows where q is close to 0.
            weight = q * ops.exp(ops.minimum(alpha * (log_p - constant), math.log(clip)))
        if alpha == 1:
            sizes.append(ops.sum(ops.exp(log_p) * (log_p - constant), 1))
        else:
            sizes.append((ops.sum(weight, 1) - 1) / (alpha * (alpha - 1)))
        losses.append(-ops.sum(weight * log_q, 1) / alpha)  # whose gradient is that of the clipped divergence
    return ops.mean(ops.where(sizes[0] > sizes[1], losses[0], losses[1]))


def contrastive(ops: Ops, queries: Tensor, keys: Tensor, negatives: Tensor | None, temperature: float) -> Tensor:
    """InfoNCE: mean of -log(exp(q.k / t) / (exp(q.k / t) + sum over negatives of exp(q.n / t))) (arXiv 1807.03748).

    Computed in float32 by log-softmax. Gradients flow to whatever is no constant.

    Args:
        queries, keys: shape (n, features), of length 1 (`Ops.normalise`); a query belongs to the key of its row.
        negatives: shape (m, features), of length 1, the same for all queries, such as a queue of earlier keys (MoCo,
            arXiv 1911.05722); None: the keys of the other rows.
    """
    if negatives is None:
        alike = ops.log_softmax(queries @ keys.T / temperature)
        return -ops.mean(alike.diagonal())
    positive = ops.sum(queries * keys, 1)[:, None]
    alike = ops.log_softmax(ops.concatenate([positive, queries @ negatives.T], 1) / temperature)
    return -ops.mean(alike[:, 0])


def hinge(x: Tensor) -> Tensor:
    """max(0, x)."""
    return (x + abs(x)) / 2
