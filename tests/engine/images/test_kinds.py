"""Promises of engine.images.kinds: what a file is is read from its first bytes."""

from __future__ import annotations

import gzip
import struct

import pytest

from engine.images.kinds import READ, REMEDIES, FileKind, kind_of

FTYP = b"\x00\x00\x00\x18ftyp"
EXPLICIT = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100\x08\x00\x16\x00UI\x04\x001.2\x00"
IMPLICIT = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100\x08\x00\x16\x00\x04\x00\x00\x001.2\x00"
BIG = b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100\x00\x08\x00\x16UI\x00\x041.2\x00"
HEADS = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", FileKind.JPEG),
    (b"\xff\xd8\xff\xdb", FileKind.JPEG),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", FileKind.PNG),
    (b"II*\x00\x08\x00\x00\x00", FileKind.TIFF),
    (b"MM\x00*\x00\x00\x00\x08", FileKind.TIFF),
    (b"II+\x00\x08\x00\x00\x00", FileKind.TIFF),
    (bytes(128) + b"DICM", FileKind.DICOM),
    (b"%PDF-1.4".ljust(128) + b"DICM", FileKind.DICOM),
    (b"II*\x00".ljust(128) + b"DICM", FileKind.DICOM),  # a preamble may itself be a TIFF (PS3.10, 7.1)
    (EXPLICIT, FileKind.DICOM),
    (IMPLICIT, FileKind.DICOM),
    (BIG, FileKind.DICOM),
    (b"GIF89a", FileKind.GIF),
    (b"BM" + bytes(12) + struct.pack("<I", 40) + bytes(40), FileKind.BMP),
    (b"RIFF\x10\x00\x00\x00WEBPVP8 ", FileKind.WEBP),
    (b"RIFF\x10\x00\x00\x00AVI LIST", FileKind.VIDEO),
    (b"RIFF\x10\x00\x00\x00WAVEfmt ", FileKind.OTHER),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", FileKind.JPEG_2000),
    (b"\xff\x4f\xff\x51", FileKind.JPEG_2000),
    (b"P5\n64 48\n255\n", FileKind.PNM),
    (b"P2 # by hand\n64 48\n255\n", FileKind.PNM),
    (FTYP + b"heic\x00\x00\x00\x00mif1heic", FileKind.HEIC),
    (FTYP + b"mif1\x00\x00\x00\x00mif1heic", FileKind.HEIC),
    (FTYP + b"avif\x00\x00\x00\x00mif1avif", FileKind.AVIF),
    (FTYP + b"mif1\x00\x00\x00\x00mif1avif", FileKind.AVIF),
    (FTYP + b"isom\x00\x00\x00\x00isomavc1", FileKind.VIDEO),
    (FTYP + b"crx \x00\x00\x00\x00crx isom", FileKind.CAMERA_RAW),
    (b"II*\x00\x10\x00\x00\x00CR\x02\x00", FileKind.CAMERA_RAW),
    (bytes(344) + b"n+1\x00", FileKind.NIFTI),
    (b"\x1c\x02\x00\x00n+2\x00\r\n\x1a\n", FileKind.NIFTI),
    (b"NRRD0004\n", FileKind.NRRD),
    (b"ObjectType = Image\nNDims = 3\n", FileKind.METAIMAGE),
    (b'<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="x">', FileKind.SVG),
    (b"<svg>", FileKind.SVG),
    (b'<?xml version="1.0"?><!DOCTYPE svg [ <!ENTITY a "b"> ]>\n<svg xmlns="x">', FileKind.SVG),
    (b"<?xml" * 300, FileKind.OTHER),  # what repeats itself is looked at once
    (b"<?xml?>" * 200, FileKind.OTHER),
    (b"<!---->" * 200, FileKind.OTHER),
    (b"<!DOCTYPE" * 220, FileKind.OTHER),
    (b"P5 " + b"# " * 700, FileKind.OTHER),
    (b"P5 " + b"#\n" * 700, FileKind.OTHER),
    (b"<html><svg></svg></html>", FileKind.WEB_PAGE),
    (b"\r\n<!DOCTYPE html>\n<html>", FileKind.WEB_PAGE),
    (b"version https://git-lfs.example/spec/v1\noid sha256:0\n", FileKind.POINTER),
    (b"BZh91AY", FileKind.PACKED),
    (b"\xfd7zXZ\x00\x00", FileKind.PACKED),
    (b"7z\xbc\xaf\x27\x1c\x00", FileKind.SEVEN_ZIP),
    (b"Rar!\x1a\x07\x01\x00", FileKind.RAR),
    (b"\x28\xb5\x2f\xfd\x04", FileKind.ZSTANDARD),
    (b"%PDF-1.7", FileKind.PDF),
    (b"8BPS\x00\x01", FileKind.PHOTOSHOP),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"PK\x03\x04" + bytes(26) + b"a/1.png", FileKind.ZIP),
    (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", FileKind.DOCUMENT),
    (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis", FileKind.DOCUMENT),
    (bytes(257) + b"ustar", FileKind.TAR),
    (b"path,label\na.png,1\n", FileKind.OTHER),
    (b"BMI,age\n20,30\n" * 8, FileKind.OTHER),
    (b"P6 is a gene\n", FileKind.OTHER),
    (b"", FileKind.OTHER),
    (bytes(2048), FileKind.OTHER),
]


@pytest.mark.parametrize(("head", "kind"), HEADS)
def test_a_kind_is_known_by_its_first_bytes(head: bytes, kind: FileKind) -> None:
    assert kind_of(head) is kind
    assert kind_of(gzip.compress(head)) is kind


@pytest.mark.parametrize(("head", "kind"), HEADS)
def test_any_number_of_bytes_gets_an_answer(head: bytes, kind: FileKind) -> None:
    for length in range(len(head)):
        assert kind_of(head[:length]) in FileKind
        kind_of(gzip.compress(head)[:length])


def test_what_is_not_read_has_a_remedy_and_what_is_read_needs_none() -> None:
    assert set(FileKind) == READ | set(REMEDIES) | {FileKind.OTHER}
    assert not READ & set(REMEDIES)
