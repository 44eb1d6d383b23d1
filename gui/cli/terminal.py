"""What the command line prints: tables and answers on stdout, everything on the way there on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import report
from engine.storage import versioned

if TYPE_CHECKING:
    from rich.console import Console

    from engine.jobs import JobStatus


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
    remarks().print(sentence, markup=False)


def say_error(error: Exception) -> None:
    """Say what is wrong with one thing of several; the others are not affected."""
    say(str(error))


def show_json(document: Mapping[str, Any]) -> None:
    """Print exactly one JSON object on stdout; NaN becomes null, paths and dates become text."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"  # a pipe on Windows is not
    print(json.dumps(_plain(versioned(document)), ensure_ascii=not unicode, indent=1))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table on stdout; columns of numbers stand to the right."""
    from rich.table import Table
    from rich.text import Text

    cells = [[_cell(value) for value in row] for row in rows]
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
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr while something is counted; nothing where stderr is no terminal.

    Args:
        what: What is being done.

    Yields:
        A function of how many are done and how many there are.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = remarks()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def watch_job(folder: Path, *, on_change: Callable[[JobStatus], None] | None = None) -> JobStatus:
    """Follow a training run on stderr until it ends, and return how it ended.

    Ctrl-C asks whether to stop the training or to leave it running. Where nobody can be asked, it is stopped:
    what nobody sees should not go on using the machine.

    Args:
        folder: The run's folder.
        on_change: Told of every change as well.

    Raises:
        RunError: The folder holds no run.
        KeyboardInterrupt: Ctrl-C was pressed; the answer has been acted upon.
    """
    from engine import jobs

    try:
        return _follow(folder, on_change or (lambda _now: None))
    except KeyboardInterrupt:
        if _wants_to_stop():
            jobs.stop(folder)
            say(f"Stopping. Continue later with: overread resume {folder.name}")
        else:
            say(f"It continues in the background. Watch it with: overread watch {folder.name}")
        raise


def _wants_to_stop() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    remarks().print("\nStop the training? [y] stop, [Enter] leave it running: ", end="", markup=False)
    try:
        return sys.stdin.readline().strip().lower() in {"y", "yes", "s", "stop"}
    except KeyboardInterrupt:
        return True


def _follow(folder: Path, on_change: Callable[[JobStatus], None]) -> JobStatus:
    from rich.progress import BarColumn, Progress, TextColumn

    from engine import jobs

    console = remarks()
    shown = -1
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=1.0, figures="")
        for now in jobs.watch(folder, interval=0.1):
            on_change(now)
            part = now.batch / now.batches if now.batches else 0.0
            whole = (now.epoch + part) / max(now.epochs, 1) if now.state == "training" else part
            bars.update(task, description=now.state, completed=min(whole, 1.0), figures=_figures(now))
            if not console.is_terminal and now.working and now.epoch > shown and now.last_epoch is not None:
                console.print(
                    f"training: {_epoch_figures(now)}", markup=False
                )  # whatever came since it ended
            shown = max(shown, now.epoch)
    return now


def _figures(now: JobStatus) -> str:
    return _epoch_figures(now) if now.state == "training" else now.message


def _epoch_figures(now: JobStatus) -> str:
    parts = [f"epoch {now.epoch} of {now.epochs}"]
    if now.last_epoch is not None:
        parts.append(f"{now.last_epoch.phase}, validation AUROC {now.last_epoch.val_auc:.3f}")
    if now.seconds_left is not None:
        parts.append(f"{report.duration(now.seconds_left)} left")
    return " · ".join(parts)
