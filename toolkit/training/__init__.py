"""The trainer, its loop, recipes in steps, and stand-alone training."""
