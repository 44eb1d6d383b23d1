"""A comparison's bundle: its page and numbers, the tables they were computed from, and a digest of each file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.experiments.bundle.data_files import columns_of, meaning_in, write_data
from engine.experiments.comparison import RunComparison
from engine.experiments.comparison_page import (
    comparison_file,
    comparison_lines,
    comparison_schema,
    render_page,
)
from engine.language import N_
from engine.report import (
    Names,
    names_of_images,
    pack_files,
    pdf_of,
    run_without_paths,
    schema_file,
    word_of,
    writers,
)
from engine.spreadsheet import write_csv
from engine.storage import storage_error, versioned, write_atomic

README, DOCUMENT, DICTIONARY, BUNDLE = (
    "README.txt",
    "comparison.json",
    "data/dictionary.csv",
    "comparison-bundle.zip",
)
REMEDY = N_(
    "Change the run's or the data set's name, or the class, that says it; or give the page without the bundle"
)

SAYS = """Overread comparison of runs, as a bundle that can be checked.

comparison.html      the comparison; it opens in any browser and needs nothing else
comparison.pdf       the same to be printed
comparison.docx      its text and tables for Word
comparison.json      every number in it; what it holds is described in comparison.schema.json (JSON Schema)
comparison.csv       its figures, one line a run
data/cases.csv       one line an image: its label, and the patient as a number drawn for this bundle (also as Parquet)
data/predictions.csv one line a run and image: what the run predicts (also as Parquet)
data/runs.json       what the runs are called, how they were trained, and what was left out
data/dictionary.csv  what each column means
runs/                each run's settings: classes, operating point, calibration, and its recipe or who supplied it
SHA256SUMS           a digest of each file: sha256sum -c SHA256SUMS

Written by {writers}.
This computes every figure again from data/ and runs/, the paired tests among them, and
compares it with comparison.json, the table and the page:

    overread verify {bundle}
"""
COLUMNS = {
    "name": "Of the recipe or run",
    "seed": "Of the training",
    "run": "Its id",
    "differs": "Where its recipe differs from the first one's; of the first: what others change",
    "right where the first is wrong": "Images that it alone predicts rightly; of several seeds, more often",
    "wrong where the first is right": "Images that the first alone predicts rightly; likewise",
    "trained parameters": "Parameters of the model that training changed",
    "epochs": "Trained",
    "seconds": "That training took",
    "device": "It was trained on",
}
ENDINGS = {
    " minus first": "This one's share or area minus the first one's",
    " low": "Lower bound of the 95% interval",
    " high": "Upper bound of the 95% interval",
    " p": "Of the paired test, two-sided",
    " p, adjusted": "The same after Holm's adjustment for all tests of the comparison",
}


def write_comparison_bundle(comparison: RunComparison, folder: Path) -> Path:
    """Write comparison-bundle.zip: everything by which a stranger can compute the comparison again.

    Raises:
        ReportError: A patient or a file would be named in it.
        WorkspaceError: The folder cannot be made or written to.
    """
    packed = pack_comparison(comparison)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    write_atomic(folder / BUNDLE, packed)
    return folder / BUNDLE


def pack_comparison(comparison: RunComparison) -> bytes:
    """Return a bundle.

    Raises:
        ReportError: A patient or a file would be named in it.
    """
    made = datetime.now(UTC)
    told = _without_paths(comparison)
    printed_there = printed_files(told, made)
    texts = {
        README: SAYS.format(writers=writers(), bundle=BUNDLE),
        **printed_there,
        **_on_paper(str(printed_there["comparison.html"])),
        **write_data(told, made),
    }
    images = [each for one in comparison.contestants for each in one.predictions]
    printed = {*comparison.classes, comparison.dataset_name, *(row.run.run_id for row in comparison.rows)}
    return pack_files(texts, Names(names_of_images(images), printed), REMEDY)


def printed_files(comparison: RunComparison, made: datetime) -> dict[str, bytes | str]:
    """Return the files that say what was found, by name."""
    return {
        "comparison.html": render_page(comparison, made),
        "comparison.csv": write_csv(comparison_lines(comparison)),
        DOCUMENT: _json(comparison),
        "comparison.schema.json": schema_file(comparison_schema()),
        DICTIONARY: write_csv(list(_dictionary(comparison))),
    }


def _on_paper(page: str) -> dict[str, bytes | str]:
    """Return the page as PDF and for Word: made of what is held against the data, so that they are not held again."""
    return {"comparison.pdf": pdf_of(page), "comparison.docx": word_of(page)}


def _json(comparison: RunComparison) -> str:
    told = versioned(comparison_file(comparison))
    return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _dictionary(comparison: RunComparison) -> Iterator[dict[str, str]]:
    for file, columns in columns_of(comparison).items():
        for column in columns:
            yield {"file": file, "column": column, "meaning": meaning_in(file, column)}
    for column in dict.fromkeys(name for line in comparison_lines(comparison) for name in line):
        yield {"file": "comparison.csv", "column": column, "meaning": _meaning(column)}


def _meaning(column: str) -> str:
    if column in COLUMNS:
        return COLUMNS[column]
    # The longest ending that fits says it: “accuracy minus first low” is a bound.
    fitting = [ending for ending in ENDINGS if column.endswith(ending)]
    return ENDINGS[max(fitting, key=len)] if fitting else "The figure on the compared part"


def _without_paths(comparison: RunComparison) -> RunComparison:
    """Return a comparison whose runs do not say where their starting weights lay."""
    return replace(
        comparison,
        rows=tuple(replace(row, run=run_without_paths(row.run)) for row in comparison.rows),
        contestants=tuple(replace(one, run=run_without_paths(one.run)) for one in comparison.contestants),
    )
