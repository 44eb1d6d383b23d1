"""Image files written byte by byte, from the standards, so that no test reads with the library that wrote its input."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pixels = np.ndarray[Any, Any]

# ------------------------------------------------------------------------------------------------------------ DICOM

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG, JPEG_LOSSLESS, JPEG_LS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"
JPEG_2000, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
TAGS = {
    "SOPClassUID": (0x0008, 0x0016, "UI"),
    "SOPInstanceUID": (0x0008, 0x0018, "UI"),
    "StudyDate": (0x0008, 0x0020, "DA"),
    "AccessionNumber": (0x0008, 0x0050, "SH"),
    "Modality": (0x0008, 0x0060, "CS"),
    "InstitutionName": (0x0008, 0x0080, "LO"),
    "PatientName": (0x0010, 0x0010, "PN"),
    "PatientID": (0x0010, 0x0020, "LO"),
    "PatientBirthDate": (0x0010, 0x0030, "DA"),
    "BodyPartExamined": (0x0018, 0x0015, "CS"),
    "ViewPosition": (0x0018, 0x5101, "CS"),
    "ImagerPixelSpacing": (0x0018, 0x1164, "DS"),
    "StudyInstanceUID": (0x0020, 0x000D, "UI"),
    "SeriesInstanceUID": (0x0020, 0x000E, "UI"),
    "ImageLaterality": (0x0020, 0x0062, "CS"),
    "SamplesPerPixel": (0x0028, 0x0002, "US"),
    "PhotometricInterpretation": (0x0028, 0x0004, "CS"),
    "PlanarConfiguration": (0x0028, 0x0006, "US"),
    "NumberOfFrames": (0x0028, 0x0008, "IS"),
    "Rows": (0x0028, 0x0010, "US"),
    "Columns": (0x0028, 0x0011, "US"),
    "PixelSpacing": (0x0028, 0x0030, "DS"),
    "PixelAspectRatio": (0x0028, 0x0034, "IS"),
    "BitsAllocated": (0x0028, 0x0100, "US"),
    "BitsStored": (0x0028, 0x0101, "US"),
    "HighBit": (0x0028, 0x0102, "US"),
    "PixelRepresentation": (0x0028, 0x0103, "US"),
    "PixelPaddingValue": (0x0028, 0x0120, "US"),
    "PixelPaddingRangeLimit": (0x0028, 0x0121, "US"),
    "FloatPixelPaddingValue": (0x0028, 0x0122, "FL"),
    "WindowCenter": (0x0028, 0x1050, "DS"),
    "WindowWidth": (0x0028, 0x1051, "DS"),
    "RescaleIntercept": (0x0028, 0x1052, "DS"),
    "RescaleSlope": (0x0028, 0x1053, "DS"),
    "RescaleType": (0x0028, 0x1054, "LO"),
    "WindowCenterWidthExplanation": (0x0028, 0x1055, "LO"),
    "VOILUTFunction": (0x0028, 0x1056, "CS"),
    "RedPaletteColorLookupTableDescriptor": (0x0028, 0x1101, "US"),
    "GreenPaletteColorLookupTableDescriptor": (0x0028, 0x1102, "US"),
    "BluePaletteColorLookupTableDescriptor": (0x0028, 0x1103, "US"),
    "RedPaletteColorLookupTableData": (0x0028, 0x1201, "OW"),
    "GreenPaletteColorLookupTableData": (0x0028, 0x1202, "OW"),
    "BluePaletteColorLookupTableData": (0x0028, 0x1203, "OW"),
    "ModalityLUTSequence": (0x0028, 0x3000, "SQ"),
    "LUTDescriptor": (0x0028, 0x3002, "US"),
    "LUTData": (0x0028, 0x3006, "OW"),
    "VOILUTSequence": (0x0028, 0x3010, "SQ"),
    "PixelMeasuresSequence": (0x0028, 0x9110, "SQ"),
    "FrameVOILUTSequence": (0x0028, 0x9132, "SQ"),
    "PixelValueTransformationSequence": (0x0028, 0x9145, "SQ"),
    "PresentationLUTShape": (0x2050, 0x0020, "CS"),
    "SharedFunctionalGroupsSequence": (0x5200, 0x9229, "SQ"),
    "PerFrameFunctionalGroupsSequence": (0x5200, 0x9230, "SQ"),
    "OverlayRows": (0x6000, 0x0010, "US"),
    "FloatPixelData": (0x7FE0, 0x0008, "OF"),
    "DoubleFloatPixelData": (0x7FE0, 0x0009, "OD"),
    "PixelData": (0x7FE0, 0x0010, "OW"),
}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "FL": "f", "FD": "d"}
_LONG = ("OB", "OW", "OF", "OD", "SQ", "UN")


def dicom(
    pixels: Pixels | None,
    *,
    syntax: str = EXPLICIT,
    preamble: bool = True,
    meta: bool = True,
    **attributes: Any,
) -> bytes:
    """A DICOM file.

    Args:
        pixels: (H, W) or (H, W, 3) integers or floats; None for a file without.
        syntax: Transfer syntax; a compressed one takes its stream as `PixelData=bytes`.
        preamble: Whether the 128 bytes and "DICM" come first.
        meta: Whether the file meta information does.
        attributes: By keyword, in place of or beside the usual ones; None leaves one out, a pair (VR, value) writes
            it with another value representation. A sequence is a list of dictionaries.
    """
    values: dict[str, Any] = {
        "SOPClassUID": DX,
        "SOPInstanceUID": "1.2.3",
        "Modality": "DX",
        "PatientID": "MRN-17",
        **(_described(pixels, syntax) if pixels is not None else {}),
        **attributes,
    }
    order = ">" if syntax == BIG else "<"
    implicit = syntax == IMPLICIT
    body = elements(values, order, implicit=implicit)
    head = element((0x0002, 0x0010, "UI"), syntax, "<") if meta else b""
    if meta:
        head = element((0x0002, 0x0000, "UL"), len(head), "<") + head
    return (bytes(128) + b"DICM" if preamble else b"") + head + body


def _described(pixels: Pixels, syntax: str) -> dict[str, Any]:
    bits = 8 * pixels.dtype.itemsize
    values: dict[str, Any] = {
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1 if pixels.ndim == 2 else 3,
        "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB",
        "BitsAllocated": bits,
    }
    if pixels.ndim == 3:
        values["PlanarConfiguration"] = 0
    order = ">" if syntax == BIG else "<"
    raw = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    if pixels.dtype.kind == "f":
        return {**values, "FloatPixelData" if bits == 32 else "DoubleFloatPixelData": raw}
    values |= {"BitsStored": bits, "HighBit": None, "PixelRepresentation": int(pixels.dtype.kind == "i")}
    return {**values, "PixelData": ("OB" if bits == 8 else "OW", raw)}


def elements(values: Mapping[str, Any], order: str, *, implicit: bool = False) -> bytes:
    if values.get("BitsStored") is not None and values.get("HighBit", 0) is None:
        values = {**values, "HighBit": max(0, values["BitsStored"] - 1)}
    known = [(TAGS[keyword], value) for keyword, value in values.items() if value is not None]
    return b"".join(
        element(tag, value, order, implicit=implicit)
        for tag, value in sorted(known, key=lambda one: one[0][:2])
    )


def element(tag: tuple[int, int, str], value: Any, order: str, *, implicit: bool = False) -> bytes:
    group, number, vr = tag
    if isinstance(value, tuple):
        vr, value = value
    length = None
    if vr == "SQ":
        items = [elements(item, order, implicit=implicit) for item in value]
        data = b"".join(struct.pack(f"{order}HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    elif isinstance(value, bytes):
        data = value
        if data[:4] == b"\xfe\xff\x00\xe0":  # compressed: fragments of a length that is not said
            vr, length = "OB", 0xFFFFFFFF
    elif vr in _NUMBERS:
        several = value if isinstance(value, list) else [value]
        data = b"".join(struct.pack(f"{order}{_NUMBERS[vr]}", one) for one in several)
    else:
        data = str(value).encode()
        data += (b"\0" if vr == "UI" else b" ") * (len(data) % 2)
    data += b"\0" * (len(data) % 2)
    head = struct.pack(f"{order}HH", group, number)
    length = len(data) if length is None else length
    if implicit:
        return head + struct.pack(f"{order}I", length) + data
    if vr in _LONG:
        return head + vr.encode() + b"\0\0" + struct.pack(f"{order}I", length) + data
    return head + vr.encode() + struct.pack(f"{order}H", length) + data


def fragments(*streams: bytes, closed: bool = True) -> bytes:
    """Compressed pixel data: an empty offset table, and the streams as items (PS3.5, A.4)."""
    items = [b"", *(stream + b"\0" * (len(stream) % 2) for stream in streams)]
    packed = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    return packed + (struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) if closed else b"")


def rle(pixels: Pixels) -> bytes:
    """Pixels as RLE segments (PS3.5, annex G), literal runs alone: one segment a byte, the highest first."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    segments = []
    for sample in range(planes.shape[2]):
        bytes_of = planes[..., sample].astype(planes.dtype.newbyteorder(">")).tobytes()
        for byte in range(planes.dtype.itemsize):
            plane = bytes_of[byte :: planes.dtype.itemsize]
            runs = [plane[start : start + 128] for start in range(0, len(plane), 128)]
            segment = b"".join(bytes([len(run) - 1]) + run for run in runs)
            segments.append(segment + b"\0" * (len(segment) % 2))
    starts = np.cumsum([64, *(len(segment) for segment in segments[:-1])])
    offsets = [len(segments), *starts.tolist()]
    return struct.pack("<16I", *offsets, *[0] * (16 - len(offsets))) + b"".join(segments)


