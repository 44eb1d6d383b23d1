"""What answers at all, derived from what the pages are made of. Everything else is not there.

A page needs its own files. Its events need the queue, and its scripts' functions an address to be called at: each is
open where the pages have such things, and what can be called there is what our code registered. Files go in where
an event takes one, and out where an event gives one. Our own routes are open by being handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import Pattern
from urllib.parse import parse_qs

import gradio as gr
from gradio.blocks import Block
from pydantic import BaseModel
from starlette.routing import Route, compile_path
from starlette.types import Scope

LARGEST_QUESTION = 1024 * 1024
"""Bytes of what a page asks: the answers of a form, the regions of an image."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file that an event of a page takes: a recipe. Images come by a route of their own."""
_FORM = 64 * 1024  # bytes of what stands around a file in a form

Doors = Sequence[tuple[str, str]]
PAGE: Doors = (
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/static/{path:path}"),
    ("GET", "/theme.css"),
    ("GET", "/favicon.ico"),
    ("GET", "/gradio_api/heartbeat/{session_hash}"),
    ("GET", "/gradio_api/app_id"),  # asked after a request was lost; unanswered, a page asks nothing more
)
EVENTS: Doors = (("POST", "/gradio_api/queue/join"), ("GET", "/gradio_api/queue/data"))
AT_ONCE: Doors = (("POST", "/gradio_api/run/predict"),)
"""Events that do not wait in the queue; which one is said in the body."""
FUNCTIONS: Doors = (("POST", "/gradio_api/component_server"), ("POST", "/gradio_api/component_server/"))
FILES_IN: Doors = (("POST", "/gradio_api/upload"), ("GET", "/gradio_api/upload_progress"))
FILES_OUT: Doors = (("GET", "/gradio_api/file={path_or_url:path}"),)
CLOSED_QUESTIONS = frozenset({"page", "deep_link"})
"""Fields by which Gradio's page reads what was stored on disk; the pages have their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRoute:
    """A route of ours.

    Attributes:
        route: What answers.
        for_guests: Whether a read-only window has it.
        largest_body: Bytes.
    """

    route: Route
    for_guests: bool = False
    largest_body: int = LARGEST_QUESTION


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """An address that answers.

    Attributes:
        method: Of HTTP.
        path: As the router writes it, with its parameters.
        pattern: The same as a regular expression.
        largest_body: Bytes; more is refused unread.
    """

    method: str
    path: str
    pattern: Pattern[str]
    largest_body: int


class Openings:
    """Every address that answers.

    Args:
        openings: They.
        files: The folder that files are given out of.
    """

    def __init__(self, openings: Iterable[Opening], files: Path) -> None:
        self.all = tuple(openings)
        self._files = files

    def at(self, scope: Scope) -> Opening | None:
        """Return what answers a request, or None where nothing does."""
        path: str = scope["path"]
        if not path.isprintable():
            return None
        for opening in self.all:
            if opening.method == scope["method"] and (found := opening.pattern.match(path)):
                named = found.groupdict().get("path_or_url")
                plain = _is_plain(path) if named is None else self._gives_out(named)
                return opening if plain and not _closed(path, scope["query_string"]) else None
        return None

    def _gives_out(self, named: str) -> bool:
        """Tell whether a file may be given out. What names another computer is no file in our folder."""
        try:
            file = Path(named)
            return file.is_absolute() and file.resolve().is_relative_to(self._files.resolve())
        except (OSError, ValueError):
            return False


def _is_plain(path: str) -> bool:
    return "\\" not in path and "//" not in path and not {"..", "."} & {*path.split("/")}


def _closed(path: str, query: bytes) -> bool:
    return path == "/" and not CLOSED_QUESTIONS.isdisjoint(
        parse_qs(query.decode("latin-1"), keep_blank_values=True)
    )


def openings_of(pages: gr.Blocks, own: Iterable[OwnRoute], files: Path) -> Openings:
    """Return what a window's pages need.

    Args:
        pages: They, built.
        own: Our routes that this window has.
        files: The folder that Gradio writes to.
    """
    events = [event for event in pages.fns.values() if event.fn is not None]
    takes = any(_carries_files(one) for event in events for one in event.inputs)
    gives = any(_carries_files(one) for event in events for one in event.outputs)
    functions = any(getattr(block, "server_fns", None) for block in pages.blocks.values())
    doors = [
        *PAGE,
        *(EVENTS if events else ()),
        *(AT_ONCE if any(not event.queue for event in events) else ()),
        *(FUNCTIONS if functions else ()),
        *(FILES_IN if takes else ()),
        *(FILES_OUT if gives else ()),
    ]
    bodies = dict.fromkeys(FILES_IN, LARGEST_FILE + _FORM)
    return Openings(
        [
            *(_opening(method, path, bodies.get((method, path), LARGEST_QUESTION)) for method, path in doors),
            *(
                _opening(method, one.route.path, one.largest_body)
                for one in own
                for method in sorted(one.route.methods or ())
            ),
        ],
        files,
    )


def _opening(method: str, path: str, largest_body: int) -> Opening:
    body = 0 if method in ("GET", "HEAD") else largest_body
    return Opening(method=method, path=path, pattern=compile_path(path)[0], largest_body=body)


def _carries_files(component: Block) -> bool:
    model = getattr(component, "data_model", None)
    return model is not None and _holds_files(model)


@cache
def _holds_files(model: type[BaseModel]) -> bool:
    return "FileData" in str(model.model_json_schema())
