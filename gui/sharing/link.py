"""A link for guests: a second process that shows a throw-away, de-identified, read-only copy of chosen cases.

Or, for one reader by name, one study of the workspace itself, whose answers come in as theirs.

    make_copy(workspace, store, run_id, ...)   gui.sharing.deidentified_copy: what guests see
    share(workspace, store, run_id, ...)       makes the copy, starts the process, returns the `Share`
    invite(workspace, store, study, reader)    the same for a reader of a study, without a copy
    python -m gui.guest_app                 that process: password, tunnel, end
    WAYS                                       gui.sharing.ways: how guests reach it, one file a way

The link is never there by default, says when it ends, and ends by itself: after its time, when the program
that opened it is gone, however it went, or when somebody guesses passwords.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import queue
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil

import gui
from engine.errors import ShareError
from engine.language import _, isolated, language, listed, short_number
from engine.reading import Store, Study
from engine.storage import open_private
from engine.workspace import DATABASE_VARIABLE, Workspace
from gui.sharing.deidentified_copy import make_copy
from gui.sharing.how_many import USUAL_CASES
from gui.sharing.ways import WAYS

log = logging.getLogger("overread.share")

PREFIX = "overread-share-"
LOG_FILE = "log.txt"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for one another when read out
LONGEST_MINUTES = 8 * 60
START_SECONDS = 90.0  # a slow computer imports for a while

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Access:
    """How guests get in, and for how long.

    Attributes:
        minutes: How long the link lives.
        via: How guests reach it: a key of `WAYS`.
        server: A server of one's own, as that way takes it, instead of its usual one.
        address: What guests open, where that server passes it on.
        timeout: Seconds for the tunnel.
        tell: Given sentences that the owner should read while the link is open; by default, the terminal shows them.
    """

    minutes: float = 60
    via: str = next(iter(WAYS))
    server: str | None = None
    address: str | None = None
    timeout: float = 15.0
    tell: Tell = log.warning


class Share:
    """A link that is open, or was.

    Attributes:
        url: For the guests.
        user: To be told to the guests.
        password: To be told to the guests, by another way than the link.
        expires_at: With time zone.
        command: What to run on this computer so that guests get in; empty where nothing is to be run.
        note: What the owner should know of it now (wrong passwords, a lost connection, why it ended), or empty.
    """

    def __init__(
        self,
        process: subprocess.Popen[str],
        folder: Path,
        told: dict[str, Any],
        *,
        user: str,
        password: str,
        tell: Tell,
    ) -> None:
        self.url: str = told["url"]
        self.user = user
        self.password = password
        self.expires_at = datetime.fromtimestamp(told["expires"], UTC)
        self.command: str = told["command"]
        self.note = ""
        self._process = process
        self._folder = folder
        self._tell = tell
        self._tunnel = _process(told["tunnel"])
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()
        threading.Thread(target=self._clear_up, daemon=True).start()
        atexit.register(self.close)

    @property
    def is_open(self) -> bool:
        """Whether guests are still let in."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the link now. Ending it twice does nothing."""
        atexit.unregister(self.close)
        _end(self._process)
        self._clear_up()

    def _listen(self, output: IO[str]) -> None:
        """Take in what the second process says of the link, and tell the owner what is new."""
        for line in output:
            news = json.loads(line)
            if "tunnel" in news:
                self._tunnel = _process(news["tunnel"])
            if news.get("note", self.note) != self.note:
                self.note = news["note"]
                if self.note:
                    self._tell(self.note)

    def _clear_up(self) -> None:
        """Wait for the process to end; if it was killed, end its tunnel and delete the copy for it."""
        self._process.wait()
        if self._tunnel is not None:
            with contextlib.suppress(psutil.NoSuchProcess):  # also when another program has its number by now
                self._tunnel.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def share(
    workspace: Workspace,
    store: Store,
    run_id: str,
    image_ids: Sequence[str] | None = None,
    *,
    cases: int = USUAL_CASES,
    seed: int | None = None,
    labels: bool = False,
    access: Access | None = None,
) -> Share:
    """Open a link to a copy of some cases. Ask the person first: pixels go through somebody else's server.

    Args:
        workspace: Of the run.
        store: Of the workspace.
        run_id: Whose predictions are shown.
        image_ids: Which cases (`gui.sharing.choosing`); None takes random ones of the test part.
        cases: How many random ones.
        seed: Of the random ones; None draws others each time.
        labels: Whether guests may see the labels that came with the data.
        access: How guests get in, and how long.

    Raises:
        ShareError: No link can be had. Nothing is left behind, and the program that asked goes on.
    """

    def prepare(folder: Path) -> None:
        make_copy(workspace, store, run_id, image_ids, folder, cases=cases, seed=seed, labels=labels)

    return _opened(access or Access(), prepare)


