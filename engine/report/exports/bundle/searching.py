"""The names of patients and files, looked for in every byte that leaves: in tables, pictures and packed text too."""

from __future__ import annotations

import base64
import binascii
import io
import itertools
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping

from PIL import Image

from engine.errors import ReportError
from engine.language import N_
from engine.records import PARTS, Prediction, Sample
from engine.report.exports.parquet import read_parquet
from engine.report.records import Evidence, Report

SHORTEST = 4  # characters of a name that is looked for: shorter ones stand in every text
LEFT_OUT = "Left out of this bundle, since it named a patient or a file."
REMEDY = N_("Change the class, column or data set that says it, or export the report in another format")
INSIDE = re.compile(r"\w")  # a name that goes on with such a character is another's
WORD = re.compile(r"\w[\w.\-]*")
PICTURE = re.compile(rb"base64,([A-Za-z0-9+/=]+)")
STREAM = re.compile(rb"stream\r?\n(.*?)(?:endstream|\Z)", re.DOTALL)
PIXELS = re.compile(rb"/Subtype\s*/Image\b")
GLYPHS = re.compile(rb"/Length1\b|/Subtype\s*/(?:CIDFontType0C|Type1C|OpenType)\b")
FONTS = (b"wOFF", b"wOF2", b"OTTO", b"\x00\x01\x00\x00")
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Names:
    """The names of patients and files that must not leave: asked word by word, however many there are."""

    def __init__(
        self,
        names: Iterable[str],
        harmless: Iterable[str] = (),
        *,
        shortest: int = SHORTEST,
        folded: bool = False,
    ) -> None:
        """Take the names.

        Args:
            names: Of patients, files and people.
            harmless: Of them, those that may stand anywhere.
            shortest: Characters of a name that is looked for.
            folded: Whether capital letters are as good as small ones.
        """
        self._folded = folded
        self._alike: defaultdict[str, _Alike] = defaultdict(_Alike)
        for each in set(names) - set(harmless):
            name = each.casefold() if folded else each
            if (
                len(name) >= shortest
                and not (name.isdigit() and len(name) < 6)
                and (first := WORD.search(name))
            ):
                self._alike[first[0].rstrip(".-")].add(name, first.start())

    @classmethod
    def of(cls, report: Report) -> Names:
        """Return the names behind a report; what it must print is none of them."""
        return cls(
            names_behind(report.evidence), {*report.classes, report.run.dataset_name, report.run.run_id}
        )

    def found_in(self, text: str) -> str | None:
        """Return a name that stands in a text; None where there is none."""
        text = text.casefold() if self._folded else text
        for word in {each.rstrip(".-") for each in WORD.findall(text)} & self._alike.keys():
            if (name := self._alike[word].found_in(text, word)) is not None:
                return name
        return None


class _Alike:
    """Names with the same first word: one walk through a text asks for all of them, though they are 10,000."""

    def __init__(self) -> None:
        self._by_place: defaultdict[tuple[int, int], set[str]] = defaultdict(set)

    def add(self, name: str, before: int) -> None:
        """Take a name whose first word stands behind so many characters."""
        self._by_place[before, len(name)].add(name)

    def found_in(self, text: str, word: str) -> str | None:
        """Return one of the names that stands in a text by itself; None where there is none."""
        at = -1
        while (at := text.find(word, at + 1)) >= 0:
            for (before, length), names in self._by_place.items():
                start = at - before
                end = start + length
                if (
                    start >= 0
                    and text[start:end] in names
                    and not INSIDE.match(text[start - 1 : start])
                    and not INSIDE.match(text[end : end + 1])
                ):
                    return text[start:end]
        return None


def names_of_images(images: Iterable[Prediction | Sample]) -> frozenset[str]:
    """Return what patients and files of images are called."""
    names: set[str] = set()
    for each in images:
        if each.patient_id != each.image_id:
            names.add(each.patient_id)
        if each.path.name != each.image_id:
            names.add(each.path.name)
            if any(map(str.isdigit, each.path.stem)):  # "test.png" is called as anything may be
                names.add(each.path.stem)
    return frozenset(names)


def numbers_of_nobody(names: Container[str], prefix: str = "p") -> Iterator[int]:
    """Yield 1, 2, 3, … but none that behind its prefix is what a patient or a file is called."""
    return (number for number in itertools.count(1) if f"{prefix}{number}" not in names)


