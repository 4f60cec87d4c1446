"""PyTorch: the only room that imports torch."""
