"""Search a space with a trained supernet, a predictor or both as judge."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from toolkit.backends.base import Precision
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Filler
from toolkit.methods.few_shot import FewShot
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import Note, quiet
from toolkit.sampling.policy import PolicySampler
from toolkit.search.costs import Cost, Kind, cost_of
from toolkit.search.drive import Score, drive
from toolkit.search.files import write_policy
from toolkit.search.ground import Ground, Limit
from toolkit.search.policy import Policy
from toolkit.search.trace import Round, policy_file, rounds_file, write_found, write_rounds
from toolkit.search.ways import PLAIN, ByPolicy, Rounds, front, pareto
from toolkit.spaces import Arch, SearchSpace, get_space
from toolkit.verbs.evaluation import job_of
from toolkit.verbs.outputs import refuse_existing

Way = Literal["evolution", "policy", "local", "random", "pareto"]
Judge = Literal["supernet", "predictor", "stacked"]

_STREAM = 0x73656172  # sets a search's draws apart from all others made with the same seed


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found.

    Attributes:
        scores: by code, best first; `costs`: of the same networks, in the unit of the Pareto front.
        front: codes that no other beats in score and cost, cheapest first.
        fresh: how many the supernet evaluated now; the others were in the ledger already.
        proposed: the code that a policy is left with, if one searched.
        result, policy: files.
    """

    space: str
    scores: Mapping[str, float]
    costs: Mapping[str, float]
    front: tuple[str, ...]
    fresh: int
    proposed: str | None
    result: Path
    policy: Path | None


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a network may cost, and where latencies stand (CSV, the device's column)."""

    macs: float | None = None
    parameters: float | None = None
    latency: float | None = None
    latencies: Path | None = None
    column: str | None = None

    def cost(self, kind: Kind, space: SearchSpace) -> Cost:
        """The cost of that kind; raises InputError."""
        return cost_of(kind, space, self.latencies, self.column)

    def within(self, space: SearchSpace) -> tuple[Limit, ...]:
        """Those that were given; raises InputError."""
        asked: dict[Kind, float | None] = {"macs": self.macs, "parameters": self.parameters, "latency": self.latency}
        if wrong := [
            f"{kind}: a limit is a number above 0, not {most:g}" for kind, most in asked.items() if _nonsense(most)
        ]:
            raise InputError(wrong)
        return tuple(Limit(kind, self.cost(kind, space), most) for kind, most in asked.items() if most is not None)


def _nonsense(most: float | None) -> bool:
    return most is not None and not most > 0


def search_run(
    run: Path | str,
    *,
    by: Way = "evolution",
    judge: Judge = "supernet",
    labels: Path | str | None = None,
    floor: float | None = None,
    evaluations: int = 500,
    together: int = 32,
    limits: Limits | None = None,
    cost: Kind = "macs",
    start: Literal["space", "policy"] = "space",
    seed: int = 0,
    out: Path | str | None = None,
    checkpoint: Path | None = None,
    norm: str = "calibrate",
    images: int | None = None,
    ema: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    memory: str | None = None,
    precision: Precision = "fp32",
    backend: str | None = None,
    overwrite: bool = False,
    progress: Progress = quiet,
    note: Note = quiet,
) -> Searched:
    """Search for the best networks of a run's space; they need not stand in any file.

    What the supernet evaluates goes into the run's ledger, and a search is a function of its seed and the scores: begun
    again it goes the same way, evaluates nothing twice, and so goes on where it was stopped.

    Args:
        by: regularised evolution, a policy gradient, local search, random draws, or evolution along the Pareto front.
        judge: the supernet's accuracy, a predictor of the labels, or a predictor that knows the supernet's accuracy.
        labels: accuracies of a few networks; by default those that the run trained alone.
        evaluations: networks that are scored; `together`: so many in each round.
        cost: what the Pareto front is against.
        start: random networks are drawn by the space's law, or by the policy that the run learned.
        out: the result, a candidates file with scores, best first; by default the run's `search.json`.

    Raises:
        InputError: bad run, labels, limits or options, or `out` is there already.
        Stopped: Ctrl-C; everything evaluated was recorded.
    """
    folder = RunFolder.open(run)
    result = folder.search if out is None else Path(out)
    refuse_existing(None if out is None else result, overwrite=overwrite)
    recipe, limits = read_recipe(folder.recipe), limits or Limits()
    space = recipe.derive(get_space(recipe.space))
    if evaluations < 1 or together < 1:
        raise InputError("a search scores at least 1 network, and at least 1 together")
    price = limits.cost(cost, space)
    law = None if start == "space" else _learned(recipe, checkpoint or folder.latest_checkpoint(), space).sample
    ground = Ground(space, limits.within(space), None if law is None else lambda rng: law(rng, 1)[0])
    few_shot = None if judge == "supernet" else FewShot(str(labels or folder.standalone), space, floor)
    rng = np.random.default_rng((seed, _STREAM))
    learner = ByPolicy(ground, rng, together) if by == "policy" else None
    rounds = learner.rounds() if learner else _rounds(by, ground, rng, together, price)
    with ExitStack() as stack:
        counted = _Counted(few_shot)
        if judge != "predictor":
            job = job_of(folder, checkpoint, norm, images, ema, workers, ray, memory, precision, backend)
            counted.filler = stack.enter_context(Filler(job, workers=workers, ray=ray, progress=progress))
        score = counted.judge(space)
        trace: list[Round] = []

        def after(known: dict[Arch, float]) -> None:
            values = list(known.values())
            latest = values[trace[-1].scored if trace else 0 :]
            entropies = learner.policy.entropies() if learner else {}
            trace.append(Round(len(values), max(values), float(np.mean(latest)), entropies))
            write_found(result, space, known)
            write_rounds(rounds_file(result), trace)
            if learner:
                write_policy(policy_file(result), learner.policy)
            note(f"{len(values):,} networks, best {max(values):.4f}")
            progress("searching", len(values), evaluations)

        known = drive(rounds, score, evaluations, after)
    return _searched(space, known, price, counted.fresh, result, learner)


class _Counted:
    """Scores of architectures, and how many of them the supernet had to evaluate."""

    def __init__(self, few_shot: FewShot | None) -> None:
        self._few_shot, self.fresh = few_shot, 0
        self.filler: Filler | None = None

    def judge(self, space: SearchSpace) -> Score:
        """What scores; a stacked predictor is first told how the supernet sees the labelled networks."""
        few_shot = self._few_shot
        if few_shot is None:
            return lambda archs: self._direct(space, archs)
        if self.filler is None:
            return lambda archs: few_shot.predict(archs).tolist()
        few_shot.stack(np.array(self._direct(space, few_shot.archs)))
        return lambda archs: few_shot.predict(archs, np.array(self._direct(space, archs))).tolist()

    def _direct(self, space: SearchSpace, archs: Sequence[Arch]) -> list[float]:
        assert self.filler is not None  # noqa: S101
        codes = [space.format(arch) for arch in archs]
        self.fresh += self.filler.fill(codes)
        results = self.filler.ledger.results(self.filler.setting)
        return [results[code].mean("top1") for code in codes]


def _rounds(by: Way, ground: Ground, rng: np.random.Generator, together: int, price: Cost) -> Rounds:
    return front(ground, rng, together, price) if by == "pareto" else PLAIN[by](ground, rng, together)


def _learned(recipe: Recipe, checkpoint: Path, space: SearchSpace) -> Policy:
    """The policy that a training learned.

    Raises:
        InputError: it learned none.
    """
    sampler = recipe.make_method(space).sampler
    if not isinstance(sampler, PolicySampler):
        raise InputError(
            f"--start policy: method {recipe.method.name} learned none; take --start space, or a run of wpnas, parsec "
            "or fpnas"
        )
    prefix = "sampling."
    state = load_checkpoint(checkpoint).method
    sampler.load_state({name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)})
    return sampler.policy


def _searched(
    space: SearchSpace,
    known: dict[Arch, float],
    price: Callable[[Arch], float],
    fresh: int,
    result: Path,
    learner: ByPolicy | None,
) -> Searched:
    order = sorted(known, key=lambda arch: -known[arch])
    costs = [price(arch) for arch in order]
    codes = {arch: space.format(arch) for arch in order}
    best = pareto(order, [known[arch] for arch in order], costs)
    return Searched(
        space.name,
        {codes[arch]: known[arch] for arch in order},
        dict(zip(codes.values(), costs, strict=True)),
        tuple(codes[arch] for arch in best),
        fresh,
        space.format(learner.policy.argmax()) if learner else None,
        result,
        policy_file(result) if learner else None,
    )
