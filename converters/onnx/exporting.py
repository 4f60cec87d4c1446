"""Candidates of a run as ONNX files, each compared with the run's own backend before it takes its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx.checker import ValidationError

from converters.logits import Logits, largest_difference, run_plans
from converters.onnx.latency import Latency, measure, open_session
from converters.onnx.model import INPUT, build_model
from toolkit.backends import get_backend
from toolkit.backends.base import Images, Weights
from toolkit.backends.shapes import used
from toolkit.candidates import read_candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.ledger import AVERAGED, Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import atomic_write, digest, read_bytes
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import load_weights, open_data, open_space, quiet
from toolkit.spaces import Plans, get_space
from toolkit.spaces.base import shorten

TOLERANCE = 1e-4
"""Largest difference of logits from the backend's, as a share of the largest logit (or of 1)."""

IMAGES = 32
"""Validation images that are compared."""

STORED = NormPolicy("stored")


@dataclass(frozen=True)
class Options:
    """How to export.

    Attributes:
        checkpoint: the run's newest if None.
        averaged: the moving average of the weights.
        policy: where batch-norm statistics come from: stored, or calibrated for each candidate.
        normalise: the model takes pixels (uint8) and normalises them itself.
        latency: measure how long one image takes, on so many `threads`.
    """

    checkpoint: Path | None = None
    averaged: bool = False
    policy: NormPolicy = STORED
    normalise: bool = False
    latency: bool = False
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """A candidate to export, and the file to write."""

    code: str
    path: Path


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written: its size, and how far its logits are from the backend's (as TOLERANCE says)."""

    code: str
    path: Path
    size: int
    difference: float
    latency: Latency | None


class Exporter:
    """A run's supernet, ready to give away candidates.

    Raises:
        InputError: no run, no such checkpoint; or the policy takes statistics from the batch that passes.
    """

    def __init__(self, run: Path | str, options: Options, progress: Progress = quiet) -> None:
        if options.policy.source == "batch":
            raise InputError(
                f"batch-norm policy {options.policy}: a file cannot hold statistics of images it has not seen; "
                "write stored or calibrate[:IMAGES]"
            )
        folder = RunFolder.open(run)
        recipe = read_recipe(folder.recipe)
        path = options.checkpoint or folder.latest_checkpoint()
        checkpoint = load_checkpoint(path)
        data = open_data(recipe, progress)
        self.space, self._spec, self._options = open_space(recipe, data), data.spec, options
        self._backend = get_backend(recipe.backend, "cpu", "fp32")
        self._network = self._backend.network(self.space, self.space.widest, recipe.seed)
        load_weights(self._network, checkpoint, str(path), averaged=options.averaged)
        self._weights = self._network.weights()
        needed = options.policy.images if options.policy.source == "calibrate" else 0
        if needed > len(data.calibration.labels):
            raise InputError(
                f"batch-norm policy {options.policy}: the data keeps only {len(data.calibration.labels)} images for "
                "calibration; ask for fewer"
            )
        self._calibration = data.calibration.images(np.arange(needed))
        self._images = data.validation.images(np.arange(min(IMAGES, len(data.validation.labels))))
        self._facts = {"space": self.space.name, "checkpoint": checkpoint.digest, "batch_norm": str(options.policy)}

    def export(self, chosen: Chosen) -> Exported:
        """Build, check, compare and write one candidate.

        Raises:
            InputError: the code is not of this space; the model is not valid or computes something else; the file
                cannot be written. Nothing is left behind then.
        """
        arch = self.space.parse(self.space.respelled(chosen.code))
        plans = self.space.supernet_plans(arch)
        weights, expected = self._run(plans)
        facts = self._facts | {"code": self.space.format(arch)}
        model = build_model(plans, weights, self._spec, facts, normalise=self._options.normalise)
        try:
            onnx.checker.check_model(model, full_check=True)
        except (ValidationError, onnx.shape_inference.InferenceError) as error:
            raise InputError(f"{chosen.path}: not written, for onnx.checker refuses it ({error})") from error
        content, feed = model.SerializeToString(), self._input()
        (logits,) = open_session(content, self._options.threads).run(None, {INPUT: feed})
        difference = largest_difference(expected, logits)
        if not difference <= TOLERANCE:
            raise InputError(
                f"{chosen.path}: not written, for its logits differ from those of backend {self._backend.name} by "
                f"{difference:.1e} of the largest logit; allowed are {TOLERANCE:.0e} (code {shorten(chosen.code)})"
            )
        latency = measure(content, feed[:1], self._options.threads) if self._options.latency else None
        with atomic_write(chosen.path) as file:
            file.write(content)
        return Exported(chosen.code, chosen.path, len(content), difference, latency)

    def _run(self, plans: Plans) -> tuple[Weights, Logits]:
        """The weights with the statistics that the policy says, and the backend's logits with them."""
        count = len(self._calibration)
        state = self._normalised(np.concatenate([self._calibration, self._images]))
        if not count:
            return self._weights, run_plans(self._network, plans, state, self._network.stored_norm())
        norm = self._network.calibrating_norm(count)
        logits = run_plans(self._network, plans, state, norm)[count:]
        means = [name for name in used(plans) if name.endswith(".running_mean")]
        weights = dict(self._weights)
        for name, seen in zip(means, self._network.statistics(norm), strict=True):
            weights[name] = seen.mean.astype(np.float32)
            weights[f"{name.removesuffix('mean')}var"] = seen.variance.astype(np.float32)
        return weights, logits

    def _normalised(self, images: Images) -> object:
        return self._backend.normalise(self._backend.place(images), self._spec.mean, self._spec.std)

    def _input(self) -> np.ndarray:
        """The compared images as the model takes them."""
        if self._options.normalise:
            return self._images
        return np.ascontiguousarray(np.asarray(self._normalised(self._images), np.float32))


