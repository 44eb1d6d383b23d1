"""The values that a DICOM file stores for one frame: decompressed, in the bits that count, YBR as RGB."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array

from engine.errors import ImageError
from engine.images.formats.dicom_header import BROKEN_DICOM, number, text, whole
from engine.images.formats.refusals import check_pixels, cut_short, damaged, not_read_so
from engine.images.formats.streams import cut_jpeg, cut_jpeg_2000, empty_end, jpeg_frame, mended_jpeg

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_PARTIAL = ("YBR_PARTIAL_422", "YBR_PARTIAL_420")
_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", *_PARTIAL)
_JPEG_2000 = b"\xff\x4f\xff\x51"
_ITEM = b"\xfe\xff\x00\xe0"
_NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)
_JPEG_SYNTAXES = {  # by the frame header, whatever the file says of itself
    0xC0: uid.JPEGBaseline8Bit,
    0xC1: uid.JPEGExtended12Bit,
    0xC2: uid.JPEGBaseline8Bit,  # progressive, under syntaxes that were retired: the same decoder reads it
    0xC3: uid.JPEGLosslessSV1,
    0xF7: uid.JPEGLSNearLossless,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What stands in the file, before any grey-level transformation.

    Attributes:
        values: (H, W), or (H, W, 3) for RGB; integers or floats.
        padded: (H, W), True where the value is not a measurement; None where the file says nothing of that.
        bits: Bits that count in each value.
        palette: Whether the values are places in a colour palette.
        endless: Whether the compressed stream lacks its end marker, and nothing else.
    """

    values: NDArray[Any]
    padded: NDArray[np.bool_] | None
    bits: int
    palette: bool = False
    endless: bool = False


def read_stored(header: pydicom.Dataset, name: str) -> Stored:
    """Decode the only frame of a film.

    Args:
        header: With pixels.
        name: What to call it in an error.

    Raises:
        ImageError: Cut short, damaged, larger than 250 megapixels, or compressed in a way that no decoder reads.
    """
    described, photometric = _describe(header, name)
    frame = None
    if "PixelData" in described and described.PixelData.startswith(_ITEM):
        frame = _frame(described)
        _set_syntax(described, frame)
    mended = _mended(described, frame)
    if mended is not None:
        frame, described.PixelData = mended, encapsulate([mended])
        return replace(_read(header, described, photometric, frame, name), endless=True)
    return _read(header, described, photometric, frame, name)


def _mended(described: pydicom.Dataset, frame: bytes | None) -> bytes | None:
    """Return a JPEG stream with its end marker, if that is all it lacks."""
    lacking = (
        frame is not None
        and described.file_meta.TransferSyntaxUID == uid.JPEGBaseline8Bit
        and cut_jpeg(frame)
    )
    return mended_jpeg(frame) if lacking and frame is not None else None


def _read(
    header: pydicom.Dataset, described: pydicom.Dataset, photometric: str, frame: bytes | None, name: str
) -> Stored:
    _check_whole(described, frame, name)
    try:
        values = _decode(described, frame)
    except BROKEN_DICOM as error:
        raise _not_decoded(described, name) from error
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f":
        return Stored(values=values, padded=_padded_floats(header, values), bits=8 * values.dtype.itemsize)
    counting = _counting_bits(described, values)
    if values.ndim == 3:
        return Stored(values=_rgb(counting, photometric), padded=None, bits=described.BitsStored)
    padded = _padded(header, described, values, counting)
    palette = photometric == "PALETTE COLOR"
    return Stored(values=counting, padded=padded, bits=described.BitsStored, palette=palette)


