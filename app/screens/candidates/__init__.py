"""The Candidates page in parts: the run itself, and other runs beside it."""
