"""What is being brought in, from naming it to the index: one thing a tab, which acts on what it shows and nothing else.

    idle → looking → proposed → reading → done        refused instead, wherever something is wrong

Looking and reading go on in a thread: a page that is closed or reloaded finds them as they are, and a refusal stays
until it is mended. Tabs ask `state` again and again; each change has a number, so that nothing is sent twice. Whatever
is named, or said of it, is a new thing under the number it began with: a tab that still shows the old one reads that.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal

from engine.data import (
    from_home,
    index_data,
    is_archive,
    is_table,
    propose,
    read_headers,
    refuse_address,
    save_index,
    stem,
    unpack,
)
from engine.errors import DataError
from engine.language import _, isolated, number
from engine.records import Answers, DataIssue, DataIssueKind, Proposal
from engine.remote import Elsewhere, address_of, bring, is_address, local_path
from gui.pages.data.bringing import uploads
from gui.web import AppSession, sentence

Stage = Literal["idle", "looking", "proposed", "reading", "done", "refused"]
WORKING = ("looking", "reading")
MOST_KEPT = 32
"""Things that tabs may still show; beyond these the oldest is forgotten."""


class Cancelled(Exception):  # noqa: N818  an end, not a failure
    """Somebody pressed cancel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What was named or sent.

    Attributes:
        path: A folder, table or archive; of an address, the folder that its images come into.
        address: Of a server or store, where one was named.
        typed: As a person wrote it; empty where it was sent.
        batch: Of the upload; empty where it was named.
        left_out: Files that were not taken on the way here, a sentence each.
    """

    path: Path
    typed: str = ""
    batch: str = ""
    left_out: tuple[str, ...] = ()
    address: Elsewhere | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What the page shows.

    Attributes:
        number: Of the change.
        thing: The number that this thing began with; 0 of none.
        stage: Where it stands.
        source: What it is about.
        answers: What the person said of it.
        proposal: How it would be read.
        headers: All columns of a table that was refused, so that the person can say which is which.
        problem: Why it was refused, in a sentence.
        doing: Says what is being done now, in the language of whoever asks; nothing while nothing is.
        done: Images read.
        total: Images to be read; 0 while that is not known.
        began: When reading them began, by the monotonic clock.
        dataset_id: What came of it.
    """

    number: int = 0
    thing: int = 0
    stage: Stage = "idle"
    source: Source | None = None
    answers: Answers = field(default_factory=Answers)
    proposal: Proposal | None = None
    headers: tuple[str, ...] = ()
    problem: str = ""
    doing: Callable[[], str] = str
    done: int = 0
    total: int = 0
    began: float = 0.0
    dataset_id: str = ""


