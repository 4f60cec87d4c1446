"""What a predictor makes of a run: from its results, and from the networks that were trained alone."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from app.store import kept_tables
from app.views import candidates as views
from toolkit.candidates import Candidates, dump_entries, read_table
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.predictors.agreement import Agreement
from toolkit.predictors.design import d_optimal
from toolkit.predictors.inputs import Inputs, of_values
from toolkit.predictors.prediction import Predicted, learning_curve, predict
from toolkit.predictors.predictor import FEWEST, Options
from toolkit.runs.folder import RunFolder
from toolkit.spaces import ABSENT, SearchSpace

ALONE = "Trained alone"
SIZES = (12, 25, 50, 100, 200, 500, 2_000, 5_000, 10_000)
AT_MOST = 5_000
"""Candidates whose predictions show what each option does; more would show the same."""

MOST = 4_000
"""Labels that the page learns from, drawn at random if there are more: these say nearly the same, in far less time."""

QUEUE = 10


@dataclass(frozen=True)
class Study:
    """A predictor of a run's labels, looked at from all sides.

    Attributes:
        labelled, predicted: how many networks have a label, and how many have none.
        points: one row per labelled network that was learned from: `code`, `label`, `predicted` (left out), `sd`,
            `residual`.
        curve: by number of labels: `tau`, `low`, `high`, on the labelled networks that were not used.
        residuals: by `decision`, `option`: mean `residual`, its standard error `se`, and `networks`.
        explained: by decision, the share of the residuals' variance between its options.
        effects: by `decision`, `option`: how far the mean prediction with it lies above that of all, in standard
            deviations of the predictions.
        everyone: one row per candidate, best first: `id`, `code`, `predicted` (fitted), `sd`, and whether it is
            `labelled`, which is to say that it was really evaluated or trained.
    """

    model: str
    kinds: tuple[str, ...]
    features: int
    agreement: Agreement
    points: pd.DataFrame
    curve: pd.DataFrame
    residuals: pd.DataFrame
    explained: pd.Series
    effects: pd.DataFrame
    everyone: pd.DataFrame
    labelled: int
    predicted: int


def labels(run: RunFolder, setting: Setting | None) -> dict[str, float]:
    """By code, what a predictor may learn from: the accuracies of a setting, or of networks trained alone.

    Raises:
        InputError: the file is damaged.
    """
    if setting is None:
        table = read_table(run.standalone)
        if table.problems:
            raise InputError(table.problems)
        return {code: table.accs[key] for key, code in table.codes.items()}
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(setting)
    return {code: each.top1 / each.total for code, each in counts.items()}


def study(run: RunFolder, setting: Setting | None) -> Study:
    """Fit to the accuracies of a setting, or of networks trained alone; kept beyond the server (`app.store`).

    Raises:
        InputError: labels that cannot be learned from.
    """
    follows_from = [*_content(run, *views.ledger_files(run)), repr(setting).encode()]
    return _of_tables(kept_tables("study", follows_from, lambda: _tables(_study(run, setting))))


def _content(run: RunFolder, *more: Path) -> list[bytes]:
    """Digests of what predictions follow from."""
    return [views.file_digest(path) for path in (run.candidates, run.standalone, run.recipe, *more)]


def _tables(found: Study) -> dict[str, pd.DataFrame]:
    """Everything in a study as tables, those of numbers with one row."""
    numbers = {"model": found.model, "kinds": " ".join(found.kinds), "features": found.features}
    numbers |= {"labelled": found.labelled, "predicted": found.predicted}
    return {
        "numbers": pd.DataFrame([numbers]),
        "agreement": pd.DataFrame([asdict(found.agreement)]),
        "explained": found.explained.rename("share").rename_axis("decision").reset_index(),
    } | {name: getattr(found, name) for name in _KEPT}


def _of_tables(tables: Mapping[str, pd.DataFrame]) -> Study:
    numbers, agreement = (tables[name].iloc[0] for name in ("numbers", "agreement"))
    tau, low, high = (float(agreement[name]) for name in ("tau", "low", "high"))
    return Study(
        str(numbers["model"]),
        tuple(str(numbers["kinds"]).split()),
        int(numbers["features"]),
        Agreement(tau, low, high, int(agreement["networks"])),
        explained=tables["explained"].set_index("decision")["share"],
        labelled=int(numbers["labelled"]),
        predicted=int(numbers["predicted"]),
        points=tables["points"],
        curve=tables["curve"],
        residuals=tables["residuals"],
        effects=tables["effects"],
        everyone=tables["everyone"],
    )


_KEPT = ("points", "curve", "residuals", "effects", "everyone")


def _study(run: RunFolder, setting: Setting | None) -> Study:
    known = labels(run, setting)
    inputs = _inputs(run, _some(known))
    found = predict(inputs)
    left_out = found.predictor.left_out()
    points = pd.DataFrame(
        {
            "code": [inputs.codes[place] for place in inputs.labelled],
            "label": inputs.labels,
            "predicted": left_out.mean,
            "sd": left_out.sd,
            "residual": inputs.labels - left_out.mean,
        }
    )
    residuals = by_option(inputs.space, [inputs.archs[place] for place in inputs.labelled], points["residual"])
    spread = float(((points["residual"] - points["residual"].mean()) ** 2).sum()) or 1.0
    between = (residuals["networks"] * (residuals["residual"] - points["residual"].mean()) ** 2).groupby(
        residuals["decision"], sort=False
    )
    everyone = _everyone(inputs, found, known)
    return Study(
        found.predictor.name,
        found.predictor.kinds,
        found.predictor.columns,
        found.agreement,
        points,
        _curve(inputs),
        residuals,
        between.sum() / spread,
        _effects(inputs, found),
        everyone,
        len(known),
        len(everyone) - int(everyone["labelled"].sum()),
    )


def queue(run: RunFolder) -> tuple[pd.DataFrame, bytes]:
    """The candidates that it would be most useful to train alone next, and a file of them after those trained before.

    The file holds the trained ones too, so that `supernet standalone` leaves all in its table of truths.

    Raises:
        InputError: there are no candidates, or a file is damaged.
    """

    def tables() -> dict[str, pd.DataFrame]:
        shown, content = _queue(run)
        return {"shown": shown, "file": pd.DataFrame({"content": [content]})}

    kept = kept_tables("queue", _content(run), tables)
    return kept["shown"], kept["file"]["content"].iloc[0]


def _queue(run: RunFolder) -> tuple[pd.DataFrame, bytes]:
    space, table = views.space_of(run), views.architectures(run).table
    trained = read_table(run.standalone).codes if run.standalone.is_file() else {}
    done = [code for code in trained.values() if not space.problems(code)]
    codes = list(dict.fromkeys([*done, *table["code"]]))
    features = of_values(space, Candidates(dict(enumerate_ids(codes)), {}), {}, _costs(table)).features()
    matrix = features.matrix(space.predicted_from)
    chosen = [codes[place] for place in d_optimal(matrix, QUEUE, known=range(len(set(done))))]
    ids = dict(zip(table["code"], table["id"], strict=True))
    shown = pd.DataFrame({"id": [ids[code] for code in chosen], "code": chosen})
    entries = {**trained, **{ids[code]: code for code in chosen}}
    return shown, dump_entries(entries, dict.fromkeys(entries, 0.0))


def enumerate_ids(codes: list[str]) -> Mapping[str, str]:
    """Codes under ids of no meaning."""
    return {str(number): code for number, code in enumerate(codes)}


def by_option(space: SearchSpace, archs: list[tuple[int, ...]], values: "pd.Series[float]") -> pd.DataFrame:
    """Means of values by decision and option, with standard errors; options that nobody has are left out."""
    rows = []
    for place, decision in enumerate(space.decisions):
        answers = np.array([arch[place] for arch in archs])
        for option in [*range(len(decision.options)), ABSENT]:
            own = values.to_numpy()[answers == option]
            if len(own):
                name = "absent" if option == ABSENT else str(decision.options[option])
                error = float(own.std(ddof=1) / len(own) ** 0.5) if len(own) > 1 else np.nan
                rows.append((decision.name, name, float(own.mean()), error, len(own)))
    return pd.DataFrame(rows, columns=["decision", "option", "residual", "se", "networks"])


def by_reach(effects: Iterable[pd.DataFrame]) -> list[str]:
    """Decisions by how far the effects of their options lie apart in any of these tables, the furthest first."""
    reach = pd.concat(table.groupby("decision", sort=False)["effect"].agg(np.ptp) for table in effects)
    return [str(name) for name in reach.groupby(level=0, sort=False).max().sort_values(ascending=False).index]


def _inputs(run: RunFolder, known: Mapping[str, float]) -> Inputs:
    """The run's candidates with labels; all labelled networks alone if there are no candidates."""
    space = views.space_of(run)
    valid = {code: value for code, value in known.items() if not space.problems(code) and np.isfinite(value)}
    if not run.candidates.is_file():
        return of_values(space, Candidates(enumerate_ids(list(valid)), {}), valid)
    table = views.architectures(run).table
    return of_values(space, Candidates(dict(zip(table["id"], table["code"], strict=True)), {}), valid, _costs(table))


