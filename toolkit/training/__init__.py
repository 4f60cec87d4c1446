"""Recipes, the trainer, checkpoints and the run folder."""
