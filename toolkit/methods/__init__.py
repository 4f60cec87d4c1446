"""Training methods, one file each, written once against the backend seam."""
