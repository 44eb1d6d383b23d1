"""The second process: shows a copy to guests behind a password, and ends itself.

`python -m gui.guest_app FOLDER` is started by `gui.sharing.link`. It reads its order, one line of JSON, from
standard input, and answers with one line of JSON: the address, or what is wrong. It closes the tunnel and its
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
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import EngineError
from engine.reading import open_store
from engine.workspace import Workspace
from gui.app import start
from gui.sharing import Tunnel, open_tunnel
from gui.web import AppSession

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
    """

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._expected = f"{user}\n{password}".encode()
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=WRONG_TRIES_A_MINUTE)
        self._lock = threading.Lock()
        self.wrong_tries = 0

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
            return right

    @property
    def besieged(self) -> bool:
        """Whether so many wrong tries were made that the link should end."""
        return self.wrong_tries >= WRONG_TRIES


def serve_copy(folder: Path, order: Mapping[str, Any], answer: Answer, ended: threading.Event) -> None:
    """Show the copy in `folder` until the end, then delete it.

    Args:
        folder: A workspace made by `gui.sharing.deidentified_copy.make_copy`.
        order: `user`, `password`, `seconds` to live, `through` ("tunnel" or "ssh"), `server`, `timeout`.
        answer: Called once, with the address or with what is wrong.
        ended: Set from outside when it is time to close.
    """
    tunnel: Tunnel | None = None
    window = store = None
    try:
        # the file is opened for reading alone, whatever a page may try
        store = open_store(f"sqlite:///file:{quote(str(Workspace(folder).database))}?mode=ro&uri=true")
        session = AppSession(workspace=Workspace(folder), store=store, reader="guest", read_only=True)
        door = Doorkeeper(order["user"], order["password"])
        window = start(session, auth=door)
        if order["through"] == "tunnel":
            tunnel = open_tunnel(window.port, timeout=order["timeout"], server=order["server"])
            session.hosts.add(tunnel.host)
        expires = time.time() + order["seconds"]
        until = time.strftime("%H:%M UTC", time.gmtime(expires))
        window.app.auth_message = f"A guest's view of some cases, without names. It closes at {until}."
        answer(
            {
                "url": tunnel.url if tunnel else window.url,
                "port": window.port,
                "expires": expires,
                "tunnel": tunnel.pid if tunnel else None,
            }
        )
        # by the wall clock, in short steps: a computer that slept over the end closes when it wakes
        while (
            not ended.wait(0.2)
            and time.time() < expires
            and not door.besieged
            and (not tunnel or tunnel.open)
        ):
            pass
    except EngineError as error:
        answer({"problem": error.problem, "remedy": error.remedy})
    finally:
        if tunnel is not None:
            tunnel.close()
        if window is not None:
            window.close()
        if store is not None:
            store.close()
        delete(folder)


def delete(folder: Path) -> None:
    """Delete the copy."""
    os.chdir(tempfile.gettempdir())  # Windows deletes no folder that somebody stands in
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Serve the folder named on the command line; see the module's docstring."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is for the log, not for the one who waits for an answer
    folder, ended = Path(sys.argv[1]), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    order = sys.stdin.readline()
    if not order:  # whoever started us is gone already
        delete(folder)
        return

    def watch() -> None:
        sys.stdin.read()  # ends when the other end is closed, by will or by death
        ended.set()

    def answer(told: Mapping[str, Any]) -> None:
        print(json.dumps(told), file=answers, flush=True)

    threading.Thread(target=watch, daemon=True).start()
    serve_copy(folder, json.loads(order), answer, ended)
    sys.stderr.flush()
    os._exit(0)  # everything is closed; a thread of the server must not keep the process alive


if __name__ == "__main__":
    main()
