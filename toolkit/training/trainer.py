"""Training a supernet: a thin shell of checkpoints and metrics around the loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os.path import normpath
from pathlib import Path
from typing import Any, Protocol

from toolkit.backends import settled
from toolkit.backends.base import Backend, Network, Optimizer
from toolkit.backends.weights import inherited, trunk_of, with_slope
from toolkit.candidates import Candidates, write_candidates
from toolkit.data.base import Dataset, Progress
from toolkit.errors import InputError, Stopped
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import write_text
from toolkit.interrupts import stop_on_interrupt
from toolkit.methods import Method
from toolkit.methods.lab import Lab, copy_of
from toolkit.runs.checkpoint import Checkpoint, Facts, load_checkpoint, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.left_out import tell_what_was_left_out
from toolkit.runs.metrics import MetricLog, rewind_metrics
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import Note, load_weights, open_backend, open_data, open_space, quiet
from toolkit.spaces import SearchSpace
from toolkit.spaces.mixtures import Mixable
from toolkit.spaces.splitting import SplitSpace
from toolkit.training.loop import Loop, Step
from toolkit.training.reorder import reorder_channels, trained_widths
from toolkit.training.tally import Tally

_LOG_SECONDS = 1.0
"""How often a line goes to the metrics: reading losses back from a GPU stalls it, so not at every step."""

_WATCHED_IMAGES = 512
"""Validation images on which the largest and the smallest path are tested after each epoch, with batch statistics."""


class Watch(Protocol):
    """What looks at a training, step by step."""

    def observe(self, done: Step) -> str:
        """Take note of a step; returns a few words if there is something to say, else nothing."""


Watching = Callable[[Loop, Dataset, Recipe, RunFolder, int], Watch]
"""Makes what watches a training that goes on from a step; see `toolkit.interference.watch`."""


def prepare_run(recipe: Recipe | None, path: Path, *, resume: bool) -> tuple[Recipe, RunFolder]:
    """The recipe and folder of a new run, or of one to go on with.

    Raises:
        InputError: the folder holds a run and `resume` was not asked for; nothing to resume; another recipe; the folder
            cannot be made.
    """
    run = RunFolder(path)
    if not resume:
        if run.exists():
            raise InputError(f"{path}: holds a run already; go on with it by --resume, or choose another --out")
        if recipe is None:
            raise InputError("no recipe given; name a TOML file or a shipped recipe")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be a run folder ({error.strerror}); choose another --out") from error
        return recipe, run
    kept = read_recipe(RunFolder.open(path).recipe)
    if recipe is not None and (problems := differences(recipe, kept, str(path))):
        raise InputError(problems)
    return kept, run


def with_settled_precision(recipe: Recipe, run: RunFolder) -> Recipe:
    """The recipe as it is run: "auto" is what the run was begun with, or what trains faster here.

    Raises:
        InputError: the backend cannot be opened, or the run's recipe not be read.
    """
    training = recipe.training
    if training.precision != "auto":
        return recipe
    if run.exists():
        precision = read_recipe(run.recipe).training.precision
    else:
        precision = settled(recipe.backend, recipe.device, training.precision, recipe.threads)
    return recipe.model_copy(update={"training": training.model_copy(update={"precision": precision})})


def train(
    recipe: Recipe,
    run: RunFolder,
    progress: Progress = quiet,
    note: Note = quiet,
    data: Dataset | None = None,
    watching: Watching | None = None,
) -> Path:
    """Train from the run's last checkpoint, or from the beginning, to the end of the schedule.

    Args:
        data: the recipe's, where it was opened already.
        watching: what watches, where the recipe has a `[probe]` table.

    Returns:
        the last checkpoint.

    Raises:
        InputError: bad data or checkpoint, disk full, or the loss is no longer a number.
        Stopped: Ctrl-C; the state at the last finished step was saved.
    """
    if recipe.probe.every_epochs and watching is None:
        raise TypeError("this recipe asks for probes: hand in what watches, such as toolkit.interference.watch")
    recipe = with_settled_precision(recipe, run)
    backend = open_backend(recipe)
    begun = bool(run.checkpoints())
    data = data or open_data(recipe, progress, verify=backend.rank == 0 and not begun)
    if backend.rank == 0:
        tell_what_was_left_out(data, run)
    space = open_space(recipe, data)
    state = begin(recipe, backend, space, run if begun else None, run.path)
    loop, method, start = state.loop(backend, data, recipe), state.method, state.start
    backend.barrier()  # every process has seen the folder as it was
    if backend.rank == 0:
        if not run.exists():
            write_text(run.recipe, recipe.to_toml())
        rewind_metrics(run, start)
    every = recipe.checkpoints.every_epochs * loop.steps_per_epoch
    facts: dict[str, Any] = {
        "space": space.name,
        "channels": space.channels,
        "size": space.size,
        "classes": space.classes,
        "recipe": recipe.digest,
    }

    def save(step: int) -> None:
        if backend.rank == 0 and not run.checkpoint(step).exists():
            state.save(run.checkpoint(step), Facts(step=step, **facts))
            _prune(run, recipe.checkpoints.keep)

    monitor = _Monitor(backend, state.network, data, run, method) if backend.rank == 0 else None
    watch = None
    if watching is not None and backend.rank == 0 and recipe.probe.every_epochs:
        watch = watching(loop, data, recipe, run, start)
    with stop_on_interrupt() as stop:
        for done in loop.steps(method.step, start, method.after):
            at_epoch = done.step % loop.steps_per_epoch == 0
            if monitor is not None:
                monitor.observe(done, recipe.training.batch_size, note, at_epoch=at_epoch)
                if watch is not None and (words := watch.observe(done)):
                    note(words)
                    monitor.restart()
            if done.step % every == 0 or done.step == loop.total:
                save(done.step)
            progress("training", done.step, loop.total)
            if stop.requested:
                save(done.step)
                raise Stopped(
                    f"Stopped after step {done.step} of {loop.total}, which is saved. Go on with: "
                    f"supernet train --resume --out {run.whole}"
                )
    if monitor is not None:
        monitor.log.close()
    backend.barrier()
    return run.latest_checkpoint()


@dataclass(frozen=True, slots=True)
class State:
    """All that a training changes, after `start` steps.

    Attributes:
        average: the moving average of the network's weights, if one is kept.
        lab: what the method owns.
        tally: what was trained how often.
    """

    network: Network
    optimizer: Optimizer
    average: Network | None
    method: Method
    lab: Lab
    tally: Tally
    start: int = 0

    def loop(self, backend: Backend, data: Dataset, recipe: Recipe) -> Loop:
        """What trains it."""
        return Loop(
            backend,
            self.network,
            self.optimizer,
            data,
            recipe.training,
            recipe.seed,
            needs=self.method.needs(),
            average=self.average,
            lab=self.lab,
            tally=self.tally,
            method=self.method,
        )

    def save(self, path: Path, facts: Facts) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            path,
            facts,
            self.network.weights(),
            optimizer=self.optimizer.state(),
            ema={} if self.average is None else self.average.weights(),
            method=self.method.state(),
            lab=self.lab.state(),
            trained=self.tally.state(),
        )

    def load(self, checkpoint: Checkpoint, where: str) -> None:
        """Go on from a checkpoint.

        Raises:
            InputError: it is of another space, or of another method.
        """
        load_weights(self.network, checkpoint, where)
        self.optimizer.load_state(checkpoint.optimizer)
        if self.average is not None and checkpoint.ema:
            self.average.load_weights(checkpoint.ema)
        try:
            self.lab.load_state(checkpoint.lab)
            self.method.load_state(checkpoint.method)
            self.tally.load_state(checkpoint.trained)
        except InputError as error:
            raise InputError(f"{where}: {problem}" for problem in error.problems) from error


def begin(recipe: Recipe, backend: Backend, space: SearchSpace, run: RunFolder | None, folder: Path = Path()) -> State:
    """What is trained, after the last checkpoint of `run`, or fresh without one.

    Args:
        folder: from which `initial.run` is looked for.

    Raises:
        InputError: there is no checkpoint, it is damaged, or it was trained with another recipe.
    """
    network = backend.network(space, space.widest, recipe.seed)
    before = _initialise(backend, network, recipe, folder) if run is None else None
    state = fresh(recipe, backend, network)
    if before is not None and recipe.initial.owned:
        state.lab.take_over(before.lab)
    if run is None:
        return state
    path = run.latest_checkpoint()
    checkpoint = load_checkpoint(path)
    if checkpoint.facts.recipe != recipe.digest:
        raise InputError(f"{path}: was trained with another recipe than {run.recipe}; start a new run")
    state.load(checkpoint, str(path))
    return replace(state, start=checkpoint.facts.step)


def fresh(recipe: Recipe, backend: Backend, network: Network) -> State:
    """The training of a network that begins with the weights that it has."""
    method, lab = recipe.make_method(network.space), Lab(backend, network, recipe.seed)
    method.begin(lab)
    average = None if recipe.training.ema is None else copy_of(backend, network)
    if recipe.training.accumulate and lab.names:  # which a method may move in each call of its step
        raise InputError(
            f"training.accumulate: method {method.name} owns {', '.join(lab.names)}, and moves it in every step; leave "
            "training.accumulate out"
        )
    tally = Tally(network.space)
    return State(network, backend.optimizer(network, recipe.training.made_optimizer), average, method, lab, tally)


def load_tally(tally: Tally, checkpoint: Checkpoint, path: Path) -> None:
    """What a checkpoint says was trained how often.

    Raises:
        InputError: it says so of another space.
    """
    try:
        tally.load_state(checkpoint.trained)
    except InputError as error:
        raise InputError(f"{path}: {problem}" for problem in error.problems) from error


class _Monitor:
    """Writes metrics about once a second and after each epoch, and stops a diverged run."""

    def __init__(self, backend: Backend, network: Network, data: Dataset, run: RunFolder, method: Method) -> None:
        self.log, self._method = MetricLog(run), method
        images = min(_WATCHED_IMAGES, len(data.validation.labels))
        self._evaluator = Evaluator(
            backend, network, EvaluationSet.of(data, NormPolicy("batch", _WATCHED_IMAGES), images)
        )
        self._space: SearchSpace = network.space
        self._since, self._steps = time.perf_counter(), 0
        self._tested = ""  # the last test of the largest and smallest path
        self._run = run

    def observe(self, done: Step, batch_size: int, note: Note, *, at_epoch: bool) -> None:
        """Take note of a step."""
        self._steps += 1
        now = time.perf_counter()
        if now - self._since < _LOG_SECONDS and not at_epoch:
            return
        values = {name: float(value) for name, value in done.values.items()}
        speed = self._steps * batch_size / (time.perf_counter() - self._since)
        if not (math.isfinite(values["loss"]) and math.isfinite(values["grad_norm"])):
            raise InputError(
                f"{self._run.path}: training diverged: at step {done.step} the loss is {values['loss']:g} and the "
                f"gradient's norm {values['grad_norm']:g}; start a new run with a lower training.lr, or with "
                "training.clip_norm"
            )
        if at_epoch:
            extremes = {"largest": self._space.largest, "smallest": self._space.smallest}
            for name, counts in zip(extremes, self._evaluator.evaluate(list(extremes.values())), strict=True):
                values[f"{name}_top1"] = counts.top1 / counts.total
            self._tested = ", ".join(f"{name} {values[f'{name}_top1']:.1%}" for name in extremes)
            values |= self._derived()
        remark = self._method.remark(values)
        tested = self._tested and f", top-1: {self._tested}"
        note(f"epoch {done.epoch:.1f}, loss {values['loss']:.3f}{tested}{remark and f'; {remark}'}")
        self.log.write(done.step, done.epoch, lr=done.lr, images_per_second=speed, **values)
        self.restart()

    def _derived(self) -> dict[str, float]:
        """File the candidate that the method's architecture comes to; returns how its edges share the operations."""
        arch, space = self._method.derived(), self._space
        if arch is None:
            return {}
        write_candidates(self._run.derived, Candidates({"derived": space.format(arch)}, {"derived": 0.0}))
        if not isinstance(space, Mixable):
            return {}
        return {f"share.{name}": share for name, share in space.shares(arch).items()}

    def restart(self) -> None:
        """Measure the speed from now on."""
        self._since, self._steps = time.perf_counter(), 0


