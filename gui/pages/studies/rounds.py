"""Who reads which study at which page of a browser, and which case the server handed out last."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import Any

from engine.language import _
from engine.reading import Arm, Reader, Sitting, Study
from gui.pages.review import Sittings, StaleCaseError
from gui.web import AppSession

MOST_ROUNDS = 2000
SETTLING: Arm = "adjudication"


@dataclass(kw_only=True)
class Case:
    """What is on the screen.

    Attributes:
        image_id: The case.
        arm: How it is read.
        last: The number of the reader's answer that was told with it; None where there was none.
    """

    image_id: str
    arm: Arm
    last: int | None


@dataclass(kw_only=True)
class Round:
    """One reader at one study.

    Attributes:
        study: As it was when it was opened.
        reader: Who reads.
        settles: Whether as the adjudicator.
        page: Of the browser, by a random name that the page made.
        sitting: In which what is on the screen is written down.
        held: The case handed out last; None at the end.
        read: How many cases have an answer.
        of: How many there are.
        trail: What was answered at this page, in its order: image, arm and seconds.
        undone: The name of the newest undo, and the image and arm of which it was; None before one.
        stored: The names of answers that were stored → what the page was told of each, for when the line broke before.
        turn: Held while an answer or a step is under way.
    """

    study: Study
    reader: Reader
    settles: bool
    page: str
    sitting: Sitting
    held: Case | None = None
    read: int = 0
    of: int = 0
    trail: list[tuple[str, Arm, float]] = field(default_factory=list)
    undone: tuple[str, str, Arm] | None = None
    stored: dict[str, str] = field(default_factory=dict, repr=False)
    turn: RLock = field(default_factory=RLock, repr=False)


class Rounds:
    """The rounds that are open in a window, by random names; the longest unused are forgotten."""

    def __init__(self, session: AppSession) -> None:
        self.session = session
        self.sittings = Sittings(session)
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._lock = Lock()

    def open(self, one: Round) -> str:
        """Take a round in and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._rounds[name] = one
            while len(self._rounds) > MOST_ROUNDS:
                self._rounds.popitem(last=False)
        return name

    def of(self, asked: Mapping[str, Any]) -> Round:
        """Return the round that the page names.

        Raises:
            StaleCaseError: There is none: the program was restarted.
        """
        name = asked.get("reading")
        with self._lock:
            if isinstance(name, str) and name in self._rounds:
                self._rounds.move_to_end(name)
                return self._rounds[name]
        raise StaleCaseError(
            _("Overread was restarted after this page was opened, and nothing was stored"),
            _("Look at the case again and repeat your answer"),
        )
