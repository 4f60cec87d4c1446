"""Ground truth of one's own: candidates trained alone, from scratch, without sharing."""

import csv
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

from toolkit.backends.base import Backend, Counts, Network, Tensor, Weights
from toolkit.candidates import Candidates, write_candidates
from toolkit.data.base import Dataset, Progress
from toolkit.data.batches import steps_per_epoch
from toolkit.errors import Stopped
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.ledger import AloneSetting, Ledger, Row
from toolkit.evaluation.policy import NormPolicy
from toolkit.executors import spread
from toolkit.files import digest, write_text
from toolkit.interrupts import interrupt_at_once
from toolkit.methods import Batch
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space, quiet
from toolkit.runs.tables import Training
from toolkit.spaces import Arch, Plans, SearchSpace
from toolkit.spaces.base import Auxiliary
from toolkit.training.drop_path import dropping, kept_paths
from toolkit.training.loop import Loop
from toolkit.training.warm import start_warm, supernet_weights

Seeds = Sequence[int]


def train_candidates_alone(
    recipe: Recipe,
    run: RunFolder,
    candidates: Mapping[str, str],
    *,
    seeds: Seeds = (0,),
    workers: int | None = None,
    ray: str | None = None,
    warm: Path | None = None,
    progress: Progress = quiet,
) -> dict[str, list[Counts]]:
    """Train candidates alone on the run's data, as the recipe's `[training]` says, and note their accuracies.

    Results are kept in the run's `standalone.sqlite` under the training recipe and the seed, so a second call goes on
    where the first ended. All that were asked for then stand in `standalone.json`, the mean over the seeds, and in
    `standalone.csv`, each seed for itself: two tables of truths for `supernet rank`. The latter also has, as the mean
    over the seeds, the loss on the validation split and the loss over all of the training (Ru et al., NeurIPS 2021,
    sum it: with one recipe for all that orders alike).

    Args:
        candidates: codes by id.
        seeds: of the initial weights and of the order of images: each candidate is trained once with each.
        workers, ray: where the work is done; see `toolkit.executors.hire`. Several processes take one CPU thread each.
        warm: a checkpoint of the supernet that networks begin with, instead of from scratch.

    Returns:
        by id, the counts of each seed.

    Raises:
        InputError: bad data, a file cannot be written, or Ray cannot be reached.
        Stopped: Ctrl-C; networks that were finished are kept.
    """
    data = open_data(recipe, progress)
    space = open_space(recipe, data)
    _ = space.auxiliary  # or it is known only after the first network was begun that images are too small
    weights, origin = (None, "") if warm is None else supernet_weights(warm)
    settings = {seed: _setting(recipe, space, data, seed, origin) for seed in seeds}
    codes = dict.fromkeys(candidates.values())
    total = len(codes) * len(settings)
    finished = 0

    def report(done: int = 0, of: int = 1) -> None:
        """`of` steps make a training; `done` of the one in hand are."""
        progress("training alone", finished * of + done, total * of)

    if ray or (workers or 1) > 1:
        make = partial(_Trainer, recipe, space, data, weights, threads=1)
    else:
        make = partial(_Trainer, recipe, space, data, weights, after_step=report)
    with Ledger.write(run.standalone_ledger) as ledger:
        # Seed by seed: a ranking by one seed of every network says more than one by every seed of a few.
        tasks = [_Task(code, seed) for seed in settings for code in codes if code not in ledger.done(settings[seed])]
        finished = total - len(tasks)
        report()
        try:
            with interrupt_at_once(), closing(spread(make, tasks, workers, ray, gpus=recipe.device != "cpu")) as done:
                for results in done:
                    for task, row, training in results:
                        # Its training first: what is done is told by the result.
                        ledger.record(_of_training(settings[task.seed], data, training.counts.total), [training])
                        ledger.record(settings[task.seed], [row])
                    finished += len(results)
                    report()
        except KeyboardInterrupt:
            raise Stopped(
                f"Stopped; {finished} of {total} trainings are finished and kept. "
                "The same command again goes on from there."
            ) from None
        results_by_seed = [ledger.results(setting) for setting in settings.values()]
        seen = recipe.training.epochs * _images_per_epoch(data, recipe.training.batch_size)
        trainings = [ledger.results(_of_training(setting, data, seen)) for setting in settings.values()]
    counts = {name: [results[code] for results in results_by_seed] for name, code in candidates.items()}
    accuracies = {name: [each.top1 / each.total for each in trained] for name, trained in counts.items()}
    write_candidates(run.standalone, Candidates(dict(candidates), {name: fmean(a) for name, a in accuracies.items()}))
    losses = {name: (_loss(code, results_by_seed), _loss(code, trainings)) for name, code in candidates.items()}
    write_text(run.standalone_seeds, _table(candidates, accuracies, losses, list(settings)))
    return counts


