"""The pages in the language of whoever looks at them.

They are built once, in English, and that is what answers. For another language the same build is made once more while
it is spoken, when the first browser asks for it: its components are the same ones in the same order, so that a browser
is told of ours in the words of the others. Which language a browser asks for is known at the door
(`gui.door.languages`); an event that waited in a queue is answered in the language of the request that brought it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import Any

import gradio as gr
import gradio.blocks
from gradio.context import LocalContext
from gradio.data_classes import BlocksConfigDict
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.language import ENGLISH, ask, language, languages, plural_rule, sentences, speaking
from gui.door import OwnRoute, direction, kept_in
from gui.web import web_file

log = logging.getLogger("overread.gui")

WORDS = "/words/{code}.js"
FIRST = Markup('<head><script src="words/{}.js?v={}"></script>')
"""What stands first in a page; its address changes with what is in it, so that a browser may keep it."""
_BUILDING = Lock()  # what is being built is Gradio's one global


class _ServedElsewhere:
    """What Gradio makes an application with whenever pages end or get a queue, and throws away when they are mounted:
    half of the time that a window takes to open, once Gradio is loaded."""

    @staticmethod
    def create_app(*_: object, **__: object) -> None:
        """Make none: the one that answers is made by `gr.mount_gradio_app`."""


class Pages(gr.Blocks):
    """Pages that a browser is told of in the language that is spoken.

    Args:
        place: Places every component; called once for each language that somebody asks for.
        settings: Of `gr.Blocks`.
    """

    def __init__(self, place: Callable[[], None], **settings: Any) -> None:
        self._place = place
        self._settings = settings
        self._told: dict[str, BlocksConfigDict] = {}
        gradio.blocks.App = _ServedElsewhere  # type: ignore[attr-defined,assignment]
        super().__init__(**settings)
        with self:
            place()
            for event in self.fns.values():
                if event.trigger_mode == "once" and any(name == "input" for _target, name in event.targets):
                    # Gradio would drop what a person chooses while the answer to their last choice is on its way.
                    event.trigger_mode = "always_last"

    @property
    def config(self) -> BlocksConfigDict:
        """What a browser is told."""
        spoken = language()
        if spoken == ENGLISH:
            return self._told[ENGLISH]
        with _BUILDING:
            if spoken not in self._told:
                self._told[spoken] = self._in_other_words()
            return self._told[spoken]

    @config.setter
    def config(self, told: BlocksConfigDict) -> None:
        self._told = {ENGLISH: told}

    def _in_other_words(self) -> BlocksConfigDict:
        other = gr.Blocks(**self._settings)
        with other:
            self._place()
        try:
            return reworded(self._told[ENGLISH], other.get_config_file())
        except ValueError:
            log.exception("The pages in %s are not those in English", language())
            return self._told[ENGLISH]


def reworded(ours: BlocksConfigDict, theirs: BlocksConfigDict) -> BlocksConfigDict:
    """Return what is told of our components, in the words of others that are the same in their order.

    Raises:
        ValueError: They are not the same.
    """
    pairs = list(zip(ours["components"], theirs["components"], strict=True))
    if odd := next((one for one, other in pairs if one["type"] != other["type"]), None):
        raise ValueError(f"Another component stands where {odd['type']} {odd['id']} is")
    return {**ours, "components": [{**one, "props": other["props"]} for one, other in pairs]}


def asked_by_event() -> str:
    """Return the language of the request that brought the event that is being answered; English outside one."""
    request = LocalContext.request.get(None)
    return kept_in(getattr(request, "request", request).scope) if request else ENGLISH


ask(asked_by_event)


def words_route() -> OwnRoute:
    """Return the route of what makes the scripts of a page speak."""
    return OwnRoute(route=Route(WORDS, _words), for_guests=True)


def _words(request: Request) -> Response:
    code = request.path_params["code"]
    if code not in languages():
        return Response(status_code=404)
    kept = "private, max-age=31536000, immutable"
    return Response(_script(code), media_type="text/javascript", headers={"Cache-Control": kept})


@cache
def _script(code: str) -> str:
    with speaking(code):
        told = json.dumps(
            {"code": code, "direction": direction(), "words": sentences(code)}, ensure_ascii=False
        )
    form = f"OR_LANGUAGE.form = (n) => Number({plural_rule(code)});"
    return f"window.OR_LANGUAGE = {told};\n{form}\n{web_file('language.js')}"


@cache
def _seal(code: str) -> str:
    return sha256(_script(code).encode()).hexdigest()[:16]


def head_of(page: str) -> str:
    """Return a page of Gradio's with its language and direction, and with our words before everything else."""
    code = language()
    first = FIRST.format(code, _seal(code))
    named = page.replace('lang="en"', f'lang="{code}" dir="{direction()}"', 1)
    return named.replace("<head>", str(first), 1)


class Worded:
    """ASGI middleware that gives the page its language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on everything; rewrite the head of the page."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        started: Message = {}
        body = b""

        async def rewrite(message: Message) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start":
                started = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = head_of(body.decode()).encode()
            kept = [(name, value) for name, value in started["headers"] if name.lower() != b"content-length"]
            await send({**started, "headers": [*kept, (b"content-length", str(len(page)).encode())]})
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, rewrite)
