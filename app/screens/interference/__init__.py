"""The Interference page in parts: what is looked at, and one file for each of its views."""