def _costs(table: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Parameters and MACs by code, which are kept."""
    return dict(zip(table["code"], zip(table["params"].tolist(), table["macs"].tolist(), strict=True), strict=True))


def _curve(inputs: Inputs) -> pd.DataFrame:
    total = len(inputs.labels)
    known = inputs.features([*inputs.space.predicted_from, "pairs"]).take(inputs.labelled)
    sizes = [size for size in SIZES if FEWEST <= size <= 0.7 * total]
    found = learning_curve(known, inputs.labels, sizes, Options())
    rows = [(size, each.tau, each.low, each.high) for size, each in found.items()]
    return pd.DataFrame(rows, columns=["labels", "tau", "low", "high"])


def _effects(inputs: Inputs, found: Predicted) -> pd.DataFrame:
    values = np.array(list(found.values.values()))
    archs = [inputs.archs[place] for place in inputs.places.values()]
    step = max(1, -(-len(archs) // AT_MOST))
    scaled = pd.Series((values - values.mean()) / (values.std() or 1.0))[::step]
    means = by_option(inputs.space, archs[::step], scaled)
    return means.rename(columns={"residual": "effect"})


def _some(known: Mapping[str, float]) -> dict[str, float]:
    """All labels, or as many as it takes."""
    codes = list(known)
    chosen = np.random.default_rng(0).permutation(len(codes))[:MOST] if len(codes) > MOST else range(len(codes))
    return {codes[place]: known[codes[place]] for place in chosen}


def _everyone(inputs: Inputs, found: Predicted, known: Mapping[str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "id": list(found.values),
            "code": [inputs.candidates[key] for key in found.values],
            "predicted": list(found.values.values()),
            "sd": list(found.sd.values()),
            "labelled": [key in found.labelled or inputs.candidates[key] in known for key in found.values],
        }
    )
    return frame.sort_values("predicted", ascending=False, kind="stable", ignore_index=True)


def sources(run: RunFolder) -> dict[str, Setting | None]:
    """What there is to learn from, by title; None stands for networks trained alone."""
    held = views.labels(views.settings(run), views.checkpoint_steps(run))
    found: dict[str, Setting | None] = {f"Evaluated: {title}": holding.setting for title, holding in held.items()}
    if run.standalone.is_file():
        found[ALONE] = None
    return found
