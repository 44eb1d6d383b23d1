"""Check a study's bundle, without the workspace: every figure is computed again from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from engine.errors import EngineError
from engine.kept_files import parse_json
from engine.reading import Protocol, protocol_from
from engine.report.checklists.answering import answer_checklists
from engine.report.checklists.items import item_of
from engine.report.checklists.records import Written
from engine.report.exports.bundle.beside import Place, against_schema, repeated_tables, schema_name
from engine.report.exports.bundle.case_masks import MASKS, mask_places
from engine.report.exports.bundle.case_table import parquet_name, understood
from engine.report.exports.bundle.differences import (
    Verification,
    by_place,
    digests,
    hold,
    table_places,
    words_of,
)
from engine.report.exports.bundle.regions import REGIONS
from engine.report.exports.schema.earlier import as_known, earlier_schema, version_of, written_here
from engine.report.held.by_digest import by_digest, readme_places
from engine.report.held.drawings import figure_places
from engine.report.held.pages import drawings_on, page_places
from engine.report.held.paper import paper_places
from engine.report.study.answers import SUBJECTS
from engine.report.study.building import report_of
from engine.report.study.bundle.data_files import (
    ANSWERS,
    CASES,
    COLUMNS,
    PROTOCOL,
    READERS,
    TO_READ,
    columns_of,
    drawn_in,
    read_data,
    write_data,
)
from engine.report.study.bundle.dictionary import DICTIONARY, dictionary_rows
from engine.report.study.bundle.packing import README, SAYS, STUDY, drawn_figures
from engine.report.study.exchange import exchange_files
from engine.report.study.exports import Row, study_document, study_schema, study_tables
from engine.report.study.page import study_page
from engine.report.study.records import StudyReport
from engine.report.study.told.evidence import StudyEvidence
from engine.spreadsheet import write_csv

PAGE = "study.html"
OF_A_STUDY = (STUDY, PROTOCOL, CASES, ANSWERS, READERS, TO_READ)
"""Without these nothing can be computed."""
OF_PEOPLE = ("readers", "adjudicator")
"""Of the protocol: what its hash was made of has people by their ids in the workspace."""


def verify_study(files: Mapping[str, bytes]) -> Verification:
    """Compute every figure of a study's bundle again.

    Raises:
        ReportError: It is damaged so that nothing can be computed.
    """
    evidence, made = read_data(files)
    document = understood(STUDY, lambda: dict(parse_json(files[STUDY])))
    report = _with_written(replace(report_of(evidence), made=made), document)
    agree: Counter[str] = Counter()
    schema = study_schema()
    earlier = earlier_schema(files, STUDY, schema)
    again = study_document(report)
    if earlier is not None:
        again = as_known(again, earlier, earlier)
    tables, exchange, drawn = study_tables(report), exchange_files(report.readings), drawn_figures(report)
    belonging = _belonging(tables, exchange, drawn)
    others = {name for name in files if name.startswith(MASKS)}
    changed, sums = (
        digests(files, belonging, others)
        if earlier is None
        else digests(files, OF_A_STUDY, belonging | others)
    )
    exactly = earlier is None and written_here(files)
    differences = hold(
        chain(
            [(STUDY, "", document, again)],
            _tables(files, tables, evidence, earlier=earlier is not None),
            _lines(files, exchange),
            _words(files, report, drawn) if earlier is None else (),
            _data(files, evidence, made, earlier=earlier is not None),
            _hash(evidence),
            mask_places(files, drawn_in(evidence), evidence.sizes),
            repeated_tables(files),
            against_schema(document, files, STUDY, schema, earlier),
            _made_again(files, drawn) if exactly else (),
        ),
        agree,
    )
    return Verification(
        about=f"study “{report.name}”",
        images=len(evidence.cases),
        changed=changed,
        files=sums,
        differences=tuple(differences),
        agree=agree,
        taken={},
        by_digest=by_digest(files, PAGE, exactly=exactly, page_again=earlier is None),
        earlier=version_of(files) if earlier is not None else "",
    )


def _belonging(
    tables: Mapping[str, list[Row]], exchange: Collection[str], figures: Collection[str]
) -> set[str]:
    """Return the names of the files that a study's bundle holds, its masks excepted."""
    names = {
        README,
        PAGE,
        "study.pdf",
        "study.docx",
        STUDY,
        schema_name(STUDY),
        PROTOCOL,
        REGIONS,
        DICTIONARY,
    }
    written = {*COLUMNS, *(f"{name}.csv" for name, rows in tables.items() if rows)}
    return (
        names.union(exchange)
        | written
        | {parquet_name(name) for name in written}
        | {f"{name}.{kind}" for name in figures for kind in ("svg", "png")}
    )


