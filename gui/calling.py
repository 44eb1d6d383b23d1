"""What the scripts of a page call: `server.name(question)`, answered without the layers that lie before it in Gradio.

The address and what is sent are Gradio's, whose page asks. Gradio's own handler takes more of a processor than what is
asked for: see docs/adr/0018-calls-past-gradio.md. What may be called is what our pages registered, as `keep_to` has
left it to a role.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import orjson
from fastapi.encoders import jsonable_encoder
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gui.door import FUNCTIONS

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
Function = Callable[..., dict[str, Any]]
AT_ONCE = 8
"""How many calls of one function are worked on at a time; the others wait in the order in which they came.

Python does the work of one at a time. Forty that begin together take turns, and all end when the last does; of eight
the first ends after a fifth of that, and what they write still shares a commit. A function that takes long is waited
for by those who ask for the same one alone.
"""


def calling_routes(pages: gr.Blocks) -> list[Route]:
    """Return the routes by which scripts call the functions of built pages.

    Args:
        pages: They, when each function is what may be called: after `keep_to`.
    """
    functions = {
        (number, name): (function, _takes_request(function), asyncio.Semaphore(AT_ONCE))
        for number, name, function in _functions(pages)
    }

    async def answer(request: Request) -> Response:
        asked = await _question(request)
        if asked is None:
            return Response("What was asked cannot be read.", 400, media_type="text/plain")
        found = functions.get((asked.get("component_id"), asked.get("fn_name")))  # type: ignore[arg-type]
        if found is None:
            return Response("Nothing of this name can be called.", 404, media_type="text/plain")
        function, takes_request, turn = found
        further = (gr.Request(request),) if takes_request else ()
        async with turn:
            told = await run_in_threadpool(function, asked.get("data"), *further)
        return Response(_as_json(told), media_type="application/json", headers={"Cache-Control": "no-store"})

    return [Route(path, answer, methods=["POST"]) for _, path in FUNCTIONS]


def _functions(pages: gr.Blocks) -> Iterator[tuple[int, str, Function]]:
    for number, block in pages.blocks.items():
        for function in getattr(block, "server_fns", ()):
            name = function.__name__
            yield number, name, getattr(block, name)


def _takes_request(function: Function) -> bool:
    return len(inspect.signature(function).parameters) > 1


async def _question(request: Request) -> dict[str, Any] | None:
    """Return what a page sent; None where it is not what a page sends."""
    try:
        asked = await request.json()
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict):
        return None
    kinds = (asked.get("component_id"), int), (asked.get("fn_name"), str)
    return asked if all(type(value) is kind for value, kind in kinds) else None


def _as_json(told: dict[str, Any]) -> bytes:
    """Return an answer for JavaScript: what is no number there is null."""
    return orjson.dumps(told, default=jsonable_encoder, option=OPTIONS)
