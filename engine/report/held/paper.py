"""The PDF and the Word file of a bundle beside those that its page gives: both are made of it once more.

What may be otherwise on another machine is passed over: pixels of pictures, and how a zip is packed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest

from engine.errors import ReportError
from engine.report.exports.bundle.archive import DAMAGED, LARGEST, odd_members
from engine.report.exports.bundle.beside import Place
from engine.report.exports.bundle.differences import by_place
from engine.report.exports.bundle.searching import PIXELS, STREAM, inflated
from engine.report.paper.pdf import pdf_of
from engine.report.paper.word import word_of

SETTER = re.compile(rb"Typst \d[\w.]*")
VARIES = re.compile(rb"/Length \d+|/ID ?\[[^\[\]]*\]|\d{10} \d{5} [nf]\s*|startxref\s+\d+|ID>[^<>]*<")
"""Of a PDF: where its objects stand, and the number that is made of all its bytes."""
OURS = "that of its page"


def paper_places(files: Mapping[str, bytes], page: str) -> Iterator[Place]:
    """Yield where PDF and Word file are not what the page gives.

    Args:
        files: Of the bundle; what is missing is said among the files.
        page: Name of the page; PDF and Word file are called as it is.
    """
    if page not in files:
        return
    text = files[page].decode("utf-8", "replace")
    pdf, docx = (page.removesuffix("html") + kind for kind in ("pdf", "docx"))
    try:
        if pdf in files and not set_otherwise(files, page):
            there, made = files[pdf], pdf_of(text)
            if there != made and any(a != b for a, b in zip_longest(_pieces(there), _pieces(made))):
                yield pdf, "a text or a drawing", "another one", OURS
        if docx in files:
            yield from _word_places(docx, files[docx], word_of(text))
    except (ReportError, ValueError, OSError, RecursionError) as error:
        yield page, "on paper", f"what cannot be set ({error})", "a page of a report"


def set_otherwise(files: Mapping[str, bytes], page: str) -> bool:
    """Return whether another version of Typst set the PDF of a page: no two set one alike."""
    found = SETTER.search(files.get(page.removesuffix("html") + "pdf", b""))
    return found is not None and found[0] != _setter()


@cache
def _setter() -> bytes:
    """Return what Typst calls itself in a PDF."""
    import typst

    found = SETTER.search(typst.compile(b"", format="pdf", ignore_system_fonts=True))
    return found[0] if found else b""


def _pieces(pdf: bytes) -> Iterator[bytes]:
    """Yield what a PDF says, unpacked, but pixels."""
    at = 0
    for found in STREAM.finditer(pdf):
        before, at = pdf[at : found.start()], found.end()
        yield VARIES.sub(b"", before)
        if not PIXELS.search(before.rpartition(b" obj")[2]):
            yield VARIES.sub(b"", inflated(found[1], LARGEST))
    yield VARIES.sub(b"", pdf[at:])


def _word_places(name: str, there: bytes, made: bytes) -> Iterator[Place]:
    try:
        printed, again = _members(there), _members(made)
    except DAMAGED as error:
        yield name, "", f"no Word file ({error})", OURS
        return
    for member in {**again, **printed}:
        one, other = printed.get(member), again.get(member)
        if one == other:
            continue
        words = [_paragraphs(each or b"") for each in (one, other)]
        if words[0] != words[1]:
            yield from by_place(f"{name}: {member}", *words, after=True)
        else:
            yield name, member, "another one", OURS


def _members(docx: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx)) as packed:
        members = packed.infolist()
        if why := odd_members(members, len(docx)):
            raise ValueError(f"it {why}")
        return {one.filename: packed.read(one) for one in members}


def _paragraphs(xml: bytes) -> list[str]:
    text = xml.decode("utf-8", "replace")
    return [
        said for part in text.split("</w:p>") if (said := " ".join(re.sub(r"<[^<>]*>", "", part).split()))
    ]
