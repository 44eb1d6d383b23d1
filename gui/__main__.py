"""`overread`, also as `python -m gui`: whoever ends it, at whatever moment, sees no traceback.

Ctrl-C, SIGTERM and a terminal that is closed all end a command in the same way: as `KeyboardInterrupt`, which carries
the signal, through every `finally`, to an exit code of 128 + the signal. That holds from the first line on, while
libraries are still being loaded (some of which turn the interruption into an error of their own), to the last.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
_asked: list[signal.Signals] = []


def main() -> int:
    """Run the command line of this process and return its exit code."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup, and a shell's background, have said otherwise
            signal.signal(number, _end)
    _open_what_was_closed()
    sys.unraisablehook = _end_after_all
    if logging.lastResort is not None:  # what prints a library's troubles
        logging.lastResort.addFilter(_is_trouble)
    try:
        from gui.cli.main import main as run

        code = run()
    except BaseException:
        if not _asked:
            raise
        code = 0
    for number in SIGNALS:  # everything is written; whoever cannot wait for the last threads ends them
        if signal.getsignal(number) == _end:
            signal.signal(number, signal.SIG_DFL)
    return 128 + _asked[0] if _asked else code


def _open_what_was_closed() -> None:
    """Give a process that was started without one of its streams (`<&-`, a service) an empty one.

    Python leaves None in its place, and the first file that is opened would take its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _end(number: int, _frame: FrameType | None) -> None:
    _asked.append(signal.Signals(number))
    raise KeyboardInterrupt(signal.Signals(number))


def _is_trouble(record: logging.LogRecord) -> bool:
    """Return whether what a library logs is trouble: that it was interrupted while it cleared up was asked for."""
    return not (record.exc_info and isinstance(record.exc_info[1], KeyboardInterrupt))


def _end_after_all(swallowed: sys.UnraisableHookArgs) -> None:
    """Ask again where the interruption came at a moment at which Python can only print it: in a finaliser, say.

    A little later, from a thread: an interruption that were raised here would be swallowed as well.
    """
    if issubclass(swallowed.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.05, _ask, [_asked[-1] if _asked else signal.SIGINT])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(swallowed)


def _ask(number: signal.Signals) -> None:
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread:  # wakes a main thread that waits for a lock
        signal.pthread_kill(main_thread, number)
    else:
        _thread.interrupt_main(number)


if __name__ == "__main__":
    sys.exit(main())
