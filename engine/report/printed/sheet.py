"""What any page other than a run's report prints as numbers, and the dictionary in which each is looked up by its id.

A study's report, a comparison, a learning curve and an external test are each one sheet: tables, sentences and figures
by the names by which the page's template asks for them. The JSON beside the page holds `document` of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from engine.report.printed.records import Cell, Table
from engine.report.printed.sentences import Passage

if TYPE_CHECKING:
    from engine.report.printed.figures import Figure

Entry = tuple[str, str, str, Cell]
"""Id, line, heading of the column and cell of a number."""


class NumberDocument(TypedDict):
    """What a printed number is, where it stands in this document (JSON Pointers), and what it rests on."""

    printed: str
    line: str
    column: str
    at: tuple[str, ...]
    cases: Mapping[str, tuple[str, ...]] | None
    n: int | None
    method: str
    seed: int | None
    decimals: int


PRINTED_FIELDS: Mapping[str, Any] = {
    "tables": Mapping[str, str],
    "notes": Mapping[str, tuple[str, ...]],
    "figures": Mapping[str, str],
    "numbers": Mapping[str, NumberDocument],
}
"""Of a document: the captions of tables, the notes below them, the captions of figures, and every number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """What a page prints.

    Attributes:
        tables: By name, in the order of the page.
        said: Sentences, by name.
        figures: By name.
    """

    tables: Mapping[str, tuple[Table, ...]]
    said: Mapping[str, Passage]
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        """Yield every number, with its id."""
        for tables in self.tables.values():
            for table in tables:
                yield from entries_of(table)
        for one in self.said.values():
            if one.id:
                yield one.id, "", "", Cell(text=one.text, basis=one.basis)
        for told in self.figures.values():
            for name, cell in told.numbers():
                yield name, told.caption, "figure", cell

    def document(self) -> dict[str, Any]:
        """Return what the JSON beside the page says of what is printed: `PRINTED_FIELDS`."""
        every = [table for tables in self.tables.values() for table in tables]
        return {
            "tables": {table.id: table.caption for table in every},
            "notes": {table.id: list(table.notes) for table in every if table.notes},
            "figures": {one.id: one.caption for one in self.figures.values()},
            "numbers": looked_up(self.entries()),
        }


def entries_of(table: Table) -> Iterator[Entry]:
    """Yield every number of a table, with its id."""
    for name, line, column, cell in table.numbers():
        yield name, line.head, column, cell
    for name, cell in table.said():
        yield name, "", "", cell


def looked_up(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """Return for every number, by its id, what it is, where it stands in the document and what it rests on."""
    return {
        name: {
            "printed": cell.printed,
            "line": line,
            "column": column,
            "at": list(basis.at),
            "cases": None if basis.cases is None else {at: list(of) for at, of in basis.cases.items()},
            "n": basis.n,
            "method": basis.method,
            "seed": basis.seed,
            "decimals": basis.decimals,
        }
        for name, line, column, cell in entries
        if (basis := cell.basis)
    }
