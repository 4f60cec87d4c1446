"""The dashboard as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

DOCUMENTED = ("-m", "streamlit", "run", "app/main.py")
COMMAND = ("-m", "app")
"""What `supernet app` runs."""


@contextlib.contextmanager
def serve(root: Path, runs: Path, start: Sequence[str] = COMMAND, cache: Path | None = None) -> Iterator[str]:
    """The dashboard on a folder of runs, as users start it but for the port, the browser and an empty cache.

    Args:
        cache: what earlier servers have kept.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *start, "--server.headless", "true", "--server.port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory() as empty,
        subprocess.Popen(
            [*command, "--", str(runs)],
            cwd=root,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "XDG_CACHE_HOME": str(cache or empty)},
        ) as server,
    ):
        try:
            _await(f"{address}/_stcore/health")
            yield address
        finally:
            server.terminate()


def _await(url: str, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"the dashboard did not start within {seconds:.0f} s")
