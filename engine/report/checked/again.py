"""Check a bundle whose printed files are all made again from its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from engine.kept_files import parse_json
from engine.report.exports.bundle.beside import Place, against_schema, repeated_tables, schema_name
from engine.report.exports.bundle.case_table import understood
from engine.report.exports.bundle.differences import (
    Verification,
    digests,
    hold,
    table_places,
)
from engine.report.exports.schema.earlier import README, written_here
from engine.report.held.by_digest import by_digest, readme_places
from engine.report.held.pages import page_places
from engine.report.held.paper import paper_places


def verify_again(
    files: Mapping[str, bytes],
    again: Mapping[str, bytes | str],
    *,
    data: Collection[str],
    document: str,
    says: str,
    about: str,
    images: int,
) -> Verification:
    """Hold what stands in a bundle against what was made again from its data: each number, cell and word.

    Args:
        files: Of the bundle.
        again: The printed files, as its data give them; the schema of the document among them.
        data: Names of the files that these were made from.
        document: Name of the JSON that has every number; the page, PDF and Word file are called as it is.
        says: What README.txt does, its version still to be put in.
        about: What the bundle is of.
        images: That it rests on.

    Raises:
        ReportError: The document cannot be read.
    """
    page = document.removesuffix("json") + "html"
    on_paper = (page.removesuffix("html") + kind for kind in ("pdf", "docx"))
    changed, sums = digests(files, {README, *again, *on_paper, *data})
    told = understood(document, lambda: dict(parse_json(files[document])))
    schema = parse_json(again[schema_name(document)])
    exactly = written_here(files)
    agree: Counter[str] = Counter()
    differences = hold(
        chain(
            chain.from_iterable(_places(files, name, made, exactly=exactly) for name, made in again.items()),
            repeated_tables(files),
            against_schema(told, files, document, schema),
            *((readme_places(files, says), paper_places(files, page)) if exactly else ()),
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
        by_digest=by_digest(files, page, exactly=exactly, page_again=True),
    )


def _places(files: Mapping[str, bytes], name: str, made: bytes | str, *, exactly: bool) -> Iterator[Place]:
    whole = made.encode() if isinstance(made, str) else made
    if name not in files:  # which is said among the files
        return
    printed = files[name]
    if name.endswith(".csv"):
        yield from table_places(name, printed, whole)
    elif name.endswith(".html"):
        yield from page_places(name, printed, whole.decode(), exactly=exactly)
    elif not name.endswith(".schema.json"):  # which is held byte by byte
        yield name, "", understood(name, lambda: parse_json(printed)), parse_json(whole)
