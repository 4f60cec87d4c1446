"""Score candidates without training: priors, the field's zero-cost proxies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.candidates import accepting_spaces, code_problems, read_table
from toolkit.data import open_dataset
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.priors.base import ImageSource
from toolkit.priors.choice import choose
from toolkit.priors.images import Noise, Pictures
from toolkit.priors.ledger import LEDGER
from toolkit.priors.scoring import Job, Scored, score_candidates
from toolkit.priors.values import write_scores
from toolkit.ranking.tables import read_values
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import Note, open_data, quiet
from toolkit.spaces import SearchSpace, get_space
from toolkit.verbs.outputs import refuse_existing

NAMES = "zen,naswot,synflow,snip,grad_norm"


@dataclass(frozen=True, slots=True)
class ScoredAll:
    """What was scored: the ledger that keeps the scores, and each prior's by code."""

    ledger: Path
    scored: tuple[Scored, ...]


def prior(
    candidates: Path | str,
    score: str = NAMES,
    *,
    space: str | None = None,
    changes: Sequence[str] = (),
    seed: int | None = None,
    code_columns: Sequence[str] = (),
    data: str | None = None,
    size: int | None = None,
    backend: str = "torch",
    device: str = "auto",
    workers: int | None = None,
    ray: str | None = None,
    ledger: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    progress: Progress = quiet,
    note: Note = quiet,
) -> ScoredAll:
    """Score candidates; nothing is done twice.

    Args:
        candidates: a candidates file, a table (with `code_columns`), or a run folder with its data and threads.
        score: names of priors, separated by commas.
        changes: NAME.OPTION=VALUE, such as `zen.repeats=8`.
        out: write scores to this file; `{}` in its name is the prior's.

    Raises:
        InputError: unknown priors or options, bad candidates or data, `out` is there already.
    """
    path = Path(candidates)
    priors = choose(score, changes, seed)
    if out is not None and len(priors) > 1 and "{}" not in out.name:
        raise InputError(f"{out}: one file for {len(priors)} priors; put {{}} where their names belong")
    outputs = {} if out is None else {each.name: out.with_name(out.name.replace("{}", each.name)) for each in priors}
    refuse_existing(*outputs.values(), overwrite=overwrite)
    recipe = None
    if path.is_dir():
        run = RunFolder.open(path)
        recipe, path = read_recipe(run.recipe), run.candidates
    networks, known = _read(path, space or (recipe.space if recipe else None), code_columns)
    kept = ledger or path.with_name(LEDGER)
    several = bool(ray) or (workers or 1) > 1
    threads = 1 if several else recipe.threads if recipe else None
    shaped, images = _images(known, data, size, recipe)
    jobs = [Job(shaped, chosen, images, backend, device, threads) for chosen in priors]
    for job in jobs:
        job.check()
    found = []
    for job in jobs:
        scored = score_candidates(job, networks.values(), kept, workers=workers, ray=ray, progress=progress, note=note)
        if out is not None:
            write_scores(outputs[job.prior.name], networks, scored.scores)
        found.append(scored)
    return ScoredAll(kept, tuple(found))


def _read(path: Path, space: str | None, columns: Sequence[str]) -> tuple[Mapping[str, str], SearchSpace]:
    """Codes by id, in the space's own spelling, and the space."""
    problems: tuple[str, ...] = ()
    if columns:
        table = read_values(path, list(columns), ())
        codes = dict(zip(table.ids, table.codes, strict=True))
    else:
        entries = read_table(path)
        codes, problems = entries.codes, entries.problems
    if not codes:
        raise InputError(problems)
    chosen = get_space(space) if space else accepting_spaces(path, codes.values())[0]
    if problems := (*problems, *code_problems(path, codes, chosen)):
        raise InputError(problems)
    return {name: chosen.format(chosen.parse(code)) for name, code in codes.items()}, chosen


def _images(
    space: SearchSpace, data: str | None, size: int | None, recipe: Recipe | None
) -> tuple[SearchSpace, ImageSource]:
    """The space for the images that are asked for, and these."""
    if data is not None:
        dataset = open_dataset(data, size=size, verify=False)
    elif recipe is not None:
        if size is not None:
            raise InputError(f"--size {size}: a run's images have their own size; leave it out, or give --data as well")
        dataset = open_data(recipe)
    else:
        return space.for_images(space.channels, size or space.size, space.classes), Noise()
    spec = dataset.spec
    return space.for_images(spec.channels, spec.size, spec.classes), Pictures.of(dataset)
