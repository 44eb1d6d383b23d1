"""Who reads at this window.

A reader is chosen from the list. The person at this computer is in it from the start, by the name of the computer's
account, and gives a name of their own when they like: until then nothing is harder for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.errors import ReviewError
from engine.language import _, typed_number
from engine.reading import Reader
from gui.pages.review.reading_session import Desk, text
from gui.pages.review.sitting import may_write
from gui.web import AppSession


def reader_of(session: AppSession, wished: str) -> Reader:
    """Return who reads: the one wished for where they are in the list, else the person at this computer."""
    found = session.store.find_reader(wished) or session.store.find_reader(session.reader)
    if found is not None:
        return found
    local = Reader(reader_id="", name=session.reader, introduced=False)
    if not may_write(session):
        return local
    close = session.store.readers_like(session.reader)
    return close[0] if len(close) == 1 else session.store.add_reader(local, another=True)


def reader_choices(session: AppSession) -> list[dict[str, Any]]:
    """Return the list of readers for the page; who has signed in reads as nobody else."""
    own = session.signed_in()
    return [
        {"value": each.name, "title": each.name, "says": each.profession, "introduced": each.introduced}
        | {"profession": each.profession, "years": each.years}
        | {"signed_in": bool(own)}
        for each in session.store.people()
        if own in ("", each.name)
    ]


def save_reader(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Add a reader, or write down who the one that reads is; ask first whether a name like it is the same person's.

    Returns:
        "reader" (the name to read under), or "like" (the names that it may be).

    Raises:
        ReviewError: The window is read-only, the name is taken, or something is out of bounds.
    """
    session = desk.session
    if session.read_only:
        raise ReviewError(_("Guests are not readers"), _("Ask the owner to add you to the list"))
    name, new = text(asked, "name").strip(), bool(asked.get("new"))
    told = Reader(
        reader_id="",
        name=name,
        profession=text(asked, "profession").strip(),
        years=_years(asked.get("years")),
    )
    present = None if new else session.store.find_reader(text(asked, "reader"))
    others = [
        each for each in session.store.readers_like(name) if present is None or each.name != present.name
    ]
    if text(asked, "same"):  # "yes, that is the same person"
        if present is not None and present.name != text(asked, "same"):
            session.store.join_readers(present.name, text(asked, "same"))
        return {"reader": text(asked, "same")}
    if others and not asked.get("another"):
        return {"like": [each.name for each in others]}
    if present is None:
        return {"reader": session.store.add_reader(told, another=bool(others)).name}
    changed = replace(told, reader_id=present.reader_id, role=present.role)
    return {"reader": session.store.change_reader(changed).name}


def _years(sent: object) -> float | None:
    if sent in (None, ""):
        return None
    return typed_number(str(sent))  # what is none is NaN, which is refused in a sentence
