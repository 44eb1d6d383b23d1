"""What the Share page says in odd situations, as text that a person has read (tests/snapshots.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import ShareError
from gui.pages.share.page import (
    CONSENT,
    WARNING,
    Desk,
    looked_at,
    open_link,
    passage,
    view,
)
from gui.pages.share.wishes import Wish, run_choices
from gui.sharing import WAYS
from gui.web.error_messages import sentence
from tests.gui.conftest import Room
from tests.snapshots import hold_against, one_text

KEPT = Path(__file__).parent / "snapshots" / "share.txt"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_link(seconds: float = 0.0, *, is_open: bool = True, note: str = "", command: str = "") -> Any:
    """A link as the page sees one; what opens and ends it is tested in tests/gui/sharing."""
    return SimpleNamespace(
        url="https://example.test", user="guest", password="abcd", command=command, note=note, is_open=is_open,
        expires_at=NOW + timedelta(seconds=seconds),
    )  # fmt: skip


def shown(desk: Desk, link: Any) -> Iterator[str]:
    desk.link = link
    *facts, state, opening, closing, _ = view(desk, NOW)
    yield state
    yield f"facts: {', '.join(fact['value'] for fact in facts if fact['visible']) or 'none'}"
    yield f"can open: {opening['interactive']}, can close: {closing['interactive']}"


def refused(desk: Desk, run_id: str | None, *, consent: bool, link: Any = None) -> list[str]:
    desk.link = link
    with pytest.raises(ShareError) as error:
        open_link(desk, Wish(run_id=run_id, way="ssh", consent=consent))
    return [sentence(error.value)]


def test_the_share_page_says_what_a_person_has_read(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    desk = Desk(room.session)
    with monkeypatch.context() as bare:
        bare.setenv("PATH", str(tmp_path))
        ways = {f"by {way}, nothing installed": [passage(way, "")] for way in WAYS}
    hold_against(
        KEPT,
        one_text(
            {
                "before anything": [WARNING, CONSENT],
                **ways,
                "a run": [words for words, _ in run_choices(room.session)],
                "no link": shown(desk, None),
                "an hour left": shown(desk, a_link(3600)),
                "one minute left": shown(desk, a_link(61)),
                "ten seconds left": shown(desk, a_link(10)),
                "with a command": shown(desk, a_link(600, command="ssh -N -R …")),
                "with a note": shown(desk, a_link(600, note="Somebody guessed passwords.")),
                "ended": shown(desk, a_link(is_open=False)),
                "ended for a reason": shown(desk, a_link(is_open=False, note="Its time is over.")),
                "without consent": refused(desk, room.run.run_id, consent=False),
                "without a run": refused(desk, None, consent=True),
                "a second link": refused(desk, room.run.run_id, consent=True, link=a_link(600)),
            }
        ),
    )
    assert looked_at(desk)[0]["value"] == room.run.run_id
