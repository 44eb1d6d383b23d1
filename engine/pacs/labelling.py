"""Labels for images of an archive, from a table that names them as people have them: by study, accession or patient."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pydicom

from engine.data import Table
from engine.errors import DataError
from engine.pacs.pulling import SUFFIX, Pulled

PATH = "path"
_KINDS = ("image", "series", "study", "accession", "patient")
"""What a cell may name, the most particular first."""


def rows_of(table: Table, pulled: Pulled) -> list[dict[str, str]]:
    """Return the rows of a table for the images that they are of, with the image's path before the table's own columns.

    The column that tells which is the one whose cells name most: an image by its SOP Instance UID, a series or study by
    its UID, an accession number or a patient's id.

    Raises:
        DataError: No cell of it names an image that came.
    """
    names = _names(pulled)
    best: tuple[int, str, str] = (0, "", "")
    for kind in _KINDS:
        for column in table.header:
            count = sum(_bare(cell) in names[kind] for cell in table.column(column))
            if count > best[0]:
                best = (count, kind, column)
    count, kind, column = best
    if not count:
        raise DataError(
            f"No row of {table.name} names an image that came",
            "Give it a column with SOP, series or study instance UIDs, accession numbers or patients' ids",
        )
    others = [each for each in table.header if each != PATH]
    cells = {each: table.column(each) for each in others}
    return [
        {PATH: path, **{each: cells[each][row] for each in others}}
        for row, cell in enumerate(table.column(column))
        for path in names[kind].get(_bare(cell), ())
    ]


def _bare(cell: str) -> str:
    return cell.strip().replace("\\", "/").rpartition("/")[2].removesuffix(SUFFIX)


def _names(pulled: Pulled) -> dict[str, dict[str, list[str]]]:
    """Return the paths of images by each of their names; an image that went from the archive since has no accession."""
    accessions = {one.study: one.accession for one in pulled.found}
    names: dict[str, dict[str, list[str]]] = {kind: defaultdict(list) for kind in _KINDS}
    for file in sorted(pulled.folder.glob(f"*{SUFFIX}")):
        header = _header(file)
        study = str(header.get("StudyInstanceUID", ""))
        said = (
            file.name.removesuffix(SUFFIX),
            str(header.get("SeriesInstanceUID", "")),
            study,
            accessions.get(study, ""),
            str(header.get("PatientID", "")).strip(),
        )
        for kind, name in zip(_KINDS, said, strict=True):
            if name:
                names[kind][name].append(f"{pulled.folder.name}/{file.name}")
    return names


def _header(file: Path) -> pydicom.Dataset:
    tags = ["StudyInstanceUID", "SeriesInstanceUID", "PatientID", "SpecificCharacterSet"]
    return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags)
