"""Check a bundle whose printed files are all made again from its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

from engine.kept_files import parse_json
from engine.report.exports.bundle.beside import Place, against_schema, repeated_tables, schema_name
from engine.report.exports.bundle.case_table import understood
from engine.report.exports.bundle.differences import (
    Verification,
    by_place,
    digests,
    hold,
    table_places,
    words_of,
)


def verify_again(
    files: Mapping[str, bytes],
    again: Mapping[str, bytes | str],
    *,
    document: str,
    about: str,
    images: int,
) -> Verification:
    """Hold what stands in a bundle against what was made again from its data: each number, cell and word.

    Args:
        files: Of the bundle.
        again: The printed files, as its data give them; the schema of the document among them.
        document: Name of the JSON that has every number.
        about: What the bundle is of.
        images: That it rests on.

    Raises:
        ReportError: The document cannot be read.
    """
    changed, sums = digests(files)
    told = understood(document, lambda: dict(parse_json(files[document])))
    schema = parse_json(again[schema_name(document)])
    agree: Counter[str] = Counter()
    differences = hold(
        chain(
            chain.from_iterable(_places(files, name, made) for name, made in again.items()),
            repeated_tables(files),
            against_schema(told, files, document, schema),
        ),
        agree,
    )
    return Verification(
        about=about,
        images=images,
        files=sums,
        changed=changed,
        differences=tuple(differences),
        agree=agree,
        taken={},
    )


def _places(files: Mapping[str, bytes], name: str, made: bytes | str) -> Iterator[Place]:
    whole = made.encode() if isinstance(made, str) else made
    printed = files.get(name, b"")
    if name.endswith(".csv"):
        yield from table_places(name, printed, whole)
    elif name.endswith(".html"):
        sides = (words_of(each.decode("utf-8", "replace")) for each in (printed, whole))
        yield from by_place(name, *sides, after=True)
    elif not name.endswith(".schema.json"):  # which is held byte by byte
        yield name, "", understood(name, lambda: parse_json(printed)), parse_json(whole)
