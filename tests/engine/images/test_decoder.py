"""Promises of engine.images.decoder: whatever a file is called, it is read as what it is, or refused as what it is."""

from __future__ import annotations

import gzip
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from engine.data.index import index_folder
from engine.errors import DataError, ImageError
from engine.images.decoder import decode
from engine.images.kinds import REMEDIES
from engine.images.tensors import load_image
from tests.engine.images import raw
from tests.engine.images.sentences import check_refusal

GRADIENT = np.linspace(0, 255, 64, dtype=np.uint8)[None, :].repeat(48, axis=0)  # (48, 64), dark left
FILES = {
    "DICOM": raw.dicom(GRADIENT),
    "DICOM without preamble": raw.dicom(GRADIENT, preamble=False, meta=False, syntax=raw.IMPLICIT),
    "DICOM in big endian": raw.dicom(GRADIENT, preamble=False, meta=False, syntax=raw.BIG),
    "PNG": raw.png(GRADIENT),
    "TIFF": raw.tiff((GRADIENT, {})),
    "PGM": b"P5 64 48 255 " + GRADIENT.tobytes(),
    "JPEG 2000": imagecodecs.jpeg2k_encode(GRADIENT, level=0, reversible=True),
}
NAMES = [
    "a.dcm",
    "a.IMA",
    "a.dic",
    "a.dcm.bak",
    "MR.1.2.840.113619.2",
    "IM000001",
    "a.png",
    "a.jpg",
    "a.tif",
    "a.txt",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_read_as_what_it_is_under_any_name(tmp_path: Path, kind: str, name: str) -> None:
    for packed in (FILES[kind], gzip.compress(FILES[kind])):
        (tmp_path / name).write_bytes(packed)
        assert (np.asarray(decode(tmp_path / name).image) == GRADIENT).all()


@pytest.mark.parametrize("name", ["a.IMA", "a.dcm.bak", "a.dcm.gz", "MR.1.2.840.1", "film", "a.csv.png.bak"])
@pytest.mark.parametrize("kind", FILES)
def test_a_folder_sees_every_image_under_any_name(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "normal").mkdir()
    data = gzip.compress(FILES[kind]) if name.endswith(".gz") else FILES[kind]
    (tmp_path / "normal" / name).write_bytes(data)
    index = index_folder(tmp_path)
    assert [sample.path.name for sample in index.samples] == [name]


OTHERS = {
    "brain.nii": bytes(344) + b"n+1\0" + bytes(600),
    "brain.nii.gz": gzip.compress(bytes(344) + b"n+1\0" + bytes(600)),
    "drawing.svg": b"<svg xmlns='x'></svg>",
    "letter.pdf": b"%PDF-1.7\n",
    "clip.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomavc1",
    "photo.cr2": b"II*\0\x10\0\0\0CR\2\0" + bytes(99),
    "volume.nrrd": b"NRRD0004\n",
    "array.npy": b"\x93NUMPY\1\0",
    "new.jxl": b"\xff\x0a" + bytes(40),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_named_as_what_it_is_with_the_remedy(tmp_path: Path, name: str) -> None:
    for disguise in (name, "film.png", "film.dcm"):
        path = tmp_path / disguise
        path.write_bytes(OTHERS[name])
        with pytest.raises(ImageError, match=r" is an? ") as raised:
            decode(path)
        check_refusal(raised.value, disguise)
        assert raised.value.remedy in REMEDIES.values()


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_names_what_it_leaves_out_and_the_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(OTHERS[name])
    with pytest.raises(DataError, match=rf"holds no images: {name} is an? "):
        index_folder(tmp_path)
    (tmp_path / "film.png").write_bytes(FILES["PNG"])
    (issue,) = [issue for issue in index_folder(tmp_path).issues if tmp_path / name in issue.paths]
    assert f"{name} was left out: it is a" in issue.message


@pytest.mark.parametrize("name", ["a.png", "a.dcm", "a.tif", "a.tga", "a"])
@pytest.mark.parametrize(
    "content", [b"not an image", b"\x89PNG\r\n\x1a\n" + b"x" * 40, b"II*\0", b"\xff\xd8\xff\xe0", bytes(300)]
)
def test_what_is_no_image_gets_a_sentence(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImageError) as raised:
        decode(path)
    check_refusal(raised.value, name)


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_gzip_that_was_cut_short_is_refused(share: float) -> None:
    packed = gzip.compress(raw.dicom(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)))
    with pytest.raises(ImageError, match="cut short") as raised:
        decode(Path("a.dcm.gz"), data=packed[: int(len(packed) * share)])
    check_refusal(raised.value, "a.dcm.gz")


def huge(kind: str, width: int, height: int) -> bytes:
    """A few dozen bytes that claim a size and hold no pixels."""
    if kind == "dcm":
        return raw.dicom(GRADIENT, Rows=height % 65536, Columns=width % 65536)
    if kind == "tif":
        return raw.tiff((GRADIENT, {256: width, 257: height}))
    one = raw.png(GRADIENT[:1, :1])
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + one[24:29]
    return one[:8] + raw.chunk(b"IHDR", header) + one[33:]


@pytest.mark.parametrize("kind", ["png", "tif", "dcm"])
@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (16_000, 16_000), (60_000, 60_000)])
def test_a_huge_image_is_refused_before_it_is_decoded_and_without_a_warning(
    tmp_path: Path, kind: str, width: int, height: int
) -> None:
    path = tmp_path / f"huge.{kind}"
    path.write_bytes(huge(kind, width, height))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="250 million") as raised:
            load_image(path, size=32)
    check_refusal(raised.value, path.name)


def test_nothing_is_said_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "huge.png").write_bytes(huge("png", 20_000, 20_000))
    (tmp_path / "odd.tif").write_bytes(raw.tiff((GRADIENT, {34665: 99_999, 270: b"\xff"})))
    (tmp_path / "cut.tif").write_bytes(raw.tiff((GRADIENT, {}))[:-3])
    (tmp_path / "odd.png").write_bytes(raw.png(GRADIENT, extra=[raw.chunk(b"eXIf", b"II*\0\xff\xff")]))
    program = (
        "import sys, pathlib\nfrom engine.data import scan\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()): print(path.name, scan(path).problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert (
        "20,000 × 20,000" in done.stdout and "odd.tif None" in done.stdout and "odd.png None" in done.stdout
    )


def test_a_large_jpeg_decoded_at_a_fraction_looks_like_the_one_decoded_in_full(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (30, 30), dtype=np.uint8)).resize((1200, 1000), 3)
    path = tmp_path / "big.jpg"
    path.write_bytes(imagecodecs.jpeg_encode(np.asarray(smooth), level=95))
    assert decode(path, at_least=100).image.size == (150, 125)
    assert decode(path, at_least=100).width == 1200
    full = np.asarray(smooth.resize((64, 64), Image.Resampling.BILINEAR), dtype=int)
    assert np.abs(load_image(path, size=64, channels=1)[:, :, 0] - full).mean() < 1.5


def test_inks_become_rgb(tmp_path: Path) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[..., 1:3] = 255  # magenta and yellow
    inks = 255 - inks  # as Adobe writes them, and every JPEG of inks since
    options: dict[str, Any] = {"colorspace": "CMYK", "outcolorspace": "CMYK"}
    path = tmp_path / "c.jpg"
    path.write_bytes(imagecodecs.jpeg_encode(inks, level=95, **options))
    red = load_image(path)[8, 8]
    assert red[0] > 200 and red[1] < 60 and red[2] < 60
