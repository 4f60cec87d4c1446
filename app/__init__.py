"""The dashboard: pure functions over run folders."""
