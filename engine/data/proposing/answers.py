"""What a person said of a folder or table: put together, read from the command line, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, cast

from engine.data.sources import COLUMNS
from engine.errors import DataError
from engine.records import PARTS, ROLES, Answers, Part, Proposal, Role

NO_PART = "none"
FOLDERS = "none"
NO_FINDING = "none"
FILE_NAMES = "names"


def with_answers(answers: Answers, more: Answers) -> Answers:
    """Return answers with further ones, which go before the first."""
    together: dict[str, Any] = {}
    for field in fields(Answers):
        old, new = getattr(answers, field.name), getattr(more, field.name)
        together[field.name] = {**old, **new} if isinstance(old, Mapping) else old if new is None else new
    return Answers(**together)


def answers_from_options(
    *,
    levels: str | None = None,
    level: Sequence[str] = (),
    part_names: Sequence[str] = (),
    same: Sequence[str] = (),
    columns: Sequence[str] = (),
    table: str | None = None,
    root: Path | None = None,
    finding: str | None = None,
) -> Answers:
    """Return the answers that options of the command line give.

    Args:
        levels: The roles of all levels from the outermost in, such as part/class/patient.
        level: NUMBER=ROLE, or names=ROLE for the names of the files.
        part_names: PART=NAME,NAME: what folders or cells of a part are called; "none" for no part.
        same: NAME=CLASS: images of this name are of that class.
        columns: FIELD=NAME.
        table: A table in the folder; "none" for the folders.
        root: What a table's paths start from.
        finding: A finding to be told from its absence; "none" for rows with one finding alone.

    Raises:
        DataError: One of them is not written so.
    """
    roles = dict(enumerate(map(_role, levels.strip("/").split("/")), start=1)) if levels else {}
    for number, role in _pairs(level, "--level"):
        if number == FILE_NAMES:
            roles[0] = _role(role)
            continue
        if not number.isdecimal() or int(number) < 1:
            raise DataError(
                f"“{number}” is not a level of folders",
                "Count levels from the outermost, which is 1",
                option="--level 1=part",
            )
        roles[int(number)] = _role(role)
    parts: dict[str, Part | None] = {}
    for part, names in _pairs(part_names, "--part-names"):
        if part not in (*PARTS, NO_PART):
            raise DataError(
                f"“{part}” is not a part", f"Name one of {', '.join(PARTS)}, {NO_PART}", option="--part-names"
            )
        meant = cast("Part", part) if part != NO_PART else None
        parts |= dict.fromkeys([names, *names.split(",")], meant)
    chosen = dict(_pairs(columns, "--column"))
    if unknown := set(chosen) - set(COLUMNS):
        raise DataError(
            f"A table has no field named {', '.join(sorted(unknown))}",
            f"Name columns for: {', '.join(COLUMNS)}",
        )
    return Answers(
        levels=roles,
        parts=parts,
        same=dict(_pairs(same, "--same")),
        columns=chosen,
        table="" if table == FOLDERS else table,
        root=root,
        finding="" if finding == NO_FINDING else finding,
    )


def _role(word: str) -> Role:
    role = {"split": "part", "label": "class", "ignore": "ignored", "": "ignored", "-": "ignored"}.get(
        word, word
    )
    if role not in ROLES:
        raise DataError(
            f"“{word}” is nothing that a level of folders can be", f"Choose one of {', '.join(ROLES)}"
        )
    return role


def _pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    for text in texts:
        name, equals, _ = text.partition("=")
        if not name or not equals:
            raise DataError(f"“{text}” has no name and value", "Write NAME=VALUE", option=option)
    return [(name, value) for name, _, value in (text.partition("=") for text in texts)]


@cache
def _adapter(kind: type[Answers] | type[Proposal]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def answers_to_json(answers: Answers) -> dict[str, Any]:
    """Return answers as values that JSON can hold."""
    return cast("dict[str, Any]", _adapter(Answers).dump_python(answers, mode="json"))


def answers_from_json(kept: object) -> Answers:
    """Return answers from what `answers_to_json` made.

    Raises:
        ValueError: It is something else.
    """
    return cast("Answers", _adapter(Answers).validate_python(kept))


def proposal_to_json(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal as values that JSON can hold, and that `proposal_from_json` reads back."""
    return cast("dict[str, Any]", _adapter(Proposal).dump_python(proposal, mode="json"))


def proposal_from_json(kept: object) -> Proposal:
    """Return a proposal from what `proposal_to_json` made.

    Raises:
        ValueError: It is something else.
    """
    return cast("Proposal", _adapter(Proposal).validate_python(kept))
