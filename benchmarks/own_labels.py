"""Own labels on resnet20: estimates beside one another on given truths, and what each makes of every layer's width.

Run it from the root of the checkout: python -m benchmarks.own_labels --truth TRUTH.json --labels LABELS.csv
    [--label-column loss] NAME=PREDICTIONS.json ...

The first estimate is compared with all others, with parameters, MACs and the sum of log widths: Kendall tau with 95%
intervals over networks, and paired differences. Slopes are those of a least-squares fit of log c of all 19 widths to a
standardised score, with standard errors: of the truth and every estimate on the networks with a truth, and of the
labels on their own networks.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from toolkit.predictors.agreement import judge
from toolkit.ranking.tables import CODE, VALUE, read_values
from toolkit.spaces import get_space

SPACE = get_space("resnet20")


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--label-column", default="loss")
    parser.add_argument("estimates", nargs="+", help="NAME=FILE")
    options = parser.parse_args()
    true = read_values(options.truth, [CODE], [VALUE])
    truth, codes = true.values[VALUE], list(true.codes)
    archs = [SPACE.parse(code) for code in codes]
    estimates = {}
    for name, _, path in (each.partition("=") for each in options.estimates):
        table = read_values(Path(path), [CODE], [VALUE])
        values = dict(zip(table.codes, table.values[VALUE], strict=True))
        estimates[name] = np.array([values[code] for code in codes])
    given = dict(estimates)
    given |= {name.removeprefix("log "): column for name, column in SPACE.feature_kinds["costs"](archs).items()}
    given["sum of log c"] = logs(codes).sum(axis=1)
    taus, gains = judge(given, truth, next(iter(estimates)))
    shown = Table("estimate", "tau [95%]", "the first is ahead by", box=None)
    for name, agreement in taus.items():
        shown.add_row(name, str(agreement), str(gains.get(name, "")))
    Console(width=110).print(f"n = {len(truth)}", shown)

    labelled = read_values(options.labels, [CODE], [options.label_column])
    sign = 1 if options.label_column == VALUE else -1
    columns = {"truth": slopes(codes, truth)}
    columns |= {name: slopes(codes, values) for name, values in estimates.items()}
    columns["labels"] = slopes(labelled.codes, sign * labelled.values[options.label_column])
    shown = Table("layer", *columns, box=None)
    for layer, decision in enumerate(SPACE.decisions[:-1]):
        cells = [f"{slope[layer]:.3f} ({error[layer]:.3f})" for slope, error in columns.values()]
        shown.add_row(f"{layer + 1} {decision.name}", *cells)
    Console(width=130).print(shown)


def logs(codes) -> np.ndarray:
    """log c of the 19 widths that shape a block, shape (networks, 19)."""
    return np.log([[float(width) for width in code.split("-")[:19]] for code in codes])


def slopes(codes, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of log c of each layer, and their standard errors, in standard deviations of the values."""
    x = np.column_stack([np.ones(len(values)), logs(codes)])
    y = (values - values.mean()) / values.std()
    solution, *_ = np.linalg.lstsq(x, y, rcond=None)
    variance = np.sum((y - x @ solution) ** 2) / max(1, len(y) - x.shape[1])
    return solution[1:], np.sqrt(variance * np.diag(np.linalg.pinv(x.T @ x)))[1:]


if __name__ == "__main__":
    main()
