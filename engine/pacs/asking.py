"""Which images a DICOMweb server has of those that are meant (QIDO-RS), from studies over series to images.

What a server answers is believed as far as it can be checked: one that passes over a filter must not fill a workspace
with other patients' images.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from dicomweb_client import DICOMwebClient
from pydicom.datadict import tag_for_keyword
from pydicom.errors import InvalidDicomError

from engine.errors import DataError
from engine.pacs.address import Address
from engine.pacs.bounds import Limits, ServerTrouble
from engine.pacs.http import BoundedSession, credentials

PAGE = 200  # studies asked for at a time
MOST = 100_000  # images; more than that is no study but an archive
NO_IMAGES = frozenset(
    (
        "SR",
        "PR",
        "KO",
        "SEG",
        "RTSTRUCT",
        "RTPLAN",
        "RTDOSE",
        "RTRECORD",
        "DOC",
        "AU",
        "ECG",
        "HD",
        "REG",
        "FID",
    )
)
"""Modalities whose objects hold no image that can be read."""
LIES = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, InvalidDicomError)
"""What the client raises of answers that are not what they should be."""

Item = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An image that a server says it has.

    Attributes:
        study: Study Instance UID.
        series: Series Instance UID.
        image: SOP Instance UID.
        accession: Accession Number of the study, by which a table may name it; it is not kept.
        frames: How many, as far as the server says.
    """

    study: str
    series: str
    image: str
    accession: str = ""
    frames: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that did not come, and why, as a part of a sentence."""

    study: str
    why: str
    series: str = ""
    image: str = ""


def client_of(address: Address, limits: Limits | None = None) -> DICOMwebClient:
    """Return a client whose every answer is bounded; who asks stands in the environment.

    Raises:
        DataError: What the environment says of that cannot be used.
    """
    logging.getLogger("retrying").setLevel(
        logging.CRITICAL
    )  # it prints whatever is raised, with where that was
    session = BoundedSession(address.host, credentials(), limits or Limits())
    client = DICOMwebClient(address.url, session=session)
    client.set_http_retry_params(retry=False)
    return client


def ask(
    client: DICOMwebClient, address: Address, told: Callable[[int], None] = lambda count: None
) -> tuple[list[Found], list[LeftOut]]:
    """Ask for the images that an address means.

    Args:
        client: Of the address's server.
        address: What is asked.
        told: Called with the number of images found so far; may raise to stop.

    Returns:
        The images, each once, in a stable order; and studies and series without any.

    Raises:
        ServerTrouble: The server is away, refuses us, or sends something else.
        DataError: There are no such studies, or too many images.
    """
    found: dict[str, Found] = {}
    left_out: list[LeftOut] = []
    studies = dict(_studies(client, address))
    if not studies:
        asked = ", ".join(f"{tag} {value}" for tag, value in address.filters.items())
        raise DataError(
            f"{address.host} has no study with {asked}" if asked else f"{address.host} has no studies",
            "Ask for more, e.g. a longer time or without the body part",
        )
    for study, accession in studies.items():
        before = len(found)
        for series, frames in _images(client, address, study, left_out):
            for image, count in frames:
                found[image] = Found(
                    study=study, series=series, image=image, accession=accession, frames=count
                )
        narrowed = {"BodyPartExamined", "SeriesInstanceUID"}.intersection(address.filters)
        if len(found) == before and not narrowed and not any(one.study == study for one in left_out):
            left_out.append(LeftOut(study=study, why="the study has no images"))
        if len(found) > MOST:
            raise DataError(
                f"{address.host} has more than {MOST:,} such images",
                "Ask for fewer: by date, body part or limit=100",
            )
        told(len(found))
    return [found[image] for image in sorted(found)], left_out


def _studies(client: DICOMwebClient, address: Address) -> Iterator[tuple[str, str]]:
    """Yield the UIDs and accession numbers of the studies that are meant."""
    asked = {tag: value for tag, value in address.filters.items() if tag not in _OF_SERIES}
    several = address.filters.get("Modality", "").split(",")
    seen: set[str] = set()
    for modality in several:
        filters = {**asked, **({"ModalitiesInStudy": modality} if modality else {})}
        for item in _pages(client, filters):
            study = _uid(item, "StudyInstanceUID", address)
            if study in seen or not _as_asked(item, asked):
                continue
            if address.limit and len(seen) >= address.limit:
                return
            seen.add(study)
            yield study, _text(item, "AccessionNumber")


_OF_SERIES = ("Modality", "BodyPartExamined", "SeriesInstanceUID")


def _pages(client: DICOMwebClient, filters: Mapping[str, str]) -> Iterator[Item]:
    """Yield all studies, a page at a time; a server that always sends the same page has no more."""
    offset, last = 0, None
    fields = ["AccessionNumber"]
    while True:
        search = partial(client.search_for_studies, fields=fields, search_filters=dict(filters))
        page = _listed(client, partial(search, limit=PAGE, offset=offset))
        if not page or page == last:
            return
        yield from page
        offset, last = offset + len(page), page
        if offset > MOST:
            return


def _images(
    client: DICOMwebClient, address: Address, study: str, left_out: list[LeftOut]
) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Yield each series of a study with its images and their numbers of frames."""
    filters = {tag: value for tag, value in address.filters.items() if tag in _OF_SERIES}
    if "," in filters.get("Modality", ""):
        del filters["Modality"]
    fields = ["BodyPartExamined"]
    for item in _listed(
        client, partial(client.search_for_series, study, fields=fields, search_filters=filters)
    ):
        series = _uid(item, "SeriesInstanceUID", address)
        if not _as_asked(item, {**filters, "Modality": address.filters.get("Modality", "")}):
            continue
        modality = _text(item, "Modality").upper()
        if modality in NO_IMAGES:
            left_out.append(
                LeftOut(study=study, series=series, why=f"a series of kind {modality} holds no images")
            )
            continue
        search = partial(client.search_for_instances, study, series, fields=["NumberOfFrames"])
        instances = _listed(client, search)
        yield series, [(_uid(each, "SOPInstanceUID", address), _frames(each)) for each in instances]


