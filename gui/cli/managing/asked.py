"""What renaming, noting, archiving and deleting have in common, whatever they are done to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import EngineError
from gui.cli.terminal import remarks, say

if TYPE_CHECKING:
    from engine.managing import Dependents

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Empty takes the given name away.")]
NoteArgument = Annotated[str, typer.Argument(metavar="TEXT", help="Empty takes the note away.")]
BackOption = Annotated[bool, typer.Option("--back", help="Offer it again.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Delete without asking.")]


def say_dependents(known: Dependents) -> None:
    """Say what goes with what is to be deleted, and what stays."""
    for what in known.goes:
        say(f"Deleted with it: {what}")
    for sentence in known.stays:
        say(f"Stays: {sentence}")


def agreed(what: str, known: Dependents, *, yes: bool) -> bool:
    """Say what depends on something, and return whether it shall be deleted.

    Raises:
        EngineError: Nobody can be asked.
    """
    if known.forbids:  # the deletion says itself what forbids it; nothing goes with what stays
        return True
    say_dependents(known)
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise EngineError(
            f"{what} was not deleted, because no one can be asked here", "Add --yes if it shall be"
        )
    remarks().print(f"Delete {what} for good? [y] delete, [Enter] keep: ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
