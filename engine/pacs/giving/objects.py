"""Which objects there are of images, and where they go: a folder, or an archive by STOW-RS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom

from engine.errors import ExportError, ImageError
from engine.images import image_png
from engine.pacs.address import Address
from engine.pacs.asking import LIES, client_of
from engine.pacs.bounds import ServerTrouble
from engine.pacs.giving import pictures, reports
from engine.pacs.giving.kinds import OBJECT_KINDS
from engine.pacs.giving.readings import Reading, of_review
from engine.pacs.giving.sources import source_of
from engine.records import Explanation, Prediction, Review, Run
from engine.storage import storage_error, write_atomic

Progress = Callable[[int, int], None]
Made = tuple[str, pydicom.Dataset]
"""An object, and of which kind it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What was written.

    Attributes:
        counts: Objects by kind.
        images: Images that they are about.
        left_out: Images without any, by reason.
    """

    counts: Mapping[str, int]
    images: int
    left_out: Mapping[str, int]


def give(
    run: Run,
    predictions: Sequence[Prediction],
    explanations: Mapping[str, Explanation],
    reviews: Iterable[Review],
    to: Address | Path,
    *,
    kinds: Sequence[str] = OBJECT_KINDS,
    progress: Progress = lambda done, of: None,
) -> Given:
    """Write what is known of a run's images as DICOM objects.

    Args:
        run: Whose it is.
        predictions: Of the images that are meant.
        explanations: By image id.
        reviews: The answers that count.
        to: A server, or a folder, which is made if it is not there.
        kinds: Of `OBJECT_KINDS`.
        progress: Called with images done and images in all.

    Raises:
        ExportError: No image is a DICOM file, there is nothing of them to write, or the archive did not take it.
        DataError: The server is away or refuses us; what it took it has, and takes again without doubling.
        WorkspaceError: The folder cannot be written to.
    """
    said: dict[str, list[Review]] = {}
    for review in reviews:
        said.setdefault(review.image_id, []).append(review)
    by_id = {each.image_id: each for each in predictions}

    def objects(image_id: str, source: pydicom.Dataset) -> Iterator[Made]:
        return _objects(run, by_id[image_id], explanations, said, source, kinds)

    images = [(each.path, each.image_id) for each in predictions]
    return give_each(images, objects, to, progress=progress)


def give_each(
    images: Sequence[tuple[Path, str]],
    objects: Callable[[str, pydicom.Dataset], Iterable[Made]],
    to: Address | Path,
    *,
    progress: Progress = lambda done, of: None,
) -> Given:
    """Write what is known of each image, as `give` does.

    Args:
        images: Where each lies, and its id.
        objects: What there is to write of an image, by its id and its header.
        to: A server, or a folder.
        progress: Called with images done and images in all.
    """
    store = _storing(to) if isinstance(to, Address) else _writing(to)
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    remedies: dict[str, str] = {}
    about = 0
    for done, (path, image_id) in enumerate(images):
        progress(done, len(images))
        try:
            made = list(objects(image_id, source_of(path, image_id)))
        except ImageError as error:
            problem = error.problem.replace(path.name, "it")
            left_out[problem] += 1
            remedies[problem] = error.typed_remedy
            continue
        for kind, each in made:
            store(kind, each)
            counts[kind] += 1
        about += bool(made)
    progress(len(images), len(images))
    if not about:
        why, remedy = "nothing of these kinds is known of them", "Read or predict images that an archive has"
        if left_out:
            problem, count = left_out.most_common(1)[0]
            why, remedy = f"of {count:,}: {problem}", remedies[problem]
        raise ExportError(
            f"No DICOM object can be made of {len(images):,} image{'s' * (len(images) != 1)} ({why})", remedy
        )
    return Given(counts=counts, images=about, left_out=left_out)


def of_reading(reading: Reading, source: pydicom.Dataset, kinds: Sequence[str]) -> Iterator[Made]:
    """Yield the objects of what one reader said."""
    if "readings" in kinds:
        yield "readings", reports.reading_report(reading, source)
    if "regions" in kinds and reading.regions:
        yield "regions", pictures.segmentation(reading, source)


def _objects(
    run: Run,
    prediction: Prediction,
    explanations: Mapping[str, Explanation],
    said: Mapping[str, Sequence[Review]],
    source: pydicom.Dataset,
    kinds: Sequence[str],
) -> Iterator[Made]:
    if "predictions" in kinds:
        yield "predictions", reports.prediction_report(run, prediction, source)
    explanation = explanations.get(prediction.image_id)
    if "heatmaps" in kinds and explanation is not None:
        film = image_png(prediction.path)
        yield "heatmaps", pictures.map_picture(run, explanation, film, source)
    for review in said.get(prediction.image_id, ()):
        yield from of_reading(of_review(run, review), source, kinds)


def _writing(folder: Path) -> Callable[[str, pydicom.Dataset], None]:
    def write(kind: str, made: pydicom.Dataset) -> None:
        stream = BytesIO()
        pydicom.dcmwrite(stream, made, enforce_file_format=True)
        try:
            (folder / kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, folder) from error
        write_atomic(folder / kind / f"{made.SOPInstanceUID}.dcm", stream.getvalue())

    return write


def _storing(address: Address) -> Callable[[str, pydicom.Dataset], None]:
    client = client_of(address)

    def store(kind: str, made: pydicom.Dataset) -> None:
        made.preamble = (
            b"\0" * 128
        )  # pydicom 3 writes none by itself, and what is stored so cannot be fetched again
        try:
            answer = client.store_instances([made])
            failed = list(answer.get("FailedSOPSequence") or ())
        except LIES as error:
            raise ServerTrouble(
                f"{address.host} speaks no DICOMweb there", "Check the path in the address"
            ) from error
        if failed:
            reason = failed[0].get("FailureReason", "none said")
            raise ExportError(
                f"{address.host} did not take one of the {kind} (reason {reason})",
                "Ask its keeper whether it takes such objects, or write them to a folder with --out",
            )

    return store