# -------------------------------------------------------------------------------------------------------------- PNG


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    pixels: Pixels, *, bits: int | None = None, extra: Sequence[bytes] = (), colour: int | None = None
) -> bytes:
    """A PNG of (H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8 or uint16, each line unfiltered.

    Args:
        pixels: The samples.
        bits: A sample's; below 8, pixels are packed.
        extra: Chunks between header and pixels.
        colour: Colour type; None means by the number of samples.
    """
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    bits = bits or 8 * pixels.dtype.itemsize
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples] if colour is None else colour
    if bits < 8:
        spread = (pixels[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        lines = [np.packbits(line).tobytes() for line in spread.reshape(len(pixels), -1).astype(np.uint8)]
    else:
        lines = [line.astype(line.dtype.newbyteorder(">")).tobytes() for line in pixels]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *extra, chunk(b"IDAT", data), chunk(b"IEND", b""))
    )


def exif_of(orientation: int) -> bytes:
    """An EXIF block that says no more than how the picture is to be turned."""
    return b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)


# ------------------------------------------------------------------------------------------------------------- TIFF

_FORMATS = {"u": 1, "i": 2, "f": 3, "b": 1, "c": 6}


def tiff(*pages: tuple[Pixels, Mapping[int, Any]], order: str = "<", big: bool = False) -> bytes:
    """A TIFF of uncompressed pages.

    Args:
        pages: For each (H, W) or (H, W, S), any type, and further tags by number: an integer, a list of integers
            (short where they fit) or bytes (ASCII). None leaves one out. 273 may be the strips' own bytes.
        order: "<" or ">".
        big: BigTIFF.
    """
    offset, count = ("Q", "Q") if big else ("I", "H")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}H", 43 if big else 42)
    head += struct.pack(f"{order}HH", 8, 0) if big else b""
    data = bytearray(head + struct.pack(f"{order}{offset}", 0))
    link = len(head)
    for pixels, changes in pages:
        strips = changes.get(273)
        if strips is None:
            strips = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        places = []
        for strip in [strips] if isinstance(strips, bytes) else strips:
            places.append((len(data), len(strip)))
            data += strip + b"\0" * (len(strip) % 2)
        samples = 1 if pixels.ndim == 2 else pixels.shape[2]
        tags: dict[int, Any] = {
            256: pixels.shape[1],
            257: pixels.shape[0],
            258: [8 * pixels.dtype.itemsize] * samples,
            259: 1,
            262: 1 if samples < 3 else 2,
            277: samples,
            278: pixels.shape[0],
            279: [length for _, length in places],
            339: [_FORMATS[pixels.dtype.kind]] * samples,
            **changes,
            273: [place for place, _ in places],
        }
        entries = []
        for code, value in sorted(tags.items()):
            if value is not None:
                kind, length, packed = _packed(value, order)
                if len(packed) > struct.calcsize(offset):
                    here = len(data)
                    data += packed + b"\0" * (len(packed) % 2)
                    packed = struct.pack(f"{order}{offset}", here)
                packed = packed.ljust(struct.calcsize(offset), b"\0")
                entries.append(struct.pack(f"{order}HH{offset}", code, kind, length) + packed)
        struct.pack_into(f"{order}{offset}", data, link, len(data))
        data += struct.pack(f"{order}{count}", len(entries)) + b"".join(entries)
        link = len(data)
        data += struct.pack(f"{order}{offset}", 0)
    return bytes(data)


def _packed(value: Any, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, bytes):
        return 2, len(value) + 1, value + b"\0"
    several = value if isinstance(value, list) else [value]
    short = max(several) < 65536
    return (
        3 if short else 4,
        len(several),
        struct.pack(f"{order}{len(several)}{'H' if short else 'I'}", *several),
    )
