"""Promises of engine.images.dicom: the file's grey levels become a film, and its header stays where it is."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from engine.errors import ImageError
from engine.images.decoder import decode
from engine.images.dicom import is_dicom, natural_range, read_dicom, window
from engine.images.tensors import load_image

RAMP = np.linspace(0, 4000, 64 * 48).astype(np.uint16).reshape(48, 64)


def dicom(pixels: np.ndarray[Any, Any] | None = RAMP, *, bits: int = 12, **tags: object) -> Dataset:
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    file.SOPClassUID = DigitalXRayImageStorageForPresentation
    file.SOPInstanceUID = "1.2.3"
    file.PatientID = "MRN-17"
    file.PatientName = "Doe^Jane"
    file.InstitutionName = "Saint Elsewhere"
    file.Modality = "DX"
    file.ViewPosition = "PA"
    file.PhotometricInterpretation = "MONOCHROME2"
    file.SamplesPerPixel = 1
    if pixels is not None:
        file.Rows, file.Columns = pixels.shape[:2]
        file.BitsAllocated = 8 * pixels.dtype.itemsize
        file.BitsStored = bits
        file.HighBit = bits - 1
        file.PixelRepresentation = int(pixels.dtype.kind == "i")
        file.PixelData = pixels.tobytes()
    for tag, value in tags.items():
        setattr(file, tag, value)
    return file


def written(file: Dataset) -> bytes:
    stream = BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_the_header_is_left_behind_but_for_the_kept_tags() -> None:
    film = read_dicom(written(dicom(ImageLaterality="L")), "a.dcm")
    assert film.patient_id == "MRN-17"
    assert dict(film.meta) == {
        "Modality": "DX",
        "ViewPosition": "PA",
        "Laterality": "L",
        "PhotometricInterpretation": "MONOCHROME2",
    }


def test_an_empty_patient_id_is_none() -> None:
    assert read_dicom(written(dicom(PatientID="")), "a.dcm").patient_id is None


def test_a_window_decides_what_is_black_and_what_is_white() -> None:
    film = read_dicom(written(dicom(WindowCenter=2000, WindowWidth=1000)), "a.dcm").pixels
    # PS3.3 C.11.2.1.2.1: below 2000 - .5 - 999/2 black, above 2000 - .5 + 999/2 white
    assert (film[RAMP <= 1500] == 0).all() and (film[RAMP > 1999 + 500] == 255).all()
    middle = film[(RAMP > 1990) & (RAMP < 2010)].astype(int)
    assert np.abs(middle - 128).max() <= 4


def test_of_several_windows_the_first_counts() -> None:
    several = read_dicom(written(dicom(WindowCenter=[2000, 300], WindowWidth=[1000, 50])), "a.dcm").pixels
    assert (several == read_dicom(written(dicom(WindowCenter=2000, WindowWidth=1000)), "a.dcm").pixels).all()


def test_a_sigmoid_window_is_half_at_its_center() -> None:
    film = read_dicom(
        written(dicom(WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")), "a.dcm"
    ).pixels
    assert abs(int(film[np.abs(RAMP.astype(int) - 2000) < 2][0]) - 128) <= 1
    assert 0 < film[RAMP < 1500].max() < 64  # it never quite reaches black


def test_without_a_window_the_image_is_scaled_to_what_it_uses() -> None:
    film = read_dicom(written(dicom()), "a.dcm").pixels
    assert film[0, 0] == 0 and film[-1, -1] == 255 and abs(int(film[24, 0]) - 128) < 4


def test_eight_bits_without_a_window_stay_as_they_are() -> None:
    eight = (RAMP // 32).astype(np.uint8)
    assert (read_dicom(written(dicom(eight, bits=8)), "a.dcm").pixels == eight).all()


def test_the_modality_lut_comes_before_the_window() -> None:
    plain = read_dicom(written(dicom(WindowCenter=2000, WindowWidth=1000)), "a.dcm").pixels
    rescaled = dicom(WindowCenter=2000 * 2 - 1024, WindowWidth=2000, RescaleSlope=2, RescaleIntercept=-1024)
    assert np.abs(read_dicom(written(rescaled), "a.dcm").pixels.astype(int) - plain).max() <= 1


def test_signed_pixels_are_read() -> None:
    film = read_dicom(written(dicom(RAMP.astype(np.int16) - 1000, bits=16)), "a.dcm").pixels
    assert film[0, 0] == 0 and film[-1, -1] == 255


def test_a_voi_lut_is_applied() -> None:
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item.add_new("LUTData", "US", list(range(4095, -1, -1)))  # turns grey levels round
    film = read_dicom(written(dicom(VOILUTSequence=[item])), "a.dcm").pixels
    assert film[0, 0] == 255 and film[-1, -1] < 8


def test_monochrome1_is_turned_so_that_bone_is_bright() -> None:
    plain = read_dicom(written(dicom()), "a.dcm").pixels
    turned = read_dicom(written(dicom(PhotometricInterpretation="MONOCHROME1")), "a.dcm").pixels
    assert (turned == 255 - plain).all()


def test_padding_is_black_and_does_not_stretch_the_film() -> None:
    padded = RAMP.copy()
    padded[:8] = 65535
    film = read_dicom(written(dicom(padded, bits=16, PixelPaddingValue=65535)), "a.dcm").pixels
    assert not film[:8].any()
    assert film[-1, -1] == 255


def test_colour_is_read() -> None:
    red = np.zeros((4, 6, 3), np.uint8)
    red[..., 0] = 200
    file = dicom(red, bits=8, PhotometricInterpretation="RGB", SamplesPerPixel=3, PlanarConfiguration=0)
    assert (read_dicom(written(file), "a.dcm").pixels == red).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_the_same_as_plain_ones(syntax: str) -> None:
    plain = read_dicom(written(dicom()), "a.dcm").pixels
    file = dicom()
    file.compress(syntax)
    assert (read_dicom(written(file), "a.dcm").pixels == plain).all()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (dicom(None), "without pixels"),
        (dicom(NumberOfFrames=2), "2 frames"),
        (dicom(Rows=20_000, Columns=20_000), "20,000 × 20,000"),
        (dicom(PixelData=RAMP.tobytes()[:100]), "cannot be read as DICOM"),
    ],
)
def test_what_cannot_be_a_film_gets_a_sentence(file: Dataset, says: str) -> None:
    with pytest.raises(ImageError, match=says) as raised:
        read_dicom(written(file), "/somewhere/b.dcm")
    assert str(raised.value).startswith("b.dcm")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.97])
def test_a_file_cut_short_is_an_error(share: float) -> None:
    whole = written(dicom())
    with pytest.raises(ImageError):
        read_dicom(whole[: int(len(whole) * share)], "a.dcm")


def test_a_text_file_called_dcm_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.dcm"
    path.write_text("not a film at all, only some words that go on for a while" * 5)
    with pytest.raises(ImageError):
        load_image(path)


def test_a_file_without_preamble_is_read() -> None:
    file = dicom()
    stream = BytesIO()
    del file.file_meta
    pydicom.dcmwrite(stream, file, implicit_vr=True, little_endian=True)
    assert not is_dicom(stream.getvalue()[:132])
    assert read_dicom(stream.getvalue(), "old.dcm").pixels.shape == (48, 64)


def test_an_image_is_known_as_dicom_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "1.2.840.1"
    path.write_bytes(written(dicom()))
    assert decode(path).patient_id == "MRN-17"
    assert load_image(path, size=32).shape == (32, 32, 3)


def test_window_and_range_stand_up_to_nothing_at_all() -> None:
    assert natural_range(np.array([np.nan, np.inf], np.float32)) == (0.0, 0.0)
    assert not window(np.ones((2, 2), np.float32), 1.0, 1.0).any()
