"""The checklists that there are, read from their files: items in our words, with numbers, DOIs and how sure we are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from engine.errors import ReportError
from engine.language import N_
from engine.report.checklists.records import Checklist, Item

CHECKLISTS = ("claim2024", "stard2015", "stardai2025", "tripodai2024")
"""Names of files in this folder, without their ending."""

OFFLINE_ONLY = N_(
    "DECIDE-AI (doi:10.1136/bmj-2022-070904) is for the evaluation of a system in live clinical use. What is reported "
    "here was done with stored images, so this report does not claim it."
)
OTHER_NUMBER = N_("item {item} of 2015")


@cache
def checklist_of(name: str) -> Checklist:
    """Return a checklist.

    Args:
        name: One of `CHECKLISTS`.

    Raises:
        ReportError: There is none of this name.
    """
    if name not in CHECKLISTS:
        live = name.lower().replace("-", "").replace(" ", "").startswith("decide")
        raise ReportError(
            OFFLINE_ONLY.rstrip(".") if live else f"There is no checklist “{name}”",
            f"Choose one of: {', '.join(CHECKLISTS)}",
        )
    fields = tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    base = {item.number: item for item in checklist_of(fields["base"]).items} if "base" in fields else {}
    return Checklist(
        name=name,
        items=tuple(_item(name, row, base) for row in fields["items"]),
        **{each: fields[each] for each in ("title", "about", "cited", "doi", "sure")},
    )


def _item(name: str, row: Mapping[str, Any], base: Mapping[str, Item]) -> Item:
    """Return an item; one that is `like` an item of the base asks the same, and shares what is written to it."""
    if "like" in row:
        same = base[row["like"]]
        kind = "" if row["like"] == row["number"] else OTHER_NUMBER.format(item=same.number)
        return Item(
            number=row["number"], part=same.part, asks=same.asks, by=same.by, left=same.left, key=same.key, kind=kind
        )  # fmt: skip
    return Item(
        number=row["number"],
        part=row["part"],
        asks=row["asks"],
        by=tuple(row.get("by", ())),
        left=row.get("left", ""),
        key=row.get("shared", f"{name} {row['number']}"),
        kind=row.get("kind", ""),
    )


def item_of(name: str, number: str) -> Item:
    """Return one item of a checklist.

    Raises:
        ReportError: There is no such checklist, or no such item in it.
    """
    checklist = checklist_of(name)
    found = next((item for item in checklist.items if item.number == number.strip().lower()), None)
    if found is None:
        raise ReportError(
            f"{checklist.title} has no item “{number}”",
            f"Its items are {', '.join(item.number for item in checklist.items)}",
        )
    return found


def sharing(key: str, names: Sequence[str] = CHECKLISTS) -> list[str]:
    """Return the items that share one key, such as "STARD 2015 item 30"."""
    return [
        f"{checklist.title} item {item.number}"
        for checklist in map(checklist_of, names)
        for item in checklist.items
        if item.key == key
    ]
