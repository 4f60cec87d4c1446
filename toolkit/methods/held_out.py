"""What paths do on the images that are set aside in a step."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from toolkit.methods.base import Batch
from toolkit.spaces import Arch


def assess(batch: Batch, archs: Sequence[Arch]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Accuracies and mean losses of paths on one batch, the same for all, each of shape (paths,).

    Weights are inherited, batch norm takes the batch's own statistics, and nothing is remembered. Numbers are those of
    all processes together, each with the statistics of its own part. Equal paths are run once.
    """
    assert batch.held_out is not None  # noqa: S101
    images, labels = batch.held_out
    net, ops = batch.net, batch.net.ops
    found: dict[Arch, tuple[float, float]] = {}
    with ops.constant():
        for arch in dict.fromkeys(archs):
            plans = net.space.in_training(net.space.supernet_plans(arch), batch.progress)
            logits = net.run(plans, images, net.batch_norm(), path=arch)
            counts = net.count(logits, labels)
            both = ops.place(np.array([counts.top1, counts.loss]) / counts.total)
            found[arch] = (ops.average(both[0]), ops.average(both[1]))
    accuracies, losses = zip(*(found[arch] for arch in archs), strict=True)
    return np.array(accuracies), np.array(losses)