def _initialise(backend: Backend, network: Network, recipe: Recipe, folder: Path) -> Checkpoint | None:
    """Give a network the weights that its training begins with; returns the checkpoint that they are from, if any."""
    initial, space = recipe.initial, network.space
    path, checkpoint = None if initial.weights is None else Path(initial.weights), None
    if initial.run is not None:
        path = RunFolder(normpath(folder / initial.run)).latest_checkpoint()  # `folder` itself need not be there yet
    if initial.slope is not None:
        network.load_weights(with_slope(network.weights(), initial.slope))
    if path is not None:
        checkpoint = load_checkpoint(path)
        if initial.reorder_channels and checkpoint.model.keys() != trunk_of(checkpoint.model).keys():
            raise InputError(
                f"{path}: has groups of widths or a HyperNet, whose channels cannot be reordered; leave that out"
            )
        load_weights(network, checkpoint, str(path), resized=True)
    elif isinstance(space, SplitSpace):  # what is split begins as what it was split from
        whole = backend.network(space.base, space.base.widest, recipe.seed).weights()
        network.load_weights(inherited(network.weights(), whole))
    if initial.reorder_channels:  # groups are leading channels, of the new order
        weights = network.weights()
        kept = trained_widths(space, initial.reorder_within or ())
        network.load_weights(inherited(weights, reorder_channels(trunk_of(weights), kept)))
    return checkpoint


def _prune(run: RunFolder, keep: int) -> None:
    for path in list(run.checkpoints().values())[:-keep]:
        path.unlink(missing_ok=True)


def differences(asked: Recipe, kept: Recipe, where: str) -> list[str]:
    """Every value in which two recipes differ."""

    def flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in table.items():
            result |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return result

    new, old = flat(asked.model_dump()), flat(kept.model_dump())
    return [
        f"{where}: was begun with {key} = {old.get(key)!r}, the recipe given says {new.get(key)!r}; resume with the "
        "run's own recipe, or start a new run"
        for key in new | old
        if new.get(key) != old.get(key) and not (key == "training.precision" and new[key] == "auto")
    ]
