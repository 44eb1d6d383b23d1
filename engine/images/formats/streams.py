"""Was a compressed stream cut short? Most decoders fill what is missing with grey and say nothing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, b"\xff\xd9"
_SOT, _EOC = b"\xff\x90", b"\xff\xd9"
_PNG_KEPT = frozenset(
    {b"tRNS", b"eXIf", b"acTL", b"fcTL"}
)  # beside the critical ones, whose names begin with a capital
_EMPTY = 256  # bytes; no encoder ends in so many zeros
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
