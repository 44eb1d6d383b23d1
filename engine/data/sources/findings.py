"""What each row says of its image, as one label: from a name, from one-hot columns, or from several findings at once.

A classifier here tells classes apart that exclude each other. Where images have several findings, every combination of
them would become a class, so nothing is guessed: a person chooses one finding, to be told from its absence; until then
the rows with one finding alone are labelled.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.data.names import is_missing
from engine.data.sources.columns import FLAGS, Columns, share_found
from engine.data.sources.files import Files
from engine.data.sources.tables import Table
from engine.errors import DataError
from engine.language import N_
from engine.records import DataIssue, DataIssueKind

_SEPARATORS = (";", ",", "/", "+", "&", " ")
_LONG = 10  # images with several labels; fewer are contradictions, which the checks find
_SHOWN = 8
_LEAST_FINDINGS, _MOST_FINDINGS = 2, 60  # asked of each image in a long table
_MOST = 0.5  # share of names that are files
_SEVERAL = (
    (N_("{n} has several findings"), N_("{n} have several findings")),
    (N_("{n} has none"), N_("{n} have none")),
    (N_("{n} is not sure of some"), N_("{n} are not sure of some")),
)
"""What rows say of several findings: of one, of more."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a row says: the findings that are there, those of which it is not sure, and whether it says anything."""

    present: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()
    answered: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """The label of each row.

    Attributes:
        labels: One for each row; empty where it has none; None for a row that an earlier one already speaks for.
        findings: What could be chosen as the one finding; the most frequent first.
        several: If rows have several findings or none: a sentence about how many, and what was done for now.
        issues: How labels were read.
    """

    labels: tuple[str | None, ...]
    findings: tuple[str, ...] = ()
    several: str = ""
    issues: tuple[DataIssue, ...] = ()


def read_labels(table: Table, columns: Columns, finding: str = "") -> Labels:
    """Read the label of each row.

    Args:
        table: Any.
        columns: Which have the labels.
        finding: If given, the label is whether this finding is there.

    Raises:
        DataError: There is no such finding.
    """
    if not columns.label and not columns.flags:
        return Labels(labels=("",) * len(table.lines))
    issues: list[DataIssue] = []
    said = _from_flags(table, columns.flags) if columns.flags else _from_cells(table, columns.label, issues)
    rows = _united(table.column(columns.path), said)
    speaking = [row for row in rows if row is not None and row.answered]
    counts = Counter(name for row in speaking for name in row.present)
    names = tuple(dict.fromkeys([*(name for name, _ in counts.most_common()), *columns.flags]))
    source = _some(columns.flags) if columns.flags else columns.label
    plain = all(len(row.present) == 1 and not row.unsure for row in speaking)
    if finding:
        chosen = _chosen(finding, names, table.name)
        labels = tuple(None if row is None else _presence(row, chosen) for row in rows)
        issues.append(_told_presence(labels, chosen, source))
        return Labels(labels=labels, findings=names, issues=tuple(issues))
    labels = tuple(None if row is None else _alone(row) for row in rows)
    if plain and columns.flags:
        issues.append(_read(f"The label of each row is the one of the columns {source} that is set in it"))
    several = "" if plain else _told_several(speaking, source)
    return Labels(labels=labels, findings=names, several=several, issues=tuple(issues))


def one_row_an_image(table: Table, files: Files) -> Table:
    """Return a table that has a row for each finding of an image as one with a row for each image.

    Such tables name an image and a finding in two columns (1.png, effusion, 1), or in one (ID_1_effusion, 1) as those
    of RSNA's haemorrhages do; the answer is in the one column that says yes or no.
    """
    answers = [name for name in table.header if _answers(table.column(name))]
    if len(answers) != 1 or len(table.lines) < 2 * _LEAST_FINDINGS:
        return table
    others = [name for name in table.header if name != answers[0]]
    different = {name: len(set(table.column(name))) for name in others}
    for image, finding in itertools.permutations(others, 2):
        if different[image] * different[finding] != len(table.lines):
            continue
        asked = list(zip(table.column(image), table.column(finding), strict=True))
        if _asks_of_each(asked) and share_found(table.column(image), files) >= _MOST:
            return _turned(table, image, answers[0], asked, [finding])
    for image in others:
        asked = [(cell.rpartition("_")[0], cell.rpartition("_")[2]) for cell in table.column(image)]
        if (
            _asks_of_each(asked)
            and share_found(table.column(image), files) < 1 - _MOST
            and share_found((name for name, _ in asked), files) >= _MOST
        ):
            return _turned(table, image, answers[0], asked, [])
    return table


