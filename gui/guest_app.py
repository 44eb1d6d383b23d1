"""The second process: shows a copy to guests behind a password, and ends itself.

`python -m gui.guest_app FOLDER` is started by `gui.sharing.link`. It reads its order, one line of JSON, from
standard input, and answers with one line of JSON: the address, or what is wrong; a line more follows whenever there is
something that the owner should know. It closes the tunnel and its
window and deletes the folder when the time is over, when standard input ends (whoever started it is gone), on
a signal, when the tunnel is lost, or when somebody keeps guessing the password.
"""

from __future__ import annotations

import hmac
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import EngineError
from engine.language import ENGLISH, _, moment, ngettext, number, speaking
from engine.reading import open_store
from engine.storage import bound_log
from engine.workspace import Workspace
from gui.app import start
from gui.door import Password
from gui.sharing import LOG_FILE, WAYS, Deadline, Order, Tunnel, keep_watch
from gui.web import AppSession, Invited

WRONG_TRIES_A_MINUTE = 5
WRONG_TRIES = 50
Answer = Callable[[Mapping[str, Any]], None]


class Doorkeeper:
    """Knows one user and one password, and slows down who guesses.

    After five wrong tries within a minute nobody is let in until the minute is over, not even with the right
    password: all guests come through one tunnel and cannot be told apart. Fifty wrong tries end the link.

    Args:
        user: The name.
        password: The password.
        clock: Seconds; for tests.

    Attributes:
        wrong_tries: How many there were.
    """

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._expected = f"{user}\n{password}".encode()
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=WRONG_TRIES_A_MINUTE)
        self._lock = threading.Lock()
        self.wrong_tries = 0
        self._locked: tuple[int, datetime] | None = None  # after how many wrong tries, and until when

    def __call__(self, user: str, password: str) -> bool:
        """Say whether to let somebody in. Takes the same time however much of the password is right."""
        with self._lock:
            now = self._clock()
            if len(self._wrong) == self._wrong.maxlen and now - self._wrong[0] < 60:
                return False
            right = hmac.compare_digest(f"{user}\n{password}".encode(), self._expected)
            if not right:
                self._wrong.append(now)
                self.wrong_tries += 1
                left = 60 - (now - self._wrong[0])
                if len(self._wrong) == self._wrong.maxlen and left > 0:
                    until = datetime.now().astimezone() + timedelta(seconds=left)
                    self._locked = self.wrong_tries, until
            return right

    @property
    def lock_out(self) -> str:
        """What the owner should know of the last time that nobody was let in, or empty."""
        if self._locked is None:
            return ""
        tries, until = self._locked
        told = ngettext(
            "Wrong passwords were tried {count} time: no one is let in until {time}. "
            "After {most} the link closes automatically.",
            "Wrong passwords were tried {count} times: no one is let in until {time}. "
            "After {most} the link closes automatically.",
            tries,
        )
        return told.format(count=number(tries), time=moment(until, "%H:%M:%S"), most=number(WRONG_TRIES))

    @property
    def besieged(self) -> bool:
        """Whether so many wrong tries were made that the link should end."""
        return self.wrong_tries >= WRONG_TRIES


