"""The training core: search spaces, supernets, evaluation and ranking. Importing it loads no framework."""

__version__ = "0.1.0"
