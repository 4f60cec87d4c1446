"""How far PyTorch and Paddle are apart: the largest differences for each space and method.

Run it from the root of the checkout: python -m benchmarks.parity [--space NAME] [--method NAME]

Spaces are those of the toolkit, thin, and supernets that are enhanced, grouped or split (`tests/supernets.py`).
The same weights, images and draws go through both; `tests/parity.py` says what is compared.
"""

import argparse

from rich.console import Console
from rich.table import Table

from tests.networks import thin
from tests.parity import Pair
from tests.supernets import SUPERNETS
from toolkit.backends.base import Precision
from toolkit.methods import METHODS
from toolkit.spaces import SPACES

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp64")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    spaces = {name: thin(space, size=8) for name, space in SPACES.items()} | SUPERNETS
    parser.add_argument("--space", choices=spaces, action="append", help="may be given several times; default: all")
    parser.add_argument("--method", choices=METHODS, action="append", help="likewise")
    options = parser.parse_args()
    table = Table(
        "space", "method", "precision", "logits", "losses", "gradients", "5 steps", title="CPU, thin networks"
    )
    for space in options.space or spaces:
        for method in options.method or METHODS:
            for precision in PRECISIONS:
                pair = Pair(spaces[space], method, precision)
                values = (pair.logits(), pair.losses(), pair.gradients(), pair.steps())
                table.add_row(space, method, precision, *(f"{value:.0e}" for value in values))
    Console().print(table)


if __name__ == "__main__":
    main()
