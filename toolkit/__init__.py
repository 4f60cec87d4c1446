"""Search spaces, supernets, evaluation and ranking; what the command `supernet` does, as functions.

`from toolkit import train, evaluate, submit, rank`. Importing this takes milliseconds and loads no framework: each name
below is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converters.onnx import export
    from converters.weights import convert
    from toolkit.candidates import draw_candidates, read_candidates, write_candidates
    from toolkit.errors import InputError, Stopped
    from toolkit.spaces import get_space
    from toolkit.truths import write_truth
    from toolkit.verbs.evaluation import evaluate, status
    from toolkit.verbs.indicators import indicator
    from toolkit.verbs.latency import latency
    from toolkit.verbs.planning import budget, plan
    from toolkit.verbs.predicting import predict
    from toolkit.verbs.priors import prior
    from toolkit.verbs.probing import probe
    from toolkit.verbs.ranking import rank
    from toolkit.verbs.recipes import compare_sampling, sharing
    from toolkit.verbs.searching import search_run
    from toolkit.verbs.spaces import cost
    from toolkit.verbs.submission import blend, check, merge, submit
    from toolkit.verbs.sweeps import split_test, sweep
    from toolkit.verbs.tables import table
    from toolkit.verbs.training import standalone, train
    from toolkit.verbs.weights import import_run

__version__ = "0.1.0"

_HOMES = {
    "train": "toolkit.verbs.training",
    "standalone": "toolkit.verbs.training",
    "evaluate": "toolkit.verbs.evaluation",
    "status": "toolkit.verbs.evaluation",
    "plan": "toolkit.verbs.planning",
    "budget": "toolkit.verbs.planning",
    "submit": "toolkit.verbs.submission",
    "check": "toolkit.verbs.submission",
    "merge": "toolkit.verbs.submission",
    "blend": "toolkit.verbs.submission",
    "rank": "toolkit.verbs.ranking",
    "predict": "toolkit.verbs.predicting",
    "prior": "toolkit.verbs.priors",
    "probe": "toolkit.verbs.probing",
    "indicator": "toolkit.verbs.indicators",
    "search_run": "toolkit.verbs.searching",
    "sweep": "toolkit.verbs.sweeps",
    "split_test": "toolkit.verbs.sweeps",
    "sharing": "toolkit.verbs.recipes",
    "compare_sampling": "toolkit.verbs.recipes",
    "cost": "toolkit.verbs.spaces",
    "latency": "toolkit.verbs.latency",
    "table": "toolkit.verbs.tables",
    "import_run": "toolkit.verbs.weights",
    "convert": "converters.weights",
    "export": "converters.onnx",
    "get_space": "toolkit.spaces",
    "write_truth": "toolkit.truths",
    "draw_candidates": "toolkit.candidates",
    "read_candidates": "toolkit.candidates",
    "write_candidates": "toolkit.candidates",
    "InputError": "toolkit.errors",
    "Stopped": "toolkit.errors",
}

__all__ = [
    "InputError",
    "Stopped",
    "__version__",
    "blend",
    "budget",
    "check",
    "compare_sampling",
    "convert",
    "cost",
    "draw_candidates",
    "evaluate",
    "export",
    "get_space",
    "import_run",
    "indicator",
    "latency",
    "merge",
    "plan",
    "predict",
    "prior",
    "probe",
    "rank",
    "read_candidates",
    "search_run",
    "sharing",
    "split_test",
    "standalone",
    "status",
    "submit",
    "sweep",
    "table",
    "train",
    "write_candidates",
    "write_truth",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
