"""The Rank correlation page in parts: what is compared, and one file for each of its views."""