def invite(
    workspace: Workspace, store: Store, study: str, reader: str, *, access: Access | None = None
) -> Share:
    """Open a link by which one reader reads one study of this workspace, and sees nothing else of it.

    What they answer, and what was on their screen before, is stored where every reading of the workspace is, as theirs.

    Args:
        workspace: Of the study.
        store: Of the workspace.
        study: Its id or name.
        reader: One of its readers, or its adjudicator, by id or name.
        access: How they get in, and how long.

    Raises:
        ShareError: No link can be had, the study is closed, or has nothing for this reader.
        ReviewError: There is no such study or reader.
    """
    found = store.studies.get(study)
    name = invited_reader(store, found, reader)
    order = {
        "workspace": str(workspace.root.resolve()),
        "server": workspace.server,
        "study": found.study_id,
        "reader": name,
    }
    return _opened(access or Access(), lambda folder: None, invited=order)


def invited_reader(store: Store, study: Study, reader: str) -> str:
    """Return the name of the reader who is to be invited.

    Raises:
        ShareError: The study is closed, or they are neither its reader nor its adjudicator.
    """
    if study.state == "closed":
        raise ShareError(
            _("“{study}” is closed, so that no one can read in it").format(study=isolated(study.name)),
            _("Choose another study"),
        )
    people = {one.reader_id: one for one in store.people()}
    wanted = people.get(reader) or store.find_reader(reader)
    of_study = [one for one in (*study.protocol.readers, study.protocol.adjudicator) if one in people]
    if wanted is None or wanted.reader_id not in of_study:
        names = listed(people[one].name for one in of_study)
        raise ShareError(
            _("{reader} is not a reader of “{study}”").format(
                reader=isolated(wanted.name if wanted else reader), study=isolated(study.name)
            ),
            _("Choose one of {names}, or add them first").format(names=names),
            option="overread study add",
        )
    return wanted.name


def _opened(
    access: Access, prepare: Callable[[Path], None], *, invited: dict[str, Any] | None = None
) -> Share:
    """Start the second process in a folder of its own, and return the link."""
    minutes, via = access.minutes, access.via
    if not 0 < minutes <= LONGEST_MINUTES:
        raise ShareError(
            _("A link cannot live for {minutes} minutes").format(minutes=short_number(minutes)),
            _("Choose 1 to {longest_minutes}").format(longest_minutes=short_number(LONGEST_MINUTES)),
        )
    if via not in WAYS:
        raise ShareError(
            _("There is no way “{via}” for guests to connect").format(via=isolated(via)),
            _("Choose one of: {names}").format(names=listed(WAYS)),
        )
    WAYS[via].knock(access.server)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # 0700
    try:
        prepare(folder)
        order = {
            "user": f"{'reader' if invited else 'guest'}-{_letters(4)}",
            "password": "-".join(_letters(4) for _ in range(4)),  # 79 bits
            "seconds": minutes * 60,
            "via": via,
            "server": access.server,
            "address": access.address,
            "timeout": access.timeout,
            "invited": invited,
            "language": language(),
        }
        process = _start(folder)
        try:
            told = _told(process, order, START_SECONDS + access.timeout)
            user, password = str(order["user"]), str(order["password"])
            return Share(process, folder, told, user=user, password=password, tell=access.tell)
        except BaseException:
            _end(process)
            raise
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise ShareError(
                _("The copy for the guests cannot be made ({error})").format(error=error.strerror or error),
                _("Free some space in {folder} and try again").format(folder=tempfile.gettempdir()),
            ) from error
        raise


def _sweep() -> None:
    """Delete copies that a loss of power left behind: no link lives as long as they are old."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 2 * 60 * LONGEST_MINUTES:
                shutil.rmtree(left, ignore_errors=True)


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))


def _start(folder: Path) -> subprocess.Popen[str]:
    """Start the second process. It holds one end of a pipe: when this program dies, it learns so and ends."""
    root = str(Path(gui.__file__).parents[1])  # found from anywhere, installed or not
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with os.fdopen(open_private(folder / LOG_FILE, os.O_APPEND), "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gui.guest_app", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            encoding="utf-8",
            cwd=folder,  # Gradio writes a certificate where it stands
            env={
                **{name: value for name, value in os.environ.items() if name != DATABASE_VARIABLE},
                "PYTHONPATH": path,
                "PYTHONSAFEPATH": "1",
            },
            start_new_session=True,  # Ctrl-C in the terminal ends us, and through the pipe it, in order
        )


def _told(process: subprocess.Popen[str], order: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Give the order and return the answer.

    Raises:
        ShareError: There is none in time, or it says what is wrong.
    """
    assert process.stdin is not None and process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    output = process.stdout
    threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
    try:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        line = lines.get(timeout=timeout)
    except (queue.Empty, BrokenPipeError):
        line = ""
    if not line:
        _log_of(process)
        raise ShareError(
            _("The second process that shows the copy did not start"), _("Try again; the log says more")
        )
    told: dict[str, Any] = json.loads(line)
    if "problem" in told:
        raise ShareError(told["problem"], told["remedy"], option=told["option"], fields=tuple(told["fields"]))
    return told


def _log_of(process: subprocess.Popen[str]) -> None:
    folder = Path(str(process.args[-1]))  # type: ignore[index]
    try:
        log.error(
            "Output of the process for guests:\n%s", (folder / LOG_FILE).read_text(errors="replace")[-4000:]
        )
    except OSError as error:
        log.error("The process for guests left no log: %s", error)


def _end(process: subprocess.Popen[str]) -> None:
    """Close the pipe, which asks the process to end in order; make it end when it does not."""
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return None if pid is None else psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
