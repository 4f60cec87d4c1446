"""What the pages show, as plain data: pure functions from a run folder to records and tables."""