def _describe(header: pydicom.Dataset, name: str) -> tuple[pydicom.Dataset, str]:
    """Describe the pixels anew: whatever is missing or contradicts itself in the header is complete and right in it.

    Returns:
        The pixels with what a decoder has to know of them, and how their colours are meant.
    """
    rows, columns = whole(header, "Rows"), whole(header, "Columns")
    if rows is None or columns is None:
        raise ImageError(
            f"{name} does not say how many pixels it has", "Export the image again from the archive"
        )
    check_pixels(name, columns, rows)
    photometric = text(header, "PhotometricInterpretation").upper()
    samples = whole(header, "SamplesPerPixel") or (3 if photometric in ("RGB", *_YBR) else 1)
    if samples not in (1, 3):
        raise not_read_so(name, f"an image with {samples} samples per pixel")
    if (photometric in _GREY) != (samples == 1) or photometric not in (*_GREY, *_YBR, "RGB", "HSV"):
        photometric = "MONOCHROME2" if samples == 1 else "RGB"
    described = pydicom.Dataset()
    described.file_meta = pydicom.dataset.FileMetaDataset()
    described.file_meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    described.Rows, described.Columns, described.SamplesPerPixel = rows, columns, samples
    described.PhotometricInterpretation = "RGB" if photometric in (*_PARTIAL, "HSV") else photometric
    described.PlanarConfiguration = 1 if whole(header, "PlanarConfiguration") == 1 else 0
    described.add(next(header[tag] for tag in PIXELS if tag in header))
    if "PixelData" in described:
        _describe_bits(described, header)
    else:
        described.BitsAllocated = 32 if "FloatPixelData" in described else 64
    return described, photometric


def _describe_bits(described: pydicom.Dataset, header: pydicom.Dataset) -> None:
    data = described.PixelData
    count = described.Rows * described.Columns * described.SamplesPerPixel
    allocated = whole(header, "BitsAllocated") or (8 if len(data) < 2 * count else 16)
    stored = whole(header, "BitsStored") or 0
    stored = stored if 1 <= stored <= allocated else allocated
    high = whole(header, "HighBit")
    high = high if high is not None and stored - 1 <= high < allocated else stored - 1
    described.BitsAllocated, described.BitsStored, described.HighBit = allocated, stored, high
    described.PixelRepresentation = 1 if whole(header, "PixelRepresentation") == 1 else 0
    if not data.startswith(_ITEM):
        if described.file_meta.TransferSyntaxUID not in _NATIVE:
            described.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        if described.PhotometricInterpretation == "YBR_FULL_422" and len(data) >= count * allocated // 8:
            described.PhotometricInterpretation = "YBR_FULL"  # so many bytes are not subsampled


def _frame(described: pydicom.Dataset) -> bytes | None:
    """Return the compressed stream of the only frame, its fragments joined; None where there is none."""
    try:
        return bytes(next(generate_frames(described.PixelData, number_of_frames=1)))
    except (*BROKEN_DICOM, StopIteration):
        return None


def _set_syntax(described: pydicom.Dataset, frame: bytes | None) -> None:
    """Believe the stream rather than the header on how it is compressed."""
    if frame is None:
        return
    jpeg = jpeg_frame(frame)
    syntax = None if jpeg is None else _JPEG_SYNTAXES.get(jpeg.marker)
    if jpeg is not None and jpeg.bits == 8 and syntax == uid.JPEGExtended12Bit:
        syntax = uid.JPEGBaseline8Bit
    if (
        frame.startswith(_JPEG_2000)
        and described.file_meta.TransferSyntaxUID not in uid.JPEG2000TransferSyntaxes
    ):
        syntax = uid.JPEG2000
    if syntax is not None:
        described.file_meta.TransferSyntaxUID = syntax


def _check_whole(described: pydicom.Dataset, frame: bytes | None, name: str) -> None:
    """Refuse pixel data that end too early: decoders fill up what is missing with grey."""
    syntax = described.file_meta.TransferSyntaxUID
    if "PixelData" in described and described.PixelData.startswith(_ITEM):
        jpeg = syntax in (*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes)
        jpeg_2000 = syntax in uid.JPEG2000TransferSyntaxes
        cut = (jpeg and cut_jpeg(frame or b"")) or (jpeg_2000 and cut_jpeg_2000(frame or b""))
        if frame is None or cut or empty_end(frame):
            raise cut_short(name)
        return
    needed = ceil(
        described.Rows * described.Columns * described.SamplesPerPixel * described.BitsAllocated / 8
    )
    if described.PhotometricInterpretation == "YBR_FULL_422":
        needed = needed * 2 // 3
    if len(next(described[tag].value for tag in PIXELS if tag in described)) < needed:
        raise cut_short(name)


def _decode(described: pydicom.Dataset, frame: bytes | None) -> NDArray[Any]:
    options: dict[str, Any] = {"index": 0, "correct_unused_bits": False, "allow_excess_frames": False}
    if described.file_meta.TransferSyntaxUID == uid.JPEGBaseline8Bit:
        # By libjpeg-turbo, as dcmtk and most viewers do: the other decoder's colours are up to 3 levels off.
        with suppress(*BROKEN_DICOM):
            return np.asarray(pixel_array(described, decoding_plugin="pillow", **options))
    try:
        return np.asarray(pixel_array(described, **options))
    except BROKEN_DICOM:  # libjpeg refuses some twelve-bit streams that libjpeg-turbo reads
        if described.SamplesPerPixel != 1 or frame is None or jpeg_frame(frame) is None:
            raise
        return np.asarray(imagecodecs.jpeg_decode(frame)).reshape(described.Rows, described.Columns)


