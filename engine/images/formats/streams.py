"""Was a compressed stream cut short? Most decoders fill what is missing with grey and say nothing.

One rule for all containers: a file is read if all of its picture is there, and what else is missing of it is said; it
is refused if some of its picture is missing, or if that cannot be told.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import imagecodecs
import numpy as np

from engine.images.decoded import Remark
from engine.images.formats.refusals import cut_short
from engine.images.kinds import FileKind
from engine.records import DataIssueKind

ENDLESS = Remark(
    DataIssueKind.END_MISSING,
    "the end of the file is missing, but no part of the image; copy it again if you can",
)
_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, b"\xff\xd9"
_SOT, _EOC = b"\xff\x90", b"\xff\xd9"
_PNG_KEPT = frozenset(
    {b"tRNS", b"eXIf", b"acTL", b"fcTL"}
)  # beside the critical ones, whose names begin with a capital
_EMPTY = 256  # bytes; no encoder ends in so many zeros
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})  # without a length


def _segments(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each marker of a JPEG or JPEG-LS stream, where its segment's data begin and end, to the first scan."""
    place = 2
    while place + 4 <= len(stream) and stream[place] == 0xFF:
        marker = stream[place + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:
            place += 1 if marker == 0xFF else 2
            continue
        begin = place + 4
        place += 2 + struct.unpack_from(">H", stream, place + 2)[0]
        yield marker, begin, place
        if marker == _SOS:
            return


class JpegFrame(NamedTuple):
    """A JPEG's or JPEG-LS's frame header (ITU-T T.81, B.2.2); the marker names the process (table B.1)."""

    marker: int
    bits: int
    height: int
    width: int


def jpeg_frame(stream: bytes) -> JpegFrame | None:
    """Return a stream's frame header; None where it has none."""
    if not stream.startswith(_SOI):
        return None
    for marker, begin, end in _segments(stream):
        if marker in _FRAMES and begin + 5 <= min(end, len(stream)):
            return JpegFrame(marker, *struct.unpack_from(">BHH", stream, begin))
    return None


def cut_jpeg(stream: bytes) -> bool:
    """Tell whether a JPEG or JPEG-LS stream lacks its end.

    No end marker can stand inside the compressed data (ITU-T T.81, B.1.1.5; T.87, C.2.1), so one is looked for
    behind the first scan's header: what lies before may hold a thumbnail that has an end of its own.
    """
    if stream.endswith(_EOI):
        return False
    scan = next((end for marker, _, end in _segments(stream) if marker == _SOS), None)
    return scan is None or stream.find(_EOI, scan) < 0


def mended_jpeg(stream: bytes) -> bytes | None:
    """Return a JPEG that lacks its end marker with one, if all of its picture is there; None if some of it is missing.

    What is missing is told by decoding: a picture that is whole stays the same whatever is written behind it.
    """
    frame = jpeg_frame(stream)
    stream = stream.rstrip(b"\0").removesuffix(b"\xff")  # set aside for more; the first half of the marker
    if frame is None or frame.bits != 8 or frame.marker not in _HUFFMAN or not _all_scanned(stream):
        return None
    try:
        first, second = (imagecodecs.jpeg8_decode(stream + filling + _EOI) for filling in (b"", 64 * b"\xfe"))
    except (RuntimeError, ValueError):
        return None
    return stream + _EOI if np.array_equal(first, second) else None


def mended(stream: bytes, kind: FileKind, name: str) -> bytes:
    """Return a file that lacks the mark of its end with one, where decoders want it.

    Raises:
        ImageError: Some of its picture is missing, too.
    """
    whole: bytes | None = stream
    if kind is FileKind.JPEG:
        whole = mended_jpeg(stream)
    elif kind is FileKind.JPEG_2000:
        whole = None if cut_jpeg_2000(stream) else stream + _EOC
    if whole is None:
        raise cut_short(name)
    return whole


def _all_scanned(stream: bytes) -> bool:
    """Tell whether a JPEG's scans leave out no component, no frequency and no bit (ITU-T T.81, B.2.3 and G.1.2)."""
    components: frozenset[int] = frozenset()
    whole: set[tuple[int, int]] = set()
    place = 2
    while (place := stream.find(b"\xff", place)) >= 0 and place + 4 <= len(stream):
        marker = stream[place + 1]
        if marker in (0x00, 0xFF) or marker in _BARE_MARKERS:
            place += 1 if marker == 0xFF else 2
            continue
        begin, length = place + 4, struct.unpack_from(">H", stream, place + 2)[0]
        content = stream[begin : place + 2 + length]
        if marker in _FRAMES:
            components = frozenset(content[6::3])
        elif marker == _SOS and len(content) >= 4 + 2 * content[0]:
            first, last, bits = content[-3:]
            if bits & 15 == 0:
                whole |= {(each, k) for each in content[1:-3:2] for k in range(first, last + 1)}
        place += 2 + length
    return bool(components) and whole >= {(each, k) for each in components for k in range(64)}


def lacks_end(stream: bytes, kind: FileKind) -> bool:
    """Tell whether a file whose picture is whole lacks the mark of its end that its format asks for."""
    if kind is FileKind.PNG:
        return stream.rfind(b"IEND\xaeB`\x82") < 0
    if kind is FileKind.GIF:
        return not _gif_trailer(stream)
    if kind is FileKind.JPEG_2000:  # no packet holds this marker
        return stream.rfind(_EOC) < stream.find(_SOT)
    return kind is FileKind.JPEG and cut_jpeg(stream)


def _gif_trailer(stream: bytes) -> bool:
    """Tell whether the blocks of a GIF end with its trailer (GIF89a, 27)."""
    place = 13 + _gif_table(stream[10:11])
    while place < len(stream):
        kind = stream[place]
        if kind == 0x2C:  # an image: its descriptor, its table, and the size of its codes
            place += 11 + _gif_table(stream[place + 9 : place + 10])
        elif kind == 0x21:  # an extension
            place += 2
        else:
            return kind == 0x3B
        while place < len(stream) and stream[place]:
            place += 1 + stream[place]
        place += 1
    return False


def _gif_table(flags: bytes) -> int:
    """Return how many bytes the table of colours has that these flags announce."""
    return 6 << (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def cut_jpeg_2000(stream: bytes) -> bool:
    """Tell whether a JPEG 2000 codestream, bare or in its boxes, ends before its last tile-part does.

    Each tile-part says how long it is (ITU-T T.800, A.4.2); a length of 0 means up to the end marker.
    """
    start = stream.find(b"\xff\x4f\xff\x51")
    place = stream.find(_SOT + b"\x00\x0a", start)
    if start < 0 or place < 0:
        return True
    while stream[place : place + 4] == _SOT + b"\x00\x0a":
        if place + 12 > len(stream):
            return True
        length = struct.unpack_from(">I", stream, place + 6)[0]
        if length == 0:
            return stream.rfind(_EOC) < place
        place += length
        if place > len(stream):
            return True
    return False


def png_pixels(stream: bytes) -> bytes:
    """Return a PNG without what says nothing of its pixels: texts of any length, broken profiles, times.

    Raises:
        ValueError: A part that its pixels need is cut short, or is not as it was written.
    """
    kept, place, whole = [stream[:8]], 8, False
    while place + 12 <= len(stream):
        length, kind = struct.unpack_from(">I4s", stream, place)
        chunk = stream[place : place + 12 + length]
        if kind[:1].isupper() or kind in _PNG_KEPT:
            as_written = len(chunk) == 12 + length and zlib.crc32(chunk[4:-4]) == int.from_bytes(
                chunk[-4:], "big"
            )
            if as_written:
                kept.append(chunk)
            elif kind != b"IEND" and kind[:1].isupper():
                raise ValueError("a chunk is not as it was written")
        place += 12 + length
        whole = whole or kind == b"IDAT"
        if kind == b"IEND":
            break
    if not whole:
        raise ValueError("no pixels")
    return b"".join(kept)


def empty_end(stream: bytes) -> bool:
    """Tell whether compressed data end in nothing but zeros: a copy that was interrupted in room set aside for it."""
    return len(stream) - len(stream.rstrip(b"\0")) >= _EMPTY
