"""Check a study's bundle, without the workspace: every figure is computed again from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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
from engine.report.exports.bundle.beside import Place, against_schema, repeated_tables
from engine.report.exports.bundle.case_masks import mask_places
from engine.report.exports.bundle.case_table import understood
from engine.report.exports.bundle.differences import (
    Verification,
    by_place,
    digests,
    hold,
    table_places,
    words_of,
)
from engine.report.exports.schema.earlier import as_known, earlier_schema, version_of
from engine.report.study.answers import SUBJECTS
from engine.report.study.building import report_of
from engine.report.study.bundle.data_files import PROTOCOL, columns_of, drawn_in, read_data, write_data
from engine.report.study.bundle.dictionary import DICTIONARY, dictionary_rows
from engine.report.study.bundle.packing import STUDY, drawn_figures
from engine.report.study.exchange import exchange_files
from engine.report.study.exports import study_document, study_schema, study_tables
from engine.report.study.page import study_page
from engine.report.study.records import StudyReport
from engine.report.study.told.evidence import StudyEvidence
from engine.spreadsheet import write_csv

PAGE = "study.html"
OF_PEOPLE = ("readers", "adjudicator")
"""Of the protocol: what its hash was made of has people by their ids in the workspace."""


def verify_study(files: Mapping[str, bytes]) -> Verification:
    """Compute every figure of a study's bundle again.

    Raises:
        ReportError: It is damaged so that nothing can be computed.
    """
    changed, sums = digests(files)
    evidence, made = read_data(files)
    document = understood(STUDY, lambda: dict(parse_json(files[STUDY])))
    report = _with_written(replace(report_of(evidence), made=made), document)
    agree: Counter[str] = Counter()
    schema = study_schema()
    earlier = earlier_schema(files, STUDY, schema)
    again = study_document(report)
    if earlier is not None:
        again = as_known(again, earlier, earlier)
    differences = hold(
        chain(
            [(STUDY, "", document, again)],
            _tables(files, report, earlier=earlier is not None),
            _texts(files, report, earlier=earlier is not None),
            _data(files, evidence, made),
            _hash(evidence),
            mask_places(files, drawn_in(evidence), evidence.sizes),
            repeated_tables(files),
            against_schema(document, files, STUDY, schema, earlier),
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
        earlier=version_of(files) if earlier is not None else "",
    )


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


def _tables(files: Mapping[str, bytes], report: StudyReport, *, earlier: bool) -> Iterator[Place]:
    tables = study_tables(report)
    for name, rows in tables.items():
        if rows or f"{name}.csv" in files:
            printed = files.get(f"{name}.csv")
            yield from table_places(f"{name}.csv", printed, write_csv(rows), earlier=earlier)
    if earlier:  # what columns mean may be said in other words
        return
    meanings = write_csv(dictionary_rows(tables, columns_of(report.evidence)))
    yield from table_places(DICTIONARY, files.get(DICTIONARY), meanings)


def _texts(files: Mapping[str, bytes], report: StudyReport, *, earlier: bool) -> Iterator[Place]:
    """Yield the lines of files for other programs, and the words of the page and its figures."""
    for name, text in exchange_files(report.readings).items():
        whole = text.decode() if isinstance(text, bytes) else text
        yield from by_place(name, _read(files, name).splitlines(), whole.splitlines())
    if earlier:
        return
    svg = {f"{name}.svg": drawn for name, drawn in drawn_figures(report).items()}
    for name, text in {PAGE: study_page(report), **svg}.items():
        yield from by_place(name, words_of(_read(files, name)), words_of(text), after=True)


def _read(files: Mapping[str, bytes], name: str) -> str:
    return files.get(name, b"").decode("utf-8", "replace")


def _data(files: Mapping[str, bytes], evidence: StudyEvidence, made: datetime) -> Iterator[Place]:
    """Yield what the data say beside what is written of them again: consensus, regions, what no reader looks at."""
    for name, content in write_data(evidence, made).items():
        if name.endswith(".csv"):
            yield from table_places(name, files.get(name), content if isinstance(content, bytes) else b"")
        elif name.endswith(".json"):
            printed = understood(name, lambda name=name: parse_json(files[name]))  # type: ignore[misc]
            yield name, "", printed, parse_json(content)


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
