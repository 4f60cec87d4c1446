"""Who may talk to the server that `streamlit run app/main.py` starts."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.ready import Preload
from tests.e2e.server import COMMAND, DOCUMENTED, serve


@pytest.fixture(scope="module", params=[DOCUMENTED, COMMAND], ids=["streamlit run", "supernet app"])
def port(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a dashboard started as documented: no option says where it listens."""
    with serve(root, tmp_path_factory.mktemp("runs"), request.param) as address:
        port = urlsplit(address).port
        assert port is not None
        yield port


def handshake(port: int, host: str, origin: str) -> int:
    """The status with which the server answers a websocket's opening."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: streamlit",
    ]
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_let_in(name: str, port: int) -> None:
    assert handshake(port, f"{name}:{port}", f"http://{name}:{port}") == 101


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "a"])
def test_a_name_that_a_stranger_gave_this_machine_opens_nothing(name: str, port: int) -> None:
    """DNS rebinding: host and origin agree, for the stranger's page comes from the stranger's name."""
    assert handshake(port, f"{name}:{port}", f"http://{name}:{port}") == 403


def test_a_foreign_page_opens_nothing(port: int) -> None:
    assert handshake(port, f"127.0.0.1:{port}", "http://evil.example") == 403


def test_other_machines_cannot_connect(port: int) -> None:
    others = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((address, port), 5):
            pass
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.2", port), 5),
    ):  # all of 127/8 is this machine
        pass


def test_whoever_opens_it_names_who_may_come(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "nas.example.org")
    with serve(root, tmp_path, COMMAND) as address:
        port = urlsplit(address).port
        assert port is not None
        assert handshake(port, "nas.example.org", "http://nas.example.org") == 101
        assert handshake(port, "evil.example", "http://evil.example") == 403


@pytest.mark.parametrize(
    ("path", "figures"), [("", False), ("verdict", True), ("candidates", True), ("weights", False)]
)
def test_browsers_are_told_of_what_a_page_with_figures_needs(path: str, figures: bool, port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
        links = answer.headers.get_all("Link", [])
    assert [link.endswith("rel=modulepreload") for link in links if "PlotlyChart" in link] == [True] * figures
    for link in links:
        name = link.partition(">")[0].removeprefix("<./")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}") as file:
            assert "javascript" in file.headers["Content-Type"]


def test_a_figure_to_take_away_asks_for_nothing() -> None:
    """It may be HTML, as pages are."""
    sent: list[Any] = []

    async def html(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    async def keep(message: Any) -> None:
        sent.append(message)

    for path in ("/media/0123.html", "/candidates"):
        asyncio.run(Preload(html)({"type": "http", "path": path}, None, keep))  # type: ignore[arg-type]
    assert [any(name == b"link" for name, _ in message["headers"]) for message in sent] == [False, True]


def test_what_every_page_imports_is_light(root: Path) -> None:
    """The first visitor waits for imports; scipy.stats alone would be a third of them."""
    code = "import sys, app.figures.candidates; from app.ready import load; load(); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split()
    assert not {"scipy.stats", "scipy.linalg", "scipy.spatial", "sklearn", "torch", "paddle"} & set(loaded)