def train_alone(
    backend: Backend,
    space: SearchSpace,
    arch: Arch,
    data: Dataset,
    config: Training,
    *,
    seed: int,
    label_smoothing: float = 0.0,
    after_step: Callable[[int, int], None] = quiet,
    supernet: Weights | None = None,
) -> "Trained":
    """Train one candidate's true network by cross-entropy and test it on the validation split.

    Where the space says so (`drop_path`), cells are without some of their edges; what is tested has them all.

    With `supernet`, it begins with the weights of its path through one; see `start_warm`. The loss of an auxiliary
    classifier is added, if the space has one; it is no part of the network that is tested.

    Batch norm uses the network's own running statistics, for they are its alone. `after_step` is called with (steps
    done, total).
    """
    plans, auxiliary = space.plans(arch), space.auxiliary
    run = dropping(plans) if space.drop_path else plans
    network = backend.network(space, plans if auxiliary is None else (*plans, auxiliary.plan), seed)
    if supernet is not None:
        start_warm(network, space, arch, supernet)
    losses: list[Tensor] = []
    loop = Loop(backend, network, backend.optimizer(network, config.made_optimizer), data, config, seed)

    def backward(batch: Batch) -> dict[str, Tensor]:
        net, weights = batch.net, None
        if space.drop_path:
            dropped = space.drop_path * batch.epoch / config.epochs
            kept = kept_paths(run, batch.rng, batch.images.shape[0], dropped)
            weights = {position: backend.place(table) for position, table in kept.items()}
        if auxiliary is None:
            loss = net.ops.cross_entropy(net.run(run, batch.images, weights=weights), batch.labels, label_smoothing)
        else:
            loss = _with_auxiliary(net, run, weights, auxiliary, batch, label_smoothing)
        net.ops.backward(loss)
        return {"loss": net.ops.detach(loss)}

    for done in loop.steps(backward):
        losses.append(done.values["loss"])
        after_step(done.step, loop.total)
    (counts,) = Evaluator(backend, network, EvaluationSet.of(data, NormPolicy("stored")), plans=space.plans).evaluate(
        [arch]
    )
    images = loop.total * config.batch_size
    return Trained(counts, Counts(0, 0, images, config.batch_size * sum(map(float, losses))))


def _with_auxiliary(
    net: Network,
    plans: Plans,
    weights: Mapping[int, Tensor] | None,
    auxiliary: Auxiliary,
    batch: Batch,
    label_smoothing: float,
) -> Tensor:
    """The loss of a network and, weighted, of the classifier that reads one of its blocks."""
    left: dict[int, Tensor] = {}
    logits = net.run((*plans, None), batch.images, watch=left.__setitem__, weights=weights)
    others = net.run((*[None] * len(plans), auxiliary.plan), left[auxiliary.position])
    own, other = (net.ops.cross_entropy(each, batch.labels, label_smoothing) for each in (logits, others))
    return own + auxiliary.weight * other


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training alone: counts of the test; and of the images as they were trained on, their loss only."""

    counts: Counts
    training: Counts


@dataclass(frozen=True, slots=True)
class _Task:
    code: str
    seed: int


class _Trainer:
    """Trains candidates, one after the other; every call is a task of an executor."""

    def __init__(
        self,
        recipe: Recipe,
        space: SearchSpace,
        data: Dataset,
        supernet: Weights | None = None,
        threads: int | None = None,
        after_step: Callable[[int, int], None] = quiet,
    ) -> None:
        self._recipe, self._space, self._data, self._after_step = recipe, space, data, after_step
        self._supernet = supernet
        self._backend = open_backend(recipe, threads)

    def __call__(self, task: _Task) -> tuple[_Task, Row, Row]:
        started = time.perf_counter()
        found = train_alone(
            self._backend,
            self._space,
            self._space.parse(task.code),
            self._data,
            self._recipe.training,
            seed=task.seed,
            label_smoothing=self._recipe.method.label_smoothing,
            after_step=self._after_step,
            supernet=self._supernet,
        )
        row = Row(task.code, found.counts, time.perf_counter() - started)
        return task, row, Row(task.code, found.training, 0.0)


def _setting(recipe: Recipe, space: SearchSpace, data: Dataset, seed: int, supernet: str) -> AloneSetting:
    """What results are filed under: all that they depend on; `supernet` is the digest of what they began with."""
    how = f"{recipe.training.dump()} {recipe.method.label_smoothing} seed={seed} {data.identity(data.train)}"
    if data.augmentation is not None:
        how += f" {data.augmentation}"
    how += f" from {supernet}" if supernet else ""
    if (options := recipe.space_options) is not None:
        alone = {name: value for name, value in options.given.items() if name not in options.of_supernet}
        how += f" {json.dumps(alone)}" if alone else ""
    return AloneSetting(
        space.name, digest(how.encode()), data.identity(data.validation), len(data.validation.labels), "stored"
    )


def _of_training(setting: AloneSetting, data: Dataset, images: int) -> AloneSetting:
    """What the losses of the trainings themselves are filed under."""
    return replace(setting, data=data.identity(data.train), images=images, norm="training")


def _images_per_epoch(data: Dataset, batch_size: int) -> int:
    return batch_size * steps_per_epoch(len(data.train.labels), batch_size)


def _loss(code: str, by_seed: Sequence[Mapping[str, Counts]]) -> float | None:
    """The mean cross-entropy over all seeds; None if a training was filed before such losses were."""
    found = [results[code] for results in by_seed if code in results]
    return fmean(counts.loss / counts.total for counts in found) if len(found) == len(by_seed) else None


def _table(
    candidates: Mapping[str, str],
    accuracies: Mapping[str, Sequence[float]],
    losses: Mapping[str, tuple[float | None, float | None]],
    seeds: Seeds,
) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "arch", "acc", "loss", "training_loss", *(f"seed{seed}" for seed in seeds)])
    for name, code in candidates.items():
        rows.writerow([name, code, fmean(accuracies[name]), *losses[name], *accuracies[name]])
    return text.getvalue()
