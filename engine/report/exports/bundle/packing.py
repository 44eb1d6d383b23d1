"""A bundle: one zip with a report in every other format, the case table behind its figures, and a digest of each file.

Nobody's name and no file's name is in it: comments that hold one are left out, and what was packed is searched once
more, pictures included, before it is given out.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version

from engine.errors import ReportError
from engine.records import PARTS, Prediction, Review, Run, Sample
from engine.report.exports.bundle.case_table import write_case_table
from engine.report.exports.html import figures_of
from engine.report.formatting import counted, were, without_paths
from engine.report.records import CaseRow, Evidence, Report
from engine.runs import settings_of

SUMS, README, SETTINGS = "SHA256SUMS", "README.txt", "run/"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same files make the same zip
SHORTEST = 4  # characters of a name that is looked for: shorter ones stand in every text
WORD = re.compile(r"\w[\w.\-]*")
PICTURE = re.compile(rb"base64,([A-Za-z0-9+/=]+)")

SAYS = """Overread report of run {run_id}, as a bundle that can be checked.

report.html        the report; it opens in any browser and needs nothing else
report.json        every number in it
*.csv              its tables
figures/           its figures (SVG)
data/images.csv    one line an image: what was predicted, the label, and the patient as a number drawn for this bundle
data/readings.csv  every reading, corrected ones too
data/dictionary.csv  what each column means
run/               the run's settings: classes, operating point, calibration, and its recipe or who supplied it
SHA256SUMS         a digest of each file: sha256sum -c SHA256SUMS

Written by Overread {version}. This computes every figure again from data/ and compares it
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
    columns = list(dict.fromkeys(row.column for row in report.subgroups))
    texts: dict[str, bytes | str] = {
        README: SAYS.format(run_id=report.run.run_id, version=version("overread"), left_out=left_out),
        **render(anonymous),
        **{
            f"figures/{_file_name(one.name)}-{_file_name(name)}.svg": svg
            for one in anonymous.against
            for name, svg in figures_of(anonymous, one).items()
        },
        **write_case_table(anonymous.run, anonymous.part, anonymous.evidence, columns),
        **{SETTINGS + name: text for name, text in settings_of(_without_paths(anonymous.run)).items()},
    }
    files = {name: text.encode() if isinstance(text, str) else text for name, text in texts.items()}
    _search(files, names)
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in (*files.items(), (SUMS, sums.encode())):
            packed.writestr(zipfile.ZipInfo(name, LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def without_names(report: Report, names: Names) -> Report:
    """Return a report without the comments that name a patient or a file."""

    def told(reviews: Iterable[Review]) -> tuple[Review, ...]:
        return tuple(replace(one, comment="") if names.found_in(one.comment) else one for one in reviews)

    def cases(rows: Iterable[CaseRow]) -> tuple[CaseRow, ...]:
        return tuple(replace(case, reviews=told(case.reviews)) for case in rows)

    return replace(
        report,
        cases=cases(report.cases),
        galleries=tuple(
            replace(one, wrong=cases(one.wrong), right=cases(one.right)) for one in report.galleries
        ),
        evidence=replace(report.evidence, reviews=told(report.evidence.reviews)),
    )


def _without_paths(run: Run) -> Run:
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
    return f"\n{counted(count, 'comment')} that named a patient or a file {were(count)} left out.\n"


class Names:
    """The names of patients and files that must not leave: asked word by word, however many there are."""

    def __init__(self, evidence: Evidence, harmless: Iterable[str] = ()) -> None:
        split = evidence.split
        images: list[Prediction | Sample] = [*evidence.predictions]
        images += [one for part in PARTS if split for one in split.part(part)]
        names = {each.patient_id for each in images if each.patient_id != each.image_id}
        for each in images:
            names.add(each.path.name)
            if any(map(str.isdigit, each.path.stem)):  # "test.png" is called as anything may be
                names.add(each.path.stem)
        self._by_first: dict[str, list[str]] = {}
        for name in names - set(harmless):
            if (
                len(name) >= SHORTEST
                and not (name.isdigit() and len(name) < 6)
                and (words := WORD.findall(name))
            ):
                self._by_first.setdefault(words[0].rstrip(".-"), []).append(name)

    @classmethod
    def of(cls, report: Report) -> Names:
        """Return the names behind a report; what it must print is none of them."""
        return cls(report.evidence, {*report.classes, report.run.dataset_name, report.run.run_id})

    def found_in(self, text: str) -> str | None:
        """Return a name that stands in a text; None where there is none."""
        for word in set(WORD.findall(text)):
            for name in self._by_first.get(word.rstrip(".-"), ()):
                if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
                    return name
        return None


def _search(files: Mapping[str, bytes], names: Names) -> None:
    """Refuse files in which a patient or a file is named.

    Raises:
        ReportError: There is one.
    """
    for file, data in files.items():
        for text in _texts(data):
            if (name := names.found_in(text)) is not None:
                raise ReportError(
                    f"The bundle would name a patient or a file: “{name}” stands in {file}",
                    "Change the class, column or data set that says it, or export the report in another format",
                )


def _texts(data: bytes) -> Iterator[str]:
    """Yield what can be read in a file: its text, and what its pictures say beside their pixels."""
    yield PICTURE.sub(b"", data).decode("utf-8", "replace")
    for found in PICTURE.finditer(data):
        yield base64.b64decode(found[1]).decode("latin-1")


def _file_name(title: str) -> str:
    return re.sub(r"\W+", "-", title).strip("-")