def _not_decoded(described: pydicom.Dataset, name: str) -> ImageError:
    syntax = described.file_meta.TransferSyntaxUID
    try:
        known = get_decoder(syntax).is_available
    except BROKEN_DICOM:
        known = False
    if known:
        return damaged(name)
    named = f" ({syntax.name})" if syntax.name != syntax else ""
    return ImageError(
        f"{name} is compressed in a way that is not read{named}",
        "Export the image again from the archive, uncompressed if it can be chosen",
    )


def _counting_bits(described: pydicom.Dataset, values: NDArray[Any]) -> NDArray[Any]:
    """Take the bits up to HighBit, BitsStored of them: above and below, old overlays and noise may lie.

    What JPEG 2000 decodes to is in the stream's own precision already.
    """
    stored, allocated = described.BitsStored, 8 * values.dtype.itemsize
    own = described.file_meta.TransferSyntaxUID in uid.JPEG2000TransferSyntaxes
    if stored >= allocated or own or described.BitsAllocated != allocated:
        return values
    bits = values.view(f"u{values.dtype.itemsize}") >> (described.HighBit + 1 - stored)
    bits &= (1 << stored) - 1
    if described.PixelRepresentation == 0:
        return np.asarray(bits)
    sign = 1 << (stored - 1)
    return np.asarray((bits.astype(f"i{values.dtype.itemsize}") ^ sign) - sign)


def _padded(
    header: pydicom.Dataset, described: pydicom.Dataset, values: NDArray[Any], counting: NDArray[Any]
) -> NDArray[np.bool_] | None:
    """Return where the film is padding (PS3.3, C.7.5.1.1.2), by the value or range that the file names.

    Many files write a negative one as if it were unsigned, or one that needs more bits than are stored.
    """
    padding, limit = whole(header, "PixelPaddingValue"), whole(header, "PixelPaddingRangeLimit")
    if padding is None:
        return None
    named = [padding] if limit is None else [padding, limit]
    padded = _within(values, [_read_as_pixel(described, each, described.BitsAllocated) for each in named])
    if all(-(1 << described.BitsStored - 1) <= each < 1 << described.BitsStored for each in named):
        padded |= _within(counting, [_read_as_pixel(described, each, described.BitsStored) for each in named])
    return _unless_all(padded)


def _read_as_pixel(described: pydicom.Dataset, number: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return number - (1 << bits) if described.PixelRepresentation == 1 and number >> (bits - 1) else number


def _padded_floats(header: pydicom.Dataset, values: NDArray[Any]) -> NDArray[np.bool_] | None:
    for kind in ("Float", "DoubleFloat"):
        padding = number(header, f"{kind}PixelPaddingValue")
        if padding is not None:
            limit = number(header, f"{kind}PixelPaddingRangeLimit")
            return _unless_all(_within(values, [padding, padding if limit is None else limit]))
    return None


def _within(values: NDArray[Any], named: Sequence[float]) -> NDArray[np.bool_]:
    return (values >= min(named)) & (values <= max(named))


def _unless_all(padded: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    return padded if padded.any() and not padded.all() else None


def _rgb(values: NDArray[Any], photometric: str) -> NDArray[Any]:
    """Bring colours that pydicom leaves as they are to RGB; (H, W, 3)."""
    if photometric == "HSV" and values.dtype == np.uint8:
        return np.asarray(Image.frombytes("HSV", values.shape[1::-1], values.tobytes()).convert("RGB"))
    if photometric in _PARTIAL and values.dtype == np.uint8:  # PS3.3, C.7.6.3.1.2: luminance from 16 to 235
        y, blue, red = np.moveaxis(values.astype(np.float32), -1, 0)
        y, blue, red = 1.1644 * (y - 16), blue - 128, red - 128
        planes = (y + 1.5960 * red, y - 0.3917 * blue - 0.8130 * red, y + 2.0173 * blue)
        return np.clip(np.stack(planes, axis=-1) + 0.5, 0, 255).astype(np.uint8)
    return values
