"""The system's own window for choosing a folder, in a separate process.

This file run as a program opens it, with the folder to begin in as its argument, prints one line of JSON,
`{"folder": path}` (null where it was closed without a choice), and ends with 0; without a desktop it ends with
`NO_DESKTOP` at once. It ends when its standard input does, so that no window outlives the server. A process of its
own because a toolkit's windows must live in a main thread, and the server has none to spare.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NO_DESKTOP = 3


@dataclass
class NativeChooser:
    """Opens at most one window at a time.

    Attributes:
        command: What is started.
    """

    command: tuple[str, ...] = (sys.executable, "-I", __file__)
    _child: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, start: Path) -> dict[str, Any]:
        """Open the window and wait for the choice.

        A window that is open already is closed first: whoever asks again has lost sight of it.

        Returns:
            `desktop`, whether there is one; `folder`, what was chosen, or None.
        """
        self.close()
        pipe = subprocess.PIPE
        try:
            child = subprocess.Popen(
                [*self.command, str(start)], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        except OSError:
            return {"desktop": False, "folder": None}
        with self._lock:
            self._child = child
        with child:
            assert child.stdout is not None
            told = child.stdout.read()
        with self._lock:
            closed_by_us = self._child is not child
        if child.returncode != 0:  # a toolkit that fails in any way leaves the list of folders to choose from
            return {"desktop": closed_by_us, "folder": None}
        return {"desktop": True, "folder": json.loads(told)["folder"]}

    def close(self) -> None:
        """Close the window, if one is open."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.kill()


def main() -> None:
    """Open the window; see the module's docstring."""
    try:
        import tkinter
        from tkinter import filedialog
    except ImportError:
        sys.exit(NO_DESKTOP)
    try:
        window = tkinter.Tk()
    except tkinter.TclError:
        sys.exit(NO_DESKTOP)

    def watch() -> None:
        sys.stdin.buffer.read()  # ends when the server does
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    window.withdraw()
    window.attributes("-topmost", True)  # else it may open behind the browser
    window.update()
    chosen = filedialog.askdirectory(
        parent=window, initialdir=sys.argv[1], mustexist=True, title="Choose the folder of images"
    )
    print(json.dumps({"folder": str(chosen) if chosen else None}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
