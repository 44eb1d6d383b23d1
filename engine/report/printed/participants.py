"""Section 2: the flow of images, and table 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.language import _, isolated, language, listed, number, right_to_left
from engine.report.formatting import figure
from engine.report.named.names import capitalized, part_words, reason_words
from engine.report.named.of_page import stage_words
from engine.report.printed.records import Basis, Cell, Line, Table, pointer, renumbered, words
from engine.report.records import Characteristic, Participants, Stage

SECTION = 2
DECIMALS = 1


def participants_tables(found: Participants) -> tuple[Table, ...]:
    """Return the tables of section 2."""
    return renumbered(SECTION, list(_tables(found)))


def _tables(found: Participants) -> Iterator[Table]:
    if found.files:
        yield _flow(_("From the files that were found to the parts of the split."), found.files, "files")
    if found.cases:
        yield _flow(
            _("From the images of this report to those that each reference standard gives a class."),
            found.cases,
            "cases",
        )
    if found.table_one:
        yield _table_one(found)


def _flow(caption: str, stages: Sequence[Stage], name: str) -> Table:
    lines: list[Line] = []
    before = ""
    for place, stage in enumerate(stages):
        at = pointer("participants", name, place)
        if stage.name != before:
            lines.append(
                Line(
                    head=capitalized(stage_words(stage.name)),
                    cells=(_count(stage.entered, f"{at}/entered"), words("")),
                )
            )
        for why, count in stage.left.items():
            cell = _count(count, at + pointer("left", why))
            lines.append(Line(head=f"− {reason_words(why)}", cells=(cell, words(""))))
        patients = (
            words("–") if stage.patients is None else _count(stage.patients, f"{at}/patients", "patients")
        )
        lines.append(
            Line(
                head=f"= {stage_words(stage.remaining)}",
                cells=(_count(stage.result, f"{at}/result"), patients),
            )
        )
        before = stage.remaining
    return Table(number="", caption=caption, columns=("", _("images"), _("patients")), lines=tuple(lines))


def _count(count: int, at: str, what: str = "images") -> Cell:
    return Cell(text=number(count), basis=Basis(at=(at,), method=f"count of {what}"))


def _table_one(found: Participants) -> Table:
    parts = list(dict.fromkeys(part for line in found.table_one for part in line.by_part))
    lines = tuple(
        Line(
            head=_head(line),
            cells=tuple(_cell(line, place, part, line.by_part) for part in parts),
        )
        for place, line in enumerate(found.table_one)
    )
    notes = (
        _("Not summarised, because nearly every image has a value of its own: {names}.").format(
            names=listed(found.not_summarised)
        )
        if found.not_summarised
        else "",
    )
    return Table(
        number="",
        caption=(
            _(
                "Patients and images by part. Columns of numbers: median, first and third quartile below it; all other "
                "columns: images with each value."
            )
        ),
        columns=("", *map(part_words, parts)),
        lines=lines,
        notes=tuple(filter(None, notes)),
    )


def _head(line: Characteristic) -> str:
    """Say what a line of table 1 is of: of patients, images and classes, or of a column of the data."""
    known = {"patients": _("patients"), "images": _("images"), "class": _("class")}
    name = known.get(line.name, isolated(line.name))
    if not line.value:
        return name
    return f"{name}: {_('not given') if line.value == 'not given' else isolated(line.value)}"


def _cell(line: Characteristic, place: int, part: str, by_part: Mapping[str, tuple[float, ...]]) -> Cell:
    values = by_part.get(part, ())
    if not values:
        return words("–")
    at = pointer("participants", "table_one", place, "by_part", part)
    if line.kind == "count":
        return _count(int(values[0]), f"{at}/0", "patients" if line.name == "patients" else "images")
    median, low, high = (figure(value, DECIMALS) for value in values)
    return Cell(
        text=median,
        beside=f"\u2066{low}–{high}\u2069" if right_to_left(language()) else f"{low}–{high}",
        basis=Basis(
            at=tuple(f"{at}/{number}" for number in range(3)),
            method="median, first and third quartile",
            decimals=DECIMALS,
        ),
    )
