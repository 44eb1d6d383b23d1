"""What stands in a bundle beside its numbers: Parquet that repeats the CSV, the regions as COCO, the JSON's schema."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.kept_files import parse_json
from engine.report.exports.bundle.case_table import image_sizes, parquet_name, understood
from engine.report.exports.bundle.parquet_apart import Table, read_apart
from engine.report.exports.bundle.regions import REGIONS, write_regions
from engine.report.exports.schema.of_records import Node
from engine.report.records import Evidence
from engine.spreadsheet import read_csv

Place = tuple[str, str, Any, Any]
"""File, place in it, what stands there, what was found again."""
MOST_FAULTS = 20


def schema_name(file: str) -> str:
    """Return what the schema beside a JSON document is called."""
    return file.removesuffix(".json") + ".schema.json"


def schema_file(schema: Node) -> str:
    """Return a schema as the bundle has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def against_schema(
    document: Mapping[str, Any],
    files: Mapping[str, bytes],
    file: str,
    schema: Node,
    earlier: Node | None = None,
) -> Iterator[Place]:
    """Yield where a document is not what its schema says; the schema is ours, or that of an earlier version."""
    from itertools import islice

    from jsonschema import Draft202012Validator

    for error in islice(Draft202012Validator(earlier or schema).iter_errors(document), MOST_FAULTS):
        yield file, error.json_path.removeprefix("$."), error.instance, error.message[:200]
    beside = schema_name(file)
    if earlier is None and beside in files and files[beside] != schema_file(schema).encode():
        yield beside, "", "another schema", f"the schema of {schema['title']}"


def repeated_tables(files: Mapping[str, bytes]) -> Iterator[Place]:
    """Yield each place of a table where Parquet and CSV agree or differ: both have every cell.

    One that stands alone is said among the files.
    """
    tables = {name: parquet_name(name) for name in files if parquet_name(name) in files}
    read = read_apart({parquet: files[parquet] for parquet in tables.values()})
    for name, parquet in tables.items():
        try:
            columns, rows = read_csv(files[name])
        except csv.Error as error:
            yield name, "", str(error), "a table"
            continue
        yield from ((parquet, *rest) for rest in _cells(read[parquet], columns, rows))


def _cells(
    table: Table, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> Iterator[tuple[str, Any, Any]]:
    if table.damaged:
        yield "", table.damaged, "the table of the CSV"
        return
    if list(columns) != list(table.columns) or len(rows) != len(table.rows):
        yield (
            "size",
            f"{len(table.rows)} rows of {', '.join(table.columns)}",
            f"{len(rows)} rows of {', '.join(columns)}",
        )
        return
    for number, (one, other) in enumerate(zip(table.rows, rows, strict=True), 2):
        whole = [*other, *[""] * (len(columns) - len(other))]
        for name, value, cell in zip(columns, one, whole, strict=False):
            where = f"line {number}, {name}"
            if value is None or isinstance(value, bool):
                yield where, "" if value is None else str(value), cell
            elif isinstance(value, str) and value != cell:
                yield (
                    where,
                    f"“{value}”",
                    f"“{cell}”",
                )  # two texts that differ, even where both say the same number
            else:
                yield where, value, cell


def drawn_regions(files: Mapping[str, bytes], evidence: Evidence) -> Iterator[Place]:
    """Yield the regions of a bundle beside those that its readings give."""
    if REGIONS in files:
        again = parse_json(write_regions(evidence.reviews, image_sizes(evidence)))
        yield REGIONS, "", understood(REGIONS, lambda: parse_json(files[REGIONS])), again
