"""A tunnel program that is running: what it says is read all the time, and it is ended with whoever started it."""

from __future__ import annotations

import atexit
import re
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

KEPT_LINES = 400


class ProgramEndedError(Exception):
    """The program ended before it said what was waited for."""


class Program:
    """One running program without a terminal, its output read line by line and the last lines kept.

    Args:
        command: With its arguments.
        environment: None means this process's.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._news = threading.Condition()
        self._silent = False
        threading.Thread(target=self._read, daemon=True, name="tunnel program").start()
        atexit.register(self.end)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def said(self) -> str:
        """Return the last lines that it printed."""
        with self._news:
            return "\n".join(self._lines)

    def wait_for(self, *patterns: str, timeout: float) -> list[str]:
        """Wait until it has said all of some things.

        Args:
            patterns: Regular expressions; of each the first group, or all that matched, is returned.
            timeout: Seconds.

        Raises:
            TimeoutError: It has not said them in time.
            ProgramEndedError: It ended before.
        """
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                text = "\n".join(self._lines)
                found = [re.search(pattern, text) for pattern in patterns]
                matches = [match for match in found if match is not None]
                if len(matches) == len(patterns):
                    return [match.group(match.lastindex or 0) for match in matches]
                if self._silent:
                    raise ProgramEndedError(text)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._news.wait(left)

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()

    def end(self) -> None:
        """End it, in good order or not. Ending it twice does nothing."""
        atexit.unregister(self.end)
        self._process.terminate()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()
