"""What a file is, by its first bytes. Its name says nothing: archives and scanners name files as they like.

A new kind is one line in `_SIGNATURES`, and one in `REMEDIES` where it holds images that are not read here.
"""

from __future__ import annotations

import re
import struct
import zlib
from enum import StrEnum

from engine.language import N_

HEAD_BYTES = 2048  # what `kind_of` wants to see; fewer do where the file is shorter


class FileKind(StrEnum):
    """A kind of file; the value completes the sentence "x is …"."""

    JPEG = N_("a JPEG image")
    PNG = N_("a PNG image")
    TIFF = N_("a TIFF image")
    DICOM = N_("a DICOM file")
    GIF = N_("a GIF image")
    BMP = N_("a BMP image")
    WEBP = N_("a WebP image")
    JPEG_2000 = N_("a JPEG 2000 image")
    PNM = N_("a PNM image")
    AVIF = N_("an AVIF image")
    HEIC = N_("a HEIC image")
    JPEG_LS = N_("a bare JPEG-LS image")
    JPEG_XL = N_("a JPEG XL image")
    CAMERA_RAW = N_("a camera's raw file")
    PHOTOSHOP = N_("a Photoshop document")
    EXR = N_("an OpenEXR image")
    NIFTI = N_("a NIfTI volume")
    NRRD = N_("an NRRD volume")
    METAIMAGE = N_("a MetaImage volume")
    MINC_OR_HDF5 = N_("an HDF5 or MINC file")
    NUMPY = N_("a NumPy array")
    MATLAB = N_("a MATLAB file")
    SVG = N_("an SVG drawing")
    PDF = N_("a PDF document")
    VIDEO = N_("a video")
    WEB_PAGE = N_("a web page")
    POINTER = N_("a pointer of Git LFS in place of the file")
    DOCUMENT = N_("an Office document")
    ZIP = N_("a ZIP archive")
    TAR = N_("a tar archive")
    PACKED = N_("a file packed with bzip2 or xz")
    SEVEN_ZIP = N_("a 7-Zip archive")
    RAR = N_("a RAR archive")
    ZSTANDARD = N_("a Zstandard archive")
    COMPRESS = N_("an archive of Unix compress")
    CABINET = N_("a Windows cabinet")
    OTHER = N_("not an image")


READ = frozenset(
    {
        FileKind.JPEG,
        FileKind.PNG,
        FileKind.TIFF,
        FileKind.DICOM,
        FileKind.GIF,
        FileKind.BMP,
        FileKind.WEBP,
        FileKind.JPEG_2000,
        FileKind.PNM,
        FileKind.AVIF,
        FileKind.HEIC,
    }
)
ARCHIVES = frozenset(
    {
        FileKind.ZIP,
        FileKind.TAR,
        FileKind.PACKED,
        FileKind.SEVEN_ZIP,
        FileKind.RAR,
        FileKind.ZSTANDARD,
        FileKind.COMPRESS,
        FileKind.CABINET,
    }
)
_AS_PNG = N_("Save it as PNG, TIFF or JPEG")
_SLICES = N_("Export the slices to be read as DICOM or PNG files, one image a case")
_CHOOSE = N_("Choose the archive itself, or unpack it and choose the folder")
_UNPACK = N_("Unpack it with the program that made it and choose the folder, or pack it again as zip")
REMEDIES: dict[FileKind, str] = {
    FileKind.JPEG_LS: _AS_PNG,
    FileKind.JPEG_XL: _AS_PNG,
    FileKind.CAMERA_RAW: N_("Export it from the camera's program as TIFF, PNG or JPEG"),
    FileKind.PHOTOSHOP: _AS_PNG,
    FileKind.EXR: _AS_PNG,
    FileKind.NIFTI: _SLICES,
    FileKind.NRRD: _SLICES,
    FileKind.METAIMAGE: _SLICES,
    FileKind.MINC_OR_HDF5: N_("Export its images as PNG or TIFF files, one image a case"),
    FileKind.NUMPY: N_("Export its images as PNG or TIFF files, one image a case"),
    FileKind.MATLAB: N_("Export its images as PNG or TIFF files, one image a case"),
    FileKind.SVG: N_("Export it as PNG"),
    FileKind.PDF: N_("Export the image in it as PNG or TIFF"),
    FileKind.VIDEO: N_("Export the frames to be read as PNG or JPEG files, one image a case"),
    FileKind.WEB_PAGE: N_("Download the image again: the server sent a page, perhaps to sign in"),
    FileKind.POINTER: N_("Have the files themselves fetched by Git LFS"),
    FileKind.DOCUMENT: N_(
        "If it is a table, give it the suffix .xlsx or .ods; export images in it as PNG or TIFF files"
    ),
    FileKind.ZIP: _CHOOSE,
    FileKind.TAR: _CHOOSE,
    FileKind.PACKED: _CHOOSE,
    FileKind.SEVEN_ZIP: _UNPACK,
    FileKind.RAR: _UNPACK,
    FileKind.ZSTANDARD: _UNPACK,
    FileKind.COMPRESS: _UNPACK,
    FileKind.CABINET: _UNPACK,
}

_SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (  # the first that fits counts
    (0, b"\xff\xd8\xff\xf7", FileKind.JPEG_LS),
    (0, b"\xff\xd8\xff", FileKind.JPEG),
    (0, b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (0, b"GIF87a", FileKind.GIF),
    (0, b"GIF89a", FileKind.GIF),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", FileKind.JPEG_2000),
    (0, b"\xff\x4f\xff\x51", FileKind.JPEG_2000),
    (0, b"II*\x00\x10\x00\x00\x00CR", FileKind.CAMERA_RAW),
    (0, b"IIU\x00", FileKind.CAMERA_RAW),
    (0, b"IIRO", FileKind.CAMERA_RAW),
    (0, b"IIRS", FileKind.CAMERA_RAW),
    (0, b"MMOR", FileKind.CAMERA_RAW),
    (0, b"FUJIFILMCCD-RAW", FileKind.CAMERA_RAW),
    (0, b"FOVb", FileKind.CAMERA_RAW),
    (0, b"\x00MRM", FileKind.CAMERA_RAW),
    (6, b"HEAPCCDR", FileKind.CAMERA_RAW),
    (0, b"II*\x00", FileKind.TIFF),
    (0, b"MM\x00*", FileKind.TIFF),
    (0, b"II+\x00", FileKind.TIFF),
    (0, b"MM\x00+", FileKind.TIFF),
    (0, b"\xff\x0a", FileKind.JPEG_XL),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", FileKind.JPEG_XL),
    (0, b"8BPS", FileKind.PHOTOSHOP),
    (0, b"v/1\x01", FileKind.EXR),
    (344, b"n+1\x00", FileKind.NIFTI),
    (344, b"ni1\x00", FileKind.NIFTI),
    (4, b"n+2\x00\r\n\x1a\n", FileKind.NIFTI),
    (4, b"ni2\x00\r\n\x1a\n", FileKind.NIFTI),
    (0, b"NRRD000", FileKind.NRRD),
    (0, b"\x89HDF\r\n\x1a\n", FileKind.MINC_OR_HDF5),
    (0, b"CDF\x01", FileKind.MINC_OR_HDF5),
    (0, b"CDF\x02", FileKind.MINC_OR_HDF5),
    (0, b"\x93NUMPY", FileKind.NUMPY),
    (0, b"MATLAB ", FileKind.MATLAB),
    (0, b"%PDF-", FileKind.PDF),
    (0, b"\x1a\x45\xdf\xa3", FileKind.VIDEO),
    (0, b"\x00\x00\x01\xba", FileKind.VIDEO),
    (0, b"\x00\x00\x01\xb3", FileKind.VIDEO),
    (0, b"FLV\x01", FileKind.VIDEO),
    (0, b"OggS", FileKind.VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", FileKind.VIDEO),
    (4, b"moov", FileKind.VIDEO),
    (4, b"mdat", FileKind.VIDEO),
    (4, b"wide", FileKind.VIDEO),
    (0, b"PK\x03\x04", FileKind.ZIP),
    (0, b"PK\x05\x06", FileKind.ZIP),
    (257, b"ustar", FileKind.TAR),
    (0, b"BZh", FileKind.PACKED),
    (0, b"\xfd7zXZ\x00", FileKind.PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind.SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", FileKind.RAR),
    (0, b"\x28\xb5\x2f\xfd", FileKind.ZSTANDARD),
    (0, b"\x1f\x9d", FileKind.COMPRESS),
    (0, b"MSCF", FileKind.CABINET),
    (0, b"version https://git-lfs", FileKind.POINTER),
)
_BMP_HEADERS = frozenset(struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124))
_RIFF = {b"WEBP": FileKind.WEBP, b"AVI ": FileKind.VIDEO}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_PNM = re.compile(rb"P[1-6]\s+\d+\s+\d+\s")
_PNM_COMMENT = re.compile(rb"#[^\r\n]*")
_METAIMAGE = re.compile(rb"\A\s*(ObjectType|NDims)\s*=")
_SVG = re.compile(rb"\A(\xef\xbb\xbf)?\s*<svg[\s>]")
_BEFORE_SVG = re.compile(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*+(\[[^\]]*+\])?+[^>]*>", re.DOTALL)
_WEB_PAGE = re.compile(rb"\A(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)[\s>]", re.IGNORECASE)
_DOCUMENT = re.compile(rb"PK\x03\x04.{26}(\[Content_Types\]\.xml|_rels/|docProps/|mimetype)", re.DOTALL)
_EXPLICIT_VR = re.compile(
    rb"AE|AS|AT|CS|DA|DS|DT|FD|FL|IS|LO|LT|OB|OD|OF|OL|OV|OW|PN|SH|SL|SQ|SS|ST|SV|TM|UC|UI|UL|UN|UR|US|UT|UV"
)


def kind_of(head: bytes) -> FileKind:
    """Tell what a file is.

    Args:
        head: Its first `HEAD_BYTES` bytes, or all of it; gzip is looked through.
    """
    if head[:2] == b"\x1f\x8b":
        head = _unzipped(head)
    if head[128:132] == b"DICM":
        return FileKind.DICOM
    if _DOCUMENT.match(head):
        return FileKind.DOCUMENT
    for place, signature, kind in _SIGNATURES:
        if head.startswith(signature, place):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], FileKind.OTHER)
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[:2] == b"BM" and len(head) > 18 and head[14:18] in _BMP_HEADERS:
        return FileKind.BMP
    if _PNM.match(_PNM_COMMENT.sub(b"", head)):
        return FileKind.PNM
    if _METAIMAGE.match(head):
        return FileKind.METAIMAGE
    if _SVG.match(_BEFORE_SVG.sub(b"", head)):
        return FileKind.SVG
    if _WEB_PAGE.match(head):
        return FileKind.WEB_PAGE
    return FileKind.DICOM if _bare_dicom(head) else FileKind.OTHER


