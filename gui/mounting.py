"""The pages as one application: our routes and behind them Gradio's, for one visitor or for each role."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import EngineError
from engine.workspace import Workspace
from gui.calling import calling_routes
from gui.door import LARGEST_FILE, Members, OwnRoute, Public, Room, visitor_now
from gui.languages import Worded
from gui.web import AppSession, web_file

QUEUE_SECONDS = 0.02
"""How often Gradio's queue looks whether an event waits in it. Its own thousand times a second, in each room of a
department, took four hundredths of a processor with nobody there."""
SCRIPT = Markup('<script data-prefix="{}">{}</script>')


def mounted(
    app: gr.Blocks, own: Sequence[OwnRoute], look: Mapping[str, Any], *, prefix: str, accounts: bool
) -> FastAPI:
    """Return the application: our routes, and behind them Gradio's.

    Args:
        app: The pages.
        own: Our routes.
        look: `theme` and `head` of the pages.
        prefix: What stands before every address.
        accounts: Whether somebody has signed in, whose name stands on every page.
    """
    closed: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    outer = FastAPI(routes=[*calling_routes(app), *(one.route for one in own)], **closed)
    app.queue(default_concurrency_limit=4)
    app._queue.sleep_when_free = QUEUE_SECONDS
    gr.mount_gradio_app(
        outer,
        app,
        path="",
        root_path=prefix or None,
        run_history=False,
        footer_links=[],
        mcp_server=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=LARGEST_FILE,
        theme=look["theme"],
        css=web_file("who.css") if accounts else None,
        head=look["head"] + (str(SCRIPT.format(prefix, Markup(web_file("who.js")))) if accounts else ""),
        app_kwargs=closed,
    )
    outer.add_middleware(Worded)
    app.app = outer.routes[-1].app  # type: ignore[attr-defined]  # whose streams end when the window does
    return outer


def together(rooms: Sequence[Room]) -> FastAPI:
    """Return the application of one room; of several, one that begins and ends with all of them."""
    apps = list({id(room.app): room.app for room in rooms}.values())
    if len(apps) == 1:
        return cast(FastAPI, apps[0])

    @asynccontextmanager
    async def lives(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in apps:
                await stack.enter_async_context(cast(FastAPI, one).router.lifespan_context(one))
            yield

    return FastAPI(lifespan=lives, docs_url=None, redoc_url=None, openapi_url=None)


def name_now() -> str:
    """Return the name of the reader whose request is being answered; empty where nobody signs in."""
    visitor = visitor_now()
    return visitor.name if visitor else ""


WHO = "/who"


def who_route() -> OwnRoute:
    """Return the route that tells a page who has signed in."""
    return OwnRoute(route=Route(WHO, _who), for_guests=True)


async def _who(request: Request) -> Response:
    """Tell a page who has signed in."""
    visitor = visitor_now()
    told = {"name": visitor.name, "role": visitor.role} if visitor else {}
    return Response(json.dumps(told), media_type="application/json", headers={"Cache-Control": "no-store"})


def members_of(session: AppSession, public: Public | None) -> Members:
    """Return the entrance of a department.

    Raises:
        EngineError: No administrator may sign in: nobody could let anybody in.
    """
    if not session.store.accounts.administrators():
        raise EngineError(
            "No administrator has an account, so no one could sign in and administer this workspace",
            "Make one: overread accounts add NAME --role administrator",
        )
    return Members(session.store.accounts, prefix=public.prefix if public else "")


def keep_to_ourselves(workspace: Workspace) -> Path:
    """Close Gradio's doors to the outside before anything is built; return the folder of ours that it writes to."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    for name in (
        "GRADIO_SHARE",
        "GRADIO_MCP_SERVER",
        "GRADIO_ALLOWED_PATHS",
        "GRADIO_VIBE_MODE",
        "GRADIO_SSR_MODE",
    ):
        os.environ.pop(name, None)
    uploads = workspace.cache / "uploads"
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    return uploads
