"""A step that can be trusted: what a few steps change in a network, why, and what of it should have stayed."""