def export(
    run: Path | str,
    chosen: Sequence[Chosen],
    options: Options,
    progress: Progress = quiet,
    *,
    overwrite: bool = False,
) -> list[Exported]:
    """Export candidates of a run one by one; those written before a problem stay.

    Raises:
        InputError: a file is there already, or see `Exporter`.
    """
    exporter = Exporter(run, options, progress)
    there = [one.path for one in chosen if one.path.exists() and not overwrite]
    problems = [f"{path}: is there already; choose another place, or replace it: --overwrite" for path in there]
    for one in chosen:
        try:
            exporter.space.parse(exporter.space.respelled(one.code))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    exported = []
    for done, one in enumerate(chosen):
        progress("exporting", done, len(chosen))
        exported.append(exporter.export(one))
    progress("exporting", len(chosen), len(chosen))
    return exported


def chosen_by_code(codes: Sequence[str], out: Path) -> list[Chosen]:
    """Candidates by code: one goes to the file `out`, if it is called so, several to files in the folder `out`."""
    if len(codes) == 1 and out.suffix == ".onnx":
        return [Chosen(codes[0], out)]
    if out.suffix == ".onnx":
        raise InputError(f"{out}: several candidates go to a folder; name one with --out")
    return [Chosen(code, out / f"{_file_name(code)}.onnx") for code in codes]


def best(run: Path | str, count: int, out: Path, options: Options) -> list[Chosen]:
    """The candidates with the best top-1 (at equal counts, the lower loss) in the run's ledger, as files in `out`.

    Results are those of the very weights that are exported, from their last evaluation. Files are called by rank, and
    by id where the run's candidates file knows one.

    Raises:
        InputError: there are no such results.
    """
    folder = RunFolder.open(run)
    checkpoint = options.checkpoint or folder.latest_checkpoint()
    identity = digest(read_bytes(checkpoint)) + (AVERAGED if options.averaged else "")
    with Ledger.read(folder.ledger) as ledger:
        settings = [one.setting for one in ledger.settings() if one.setting.checkpoint == identity]
        if not settings:
            raise InputError(f"{folder.ledger}: holds no results of {checkpoint}; `supernet evaluate` makes them")
        results = ledger.results(settings[0])
    ranked = sorted(results, key=lambda code: (-results[code].top1, results[code].loss))[:count]
    ids: dict[str, str] = {}
    if folder.candidates.is_file():
        known = read_candidates(folder.candidates, get_space(read_recipe(folder.recipe).space))
        ids = {code: name for name, code in known.items()}
    digits = len(str(len(ranked)))
    return [
        Chosen(code, out / f"{rank:0{digits}}-{_file_name(ids.get(code, code))}.onnx")
        for rank, code in enumerate(ranked, start=1)
    ]


def _file_name(text: str) -> str:
    """A code or an id as part of a file's name."""
    return re.sub(r"[^0-9A-Za-z_.~-]+", "-", text).strip("-.")[:100] or "candidate"
