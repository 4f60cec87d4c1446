"""Weights under other people's names and in other people's files, both ways: PyTorch, Paddle, safetensors."""

from converters.weights.converting import Report, convert
from converters.weights.files import SUFFIXES, Source, read_weights
from converters.weights.importing import Imported, import_run
from converters.weights.names import to_official
from converters.weights.proof import Proof
from converters.weights.recognition import Ask, Match, Recognised, Unmatched, recognise

__all__ = [
    "SUFFIXES",
    "Ask",
    "Imported",
    "Match",
    "Proof",
    "Recognised",
    "Report",
    "Source",
    "Unmatched",
    "convert",
    "import_run",
    "read_weights",
    "recognise",
    "to_official",
]