def _answers(cells: Sequence[str]) -> bool:
    """Tell whether all cells answer a question with yes or no."""
    return {FLAGS.get(cell.casefold()) for cell in set(cells)} == {True, False}


def _asks_of_each(asked: Sequence[tuple[str, str]]) -> bool:
    """Tell whether the same few findings are asked of every image, each once."""
    findings = {finding for _, finding in asked[:_MOST_FINDINGS]}
    if not _LEAST_FINDINGS <= len(findings) <= _MOST_FINDINGS or any(map(str.isdecimal, findings)):
        return False
    images = Counter(image for image, _ in asked)
    return (
        "" not in images
        and set(images.values()) == {len(findings)}
        and {finding for _, finding in asked} == findings
        and len(set(asked)) == len(asked)
    )


def _turned(
    table: Table, image: str, answer: str, asked: Sequence[tuple[str, str]], joined: Sequence[str]
) -> Table:
    findings = tuple(dict.fromkeys(finding for _, finding in asked))
    kept = [name for name in table.header if name not in (image, answer, *joined)]
    place = {finding: len(kept) + 1 + number for number, finding in enumerate(findings)}
    kept_cells = [table.column(name) for name in kept]
    lines: dict[str, tuple[int, list[str]]] = {}
    for at, ((name, finding), cell) in enumerate(zip(asked, table.column(answer), strict=True)):
        if name not in lines:
            first = [name, *(cells[at] for cells in kept_cells), *("" for _ in findings)]
            lines[name] = (table.lines[at][0], first)
        lines[name][1][place[finding]] = cell
    said = N_(
        "{name} is a long table with a row for each finding of an image: its {n} rows were read as {count} images, "
        "each with {number} findings ({findings})"
    ).format(
        name=table.name,
        n=f"{len(table.lines):,}",
        count=f"{len(lines):,}",
        number=len(findings),
        findings=_some(findings),
    )
    return Table(
        name=table.name,
        header=(image, *kept, *findings),
        lines=list(lines.values()),
        said=(*table.said, said),
    )


# ------------------------------------------------------------------------------------------ what rows say


def _from_flags(table: Table, flags: Sequence[str]) -> list[_Said]:
    said = []
    for cells in zip(*map(table.column, flags), strict=True):
        values = {flag: FLAGS[cell.casefold()] for flag, cell in zip(flags, cells, strict=True) if cell}
        said.append(
            _Said(
                present=tuple(flag for flag, value in values.items() if value),
                unsure=frozenset(flag for flag, value in values.items() if value is None),
                answered=any(value is not None for value in values.values()),
            )
        )
    return said


def _from_cells(table: Table, column: str, issues: list[DataIssue]) -> list[_Said]:
    written = table.column(column)
    empty = {cell for cell in set(written) if is_missing(cell)}
    cells = ["" if cell in empty else cell for cell in written] if empty else written
    whole = whole_numbers(cells)
    if whole != cells:
        issues.append(
            _read(f"Labels in {column} that are whole numbers lost their decimals: 1.0 is the class 1")
        )
    said = {
        cell: _Said(present=names, answered=bool(names)) for cell, names in _taken_apart(set(whole)).items()
    }
    return [said[cell] for cell in whole]


def whole_numbers(cells: Sequence[str]) -> Sequence[str]:
    """Return cells without decimals where all are whole numbers: a column with gaps comes out of pandas as 1.0."""
    whole = {}
    for cell in set(cells) - {""}:
        number = re.fullmatch(r"([-+]?\d+)([.,]0+)?", cell)
        if number is None:
            return cells
        whole[cell] = number[1]
    if all(cell == number for cell, number in whole.items()):
        return cells
    return [whole.get(cell, "") for cell in cells]


