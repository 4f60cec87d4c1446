"""The page What decides it in parts: the run itself, and other runs beside it."""
