"""Image data sets as uint8 arrays, with deterministic splits."""
