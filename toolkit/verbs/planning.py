"""What it will take, before anything runs: an evaluation, or knowing Kendall's tau."""

from dataclasses import dataclass
from pathlib import Path

from toolkit.candidates import read_candidates
from toolkit.collector import no_collector
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import group_limit
from toolkit.evaluation.memory import chunk_for, parse_size, together, usual_chunk
from toolkit.evaluation.partly import Portion, portions
from toolkit.evaluation.plan import BUDGETS, Budget, Outlook, Sharing, budgets, find_sharing
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.timing import Trial, measure
from toolkit.evaluation.worker import Machine
from toolkit.ranking.planning import Budget as Effort
from toolkit.ranking.planning import plan as plan_effort
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import Note, open_data, open_space, quiet
from toolkit.spaces import Arch, SearchSpace, get_space

IMAGES = 50_000
SHARES = (0.02, 0.05, 0.1)
"""Parts of the candidates that one might evaluate."""

SAMPLES, TOGETHER = 32, 8
"""What is timed, at most: so many times so many candidates that are neighbours in a group."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What an evaluation will take: work, memory and time; and what how many images are worth.

    Attributes:
        outlook: of the evaluation asked for.
        budgets: by rising numbers of images, that of the evaluation among them.
        parts: of the candidates, that one might evaluate to predict the rest.
        accuracy, spread: in percent, what the noise in `budgets` was computed for.
    """

    space: str
    outlook: Outlook[Arch]
    budgets: tuple[Budget, ...]
    parts: tuple[Portion, ...]
    accuracy: float
    spread: float


def plan(
    candidates: Path | str,
    *,
    space: str | None = None,
    run: Path | str | None = None,
    images: int | None = None,
    norm: str = "calibrate",
    memory: str | None = None,
    workers: int = 1,
    seconds: float = 2.0,
    accuracy: float = 70.0,
    spread: float = 1.2,
    progress: Progress = quiet,
    note: Note = quiet,
) -> Planned:
    """What evaluating these candidates will take.

    Args:
        space: the search space, or
        run: a run folder, for whose space, images and device it is planned.
        images: to test on; by default the run's validation images, else 50,000.
        norm, memory, workers: as for `evaluate`.
        seconds: how long this machine is timed; 0: not at all.
        accuracy, spread: a typical one, and the standard deviation of true ones, in percent: for the noise.

    Raises:
        InputError: bad candidates, run or options; the memory is too little.
    """
    policy = NormPolicy.parse(norm)
    limit = None if memory is None else parse_size(memory) // workers
    meant, machine, images = _meant(space, run, images, 1 if workers > 1 else None, progress)
    codes = dict.fromkeys(read_candidates(candidates, meant).values())
    networks = []
    with no_collector():
        for arch in map(meant.parse, codes):
            networks.append((arch, meant.supernet_plans(arch)))
            progress("reading candidates", len(networks), len(codes))
        sharing = find_sharing(networks, group_limit(len(networks), workers), meant.channels, meant.size, progress)
        parts = portions(networks, SHARES, workers)
    chunk = usual_chunk(policy, images, together(meant))
    if limit is not None:
        chunk = min(chunk, chunk_for(limit, sharing.need, policy))
    speed = None
    if seconds:
        trial = Trial(meant, _samples(sharing), images, policy, chunk, seconds, machine)
        note(f"timing this machine, for {seconds:.0f} s or somewhat longer")
        speed = measure(trial, workers)
    outlook = Outlook(sharing, images, policy, chunk, workers, speed)
    rows = budgets(accuracy / 100, spread / 100, sorted({*BUDGETS, images}))
    return Planned(meant.name, outlook, tuple(rows), tuple(parts), accuracy, spread)


def budget(
    networks: int | None = None,
    *,
    within: float = 0.01,
    accuracy: float = 0.7,
    spread: float = 0.012,
    image_correlation: float = 0.0,
) -> Effort:
    """How many stand-alone trainings, and how many validation images, it takes to know Kendall's tau to +-`within`.

    Args:
        networks: with a truth: how sure tau then is.
        accuracy, spread: of the candidates, a typical one and the standard deviation of true ones, as shares.
        image_correlation: how alike two networks err on an image; 0: each saw others.
    """
    return plan_effort(networks, within, accuracy, spread, image_correlation)


def _meant(
    space: str | None, run: Path | str | None, images: int | None, threads: int | None, progress: Progress
) -> tuple[SearchSpace, Machine, int]:
    """The space for its images, where it will run, and the number of images to test on."""
    if space is not None and run is None:
        return get_space(space), Machine(threads=threads), images or IMAGES
    if run is None or space is not None:
        raise InputError("a plan needs either a space or a run; give one of them")
    recipe = read_recipe(RunFolder.open(run).recipe)
    data = open_data(recipe, progress)
    available = len(data.validation.labels)
    if images is not None and images > available:
        raise InputError(f"{images} images to test on: the validation split of {run} has {available}")
    machine = Machine(recipe.backend, recipe.device, threads=threads or recipe.threads)
    return open_space(recipe, data), machine, images or available


def _samples(sharing: Sharing[Arch]) -> list[list[Arch]]:
    """Neighbours in groups here and there."""
    step = -(-len(sharing.groups) // SAMPLES)
    return [[arch for arch, _ in group[:TOGETHER]] for group in sharing.groups[::step]]
