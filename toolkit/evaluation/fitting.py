"""Judges that have to be fitted to a supernet before it can judge: once for a checkpoint, then kept in its run.

`RUN/judges/KIND-IDENTITY.safetensors` holds what was fitted; the same file, the same judge, so results add up.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from toolkit.backends.base import SGD, Backend, Network, Weights
from toolkit.data.base import Dataset, Progress
from toolkit.data.batches import steps_per_epoch, train_batches
from toolkit.errors import InputError
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.judging import By, Embedding, Judge
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import atomic_write, read_bytes
from toolkit.methods.embedding import feature_width, features, trunk
from toolkit.methods.head import Head, first_weights
from toolkit.runs.checkpoint import Checkpoint, parse_safetensors
from toolkit.runs.setup import quiet
from toolkit.spaces import SearchSpace

EPOCHS, BATCH, MOMENTUM = 10, 256, 0.9
FEWEST = 200
"""Steps of the probe, at least."""

LR = 1.0
"""Of the probe, for features whose mean square length is 1: divided by what it is. A tenth of it after 60 % of the
steps, a hundredth after 80 %.
"""

BANK, TOGETHER = 4096, 512
"""Known images of `knn`, and how many of them pass a path together."""

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Fitted:
    """A judge, the supernet's weights with which it judges, and what its results are filed under besides these."""

    judge: Judge
    weights: Weights
    suffix: str


@dataclass(frozen=True)
class Trained:
    """What a judge is fitted to: a checkpoint's supernet, its name in the ledger, and the data.

    Attributes:
        network: with the weights to judge, on the device that fits.
        folder: where what was fitted is kept.
        temperature: of the training's contrastive loss.
    """

    checkpoint: Checkpoint
    identity: str
    backend: Backend
    network: Network
    data: Dataset
    folder: Path
    seed: int
    temperature: float = 0.2


def fitted(by: By, trained: Trained, policy: NormPolicy, images: int | None, progress: Progress = quiet) -> Fitted:
    """A judge for a trained supernet.

    Raises:
        InputError: the checkpoint lacks what the judge needs, or what was fitted before cannot be read.
    """
    lab = trained.checkpoint.lab
    own = {name: _under(f"{name}.", lab) for name in ("head", "teacher", "teacher_head")}
    judge = Judge(by, own["head"], temperature=trained.temperature)
    weights = trained.network.weights()
    if by == "contrastive":
        queue = trained.checkpoint.method.get("queue")
        if not own["head"] or queue is None:
            raise InputError(
                f"checkpoint {trained.identity[:12]}: holds no projection head and queue, as method pinas trains "
                'them with negatives = "queue"; rank by another judge'
            )
        teacher, teacher_head = own["teacher"] or weights, own["teacher_head"] or own["head"]
        views = EvaluationSet.of(trained.data, policy, images, view=1)
        made = replace(judge, teacher=teacher, teacher_head=teacher_head, queue=queue, views=views)
        return Fitted(made, weights, "+contrastive")
    path = trained.folder / f"{by}-{trained.identity[:12]}{'-ema' if '+' in trained.identity else ''}.safetensors"
    if path.exists():
        arrays, _ = parse_safetensors(path, read_bytes(path, largest=None))
    else:
        arrays = _probe(trained, progress) if by == "probe" else _bank(trained, own)
        trained.folder.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            file.write(save(arrays))
    digest = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()
    suffix = f"+{by}:{digest[:8]}"
    if by == "knn":
        return Fitted(replace(judge, keys=arrays["keys"], classes=arrays["classes"]), weights, suffix)
    last = len(trained.network.space.widest) - 1
    fc = {f"blocks.{last}.fc.{part}": arrays[part] for part in ("weight", "bias")}
    return Fitted(judge, weights | fc, suffix)


def _probe(trained: Trained, progress: Progress) -> Arrays:
    """One linear classifier for all paths: `weight` (classes, features) and `bias`.

    The supernet stays as it is, normalised by the batch; every step draws a path. Defaults of Pi-NAS' code (arXiv
    2108.09671) but for the learning rate, which follows the features, and fewer epochs.
    """
    backend, network, data = trained.backend, trained.network, trained.data
    space, ops, spec = network.space, trained.backend.ops, trained.data.spec
    width, rng = feature_width(space), np.random.default_rng([trained.seed, 0x70726F62])
    classifier = backend.parameters({n: a * 0.01 for n, a in first_weights((width, space.classes), rng).items()})
    optimizer = backend.optimizer({"probe": classifier}, SGD(momentum=MOMENTUM))
    head, batch = Head(ops, classifier), min(BATCH, len(data.train.labels))
    per_epoch = steps_per_epoch(len(data.train.labels), batch)
    epochs = max(EPOCHS, -(-FEWEST // per_epoch))
    step, total, lr = 0, epochs * per_epoch, 0.0
    for epoch in range(epochs):
        for images, labels in train_batches(data.train, batch_size=batch, seed=trained.seed, epoch=epoch):
            plans = trunk(space.supernet_plans(_connected(space, rng)))
            with ops.constant():
                shown = backend.normalise(backend.place(images), spec.mean, spec.std)
                seen = ops.detach(features(ops, network.run(plans, shown, network.batch_norm()), width))
            lr = lr or LR / max(float(ops.mean(ops.sum(seen * seen, 1))), 1e-6)
            ops.backward(ops.cross_entropy(head(seen), backend.place(labels)))
            optimizer.step(lr * (1 if step < 0.6 * total else 0.1 if step < 0.8 * total else 0.01))
            step += 1
            progress("fitting the probe", step, total)
    found = classifier.weights()
    return {"weight": found["0.weight"], "bias": found["0.bias"]}


def _bank(trained: Trained, own: Mapping[str, Weights]) -> Arrays:
    """Keys of training images by random paths, of the teacher if there is one, as the queue's are; and classes."""
    backend, data, space = trained.backend, trained.data, trained.network.space
    network, head = trained.network, own["head"]
    if own["teacher"]:
        network, head = backend.network(space, space.widest, 0), own["teacher_head"]
        network.load_weights(own["teacher"])
    embed, rng = Embedding(backend, space, head), np.random.default_rng([trained.seed, 0x62616E6B])
    chosen = rng.permutation(len(data.train.labels))[:BANK]
    keys = []
    for first in range(0, len(chosen), TOGETHER):
        pixels = backend.place(data.train.images(chosen[first : first + TOGETHER]))
        plans = trunk(space.supernet_plans(_connected(space, rng)))
        with network.inference():
            shown = backend.normalise(pixels, data.spec.mean, data.spec.std)
            keys.append(backend.ops.numpy(embed(network.run(plans, shown, network.batch_norm()))))
    return {"keys": np.concatenate(keys).astype(np.float32), "classes": data.train.labels[chosen]}


def _connected(space: SearchSpace, rng: np.random.Generator) -> tuple[int, ...]:
    while not space.connected(arch := space.sample(rng)):
        pass
    return arch


def _under(prefix: str, lab: Mapping[str, npt.NDArray[Any]]) -> Weights:
    return {name.removeprefix(prefix): array for name, array in lab.items() if name.startswith(prefix)}
