"""The `supernet` command: the front door. `main.py` assembles it; one file per group of subcommands."""
