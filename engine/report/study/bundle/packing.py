"""A study's bundle: its report in every format, the tables it was computed from, and a digest of each file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from engine.language import N_, count_of
from engine.report.checklists.answering import answer_checklists
from engine.report.checklists.records import Written
from engine.report.exports.bundle.beside import schema_file, schema_name
from engine.report.exports.bundle.packing import figure_files, pack_files
from engine.report.exports.bundle.searching import LEFT_OUT, WORD, Names
from engine.report.exports.html import template_text
from engine.report.exports.schema.earlier import writers
from engine.report.formatting import were
from engine.report.study.answers import SUBJECTS
from engine.report.study.building import report_of
from engine.report.study.bundle.data_files import columns_of, write_data
from engine.report.study.bundle.dictionary import DICTIONARY, dictionary_rows
from engine.report.study.exports import study_schema, study_tables
from engine.report.study.page import study_figures
from engine.report.study.records import StudyReport
from engine.report.study.told.anonymous import anonymous, harmless_words, typed_names
from engine.spreadsheet import write_csv

README, STUDY = "README.txt", "study.json"
WRITER = "an author"
REMEDY = N_(
    "Change the study's name, endpoint or other text that says it, or export the report in another format"
)

SAYS = """Overread report of a study of readers, as a bundle that can be checked.

study.html, .pdf, .docx  the report; the page opens in any browser and needs nothing else
study.json           every number in it; what it holds is described in study.schema.json (JSON Schema)
study-*.csv, .parquet  its tables: for spreadsheets, and with the types of their columns
readings.imrmc       for iMRMC
mrmc-long.csv, mrmc.R  for MRMCaov: the long table, and a script that analyses it
figures/             its figures (SVG, and PNG with 300 dots an inch)
data/cases.csv       one line a case: patient, label, what the model predicted
data/answers.csv     one line an answer that stands, with what had been on the reader's screen before it
data/readers.csv     who read: profession and years of experience
data/to-read.csv     how much each reader was to read
data/protocol.json   the protocol with its hash, when it was fixed, deviations, a clock set back, anchors of its chain
data/regions.coco.json  what readers drew, in pixels (COCO)
data/masks/          the same as pictures, up to 8,000: one a case and finding, white where it lies
data/dictionary.csv  what each column means
SHA256SUMS           a digest of each file: sha256sum -c SHA256SUMS

Readers, patients and cases are numbers that were drawn with a salt; the salt stays with the authors.
Written by {writers}.
This computes every figure again from data/, and compares it
with study.json, the tables, the page and the files for iMRMC and MRMCaov:

    overread verify bundle.zip
{left_out}"""


def pack_study(report: StudyReport, render: Callable[[StudyReport], Mapping[str, bytes | str]]) -> bytes:
    """Return a bundle.

    Args:
        report: What it is of.
        render: Returns a report's files in other formats, by name; it is given the report without names.

    Raises:
        ReportError: A patient, a person or a file would be named in it.
    """
    evidence, left_out = anonymous(report.evidence)
    written, of_written = _written(report)
    told = replace(report_of(evidence), made=report.made)
    told = replace(
        told,
        checklists=answer_checklists(
            told, SUBJECTS, [one.checklist.name for one in report.checklists], written
        ),
    )
    texts: dict[str, bytes | str] = {
        README: SAYS.format(writers=writers(), left_out=_left_out(left_out + of_written)),
        **render(told),
        schema_name(STUDY): schema_file(study_schema()),
        **figure_files(drawn_figures(told)),
        **write_data(evidence, report.made),
        DICTIONARY: write_csv(dictionary_rows(study_tables(told), columns_of(evidence))),
    }
    ours = set(WORD.findall(SAYS + template_text("study.html")))
    return pack_files(texts, Names(report.evidence.names, harmless_words(report.evidence) | ours), REMEDY)


def drawn_figures(report: StudyReport) -> dict[str, str]:
    """Return the figures of a study as SVG, by where they are in its bundle without the ending."""
    return {f"figures/{name.replace(' ', '-')}": svg for name, svg in study_figures(report).items()}


def _written(report: StudyReport) -> tuple[list[Written], int]:
    """Return what people wrote to checklists without anybody's name, and how often one was in it."""
    names = typed_names(report.evidence)
    all_written = {each: None for one in report.checklists for item in one.items for each in item.written}
    kept = [
        replace(one, by=WRITER, text=LEFT_OUT if names.found_in(one.text) else one.text)
        for one in sorted(all_written, key=lambda one: one.at)
    ]
    return kept, sum(one.text == LEFT_OUT for one in kept)


def _left_out(count: int) -> str:
    if not count:
        return ""
    return f"\n{count_of(count, 'text')} that named somebody or a file {were(count)} left out.\n"
