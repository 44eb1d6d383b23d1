"""`overread`, also as `python -m gui`: whoever ends it, at whatever moment, sees no traceback.

Ctrl-C, SIGTERM and a terminal that is closed all end a command in the same way: as `KeyboardInterrupt`, which carries
the signal, through every `finally`, to an exit code of 128 + the signal. That holds from the first line on, while
libraries are still being loaded (some of which turn the interruption into an error of their own), to the last.
"""

from __future__ import annotations

import signal
import sys
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
    sys.unraisablehook = _end_after_all
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


def _end(number: int, _frame: FrameType | None) -> None:
    _asked.append(signal.Signals(number))
    raise KeyboardInterrupt(signal.Signals(number))


def _end_after_all(swallowed: sys.UnraisableHookArgs) -> None:
    """Ask again where the interruption came at a moment at which Python can only print it."""
    if issubclass(swallowed.exc_type, KeyboardInterrupt):
        signal.raise_signal(_asked[-1] if _asked else signal.SIGINT)
    else:
        sys.__unraisablehook__(swallowed)


if __name__ == "__main__":
    sys.exit(main())
