"""The promise of engine.images on what others made: pydicom's own files are shown as dcmtk shows them, or refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import data_store
import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import config
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000TransferSyntaxes

from engine.errors import ImageError
from engine.images.decoder import decode
from engine.images.formats.dicom_levels import EMPTY_WINDOW
from tests.engine.images.dcmtk import needs_dcmtk, shown
from tests.engine.images.sentences import check_refusal

ROOTS = [Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent / "data"]
FILES = sorted(
    path
    for root in ROOTS
    for path in root.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".py"
)
NAMED = {path.name: path for path in FILES}
TWINS = {  # the same picture in a form that dcmtk reads, where it reads this one not at all or differently
    "SC_rgb_32bit.dcm": "SC_rgb.dcm",
    "SC_rgb_expb_32bit.dcm": "SC_rgb.dcm",
    "rtdose_expb_1frame.dcm": "rtdose_1frame.dcm",  # 32 bits in 16-bit words: which half comes first is not agreed on
    "zipMR.gz": "MR_small.dcm",
    "gdcm-US-ALOKA-16_big.dcm": "gdcm-US-ALOKA-16.dcm",  # palettes in segments, which dcmtk does not read
}
UNCHECKED = {
    "gdcm-US-ALOKA-16.dcm": "its palettes are in segments, which dcmtk does not read",
    "SC_rgb_jpeg.dcm": "its header is in two encodings, of which dcmtk reads the first",
}


def read(path: Path) -> pydicom.Dataset:
    config.settings.reading_validation_mode = config.IGNORE
    return pydicom.dcmread(path, force=True)


def expected_by_dcmtk(path: Path) -> np.ndarray[Any, Any] | None:
    """The film as the file itself asks for it; stretched between its 0.1 and 99.9 percentiles where it does not."""
    header = read(path)
    if "VOILUTSequence" in header:
        return shown(path, "+Wl", "1")
    if header.get("WindowWidth") and header.SamplesPerPixel == 1:
        return shown(path, "+Wi", "1")
    if header.get("BitsStored") == 8 or header.get("SamplesPerPixel") == 3:
        return shown(path)
    levels = shown(path, "+Wm", sixteen=True)
    if levels is None or levels.ndim == 3:
        return shown(path)
    low, high = np.percentile(levels, (0.1, 99.9))
    return np.clip(np.rint((levels - low) / (high - low) * 255), 0, 255)


def uncompressed(path: Path, folder: Path) -> Path:
    """A JPEG 2000 file written plain, its stream decoded by imagecodecs: dcmtk does not read JPEG 2000."""
    header = read(path)
    values = imagecodecs.jpeg2k_decode(next(generate_frames(header.PixelData, number_of_frames=1)))
    header.BitsAllocated = 8 * values.dtype.itemsize
    header.PixelData = values.tobytes()
    header["PixelData"].VR = "OW"
    header.PlanarConfiguration = 0
    if values.ndim == 3:
        header.PhotometricInterpretation = "RGB"
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(folder / "plain.dcm", enforce_file_format=True)
    return folder / "plain.dcm"


def test_the_corpus_is_there() -> None:
    assert len(FILES) > 200


@needs_dcmtk
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_shown_as_dcmtk_shows_it_or_refused_in_a_sentence(path: Path, tmp_path: Path) -> None:
    try:
        decoded = decode(path)
    except ImageError as error:
        check_refusal(error, path.name)
        assert_not_a_film(path, error)
        return
    film = np.asarray(decoded.image).astype(float)
    if path.name in UNCHECKED:
        pytest.skip(UNCHECKED[path.name])
    if path.name in TWINS:
        twin = np.asarray(decode(NAMED[TWINS[path.name]]).image).astype(float)
        assert np.abs(film - twin).max() <= 2
        return
    if read(path).file_meta.get("TransferSyntaxUID") in JPEG2000TransferSyntaxes:
        path = uncompressed(path, tmp_path)
    expected = expected_by_dcmtk(path)
    assert expected is not None
    if EMPTY_WINDOW in decoded.remarks:
        assert np.ptp(expected) == 0  # nothing is to be seen in dcmtk
        return
    if expected.shape != film.shape:  # pixels that are not square: dcmtk shows them so
        shape = film.shape[1::-1]
        planes = np.atleast_3d(expected).astype(np.uint8)
        stretched = [
            Image.fromarray(planes[..., plane]).resize(shape, Image.Resampling.BILINEAR)
            for plane in range(planes.shape[2])
        ]
        expected = np.stack([np.asarray(plane) for plane in stretched], axis=-1).squeeze().astype(float)
    assert np.abs(film - expected).max() <= 2


def assert_not_a_film(path: Path, error: ImageError) -> None:
    """What is refused is no single film that dcmtk shows."""
    if "frames" in error.problem:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path
        assert int(read(data).NumberOfFrames) > 1
    else:
        assert shown(path) is None
