"""Writes .ci/requirements.txt: what continuous integration installs, with the SHA-256 of every file.

    python .ci/lock.py        # after a change of constraints.txt, on Linux, x86-64, Python 3.11

pip itself resolves; nothing is installed. The hashes are those of the files that the index gives on this platform.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEAD = """\
# What .ci/run installs, on Linux, x86-64, Python 3.11, by hash. Made by .ci/lock.py from pyproject.toml and
# constraints.txt; tests/test_packaging.py holds them together.
"""


def main() -> None:
    """Ask pip, without installing anything."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        wanted = ["-c", str(HERE.parent / "constraints.txt"), "-e", f"{HERE.parent}[dev]", "setuptools>=77"]
        subprocess.run([*pip, "--report", str(report), *wanted], check=True)
        found = json.loads(report.read_text())["install"]
    lines = []
    for package in found:
        if "archive_info" not in package["download_info"]:  # the project itself
            continue
        name, version = package["metadata"]["name"], package["metadata"]["version"].partition("+")[0]
        digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    (HERE / "requirements.txt").write_text(HEAD + "".join(sorted(lines, key=str.lower)))


if __name__ == "__main__":
    main()
