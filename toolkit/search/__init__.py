"""Searching a space: a policy over its architectures, what their cost counts, and ways to find the best of them."""
