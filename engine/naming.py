"""What people say of a run or data set: a name, a note, and whether it is put away. In about.json of its folder.

A run that was deleted leaves this file alone behind, so that what refers to it (readings, reports) can say what it was.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from annotated_types import MaxLen

from engine.errors import WorkspaceError
from engine.kept_files import JsonFile, read_json
from engine.language import one_line
from engine.storage import versioned, write_atomic

ABOUT_FILE = "about.json"
LONGEST_NAME, LONGEST_NOTE = 80, 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What was said of a run or data set.

    Attributes:
        name: In place of the one it came with; empty for none.
        note: Whatever should be remembered.
        archived: Left out where something is chosen; what links to it still opens it.
        deleted: When it was, in ISO 8601; empty while it is there.
    """

    name: Annotated[str, MaxLen(LONGEST_NAME)] = ""
    note: Annotated[str, MaxLen(LONGEST_NOTE)] = ""
    archived: bool = False
    deleted: Annotated[str, MaxLen(40)] = ""

    @property
    def put_away(self) -> bool:
        """Whether it is left out where something is chosen."""
        return self.archived or bool(self.deleted)


_GIVEN = JsonFile(
    record=Given, error=WorkspaceError, remedy="Delete {file}; only the name and the note in it are lost"
)


def given_of(folder: Path) -> Given:
    """Return what was said of what lies in a folder; nothing where nothing was, or it cannot be read."""
    with suppress(FileNotFoundError, WorkspaceError):
        return read_json(folder / ABOUT_FILE, _GIVEN)
    return Given()


def give(
    folder: Path,
    *,
    name: str | None = None,
    note: str | None = None,
    archived: bool | None = None,
    deleted: str | None = None,
) -> Given:
    """Say something of what lies in a folder; what is None stays as it was.

    Raises:
        WorkspaceError: A name or note is too long, or nothing can be written.
    """
    before = given_of(folder)
    if not folder.is_dir() or (
        before.deleted and deleted is None
    ):  # of what was deleted this file alone is left
        raise WorkspaceError(f"There is no {folder.name} in this workspace", "Choose one from the list")
    now = replace(
        before,
        name=before.name if name is None else _seen(name),
        note=before.note if note is None else note.strip(),
        archived=before.archived if archived is None else archived,
        deleted=before.deleted if deleted is None else deleted,
    )
    for what, text, most in (("name", now.name, LONGEST_NAME), ("note", now.note, LONGEST_NOTE)):
        if len(text) > most:
            raise WorkspaceError(f"The {what} has {len(text):,} characters", f"Write at most {most:,}")
    if now != before:
        write_atomic(folder / ABOUT_FILE, json.dumps(versioned(asdict(now)), indent=1, ensure_ascii=False))
    return now


def _seen(name: str) -> str:
    """Return a name as it is kept: one line, and none where there is nothing in it to be seen."""
    tidy = " ".join(one_line(name).split())
    return tidy if any(letter.isprintable() and not letter.isspace() for letter in tidy) else ""