def _unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _of_brands(head: bytes) -> FileKind:
    """Tell a file of boxes (ISO 14496-12) by its brands: the major one first, then the compatible ones."""
    length = min(struct.unpack(">I", head[:4])[0], len(head))
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, length, 4))]
    if brands[0] == b"crx ":
        return FileKind.CAMERA_RAW
    if _AVIF_BRANDS.intersection(brands):
        return FileKind.AVIF
    return FileKind.HEIC if _HEIC_BRANDS.intersection(brands) else FileKind.VIDEO


def _bare_dicom(head: bytes) -> bool:
    """Tell a DICOM data set that stands without preamble, as old scanners write it, by its first elements.

    Groups 0002 and 0008 come first in every film; the first element's length and, where it is written, its value
    representation must make sense.
    """
    for order in "<>":
        if len(head) < 16:
            return False
        group, element = struct.unpack_from(f"{order}HH", head)
        if group not in (0x0002, 0x0008) or element > 0x2112:
            continue
        if _EXPLICIT_VR.fullmatch(head[4:6]):
            return True
        length = struct.unpack_from(f"{order}I", head, 4)[0]
        following = head[8 + length : 10 + length]
        if order == "<" and length <= 1024 and following in (b"\x02\x00", b"\x08\x00"):
            return True
    return False