def names_behind(evidence: Evidence) -> frozenset[str]:
    """Return what patients and files behind a run's report are called."""
    split = evidence.split
    parts = (one for part in PARTS if split for one in split.part(part))
    return names_of_images([*evidence.predictions, *parts])


def refuse_names(files: Mapping[str, bytes], names: Names, remedy: str = REMEDY) -> None:
    """Refuse files in which a patient or a file is named.

    Args:
        files: By name.
        names: That must not stand in them.
        remedy: What to do then.

    Raises:
        ReportError: There is one.
    """
    for file, data in files.items():
        for text in texts_in(data):
            if (name := names.found_in(text)) is not None:
                raise ReportError(
                    f"The bundle would name a patient or a file: “{name}” stands in {file}",
                    remedy,
                )


def texts_in(data: bytes) -> Iterator[str]:
    """Yield all that can be read in a file of our own, by what its first bytes say that it is.

    Pixels and the outlines of letters are no text: as bytes they spell every short name sooner or later.
    """
    if data.startswith(b"PAR1"):
        headings, rows = read_parquet(data)
        yield "\n".join([*headings, *(str(cell) for row in rows for cell in row if isinstance(cell, str))])
    elif data.startswith(b"PK\x03\x04"):  # a document of a word processor is a zip
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name
                yield from texts_in(packed.read(name))
    elif data.startswith((b"\x89PNG", b"\xff\xd8")):
        yield from _beside_pixels(data)
    elif data.startswith(b"%PDF"):
        yield from _beside_streams(data)
    elif data.startswith(FONTS):
        return
    else:
        yield PICTURE.sub(b"", data).decode("utf-8", "replace")
        for found in PICTURE.finditer(data):
            try:
                yield from texts_in(base64.b64decode(found[1], validate=True))
            except binascii.Error:
                yield found[1].decode("ascii")


def _beside_pixels(data: bytes) -> Iterator[str]:
    """Yield what a picture says beside its pixels, packed or not."""
    pieces = _chunks(data) if data.startswith(b"\x89PNG") else _segments(data)
    yield "\n".join(piece.decode("latin-1") for piece in pieces)
    with Image.open(io.BytesIO(data)) as image:
        image.load()  # what stands behind the pixels is read with them
        said = [*image.info.values(), *image.getexif().values()]
    yield "\n".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in said)


def _beside_streams(pdf: bytes) -> Iterator[str]:
    """Yield what a PDF says, packed or not, but pixels and outlines of letters."""
    at = 0
    for found in STREAM.finditer(pdf):
        before, at = pdf[at : found.start()], found.end()
        yield before.decode("latin-1")
        told, held = before.rpartition(b" obj")[2], found[1]
        if PIXELS.search(told):
            yield from _beside_pixels(held) if held.startswith(b"\xff\xd8") else ()
        elif not GLYPHS.search(told):
            yield inflated(held).decode("latin-1")
    yield pdf[at:].decode("latin-1")


def _chunks(png: bytes) -> Iterator[bytes]:
    """Yield the chunks of a PNG but those of its pixels, and what stands behind the last."""
    at, kind = 8, b""
    while at + 8 <= len(png) and kind != b"IEND":
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        if kind not in (b"IDAT", b"fdAT"):
            yield png[at + 4 : at + 8 + length]
        at += length + 12
    yield png[at:]


def _segments(jpeg: bytes) -> Iterator[bytes]:
    """Yield the segments of a JPEG but those of its pixels, and what stands behind the end."""
    at = 2
    while jpeg[at : at + 1] == b"\xff" and (kind := jpeg[at + 1]) != 0xD9:
        behind = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if kind not in (0xC4, 0xDB):
            yield jpeg[at + 4 : behind]
        at = behind
        if kind == 0xDA:
            found = NEXT_MARKER.search(jpeg, behind)
            at = found.start() if found else len(jpeg)
    yield jpeg[at:].removeprefix(b"\xff\xd9")


def inflated(stream: bytes, most: int = 0) -> bytes:
    """Return a stream of a PDF unpacked, so many bytes of it at most; 0: all."""
    try:
        return zlib.decompressobj().decompress(stream, most)
    except zlib.error:  # a picture, or not packed
        return stream
