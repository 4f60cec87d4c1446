"""How fast this machine evaluates: a few seconds of real work on noise, with weights that were never trained."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from toolkit.backends.base import Backend, Network
from toolkit.data.base import ImageSpec
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import by_convolution, prefix_tree
from toolkit.evaluation.worker import Machine
from toolkit.executors import spread
from toolkit.spaces import Arch, SearchSpace

FEWEST = 3
"""Samples to take even if that takes longer than was asked for: no spread can be told from fewer."""

_FIRST = 2
"""Images to begin with."""

_ROUNDS = 9
"""What a trial takes at least, in times of its first sample: that, the same with twice the images, `FEWEST` such."""


@dataclass(frozen=True)
class Trial:
    """What to time, as plain data, so that another process can do it.

    Attributes:
        space: for the images that will be tested.
        samples: groups of a few candidates that share what neighbours in a group share.
        images, policy, chunk: of the evaluation to come; fewer images are tested here if time demands.
        seconds: how long to go on, about.
    """

    space: SearchSpace
    samples: Sequence[Sequence[Arch]]
    images: int
    policy: NormPolicy
    chunk: int
    seconds: float
    machine: Machine


@dataclass(frozen=True, slots=True)
class Speed:
    """MACs per second: over all samples, and those of the slowest and the fastest, of which there were `samples`."""

    mean: float
    slowest: float
    fastest: float
    samples: int


def measure(trial: Trial, workers: int = 1) -> Speed:
    """The speed of so many processes together, at work at the same time."""
    with closing(spread(_timer, workers * [trial], workers)) as results:
        found = [speed for some in results for speed in some]
    return Speed(
        sum(speed.mean for speed in found),
        sum(speed.slowest for speed in found),
        sum(speed.fastest for speed in found),
        sum(speed.samples for speed in found),
    )


def _timer() -> Callable[[Trial], Speed]:
    return _measure


def _measure(trial: Trial) -> Speed:
    backend = trial.machine.open()
    network = backend.network(trial.space, trial.space.widest, 0)
    images, most = _FIRST, max(_FIRST, min(trial.chunk, trial.images))
    evaluator = _evaluator(backend, network, trial, images)
    _time(evaluator, trial.samples[0][:1])  # loads and compiles what is needed
    # Where one network takes long, fewer together: all samples and what leads to them shall take the seconds asked for.
    # One alone does as many MACs in a second as several that share (35 against 36 G, `resnet48` at 224 pixels).
    most_together = trial.seconds / (_ROUNDS * max(_time(evaluator, trial.samples[0][:1]), 1e-9))
    samples = [sample[: max(1, int(most_together))] for sample in trial.samples]
    before, taken = math.inf, _time(evaluator, samples[0])
    # Twice as many images until these, and not the calls, are what takes the time, and enough of it.
    while images < most and (taken < 1.5 * before or taken < trial.seconds / (4 * FEWEST)):
        images = min(2 * images, most)
        evaluator = _evaluator(backend, network, trial, images)
        before, taken = taken, _time(evaluator, samples[0])
    macs: list[int] = []
    seconds: list[float] = []
    for sample in samples:
        if len(seconds) >= FEWEST and sum(seconds) > trial.seconds:
            break
        work = by_convolution(prefix_tree([(arch, trial.space.supernet_plans(arch)) for arch in sample]))
        macs.append(images * work.macs)
        seconds.append(_time(evaluator, sample))
    speeds = [each / taken for each, taken in zip(macs, seconds, strict=True)]
    return Speed(sum(macs) / sum(seconds), min(speeds), max(speeds), len(speeds))


def _time(evaluator: Evaluator, archs: Sequence[Arch]) -> float:
    start = time.perf_counter()
    evaluator.evaluate(archs)
    return time.perf_counter() - start


def _evaluator(backend: Backend, network: Network, trial: Trial, images: int) -> Evaluator:
    """An evaluator on noise: `images` in all, of which as large a share calibrates as in the evaluation to come."""
    space, policy = trial.space, trial.policy
    calibration = 0
    if policy.source == "calibrate":
        calibration = max(1, images * policy.images // (policy.images + trial.images))
        policy = replace(policy, images=calibration)
    elif policy.source == "batch":
        policy = replace(policy, images=min(policy.images, images))
    pixels = np.random.default_rng(0).integers(0, 256, (images, space.channels, space.size, space.size), np.uint8)
    spec = ImageSpec(space.channels, space.size, space.classes, (0.5,) * space.channels, (0.25,) * space.channels)
    noise = EvaluationSet(spec, policy, pixels, np.zeros(images - calibration, np.int64), "", "")
    return Evaluator(backend, network, noise, chunk=trial.chunk)
