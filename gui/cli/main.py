"""`overread`: the commands of this folder's modules as one, and one place where every error becomes an exit code.

Each command stands beside what it does. Their modules import the engine's chapters (`from engine import data`),
which load what is used when it is used: `overread --help` and a mistyped command answer at once.
0 is good, 1 is an `EngineError` (its two sentences on stderr), 2 is a wrong command line, 130 is Ctrl-C (143 SIGTERM,
129 a terminal that was closed: `gui.__main__`), 141 a pipe that nobody reads any more (`overread runs | head -1`).
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

import typer

from engine.errors import EngineError
from gui.cli import compare, data, demo, doctor, proposal, recipes, results, train, window
from gui.cli.archives import export_dicom, receive
from gui.cli.elsewhere import commands as elsewhere, import_predictions
from gui.cli.experiments import compare_runs, learning_curve, search
from gui.cli.installing import bundle, desktop
from gui.cli.managing import data as kept_data, runs as kept_runs
from gui.cli.models import export, weights
from gui.cli.readings import accounts, audit, backup, labels, readers, share, studies
from gui.cli.reports import checklist, verify, written
from gui.cli.terminal import say_what_goes_on

INTERRUPTED = 130
READ_ENOUGH = 141  # as a shell tells it of other programs whose output is no longer read: 128 + SIGPIPE
_NOWHERE_TO_SAY = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_PRINTING = ("gui.cli.", "rich.", "click.", "typer.")

app = typer.Typer(
    name="overread",
    help="Train an image classifier, over-read every prediction beside its saliency map, "
    "leave with a report in the form that journals ask for. Nothing leaves this computer unless you share it.\n\n"
    "Start with: [bold]overread demo[/bold]. With your own images: "
    "[bold]overread train FOLDER[/bold], then [bold]overread gui[/bold].",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (
    demo,
    window,
    proposal,
    data,
    train,
    kept_runs,
    kept_data,
    results,
    written,
    checklist,
    verify,
    elsewhere,
    import_predictions,
    export,
    export_dicom,
    receive,
    compare,
    compare_runs,
    learning_curve,
    search,
    readers,
    studies,
    share,
    labels,
    accounts,
    backup,
    audit,
    recipes,
    weights,
    desktop,
    bundle,
    doctor,
):
    app.add_typer(part.app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every error passes here.

    Args:
        arguments: Without the program's name; None means those of this process.
    """
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end the work
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except MemoryError as error:
        return _machine_failed(error)
    except OSError as error:
        if not _is_of_output(error):
            return _machine_failed(error)
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the flush at the end
        if error.errno == errno.EPIPE:
            return READ_ENOUGH
        print(
            f"What the command says could not be written ({error.strerror}). What it did is kept: send its output "
            "to where there is room, and run it again",
            file=sys.stderr,
        )
        return 1
    return code


def _is_of_output(error: OSError) -> bool:
    """Return whether it is our own output that cannot be written: only here and in what prints for us is that met."""
    if error.errno not in _NOWHERE_TO_SAY or error.filename is not None:
        return False
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(_PRINTING)


def _machine_failed(error: OSError | MemoryError) -> int:
    """Say what the machine refused where nobody foresaw it, and return the exit code; a defect is raised again."""
    from engine.storage import machine_trouble  # not at top: hardly ever needed

    told = machine_trouble(error)
    if told is None:
        raise error
    print(told, file=sys.stderr)
    return 1


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(args=None if arguments is None else list(arguments), prog_name="overread")
    except EngineError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say_what_goes_on()
        return INTERRUPTED
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of it, wherever a command was
            say_what_goes_on()
        if _read_enough(end):
            return READ_ENOUGH
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _read_enough(end: SystemExit) -> bool:
    """Return whether a command ended because nobody reads its output: typer and rich make an exit code 1 of that."""
    cause: BaseException | None = end
    while cause is not None and not isinstance(cause, BrokenPipeError):
        cause = cause.__context__
    return cause is not None
