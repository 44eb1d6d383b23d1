"""A bundle: one zip with a report in every other format, the case table behind its figures, and a digest of each file.

Nobody's name and no file's name is in it: comments that hold one are left out, and what was packed is searched once
more, pictures included, before it is given out.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from engine.language import count_of
from engine.records import Part, Review, Run
from engine.report.checklists.records import AnsweredChecklist
from engine.report.exports.bundle.beside import schema_file, schema_name
from engine.report.exports.bundle.case_masks import mask_files
from engine.report.exports.bundle.case_table import image_sizes, write_case_table
from engine.report.exports.bundle.differences import SUMS
from engine.report.exports.bundle.regions import last_drawn
from engine.report.exports.bundle.searching import LEFT_OUT, REMEDY, Names, refuse_names
from engine.report.exports.model_card import card_json, card_markdown, card_of
from engine.report.exports.png import png_figures
from engine.report.exports.schema.documents import report_schema
from engine.report.exports.schema.earlier import writers
from engine.report.figures import figures_of, figures_of_run
from engine.report.formatting import were, without_paths
from engine.report.records import CaseRow, Evidence, Report
from engine.report.subgroups import groups_by_column
from engine.runs import settings_of

README, SETTINGS = "README.txt", "run/"
CARD, CARD_JSON = "model-card.md", "model-card.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same files make the same zip

SAYS = """Overread report of run {run_id}, as a bundle that can be checked.

report.html, .pdf, .docx  the report; the page opens in any browser and needs nothing else
report.json        every number in it; what it holds is described in report.schema.json (JSON Schema)
*.csv, *.parquet   its tables: for spreadsheets, and with the types of their columns
model-card.md, .json  what the model is, for what it is meant, and how well it did; of reports on the test part
figures/           its figures (SVG, and PNG with 300 dots an inch)
data/images.csv    one line an image: what was predicted, the label, and the patient as a number drawn for this bundle
data/readings.csv  every reading, corrected ones too
data/choices.json    part of the data, labels, and what else the figures rest on
data/standards.csv, .json  what a study settled of each case, where it is a reference standard
data/label-searches.csv, .json  labels suspected to be wrong, and what readers said of them
data/regions.coco.json  what readers drew, in pixels (COCO)
data/masks/          the same as pictures, up to 8,000: one a case and finding, white where it lies
data/dictionary.csv  what each column means
run/               the run's settings: classes, operating point, calibration, and its recipe or who supplied it
SHA256SUMS         a digest of each file: sha256sum -c SHA256SUMS

Written by {writers}.
This computes every figure again from data/ and compares it
with report.json, the tables and the page:

    overread verify bundle.zip
{left_out}"""


def pack(report: Report, render: Callable[[Report], Mapping[str, bytes | str]]) -> bytes:
    """Return a bundle.

    Args:
        report: What it is of.
        render: Returns a report's files in other formats, by name; it is given the report without names.

    Raises:
        ReportError: A patient or a file would be named in it.
    """
    names = Names.of(report)
    anonymous = without_names(report, names)
    left_out = _left_out(names, report.evidence)
    shown = {name for row in report.subgroups for name in row.columns}
    groups = groups_by_column(report.run, report.evidence.predictions, report.evidence.split)
    columns = {name: of for name, of in groups.items() if name in shown}
    texts: dict[str, bytes | str] = {
        README: SAYS.format(run_id=report.run.run_id, writers=writers(), left_out=left_out),
        **render(anonymous),
        schema_name("report.json"): schema_file(report_schema("run-report")),
        **figure_files(figures_by_file(anonymous)),
        **write_case_table(anonymous.run, anonymous.part, anonymous.evidence, columns),
        **mask_files(last_drawn(anonymous.evidence.reviews), image_sizes(anonymous.evidence)),
        **_card(anonymous),
        **{SETTINGS + name: text for name, text in settings_of(run_without_paths(anonymous.run)).items()},
    }
    return pack_files(texts, names)


def pack_files(texts: Mapping[str, bytes | str], names: Names, remedy: str = REMEDY) -> bytes:
    """Return files as one zip with a digest of each, once nobody's name was found in them.

    Args:
        texts: By name.
        names: That must not stand in them.
        remedy: What to do where one does.

    Raises:
        ReportError: A patient or a file would be named in it.
    """
    files = {name: text.encode() if isinstance(text, str) else text for name, text in texts.items()}
    refuse_names(files, names, remedy)
    return zip_of(files)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Return files as one zip with a digest of each; the same files make the same zip."""
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in (*files.items(), (SUMS, sums.encode())):
            packed.writestr(zipfile.ZipInfo(name, LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _card(report: Report) -> dict[str, bytes | str]:
    if not has_card(report.run, report.part):
        return {}
    card = card_of(report)
    return {CARD: card_markdown(card), CARD_JSON: card_json(card)}


def has_card(run: Run, part: Part | None) -> bool:
    """Return whether there is a model card: it speaks of a model on its own test part, and of no other report."""
    return part == "test" and run.supplied is None


def figures_by_file(report: Report) -> dict[str, str]:
    """Return every figure as SVG, by where it is in the bundle without the ending."""
    drawn: dict[str, str] = {
        f"figures/{_file_name(one.name)}-{_file_name(name)}": svg
        for one in report.against
        for name, svg in figures_of(report, one).items()
    }
    return drawn | {f"figures/{name}": svg for name, (svg, _) in figures_of_run(report).items()}


def figure_files(drawn: Mapping[str, str]) -> dict[str, bytes | str]:
    """Return figures as SVG, and as PNG beside it."""
    pixels = png_figures(drawn)
    return {f"{name}.{kind}": of[name] for name in drawn for kind, of in (("svg", drawn), ("png", pixels))}


def without_names(report: Report, names: Names) -> Report:
    """Return a report without the comments, and the texts of checklists, that name a patient or a file."""

    def told(reviews: Iterable[Review]) -> tuple[Review, ...]:
        return tuple(replace(one, comment="") if names.found_in(one.comment) else one for one in reviews)

    def written(one: AnsweredChecklist) -> AnsweredChecklist:
        items = (
            replace(
                item,
                written=tuple(
                    replace(each, text=LEFT_OUT) if names.found_in(each.text) else each
                    for each in item.written
                ),
            )
            for item in one.items
        )
        return replace(one, items=tuple(items))

    def cases(rows: Iterable[CaseRow]) -> tuple[CaseRow, ...]:
        return tuple(replace(case, reviews=told(case.reviews)) for case in rows)

    return replace(
        report,
        cases=cases(report.cases),
        galleries=tuple(
            replace(one, wrong=cases(one.wrong), right=cases(one.right)) for one in report.galleries
        ),
        evidence=replace(report.evidence, reviews=told(report.evidence.reviews)),
        checklists=tuple(written(one) for one in report.checklists),
    )


def run_without_paths(run: Run) -> Run:
    """Return a run that does not say where its starting weights lay."""
    origin = run.weights_origin
    return replace(
        run,
        weights_source=without_paths(run.weights_source),
        weights_origin=origin and replace(origin, source=without_paths(origin.source)),
    )


def _left_out(names: Names, evidence: Evidence) -> str:
    count = sum(names.found_in(one.comment) is not None for one in evidence.reviews)
    if not count:
        return ""
    return f"\n{count_of(count, 'comment')} that named a patient or a file {were(count)} left out.\n"


def _file_name(title: str) -> str:
    return re.sub(r"\W+", "-", title).strip("-")