def _taken_apart(cells: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the names in each cell: several where a bar parts them, brackets hold them, or others stand alone too."""
    filled = cells - {""}
    if filled and all(cell.startswith("[") and cell.endswith("]") for cell in filled):
        quoted = re.compile(r"""'([^']*)'|"([^"]*)"|([^\[\],'"]+)""")
        return {
            cell: _names(next(filter(None, found.groups()), "") for found in quoted.finditer(cell))
            for cell in cells
        }
    if any(len(_names(cell.split("|"))) > 1 for cell in filled):
        return {cell: _names(cell.split("|")) for cell in cells}
    for separator in _SEPARATORS:
        apart = {cell: _names(cell.split(separator)) for cell in cells}
        joined = [names for names in apart.values() if len(names) > 1]
        parts = Counter(name for names in joined for name in names)
        alone = sum(name in filled for name in parts)
        known = sum(name in filled or count > 1 for name, count in parts.items())
        if (
            joined
            and alone * 2 >= len(parts)
            and known == len(parts)
            and (separator != " " or alone == len(parts))
        ):
            return apart
    return {cell: _names([cell]) for cell in cells}


def _names(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _united(paths: Sequence[str], said: list[_Said]) -> list[_Said | None]:
    """Return what rows say, where those of one image say different things in the first of them.

    Tables of boxes or of several readers have a row for each finding of an image.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        rows[path].append(number)
    differing = [
        numbers for numbers in rows.values() if len({said[number].present for number in numbers}) > 1
    ]
    united: list[_Said | None] = list(said)
    if len(differing) < max(_LONG, len(rows) / 20):
        return united
    for numbers in differing:
        first = _names(name for number in numbers for name in said[number].present)
        unsure = frozenset[str]().union(*(said[number].unsure for number in numbers)) - set(first)
        united[numbers[0]] = _Said(first, unsure, any(said[number].answered for number in numbers))
        for number in numbers[1:]:
            united[number] = None
    return united


# ---------------------------------------------------------------------------------------------- as labels


def _alone(row: _Said) -> str:
    return row.present[0] if len(row.present) == 1 and not row.unsure else ""


def _presence(row: _Said, finding: str) -> str:
    if not row.answered or finding in row.unsure:
        return ""
    return finding if finding in row.present else f"no {finding}"


def _chosen(finding: str, names: Sequence[str], table: str) -> str:
    folded = {unicodedata.normalize("NFC", name).casefold(): name for name in reversed(names)}
    wanted = unicodedata.normalize("NFC", finding.strip()).casefold()
    if wanted not in folded:
        raise DataError(f"{table} has no finding {finding!r}", f"Choose one of {_some(names, 40)}")
    return folded[wanted]


def _told_presence(labels: Sequence[str | None], finding: str, source: str) -> DataIssue:
    counts = Counter(labels)
    there, not_there, unknown = counts[finding], counts[f"no {finding}"], counts[""]
    return _read(
        f"The label is whether {finding} is there, as {source} says: of the rows it is in {there:,} and not in "
        f"{not_there:,}{f'; in {unknown:,} that is not said, and there is no label' if unknown else ''}"
    )


def _told_several(rows: Sequence[_Said], source: str) -> str:
    several = sum(len(row.present) > 1 for row in rows)
    none = sum(not row.present for row in rows)
    unsure = sum(bool(row.unsure) and len(row.present) == 1 for row in rows)
    counts = zip((several, none, unsure), _SEVERAL, strict=True)
    counted = ", ".join(words[count != 1].format(n=f"{count:,}") for count, words in counts if count)
    return N_(
        "The table is multi-label: of {n} rows {counts} ({source}). Only rows with a single finding have a label for "
        "now; to use all rows, choose one finding, which is then distinguished from its absence"
    ).format(n=f"{len(rows):,}", counts=counted, source=source)


def _read(message: str) -> DataIssue:
    return DataIssue(kind=DataIssueKind.TABLE_READ, message=message)


def _some(names: Sequence[str], most: int = _SHOWN) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