def _listed(client: DICOMwebClient, search: Callable[[], Any]) -> list[Item]:
    host = client.base_url.partition("://")[2].partition("/")[0]
    try:
        answer = search()
    except LIES as error:
        raise _no_answer(host) from error
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise _no_answer(host)
    return answer


def _no_answer(host: str) -> ServerTrouble:
    return ServerTrouble(
        f"{host} speaks no DICOMweb there",
        "Check the path in the address: Orthanc's is /dicom-web",
    )


def _as_asked(item: Item, filters: Mapping[str, str]) -> bool:
    """Return whether an answer is what was asked for, as far as it says and a filter is no pattern or span of time."""
    for tag, wanted in filters.items():
        said = _text(item, tag)
        if not wanted or not said or tag == "StudyDate" or re.search(r"[*?]", wanted):
            continue
        if said.casefold() not in wanted.casefold().split(",") and said.casefold() != wanted.casefold():
            return False
    return True


def _text(item: Item, tag: str) -> str:
    entry = item.get(f"{tag_for_keyword(tag):08X}")
    values = entry.get("Value") if isinstance(entry, dict) else None
    first = values[0] if isinstance(values, list) and values else ""
    return str(first).strip() if isinstance(first, str | int | float) else ""


def _uid(item: Item, tag: str, address: Address) -> str:
    """Return a UID, which becomes a part of addresses and file names."""
    uid = _text(item, tag)
    if re.fullmatch(r"[0-9.]{1,64}", uid) is None or ".." in uid or uid.startswith("."):
        raise _no_answer(address.host)
    return uid


def _frames(item: Item) -> int:
    frames = _text(item, "NumberOfFrames")
    return int(frames) if frames.isascii() and frames.isdigit() and len(frames) < 9 else 1
