"""How trouble reaches the person at the screen, in one place.

An `EngineError` is shown as its two sentences, and so is a machine that fails where nobody foresaw it. Anything else
is a defect: it is written to the log with its traceback under a short reference, and the screen shows that reference
and nothing else, because a traceback names files and folders. Gradio shows no toast for events with `queue=False`:
handlers that may fail belong in the queue.
"""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from engine.errors import EngineError
from engine.language import _
from engine.retelling import retold
from engine.storage import machine_trouble

log = logging.getLogger("overread.gui")

P = ParamSpec("P")
R = TypeVar("R")


def sentence(error: Exception) -> str:
    """Return what to tell the person; log anything that is not an `EngineError`."""
    if isinstance(error, EngineError):
        return retold(error)
    if (told := machine_trouble(error)) is not None:
        log.warning("The computer refused", exc_info=error)
        return retold(told)
    reference = secrets.token_hex(4)
    log.error("Unexpected error, reference %s", reference, exc_info=error)
    return _(
        "Unexpected error in Overread. What you asked for may or may not have been done: check before you try again. "
        "If it happens again, report reference {reference}, which is in the log."
    ).format(reference=reference)


def shown(handler: Callable[P, R]) -> Callable[P, R]:
    """Wrap an event handler so that whatever goes wrong in it is shown as a toast."""

    @functools.wraps(handler)
    def with_toast(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False, duration=12, title=_("Error")) from error

    return with_toast


def answered(handler: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
    """Wrap a function that a page's own script calls, so that its answer says whether it went well.

    The answer holds `ok`; when that is false, also `problem`, the sentence, and `kind`, the error's class.
    """

    def with_outcome(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return {"ok": True, **handler(*args, **kwargs)}
        except Exception as error:  # noqa: BLE001  every failure is told, and logged when it is a defect
            return {"ok": False, "kind": type(error).__name__, "problem": sentence(error)}

    return with_outcome
