"""The answers of a study as DICOM objects, its readers by the numbers that its report has for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom

from engine.errors import ExportError
from engine.pacs.address import Address
from engine.pacs.giving.kinds import STUDY_KINDS
from engine.pacs.giving.objects import Given, Made, Progress, give_each, of_reading
from engine.pacs.giving.readings import Reading, of_answer
from engine.reading import Store
from engine.report import readers_by_number
from engine.workspace import Workspace


def give_study(
    workspace: Workspace,
    store: Store,
    name: str,
    to: Address | Path,
    *,
    kinds: Sequence[str] = STUDY_KINDS,
    progress: Progress = lambda done, of: None,
) -> Given:
    """Write each answer of a study that stands, in whatever arm, and what was drawn with it.

    Args:
        workspace: Where the salt lies by which the study's readers are numbered.
        store: With the study.
        name: Its name, its id or the start of one.
        to: A server, or a folder, which is made if it is not there.
        kinds: Of `STUDY_KINDS`.
        progress: Called with images done and images in all.

    Raises:
        ReviewError: There is no such study.
        ExportError: No image is a DICOM file, nothing was said of them, or the archive did not take it; or the study is
            still read, and would go where its readers see each other's answers.
        DataError: The server is away or refuses us.
        WorkspaceError: The folder cannot be written to.
    """
    study = store.studies.get(name)
    if isinstance(to, Address) and study.state != "closed":
        raise ExportError(
            f"{study.name} is not closed: in an archive its readers could see each other’s answers",
            f"Write them to a folder with --out, or close the study first: overread study close {study.study_id[:8]}",
        )
    answers = store.studies.answers(study.study_id)
    numbers = readers_by_number(workspace, store, study, answers)
    said: dict[str, list[Reading]] = {}
    for answer in answers:
        said.setdefault(answer.image_id, []).append(of_answer(study, answer, numbers[answer.reader]))

    def objects(image_id: str, source: pydicom.Dataset) -> Iterator[Made]:
        for reading in said[image_id]:
            yield from of_reading(reading, source, kinds)

    images = [(store.studies.path(image_id), image_id) for image_id in sorted(said)]
    return give_each(images, objects, to, progress=progress)