class Bringing:
    """One window's bringing in. Of several things, the one meant is the latest unless its number is given.

    Args:
        session: The window.
    """

    def __init__(self, session: AppSession) -> None:
        self._session = session
        self._things: dict[int, tuple[State, threading.Event]] = {}  # the event stops its thread
        # From the clock on: a page that outlived the program before this one shows no number of ours.
        self._numbers = count(time.time_ns() // 1_000_000)
        self._changed = threading.Condition()

    def state(self, seen: int = -1, wait: float = 0.0, thing: int | None = None) -> State:
        """Return where things stand; of what was forgotten, that nothing does.

        Args:
            seen: The number that the caller knows.
            wait: Seconds to wait for another one.
            thing: Which.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._of(thing).number != seen, wait)
            return self._of(thing)

    def look(self, source: Source, answers: Answers, instead: int | None = None) -> int:
        """Begin to look at names, which ends in a proposal or a refusal; return the number of this thing.

        Args:
            source: What was named or sent.
            answers: What is said of it.
            instead: The thing that the tab showed before.

        Raises:
            DataError: A guest asks.
        """
        uploads.refuse_guests(self._session)
        before = self._of(instead)
        other = before.source is not None and before.source.batch not in ("", source.batch)
        if other or before.stage in WORKING:  # a proposal stays, for another tab may show it
            self._forget(before, files=other)
        looking = State(stage="looking", source=source, answers=answers, doing=_looking)
        return self._begin(looking, self._look)

    def read(self, thing: int | None = None) -> None:
        """Begin to read the images as proposed; what is read already is not read once more.

        Raises:
            DataError: A guest asks, or nothing is proposed.
        """
        uploads.refuse_guests(self._session)
        with self._changed:
            before = self._of(thing)
            if before.stage in ("reading", "done"):  # asked for in another tab that shows the same
                return
            if before.stage != "proposed":
                raise DataError(
                    _("There is nothing to read yet"), _("Choose a folder, or drop images on the page")
                )
            began = time.monotonic()
            reading = replace(before, stage="reading", doing=lambda: _("Listing the images"), began=began)
            self._begin(reading, self._read)

    def cancel(self, thing: int | None = None) -> None:
        """Stop what is going on and forget it; files that were sent for it are removed.

        Raises:
            DataError: A guest asks.
        """
        uploads.refuse_guests(self._session)
        self._forget(self._of(thing), files=True)

    # ------------------------------------------------------------------------------------------- in the thread

    def _look(self, state: State, stop: threading.Event) -> State:
        source = state.source
        assert source is not None
        if source.batch and source.path.is_dir():
            refused = uploads.open_archives(source.path, self._unpacking(state, stop))
            source = replace(source, left_out=tuple(dict.fromkeys((*source.left_out, *refused))))
        elif source.address is not None:
            path, _table, missed = bring(
                self._session.workspace, source.address, progress=self._fetching(source.address, state, stop)
            )
            source = replace(source, path=path, left_out=tuple(issue.message for issue in missed))
        elif source.path.is_file() and is_archive(source.path):
            unpack(source.path, self._session.workspace.unpacked, progress=self._unpacking(state, stop))
        self._update(stop, state)
        proposal = propose(source.path, answers=state.answers, unpack_into=self._session.workspace.unpacked)
        asked = self._shown((question.issue for question in proposal.questions), source)
        proposal = replace(
            proposal,
            questions=tuple(
                replace(question, issue=issue)
                for question, issue in zip(proposal.questions, asked, strict=True)
            ),
            left_out=(*self._shown(proposal.left_out, source), *_not_taken(source)),
        )
        return replace(state, stage="proposed", source=source, proposal=proposal)

    def _unpacking(self, state: State, stop: threading.Event) -> Callable[[int], None]:
        def told(written: int) -> None:
            if stop.is_set():
                raise Cancelled
            self._update(stop, replace(state, doing=partial(_unpacked, written)))

        return told

    def _fetching(
        self, address: Elsewhere, state: State, stop: threading.Event
    ) -> Callable[[int, int], None]:
        def told(done: int, total: int) -> None:
            if stop.is_set():
                raise Cancelled
            doing = partial(_fetching if total else _asking, address.host)
            self._update(stop, replace(state, doing=doing, done=done, total=total, began=began))

        began = time.monotonic()
        return told

    def _read(self, state: State, stop: threading.Event) -> State:
        assert state.source is not None

        def counted(doing: Callable[[], str], began: float = 0.0) -> Callable[[int, int], None]:
            def told(done: int, total: int) -> None:
                nonlocal began
                if stop.is_set():
                    raise Cancelled
                began = began or time.monotonic()
                self._update(stop, replace(state, doing=doing, done=done, total=total, began=began))

            return told

        index = index_data(
            state.source.path,
            answers=state.answers,
            unpack_into=self._session.workspace.unpacked,
            progress=counted(lambda: _("Reading and checking the images"), state.began),
            comparing=counted(
                lambda: _("Looking for images that are copies of others, turned, cropped or shifted")
            ),
        )
        if stop.is_set():
            raise Cancelled
        source = state.source
        index = replace(index, issues=(*self._shown(index.issues, source), *_not_taken(source)))
        if source.batch:
            index = replace(index, name=name_of(source, state.answers))
        save_index(self._session.workspace, index)
        if source.batch and is_archive(source.path):  # what was in it lies unpacked in the workspace
            uploads.discard(self._session.workspace, source.batch)
        elif source.batch:
            uploads.keep(self._session.workspace, source.batch)
        return State(thing=state.thing, stage="done", dataset_id=index.dataset_id)

    def _shown(self, issues: Iterable[DataIssue], source: Source) -> list[DataIssue]:
        return [
            replace(issue, message=without_places(issue.message, self._session, source)) for issue in issues
        ]

    # ------------------------------------------------------------------------------------------------- changes

    def _of(self, thing: int | None) -> State:
        with self._changed:
            key = next(reversed(self._things), 0) if thing is None else thing
            return self._things[key][0] if key in self._things else State()

    def _forget(self, state: State, *, files: bool) -> None:
        with self._changed:
            _state, stop = self._things.pop(state.thing, (state, threading.Event()))
            stop.set()
            self._changed.notify_all()
        if files and state.source is not None and state.source.batch:
            uploads.discard(self._session.workspace, state.source.batch)

    def _begin(self, state: State, work: Callable[[State, threading.Event], State]) -> int:
        with self._changed:
            number = next(self._numbers)
            state = replace(state, number=number, thing=state.thing or number)
            stop = threading.Event()
            self._things[state.thing] = (state, stop)
            resting = [key for key, (kept, _stop) in self._things.items() if kept.stage not in WORKING]
            for key in resting[: max(0, len(self._things) - MOST_KEPT)]:
                del self._things[key]
            self._changed.notify_all()

        def run() -> None:
            try:
                self._update(stop, work(state, stop))
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001  told to the person, and logged when it is a defect
                problem = without_places(sentence(error), self._session, state.source)
                headers = headers_of(state.source)
                self._update(
                    stop, replace(state, stage="refused", problem=problem, headers=headers, doing=str)
                )

        threading.Thread(target=run, name="overread-bringing", daemon=True).start()
        return state.thing

    def _update(self, stop: threading.Event, state: State) -> None:
        """Show another state, unless it was cancelled by now."""
        with self._changed:
            if not stop.is_set():
                self._things[state.thing] = (replace(state, number=next(self._numbers)), stop)
                self._changed.notify_all()


# ----------------------------------------------------------------------------------------------------- in words


def _looking() -> str:
    return _("Looking at the names of the files")


def _unpacked(written: int) -> str:
    return _("Unpacking the archive, {size} MB so far").format(size=number(written / 1e6))


def _asking(host: str) -> str:
    return _("Asking {host}").format(host=isolated(host))


def _fetching(host: str) -> str:
    return _("Fetching images from {host}").format(host=isolated(host))


def named(session: AppSession, typed: str, batch: str, left_out: Sequence[str] = ()) -> Source:
    """Return the source that a page names.

    Raises:
        DataError: Nothing was named, it does not say where it is, or what was sent is gone.
    """
    if batch:
        return Source(path=uploads.tree_of(session.workspace, batch), batch=batch, left_out=tuple(left_out))
    chosen = typed.strip().strip('"').strip()  # Windows' "copy as path" puts quotation marks
    if not chosen:
        raise DataError(
            _("No folder, table or archive was given"),
            _("Type the path of one, choose a folder, or drop images here"),
        )
    if is_address(chosen):
        address = address_of(chosen)
        return Source(
            path=session.workspace.pulled / address.key / address.name, typed=typed, address=address
        )
    path = from_home(local_path(chosen))
    if not path.is_absolute():
        refuse_address(path)
        raise DataError(
            _("“{path}” is not a full path").format(path=isolated(str(path))),
            _("Give the full path, starting from the root of the disk or from ~"),
        )
    return Source(path=path, typed=typed)


def name_of(source: Source, answers: Answers) -> str:
    """Return what to call a source: never where in the workspace something that was sent lies."""
    path = source.path
    if source.batch and path.name == source.batch:  # one image came
        path = next((inner for inner in path.iterdir() if inner.name != uploads.UNREAD), path)
    if is_table(path) and answers.root is not None:
        return f"{answers.root.name} ({path.name})"
    return stem(path)


def headers_of(source: Source | None) -> tuple[str, ...]:
    """Return the columns of a table on its own; none where it is no table, or one that cannot be read."""
    try:
        return tuple(read_headers(source.path)) if source and is_table(source.path) else ()
    except DataError:
        return ()


def without_places(text: str, session: AppSession, source: Source | None) -> str:
    """Return a sentence without the places where the workspace keeps what was sent or unpacked."""
    if source is not None and source.batch:
        place = str(session.workspace.uploads / source.batch)
        text = re.sub(rf"{re.escape(place)}[/\\]", "", text).replace(place, "What was sent")
    unpacked = re.escape(str(session.workspace.unpacked))
    return re.sub(rf"{unpacked}[/\\](.+?)-[0-9a-f]{{12}}", r"\1", text)


def _not_taken(source: Source) -> list[DataIssue]:
    return [DataIssue(kind=DataIssueKind.SKIPPED, message=told) for told in source.left_out]
