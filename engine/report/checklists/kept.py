"""What people wrote to items of checklists, kept beside the run or the study: what was written before stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from engine.errors import ReportError
from engine.kept_files import JsonFile, plain, read_json
from engine.report.checklists.records import Written
from engine.storage import storage_error, versioned, write_atomic

FILE = "checklists.json"
LONGEST = 20_000  # characters of one text


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """All that was written, the earliest first."""

    answers: tuple[Written, ...] = ()


KEPT = JsonFile(
    record=Answers,
    error=ReportError,
    remedy="Put {file} back from a copy, or move it away: the checklists are then open again",
    largest=64 << 20,
)


def kept_answers(folder: Path) -> tuple[Written, ...]:
    """Return what was written to a run's or a study's checklists, the earliest first.

    Raises:
        ReportError: The file is damaged.
    """
    try:
        return read_json(folder / FILE, KEPT).answers
    except FileNotFoundError:
        return ()


def keep_answer(folder: Path, key: str, text: str, by: str) -> Written:
    """Add what somebody wrote to an item; what stood there before is kept.

    Args:
        folder: Of the run or the study; made if it is not there.
        key: Of the item.
        text: Empty takes the last one back.
        by: Who writes.

    Raises:
        ReportError: The text is too long, nobody is named, or the file is damaged.
        WorkspaceError: It cannot be written.
    """
    text, by = text.strip(), by.strip()
    if len(text) > LONGEST:
        raise ReportError(f"The text has {len(text):,} characters", f"Write at most {LONGEST:,}")
    if not by:
        raise ReportError("It is not known who writes this", "Give a name")
    made = Written(key=key, text=text, by=by, at=datetime.now(UTC).replace(microsecond=0))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(folder / f".{FILE}.lock"):
            _write(folder / FILE, (*kept_answers(folder), made))
    except OSError as error:
        raise storage_error(error, folder) from error
    return made


def _write(path: Path, answers: Sequence[Written]) -> None:
    import json

    text = json.dumps(versioned(plain(Answers(answers=tuple(answers)))), indent=1, ensure_ascii=False)
    write_atomic(path, text + "\n")
