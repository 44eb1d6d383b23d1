"""The address of a DICOMweb server, and which of its images are meant: dicomweb://host:8042/dicom-web?modality=DX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from engine.errors import DataError

SCHEMES = {"dicomweb": "http", "dicomweb+http": "http", "dicomweb+https": "https"}
FILTERS = {
    "modality": "Modality",
    "body_part": "BodyPartExamined",
    "date": "StudyDate",
    "patient": "PatientID",
    "study": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
    "accession": "AccessionNumber",
    "description": "StudyDescription",
}
"""What can be asked for, by the attribute that an archive is asked by. The attribute's own name is understood too."""
LIMIT = "limit"
EXAMPLE = "dicomweb://pacs.example:8042/dicom-web?modality=DX&body_part=CHEST&date=20240101-20241231"
_START = re.compile(r"(dicomweb(?:\+https?)?):/{1,2}(?=[^/])", re.IGNORECASE)
_DATES = re.compile(r"\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8}")
_UIDS = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A server, and what is asked of it.

    Attributes:
        url: Of the server's DICOMweb services, for HTTP, without anything secret.
        filters: DICOM attribute → what it must be, as a query of DICOM has it; empty for every image there is.
        limit: Studies at most; 0 for all.
    """

    url: str
    filters: Mapping[str, str]
    limit: int = 0

    @property
    def host(self) -> str:
        """The server's name and port, for people."""
        return urlsplit(self.url).netloc

    @property
    def name(self) -> str:
        """What to call the images, as a folder can be called; a patient's own are called by the server alone."""
        said = [self.filters.get(each, "") for each in ("Modality", "BodyPartExamined", "StudyDate")]
        words = " ".join([self.host, *filter(None, said)])
        return re.sub(r"[^\w.+-]+", " ", words.replace(":", "-"))[:80].strip(" .")

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits, equal for equal questions to equal servers."""
        asked = "\n".join([self.url, *(f"{one}={self.filters[one]}" for one in sorted(self.filters))])
        return sha256(f"{asked}\n{self.limit}".encode()).hexdigest()[:16]


def is_address(text: str) -> bool:
    """Return whether a text is meant as an address of a DICOMweb server; a path that lost one of its slashes is too."""
    return _START.match(text) is not None or text.lower().startswith(
        tuple(f"{scheme}:" for scheme in SCHEMES)
    )


def address_of(text: str) -> Address:
    """Read an address.

    Raises:
        DataError: It is none, holds a password, or asks for something that cannot be asked for.
    """
    start = _START.match(text.strip())
    if start is None:
        raise DataError(f"“{text}” is not the address of a DICOMweb server", f"Write it as {EXAMPLE}")
    try:
        parts = urlsplit(f"{SCHEMES[start[1].lower()]}://{text.strip()[start.end() :]}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DataError(
            "The address of the DICOMweb server cannot be read", f"Write it as {EXAMPLE}"
        ) from error
    if "@" in parts.netloc:  # not said which: it would stand in the terminal's history and in logs
        raise DataError(
            "An address with a user or password in it is not taken",
            "Leave them out and set $OVERREAD_DICOMWEB_USER and $OVERREAD_DICOMWEB_PASSWORD, or "
            "$OVERREAD_DICOMWEB_TOKEN",
        )
    if not host or re.fullmatch(r"[\w.:-]+", host) is None:
        raise DataError("The address names no DICOMweb server", f"Write it as {EXAMPLE}")
    shown = f"[{host}]" if ":" in host else host
    filters, limit = _asked(parse_qsl(parts.query, keep_blank_values=True))
    root = "/".join(filter(None, parts.path.split("/")))
    return Address(
        url=f"{parts.scheme}://{shown}{f':{port}' if port else ''}{f'/{root}' if root else ''}",
        filters=filters,
        limit=limit,
    )


def _asked(pairs: list[tuple[str, str]]) -> tuple[dict[str, str], int]:
    known = {**FILTERS, **{tag: tag for tag in FILTERS.values()}}
    known = {_folded(name): tag for name, tag in known.items()}
    filters, limit = {}, 0
    for name, value in pairs:
        value = value.strip()
        if name.lower() == LIMIT:
            if not value.isascii() or not value.isdigit():
                raise DataError(f"limit={value} is no number of studies", "Write it as limit=100")
            limit = int(value)
            continue
        tag = known.get(_folded(name))
        if tag is None:
            raise DataError(
                f"A DICOMweb server is not asked by “{name}”",
                f"Ask by {', '.join(FILTERS)} or {LIMIT}, e.g. {EXAMPLE}",
            )
        if value:
            filters[tag] = _checked(tag, value)
    return filters, limit


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _checked(tag: str, value: str) -> str:
    if tag == "StudyDate":
        dates = re.sub(r"\s*\.\.\s*", "-", re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\1\2\3", value))
        if _DATES.fullmatch(dates) is None or not all(map(_is_day, filter(None, dates.split("-")))):
            raise DataError(
                f"date={value} is neither a day nor two",
                "Write it as date=20240131, or date=20240101-20241231",
            )
        return dates
    if tag.endswith("UID") and _UIDS.fullmatch(value) is None:
        raise DataError(
            f"“{value}” is no {tag}", "Write numbers with full stops between them, as the archive shows it"
        )
    return value.upper() if tag in ("Modality", "BodyPartExamined") else value


def _is_day(digits: str) -> bool:
    try:
        datetime.strptime(digits, "%Y%m%d")
    except ValueError:
        return False
    return True
