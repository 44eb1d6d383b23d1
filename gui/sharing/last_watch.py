"""Whoever is killed with a link open, nothing of it stays: a small process that outlives the one for guests.

It reads a pipe whose other end the process for guests holds. The pipe ends with that process, however it went; then
what is left of its process group (the tunnel's program, which would lead to whatever takes the port next) is killed and
the copy deleted. In good order there is nothing left to do. POSIX; Windows has no process groups of this kind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def keep_watch(folder: Path) -> None:
    """Start the process that clears up after this one, which must lead a process group of its own.

    Args:
        folder: The copy, deleted in the end.
    """
    if os.name != "posix" or os.getpgrp() != os.getpid():
        return
    # `_held` is never closed: it ends with this process, and no child inherits it.
    ends, _held = os.pipe()
    try:
        subprocess.Popen(
            [sys.executable, "-I", __file__, str(os.getpgrp()), str(folder)],
            stdin=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(ends)


def clear_up(group: int, folder: Path) -> None:
    """Wait for the end of standard input; then kill the group and delete the folder."""
    sys.stdin.buffer.read()
    with suppress(ProcessLookupError, PermissionError):  # nobody is left, or a stranger has the number by now
        os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    clear_up(int(sys.argv[1]), Path(sys.argv[2]))
