"""The leaderboard file of a run: choose among the results in its ledger, and say what is missing and what fills it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.submission.checks import Report
from converters.submission.write import build, score_of, write_submission
from toolkit.backends.base import Counts, Score
from toolkit.candidates import read_candidates
from toolkit.errors import InputError
from toolkit.evaluation.budget import Spent, spent
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.evaluation.partly import predict_rest
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import carried, recorded
from toolkit.files import digest, read_bytes
from toolkit.predictors.agreement import Agreement
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which results to hand in, in the terms of `supernet evaluate`; None: any."""

    checkpoint: Path | None = None
    norm: str | None = None
    images: int | None = None
    ema: bool | None = None
    by: str = "labels"

    def accepts(self, setting: Setting, checkpoint: str | None) -> bool:
        """Whether `setting` is one of them; `checkpoint` is the digest of the wanted one."""
        weights, ema = _weights(setting)
        return (
            checkpoint in (None, weights)
            and (self.norm is None or _same_norm(self.norm, setting.norm))
            and self.images in (None, setting.images)
            and self.ema in (None, ema)
            and self.by == setting.by
        )


def _same_norm(asked: str, recorded: str) -> bool:
    """Whether a policy, as users write it, is one that was recorded; `calibrate` is `calibrate:128`, and no other.

    Raises:
        InputError: it is none.
    """
    return asked == recorded or str(NormPolicy.parse(asked)) == recorded.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Mixed:
    """What of a submission was evaluated and what predicted.

    Attributes:
        evaluated, predicted: how many candidates.
        smooth: the evaluated ones have fitted values too.
        agreement: of predictions with evaluated candidates whose groups were held out.
        model: that predicted.
    """

    evaluated: int
    predicted: int
    smooth: bool
    agreement: Agreement
    model: str

    def __str__(self) -> str:
        fitted = "; fitted values for all of them" if self.smooth else ""
        return (
            f"{self.evaluated:,} candidates evaluated, {self.predicted:,} predicted from them by {self.model}{fitted}. "
            f"Kendall tau of predictions with evaluated candidates held out: {self.agreement}, "
            f"n = {self.agreement.networks:,}"
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was written: the file's report, where its results come from, their cost, and what else there was to take.

    `mixed` says what was evaluated if not all was.
    """

    report: Report
    setting: Setting
    budget: Spent
    others: tuple[Setting, ...]
    mixed: Mixed | None = None


def submit_run(
    run: Path | str,
    candidates: Path | None = None,
    out: Path | None = None,
    score: Score = "top1",
    wanted: Wanted = Wanted(),
    *,
    race: bool = False,
    predicted: bool = False,
    smooth: bool = False,
) -> Submitted:
    """Write the submission of a run, complete and checked.

    Of several settings that are wanted, those of the newest checkpoint come first, then the one evaluated last. By
    default the candidates are the run's last ones, and the submission lies in the run folder. With `race`, candidates
    that were tested on fewer images only are carried along (`toolkit.evaluation.race`). With `predicted`, candidates
    that were not evaluated are predicted from those that were (`toolkit.evaluation.partly`); with `smooth` too, these
    get fitted values as well, which lack the noise of their own evaluation.

    Raises:
        InputError: no run, no such results, or not of all candidates: names what is missing and what fills it.
    """
    if problems := _contradictions(race=race, predicted=predicted, smooth=smooth):
        raise InputError(problems)
    folder = RunFolder.open(run)
    if not folder.ledger.exists():
        raise InputError(
            f"{folder.path}: was never evaluated; first: supernet evaluate {folder.path} --candidates FILE"
        )
    file = candidates or folder.candidates
    space = get_space(read_recipe(folder.recipe).space)
    table = read_candidates(file, space)
    with Ledger.read(folder.ledger) as ledger:
        settings = [holding.setting for holding in ledger.settings()]
        setting = _choose(folder, settings, wanted)
        counts = ledger.results(setting)
        rounds = recorded(ledger, setting, set(table.values())) if race else {}
        budget = spent(ledger, setting, table.values(), race=race)
    used = {setting, *(replace(setting, images=images) for images in rounds)}
    others = tuple(other for other in settings if other not in used)
    mixed: Mixed | None = None
    try:
        if race:
            values = carried(rounds, lambda counts: score_of(counts, score))
            scores = {key: values[code] for key, code in table.items() if code in values}
        elif predicted:
            found = predict_rest(space, table, counts, lambda counts: score_of(counts, score), keep=not smooth)
            scores, evaluated = found.values, len(found.labelled)
            mixed = Mixed(evaluated, len(table) - evaluated, smooth, found.agreement, found.predictor.name)
        else:
            scores = build(table, counts, score)
    except InputError as error:
        if counts.keys() >= set(table.values()):
            raise
        hints = [f"{folder.ledger}: there are other results too, {describe(other)}" for other in others]
        raise InputError([*error.problems, *hints, f"to fill it: {_evaluate_command(folder, file, setting)}"]) from None
    return Submitted(write_submission(out or folder.submission, table, scores), setting, budget, others, mixed)


def _contradictions(*, race: bool, predicted: bool, smooth: bool) -> list[str]:
    found = []
    if race and predicted:
        found.append("a submission of a race has no candidates left to predict; leave out --race or --predicted")
    if smooth and not predicted:
        found.append("--smooth hands in fitted values; it goes with --predicted")
    return found


def run_results(run: Path | str, wanted: Wanted = Wanted()) -> tuple[Setting, dict[str, Counts]]:
    """The results that `submit_run` would choose, of whatever candidates there are, by code.

    Raises:
        InputError: no run, or no such results.
    """
    folder = RunFolder.open(run)
    with Ledger.read(folder.ledger) as ledger:
        setting = _choose(folder, [holding.setting for holding in ledger.settings()], wanted)
        return setting, ledger.results(setting)


def describe(setting: Setting) -> str:
    """A setting in a few words."""
    weights, ema = _weights(setting)
    average = (", moving average" if ema else "") + ("" if setting.by == "labels" else f", by {setting.by}")
    precision = f", {setting.precision}" if setting.precision != "fp32" else ""
    return f"checkpoint {weights[:12]}{average}, batch norm {setting.norm}, {setting.images:,} images{precision}"


def _weights(setting: Setting) -> tuple[str, bool]:
    """Digest of the checkpoint, and whether its moving average was evaluated."""
    return setting.weights, setting.averaged


def _choose(folder: RunFolder, settings: Sequence[Setting], wanted: Wanted) -> Setting:
    newest = wanted.checkpoint or next(reversed(folder.checkpoints().values()), None)
    identity = digest(read_bytes(newest)) if newest else None
    fitting = [one for one in settings if wanted.accepts(one, identity if wanted.checkpoint else None)]
    if not fitting:
        have = "; ".join(map(describe, settings)) or "none at all"
        raise InputError(f"{folder.ledger}: none of its results are the wanted ones. There are: {have}")
    return next((one for one in fitting if _weights(one)[0] == identity), fitting[0])


def _evaluate_command(folder: RunFolder, candidates: Path, setting: Setting) -> str:
    """What adds to the results of `setting`; it names a checkpoint only where that is not the newest."""
    weights, ema = _weights(setting)
    command = ["supernet", "evaluate", str(folder.path), "--candidates", str(candidates)]
    paths = reversed(folder.checkpoints().values())
    path = next((path for path in paths if digest(read_bytes(path)) == weights), None)
    if path and path != folder.latest_checkpoint():
        command += ["--checkpoint", str(path)]
    command += ["--by", setting.by] if setting.by != "labels" else []
    command += ["--norm", setting.norm.partition(" ")[0], "--images", str(setting.images)]
    command += ["--precision", setting.precision] if setting.precision != "fp32" else []
    return shlex.join(command + (["--ema"] if ema else []))
