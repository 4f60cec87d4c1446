"""The server made ready while its first visitor's browser still starts.

Streamlit runs nothing of ours before somebody asks for a page, who then waits for all that pages import; here it is
begun as soon as the server is up. And browsers are told at once what a page will need, not when its first figure comes.
"""

import gc
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TURN = 0.0005
"""Seconds between two turns of Python's threads: the browser is asking for Streamlit's own files meanwhile."""

WITHOUT_FIGURES = ("/", "/submission", "/weights")
EVERYWHERE = ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104
"""Addresses under which a server on this machine is `localhost`."""


@asynccontextmanager
async def ready(_app: st.App) -> AsyncIterator[None]:
    """While the server is up. A browser is opened on it, as Streamlit does for plain scripts."""
    threading.Thread(target=load, name="load", daemon=True).start()
    if not st.get_option("server.headless"):
        address = st.get_option("server.address")
        name = "localhost" if address in EVERYWHERE else address
        webbrowser.open(f"http://{name}:{st.get_option('server.port')}")
    yield


def load() -> None:
    """Import what pages need, the sooner needed the sooner.

    Streamlit collects garbage after every run of a page. What was imported never becomes any, so it is frozen: not
    looked at again.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    import plotly.graph_objects  # noqa: I001

    from app import inspector  # noqa: F401
    from app.screens.ranking import choose  # noqa: F401
    from app.views import runs, submission, verdict  # noqa: F401
    import plotly.io  # noqa: F401

    sys.setswitchinterval(usual)
    gc.freeze()


class Preload:
    """Tells browsers with a page's first answer that Plotly will be needed: by far the largest part of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    for name in chunks():
                        headers.append("link", f"<./static/js/{name}>; rel=modulepreload")
            await send(message)

        # A file to take away may be HTML too; the link would be looked for beside it.
        page = scope["type"] == "http" and "/media/" not in scope["path"]
        figures = page and scope["path"] not in WITHOUT_FIGURES
        await self.app(scope, receive, sending if figures else send)


@cache
def chunks() -> list[str]:
    """Plotly's file as Streamlit serves it."""
    return [path.name for path in (Path(st.__file__).parent / "static" / "static" / "js").glob("PlotlyChart.*.js")]