def serve_copy(folder: Path, order: Mapping[str, Any], answer: Answer, ended: threading.Event) -> None:
    """Show the copy in `folder`, or the study that somebody is invited to, until the end; then delete the folder.

    Args:
        folder: A workspace made by `gui.sharing.deidentified_copy.make_copy`; empty where somebody is invited.
        order: `user`, `password`, `seconds` to live, `via` (a key of `WAYS`), `server`, `address`, `timeout`,
            `language` (of the owner), and `invited`: None, or `workspace`, `server` (of its database), `study` (its id)
            and `reader` (a name).
        answer: Called with the address or with what is wrong, and then with whatever the owner should know.
        ended: Set from outside when it is time to close.
    """
    tunnel: Tunnel | None = None
    window = store = None
    try:
        session = _invited(order["invited"]) if order.get("invited") else _looking(folder)
        store = session.store
        door = Doorkeeper(order["user"], order["password"])
        entrance = Password(door, one_device=session.invited is not None)
        window = start(session, entrance=entrance)
        deadline, expires = Deadline(order["seconds"]), time.time() + order["seconds"]
        tunnel = WAYS[order["via"]].dig(
            Order(
                port=window.port,
                server=order["server"],
                address=order["address"],
                timeout=order["timeout"],
            )
        )
        session.hosts.add(tunnel.host)
        closes = datetime.fromtimestamp(expires, UTC)
        entrance.left = deadline.left
        entrance.told = lambda: f"{_inside(session)} {_closes_at(closes)}"
        answer({"url": tunnel.url, "command": tunnel.command, "expires": expires, "tunnel": tunnel.pid})
        told: Mapping[str, Any] = {}
        while not ended.wait(0.2) and not (why := _end(door, deadline, tunnel)):
            news = {"tunnel": tunnel.pid, "note": " ".join(filter(None, (door.lock_out, tunnel.note)))}
            if news != told:
                answer(told := news)
            bound_log(folder / LOG_FILE)
        if not ended.is_set():
            answer({"note": why})
    except EngineError as error:
        told = {
            "problem": error.problem,
            "remedy": error.remedy,
            "option": error.option,
            "fields": error.fields,
        }
        answer(told)
    finally:
        if tunnel is not None:
            tunnel.close()
        if window is not None:
            window.close()
        if store is not None:
            store.close()
        delete(folder)


def _looking(folder: Path) -> AppSession:
    """Return a session on the copy: the file is opened for reading alone, whatever a page may try."""
    store = open_store(f"sqlite:///file:{quote(str(Workspace(folder).file))}?mode=ro&uri=true")
    return AppSession(workspace=Workspace(folder), store=store, reader="guest", read_only=True)


def _invited(order: Mapping[str, Any]) -> AppSession:
    """Return a session on the owner's workspace in which one reader reads one study, and has no other page."""
    workspace = Workspace(Path(order["workspace"]), server=order["server"])
    store = open_store(workspace.database)
    invited = Invited(study_id=order["study"], reader=order["reader"])
    return AppSession(workspace=workspace, store=store, reader=invited.reader, invited=invited)


def _inside(session: AppSession) -> str:
    """Say what is behind the door, to whoever stands before it: nothing of what is read, or of by whom."""
    if session.invited:
        return _("One reader is invited to read images here.")
    return _("A guest's view of some cases, without names.")


def _closes_at(closes: datetime) -> str:
    return _("It closes at {time} UTC.").format(time=moment(closes, "%H:%M"))


def _end(door: Doorkeeper, deadline: Deadline, tunnel: Tunnel) -> str:
    """Say why the link ends now; empty while it goes on."""
    if deadline.over:
        return _("The link has ended: its time is over.")
    if door.besieged:
        told = _(
            "The link has ended: wrong passwords were tried {count} times. A new one has a new password."
        )
        return told.format(count=number(door.wrong_tries))
    return "" if tunnel.open else _("The link has ended: its tunnel was lost.")


def delete(folder: Path) -> None:
    """Delete the copy."""
    os.chdir(tempfile.gettempdir())  # Windows deletes no folder that somebody stands in
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Serve the folder named on the command line; see the module's docstring."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is for the log, not for the one who waits for an answer
    folder, ended = Path(sys.argv[1]), threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ended.set())
    order = sys.stdin.readline()
    if not order:  # whoever started us is gone already
        delete(folder)
        return
    keep_watch(folder)

    def watch() -> None:
        sys.stdin.read()  # ends when the other end is closed, by will or by death
        ended.set()

    def answer(told: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # whoever started us is gone: `watch` ends us
            print(json.dumps(told), file=answers, flush=True)

    threading.Thread(target=watch, daemon=True).start()
    told = json.loads(order)
    with speaking(told.get("language", ENGLISH)):  # what the owner is told; guests are asked for theirs
        serve_copy(folder, told, answer, ended)
    sys.stderr.flush()
    os._exit(0)  # everything is closed; a thread of the server must not keep the process alive


if __name__ == "__main__":
    main()
