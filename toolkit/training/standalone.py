"""Ground truth of one's own: candidates trained alone, from scratch, without sharing."""

import time
from collections.abc import Callable, Mapping

import numpy as np

from toolkit.backends.base import Backend, Counts, Network, Tensor
from toolkit.data.base import Dataset, Progress
from toolkit.errors import Stopped
from toolkit.evaluation.candidates import Candidates, write_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import digest
from toolkit.interrupts import stop_on_interrupt
from toolkit.spaces import Arch, SearchSpace
from toolkit.training.loop import Loop
from toolkit.training.recipe import Recipe, Training
from toolkit.training.run import RunFolder
from toolkit.training.setup import open_backend, open_data, open_space, quiet


def spread_by_macs(space: SearchSpace, candidates: Mapping[str, str], count: int) -> dict[str, str]:
    """`count` of the candidates at evenly spaced quantiles of their MACs: few networks that look like all of them."""
    ranked = sorted(candidates, key=lambda name: space.cost(space.parse(candidates[name])).macs)
    count = min(count, len(ranked))
    places = ((2 * i + 1) * len(ranked) // (2 * count) for i in range(count))
    return {name: candidates[name] for name in (ranked[place] for place in places)}


def train_candidates_alone(
    recipe: Recipe, run: RunFolder, candidates: Mapping[str, str], *, seed: int = 0, progress: Progress = quiet
) -> dict[str, Counts]:
    """Train candidates alone on the run's data, as the recipe's `[training]` says, and note their accuracies.

    Results are kept in the run's `standalone.sqlite` under the training recipe and seed, so a second call goes on where
    the first ended; `standalone.json` then holds all that were asked for.

    Args:
        candidates: codes by id.

    Raises:
        InputError: bad data, or a file cannot be written.
        Stopped: Ctrl-C; networks that were finished are kept.
    """
    data = open_data(recipe, progress)
    space, backend = open_space(recipe, data), open_backend(recipe)
    how = f"{recipe.training.model_dump_json()} {recipe.method.label_smoothing} seed={seed} {data.train.digest}"
    setting = Setting(space.name, digest(how.encode()), data.validation.digest, len(data.validation.labels), "stored")
    with Ledger.write(run.standalone_ledger) as ledger, stop_on_interrupt() as stop:
        codes, done_before = dict.fromkeys(candidates.values()), ledger.done(setting)
        missing = [code for code in codes if code not in done_before]
        finished = len(codes) - len(missing)
        for code in missing:
            started = time.perf_counter()

            def after_step(done: int, total: int, before: int = finished) -> None:
                progress("training alone", before * total + done, len(codes) * total)
                if stop.requested:
                    raise Stopped(
                        f"Stopped; {before} of {len(codes)} networks are finished and kept. "
                        "The same command again goes on from there."
                    )

            counts = train_alone(
                backend,
                space,
                space.parse(code),
                data,
                recipe.training,
                seed=seed,
                label_smoothing=recipe.method.label_smoothing,
                after_step=after_step,
            )
            ledger.record(setting, [Row(code, counts, time.perf_counter() - started)])
            finished += 1
        results = ledger.results(setting)
    accuracies = {name: results[code].top1 / results[code].total for name, code in candidates.items()}
    write_candidates(run.standalone, Candidates(dict(candidates), accuracies))
    return {name: results[code] for name, code in candidates.items()}


def train_alone(
    backend: Backend,
    space: SearchSpace,
    arch: Arch,
    data: Dataset,
    config: Training,
    *,
    seed: int,
    label_smoothing: float = 0.0,
    after_step: Callable[[int, int], None] = lambda *_: None,
) -> Counts:
    """Train one candidate's true network by cross-entropy and test it on the validation split.

    Batch norm uses the network's own running statistics, for they are its alone. `after_step` is called with (steps
    done, total).
    """
    network = backend.standalone(space, arch, seed)
    loop = Loop(backend, network, backend.optimizer(network, config.sgd), data, config, seed)

    def backward(net: Network, images: Tensor, labels: Tensor, _: np.random.Generator) -> dict[str, Tensor]:
        loss = net.cross_entropy(net.forward(arch, images), labels, label_smoothing)
        net.backward(loss)
        return {"loss": net.detach(loss)}

    for done in loop.steps(backward):
        after_step(done.step, loop.total)
    (counts,) = Evaluator(backend, network, data, NormPolicy("stored")).evaluate([arch])
    return counts
