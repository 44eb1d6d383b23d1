"""What each column of a study's tables means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.report.exports.dictionary import meaning_of
from engine.report.study.bundle.data_files import meaning_in

DICTIONARY = "data/dictionary.csv"
MEANINGS = {
    "reader": "“R” and a number drawn for the study",
    "reading": "How cases were read: blind (without the model), assisted (with it), concurrent (with it from the "
    "beginning), annotation; or one way minus another",
    "n": "Cases that it rests on; of shares of readings, readings",
    "indeterminate": "What unsure and not diagnostic count as: excluded, positive or negative",
    "for": "Of whom it speaks: readers and cases like these, cases (these readers), readers (these cases)",
    "standard error": "Of the difference",
    "df": "Degrees of freedom of its test (Hillis); empty: without end",
    "p": "Two-sided, that there is no difference",
    "the model was": "right or wrong on the cases",
    "case": "“c” and a number drawn for the study",
    "patient": "“p” and a number drawn likewise: cases of one patient have the same",
    "label": "That came with the data; empty: none",
    "answer": "The class that the reader named, or unsure, or not diagnostic",
    "certainty": "How sure of it, on the protocol's scale; empty: not asked",
    "shown": "The class that was on the screen as predicted; empty: none",
    "seconds": "From the case's appearing to the answer",
    "at": "When a person wrote to the item of the checklist",
    "test": "The way of reading, by MRMCaov's name for it",
    "truth": "1 where the label that came with the data is the finding, 0 where it is not",
    "rating": "How sure that the finding is there (above 0) or not (below); without certainty 1 or 0",
}


def dictionary_rows(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], data: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, str]]:
    """Yield a line for each column.

    Args:
        tables: Of the report: name → rows.
        data: That it was computed from: file → columns.
    """
    for file, columns in data.items():
        for column in columns:
            yield {"file": file, "column": column, "meaning": meaning_in(file, column)}
    for name, rows in tables.items():
        for column in dict.fromkeys(column for row in rows for column in row):
            meaning = MEANINGS.get(column) or meaning_of(column)
            yield {"file": f"{name}.csv", "column": column, "meaning": meaning}