def _made_again(files: Mapping[str, bytes], drawn: Mapping[str, str]) -> Iterator[Place]:
    """Yield where README, figures, PDF and Word file are not what numbers and page give."""
    yield from readme_places(files, SAYS)
    yield from figure_places(files, drawn, words=False)
    yield from drawings_on(files, PAGE, [*drawn.values()])
    yield from paper_places(files, PAGE)


def _with_written(report: StudyReport, document: Mapping[str, Any]) -> StudyReport:
    """Answer the checklists of a bundle again; what people wrote to them is taken from it."""

    def read() -> tuple[list[str], dict[Written, None]]:
        answered = document["checklists"]["answered"]
        written = {
            Written(
                key=item_of(one["name"], item["item"]).key,
                text=text["text"],
                by=text["by"],
                at=datetime.fromisoformat(text["at"]),
            ): None
            for one in answered
            for item in one["items"]
            for text in item["written"]
        }
        return [str(one["name"]) for one in answered], written

    names, written = understood(STUDY, read)
    said = sorted(written, key=lambda one: one.at)
    return replace(report, checklists=answer_checklists(report, SUBJECTS, names, said))


def _tables(
    files: Mapping[str, bytes], tables: Mapping[str, list[Row]], evidence: StudyEvidence, *, earlier: bool
) -> Iterator[Place]:
    for name, rows in tables.items():
        yield from table_places(f"{name}.csv", files.get(f"{name}.csv"), write_csv(rows), earlier=earlier)
    if earlier:  # what columns mean may be said in other words
        return
    meanings = write_csv(dictionary_rows(tables, columns_of(evidence)))
    yield from table_places(DICTIONARY, files.get(DICTIONARY), meanings)


def _lines(files: Mapping[str, bytes], exchange: Mapping[str, bytes | str]) -> Iterator[Place]:
    """Yield the lines of files for other programs."""
    for name, text in exchange.items():
        if name not in files:  # which is said among the files
            continue
        whole = text.decode() if isinstance(text, bytes) else text
        yield from by_place(name, _read(files, name).splitlines(), whole.splitlines())


def _words(files: Mapping[str, bytes], report: StudyReport, drawn: Mapping[str, str]) -> Iterator[Place]:
    """Yield the words of the page and its figures."""
    if PAGE in files:
        yield from page_places(PAGE, files[PAGE], study_page(report), exactly=written_here(files))
    for name, svg in drawn.items():
        if f"{name}.svg" in files:
            sides = (words_of(each) for each in (_read(files, f"{name}.svg"), svg))
            yield from by_place(f"{name}.svg", *sides, after=True)


def _read(files: Mapping[str, bytes], name: str) -> str:
    return files.get(name, b"").decode("utf-8", "replace")


def _data(
    files: Mapping[str, bytes], evidence: StudyEvidence, made: datetime, *, earlier: bool
) -> Iterator[Place]:
    """Yield what the data say beside what is written of them again: consensus, regions, what no reader looks at."""
    for name, content in write_data(evidence, made).items():
        if name.endswith(".csv"):
            table = content if isinstance(content, bytes) else b""
            yield from table_places(name, files.get(name), table, earlier=earlier)
        elif name.endswith(".json") and name in files:
            printed = understood(name, lambda name=name: parse_json(files[name]))  # type: ignore[misc]
            again = dict(parse_json(content))
            if earlier and isinstance(printed, dict):
                again = {key: each for key, each in again.items() if key in printed}
            yield name, "", printed, again


def _hash(evidence: StudyEvidence) -> Iterator[Place]:
    """Yield the hash of the protocol as it is now, made again, and each of its fields in both forms."""
    study = evidence.study
    try:
        protocol: Protocol = protocol_from(dict(evidence.hashed))
    except (EngineError, TypeError, ValueError) as error:
        yield PROTOCOL, "hashed", str(error), "a protocol"
        return
    now = study.deviations[-1].protocol_hash if study.deviations else study.protocol_hash
    yield PROTOCOL, "hash of the protocol", now, protocol.hash
    people = {name: getattr(study.protocol, name) for name in OF_PEOPLE}
    same = replace(protocol, **people)
    yield PROTOCOL, "hashed", same == study.protocol, True
