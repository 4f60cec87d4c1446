"""Scores of all networks from the labels of a few."""
