"""A run: its recipe, its folder, its checkpoints and its log, and the way from a recipe to the things it names."""
