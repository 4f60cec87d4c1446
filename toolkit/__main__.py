"""The command as a module, for launchers: `torchrun -m toolkit train ...`."""

from toolkit.cli.main import main

main()
