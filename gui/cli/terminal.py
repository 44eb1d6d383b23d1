"""What the command line prints: tables and answers on stdout, everything on the way there on stderr."""

from __future__ import annotations

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import report
from engine.language import in_print, one_line
from engine.storage import versioned

if TYPE_CHECKING:
    from rich.console import Console

    from engine.jobs import JobStatus


STOP_SECONDS = 8.0  # less than what a system that shuts down gives to a program


def answers() -> Console:
    """Return stdout: what was asked for, fit for a pipe."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:  # a file or a pipe is as wide as it needs to be
        console.width = 200
    return console


def remarks() -> Console:
    """Return stderr: progress, data issues, sentences."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Say a sentence on the way."""
    remarks().print("\n".join(map(one_line, sentence.split("\n"))), markup=False)


def say_error(error: Exception) -> None:
    """Say what is wrong with one thing of several; the others are not affected."""
    say(str(error))


def show_json(document: Mapping[str, Any]) -> None:
    """Print exactly one JSON object on stdout; NaN becomes null, paths and dates become text."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"  # a pipe on Windows is not
    print(json.dumps(_plain(versioned(document)), ensure_ascii=not unicode, indent=1))


def show_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", none: str = ""
) -> None:
    """Print a table on stdout; columns of numbers stand to the right. Of a list without rows `none` stands there."""
    from rich.table import Table
    from rich.text import Text

    cells = [[_cell(value) for value in row] for row in rows]
    if none and not cells:
        print(none)
        return
    table = Table(title=title or None, title_justify="left", title_style="bold")
    for number, heading in enumerate(headings):
        figures = all(row[number].strip("-–<.,%0123456789 ") == "" for row in cells)
        side: Literal["left", "right"] = "right" if figures and cells else "left"
        table.add_column(heading, justify=side, overflow="fold", no_wrap=number == 0)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    answers().print(table)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return in_print(value, ".3f")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else one_line(str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return str(value)


@contextmanager
def progress(what: str) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr while something is counted; nothing where stderr is no terminal.

    Args:
        what: What is being done.

    Yields:
        A function of how many are done, how many there are, and, where that has changed, what is being done.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = remarks()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total, what=what: bars.update(task, description=what, completed=done, total=total)


def watch_job(
    folder: Path, *, on_change: Callable[[JobStatus], None] | None = None, ours: bool = True
) -> JobStatus:
    """Follow a training run on stderr until it ends, and return how it ended.

    Ctrl-C asks whether to stop the training or to leave it running. Where nobody can be asked (no terminal, SIGTERM, a
    terminal that was closed), what this command started is stopped, since what nobody sees should not go on using the
    machine, and what another command started goes on.

    Args:
        folder: The run's folder.
        on_change: Told of every change as well.
        ours: Whether this command started the run.

    Raises:
        RunError: The folder holds no run.
        KeyboardInterrupt: Somebody asked this command to end; that has been acted upon.
    """
    from engine import jobs

    try:
        return _follow(folder, on_change or (lambda _now: None))
    except KeyboardInterrupt as asked:
        can_answer = asked.args in ((), (signal.SIGINT,)) and sys.stdin.isatty() and sys.stderr.isatty()
        _ended_with.add(folder)
        if _wants_to_stop() if can_answer else ours:
            jobs.stop(folder)
            say_if_heard(f"{_stopped(folder)}. Continue later with: overread resume {folder.name}")
        else:
            _say_it_continues(folder)
        raise


_ended_with: set[Path] = set()  # runs of which has been said what becomes of them


def say_what_goes_on() -> None:
    """Say of every run that this command started, and that still runs, that it does."""
    if "engine.jobs.control" not in sys.modules:
        return  # nothing was started
    from engine import jobs

    for folder in set(jobs.started_here()) - _ended_with:
        _say_it_continues(folder)


def say_if_heard(sentence: str) -> None:
    """Say a sentence, if the terminal is still there to show it."""
    with suppress(OSError, SystemExit):  # rich leaves by the latter where a pipe is closed
        say(sentence)


def _say_it_continues(folder: Path) -> None:
    say_if_heard(
        f"The training continues in the background. Watch it with: overread watch {folder.name}; "
        f"stop it with: overread stop {folder.name}"
    )


def _stopped(folder: Path) -> str:
    """Wait a little for a run that was asked to stop, and say how far it is."""
    from engine import jobs

    until = time.monotonic() + STOP_SECONDS
    while jobs.status(folder).working and time.monotonic() < until:
        time.sleep(0.1)
    return "The training is still stopping" if jobs.status(folder).working else "The training has stopped"


def _wants_to_stop() -> bool:
    remarks().print("\nStop the training? [y] stop, [Enter] leave it running: ", end="", markup=False)
    try:
        return sys.stdin.readline().strip().lower() in {"y", "yes", "s", "stop"}
    except KeyboardInterrupt:
        return True


def _follow(folder: Path, on_change: Callable[[JobStatus], None]) -> JobStatus:
    from rich.progress import BarColumn, Progress, TextColumn

    from engine import jobs

    console = remarks()
    shown = (0, -1)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=1.0, figures="")
        for now in jobs.watch(folder, interval=0.1):
            on_change(now)
            part = now.batch / now.batches if now.batches else 0.0
            whole = now.share_trained if now.state == "training" else part
            bars.update(task, description=now.state, completed=min(whole, 1.0), figures=_figures(now))
            reached = (now.fold, now.epoch)
            if not console.is_terminal and now.working and reached > shown and now.last_epoch is not None:
                console.print(
                    f"training: {_epoch_figures(now)}", markup=False
                )  # whatever came since it ended
            shown = max(shown, reached)
    return now


def _figures(now: JobStatus) -> str:
    from engine import jobs

    return _epoch_figures(now) if now.state == "training" and now.message != jobs.QUIET else now.message


def _epoch_figures(now: JobStatus) -> str:
    parts = [now.reached]
    if now.last_epoch is not None:
        parts.append(f"{now.last_epoch.phase}, validation AUROC {report.figure(now.last_epoch.val_auc)}")
    if now.seconds_left is not None:
        parts.append(f"{report.duration(now.seconds_left)} left")
    return " · ".join(parts)
