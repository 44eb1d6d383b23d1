"""Promises of engine.images.formats.dicom: the file's levels become a film, and its header stays where it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engine.errors import ImageError
from engine.images.decoded import Decoded
from engine.images.formats.dicom import read_dicom
from engine.images.formats.dicom_levels import EMPTY_WINDOW, ODD_POLARITY, ODD_RESCALE, ODD_WINDOW
from engine.images.formats.levels import natural_range, window
from engine.images.formats.streams import ENDLESS
from tests.engine.images import raw
from tests.engine.images.dcmtk import needs_dcmtk, shown
from tests.engine.images.sentences import check_refusal

RAMP = np.linspace(0, 4000, 64 * 48).astype(np.uint16).reshape(48, 64)
EIGHT = (RAMP // 32).astype(np.uint8)
COLOURS = np.stack([RAMP, RAMP[:, ::-1], RAMP[::-1]], axis=-1)


def dicom(pixels: np.ndarray[Any, Any] | None = RAMP, **attributes: Any) -> bytes:
    if pixels is RAMP:
        attributes = {"BitsStored": 12, "HighBit": 11, **attributes}
    return raw.dicom(pixels, **attributes)


def read(data: bytes) -> Decoded:
    return read_dicom(data, "a.dcm")


def film(pixels: np.ndarray[Any, Any] = RAMP, **attributes: Any) -> np.ndarray[Any, Any]:
    return np.asarray(read(dicom(pixels, **attributes)).image).astype(int)


def near(first: np.ndarray[Any, Any], second: Any, levels: int = 2) -> bool:
    return bool(
        first.shape == np.shape(second) and np.abs(first - np.asarray(second, dtype=float)).max() <= levels
    )


def stretched(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = np.percentile(values, (0.1, 99.9))
    return np.clip((values.astype(float) - low) / (high - low) * 255, 0, 255)


# --------------------------------------------------------------------------------------------------- what is kept


def test_the_header_is_left_behind_but_for_the_kept_tags() -> None:
    decoded = read(
        dicom(
            ViewPosition="PA", ImageLaterality="L", PatientName="Doe^Jane", InstitutionName="Saint Elsewhere"
        )
    )
    assert decoded.patient_id == "MRN-17"
    assert dict(decoded.meta) == {
        "Modality": "DX",
        "ViewPosition": "PA",
        "Laterality": "L",
        "PhotometricInterpretation": "MONOCHROME2",
    }


@pytest.mark.parametrize("written", ["", "  ", None])
def test_an_empty_patient_id_is_none(written: str | None) -> None:
    assert read(dicom(PatientID=written)).patient_id is None


# --------------------------------------------------------------------------------------------- windows and tables


def test_a_window_decides_what_is_black_and_what_is_white() -> None:
    shades = film(WindowCenter="2000", WindowWidth="1000")
    # PS3.3 C.11.2.1.2.1: below 2000 - .5 - 999/2 black, above 2000 - .5 + 999/2 white
    assert (shades[RAMP <= 1500] == 0).all() and (shades[RAMP > 1999 + 500] == 255).all()
    assert near(shades, np.clip(((RAMP - 1999.5) / 999 + 0.5) * 255, 0, 255), 1)


def test_the_three_functions_of_a_window_are_those_of_the_standard() -> None:
    exact = film(WindowCenter="2000", WindowWidth="1000", VOILUTFunction="LINEAR_EXACT")
    assert near(exact, np.clip(((RAMP - 2000.0) / 1000 + 0.5) * 255, 0, 255), 1)
    sigmoid = film(WindowCenter="2000", WindowWidth="1000", VOILUTFunction="SIGMOID")
    assert near(sigmoid, 255 / (1 + np.exp(-4 * (RAMP - 2000.0) / 1000)), 1)
    lower = film(WindowCenter="2000", WindowWidth="1000", VOILUTFunction="sigmoid")
    assert (lower == sigmoid).all()


def test_a_window_of_width_one_is_a_threshold() -> None:
    assert (film(WindowCenter="2000", WindowWidth="1") == np.where(RAMP > 1999.5, 255, 0)).all()


def test_of_several_windows_the_first_counts() -> None:
    several = film(WindowCenter="2000\\300", WindowWidth="1000\\50")
    assert (several == film(WindowCenter="2000", WindowWidth="1000")).all()


def test_without_a_window_the_image_is_scaled_to_what_it_uses() -> None:
    assert near(film(), stretched(RAMP), 1)


def test_eight_bits_without_a_window_stay_as_they_are() -> None:
    assert (film(EIGHT) == EIGHT).all()


def table(bits: int, entries: np.ndarray[Any, Any], start: int = 0) -> list[dict[str, Any]]:
    words = entries.astype("<u2" if bits > 8 or len(entries) < 2 else "<u1").tobytes()
    return [{"LUTDescriptor": [len(entries) % 65536, start % 65536, bits], "LUTData": words}]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_a_voi_lut_is_scaled_by_its_depth_not_by_what_the_film_uses(bits: int) -> None:
    half = np.linspace(0, (2**bits - 1) / 2, 4096)
    shades = film(VOILUTSequence=table(bits, half))
    assert near(shades, half.astype(int)[RAMP] / (2**bits - 1) * 255, 1)
    assert shades.max() < 128


def test_a_voi_lut_that_declares_sixteen_bits_and_uses_eight_is_not_black() -> None:
    entries = np.linspace(0, 255, 4096)
    shades = film(
        VOILUTSequence=[{"LUTDescriptor": [4096, 0, 16], "LUTData": entries.astype("<u2").tobytes()}]
    )
    assert near(shades, entries.astype(int)[RAMP], 1)


def test_a_voi_lut_starts_where_it_says_also_below_zero() -> None:
    entries = np.linspace(0, 4095, 4001)
    shades = film(
        RAMP.astype(np.int16) - 1000, VOILUTSequence=table(12, entries, start=-1000), RescaleSlope="1"
    )
    assert near(shades, entries.astype(int)[RAMP] / 4095 * 255, 1)


def test_a_voi_lut_goes_before_a_window() -> None:
    turned = np.linspace(4095, 0, 4096)
    both = film(VOILUTSequence=table(12, turned), WindowCenter="10", WindowWidth="20")
    assert near(both, turned.astype(int)[RAMP] / 4095 * 255, 1)


def test_the_modality_lut_comes_before_the_window() -> None:
    plain = film(WindowCenter="2000", WindowWidth="1000")
    rescaled = film(WindowCenter="2976", WindowWidth="2000", RescaleSlope="2", RescaleIntercept="-1024")
    assert near(rescaled, plain, 1)
    by_table = film(
        ModalityLUTSequence=table(16, np.arange(4096) * 2), WindowCenter="4000", WindowWidth="2000"
    )
    assert near(by_table, plain, 1)


def test_a_slope_below_zero_turns_the_film() -> None:
    assert near(film(RescaleSlope="-1", RescaleIntercept="4095"), stretched(4095 - RAMP.astype(int)), 1)


# ------------------------------------------------------------------------------------------------ functional groups

RESCALE = [{"RescaleSlope": "-1", "RescaleIntercept": "4095"}]
WINDOW = [{"WindowCenter": "1000", "WindowWidth": "500"}]


@pytest.mark.parametrize("where", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_what_an_enhanced_film_says_in_its_functional_groups_counts(where: str) -> None:
    group = {"PixelValueTransformationSequence": RESCALE, "FrameVOILUTSequence": WINDOW}
    enhanced = film(NumberOfFrames="1", **{where: [group]})
    assert (enhanced == film(**RESCALE[0], **WINDOW[0])).all()


def test_the_frames_own_group_goes_before_the_shared_one_and_the_header() -> None:
    both = film(
        SharedFunctionalGroupsSequence=[
            {"FrameVOILUTSequence": [{"WindowCenter": "3000", "WindowWidth": "100"}]}
        ],
        PerFrameFunctionalGroupsSequence=[{"FrameVOILUTSequence": WINDOW}],
        WindowCenter="200",
        WindowWidth="20",
    )
    assert (both == film(**WINDOW[0])).all()


def test_an_empty_group_says_nothing() -> None:
    empty = film(SharedFunctionalGroupsSequence=[{"FrameVOILUTSequence": []}, {}], **WINDOW[0])
    assert (empty == film(**WINDOW[0])).all()


# -------------------------------------------------------------------------------------------------------- polarity


@pytest.mark.parametrize(
    ("photometric", "shape", "turned"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),  # a contradiction: see `_low_is_white`
    ],
)
def test_bone_is_bright(photometric: str, shape: str | None, turned: bool) -> None:
    decoded = read(dicom(PhotometricInterpretation=photometric, PresentationLUTShape=shape))
    plain = film()
    assert near(np.asarray(decoded.image).astype(int), 255 - plain if turned else plain, 0)
    assert (ODD_POLARITY in decoded.remarks) == ((photometric, shape) == ("MONOCHROME1", "IDENTITY"))


@pytest.mark.parametrize("written", ["monochrome1", "Monochrome1 ", "MONOCHROME1"])
def test_the_photometric_interpretation_is_read_in_any_spelling(written: str) -> None:
    assert (film(PhotometricInterpretation=written) == 255 - film()).all()


# --------------------------------------------------------------------------------------------------------- padding


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("kind", "padding", "attributes"),
    [
        (np.uint16, 65535, {"PixelPaddingValue": 65535}),
        (np.uint16, 0, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 10}),
        (np.uint16, 5, {"PixelPaddingValue": 10, "PixelPaddingRangeLimit": 0}),
        (np.int16, -2000, {"PixelPaddingValue": ("SS", -2000)}),
        (np.int16, -2000, {"PixelPaddingValue": 63536}),  # as unsigned, as many scanners write it
        (np.uint16, 63536, {"PixelPaddingValue": ("SS", -2000)}),
        (np.int16, -1500, {"PixelPaddingValue": 63536, "PixelPaddingRangeLimit": ("SS", -1500)}),
    ],
)
def test_padding_is_black_and_takes_no_part_in_the_window(
    photometric: str, kind: type, padding: int, attributes: dict[str, Any]
) -> None:
    pixels = (RAMP + 100).astype(kind)
    pixels[:8] = padding
    shades = film(pixels, PhotometricInterpretation=photometric, **attributes)
    expected = stretched(pixels[8:])
    assert not shades[:8].any()
    assert near(shades[8:], 255 - expected if photometric == "MONOCHROME1" else expected, 1)


def test_padding_that_needs_more_bits_than_are_stored_is_no_measurement() -> None:
    pixels = RAMP.copy()
    pixels[:8] = 63536
    shades = film(pixels, BitsStored=12, HighBit=11, PixelPaddingValue=63536)
    assert not shades[:8].any() and near(shades[8:], stretched(RAMP[8:]), 1)
    at_its_lower_bits = np.abs(RAMP[8:].astype(int) - (63536 & 4095)).argmin()
    assert shades[8:].ravel()[at_its_lower_bits] > 100


def test_a_film_that_is_all_padding_is_shown_as_it_is() -> None:
    assert (film(np.full((8, 8), 40, np.uint8), PixelPaddingValue=40) == 40).all()


def test_padding_among_floats_is_black() -> None:
    values = RAMP.astype(np.float32)
    values[:8] = -9999
    assert not film(values, FloatPixelPaddingValue=-9999.0)[:8].any()
    assert near(film(values, FloatPixelPaddingValue=-9999.0)[8:], stretched(values[8:]), 1)


# ------------------------------------------------------------------------------------------------------------ bits


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize("high", [11, 13, 15])
def test_the_bits_that_count_end_at_the_high_bit_and_the_others_are_overlays(high: int, kind: type) -> None:
    levels = (RAMP.astype(int) - (2000 if kind is np.int16 else 0)) & 0xFFF
    noise = np.random.default_rng(0).integers(0, 2, RAMP.shape)
    elsewhere = noise << (0 if high == 15 else 15)
    written = ((levels << (high - 11)) | elsewhere).astype(np.uint16).view(kind)
    assert near(film(written, BitsStored=12, HighBit=high), film(), 1)


@pytest.mark.parametrize("odd", [{"BitsStored": None}, {"BitsStored": 0}, {"BitsStored": 99}, {"HighBit": 3}])
def test_bits_that_cannot_be_are_set_right(odd: dict[str, Any]) -> None:
    attributes = {"BitsStored": 16, "HighBit": 15, **odd}
    assert near(np.asarray(read(raw.dicom(RAMP, **attributes)).image).astype(int), stretched(RAMP), 1)


def test_floating_point_levels_are_shown() -> None:
    for kind in (np.float32, np.float64):
        assert near(film((RAMP / 4000 - 0.5).astype(kind)), stretched(RAMP), 1)


def test_thirty_two_bits_and_one_bit_are_read() -> None:
    assert near(film(RAMP.astype(np.uint32) * 100_000), stretched(RAMP), 1)
    bits = (RAMP > 2000).astype(np.uint8)
    packed = np.packbits(bits, bitorder="little").tobytes()
    assert (film(bits, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed) == bits * 255).all()


# ---------------------------------------------------------------------------------------------------------- colour


def test_colour_is_read_in_either_order_of_planes() -> None:
    colours = (COLOURS // 16).astype(np.uint8)
    assert (film(colours) == colours).all()
    planes = np.moveaxis(colours, -1, 0).tobytes()
    assert (film(colours, PlanarConfiguration=1, PixelData=planes) == colours).all()


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_colour_deeper_than_eight_bits_is_scaled_by_the_depth_in_use(bits: int) -> None:
    deep = (COLOURS.astype(int) * (2**bits - 1) // 4000).astype(np.uint16)
    for declared in {bits, 16}:
        assert near(film(deep, BitsStored=declared), deep / (2**bits - 1) * 255, 1)


def test_dark_colours_stay_dark() -> None:
    dark = (COLOURS // 2).astype(np.uint16)  # eleven of twelve bits
    assert near(film(dark, BitsStored=12), dark / 4095 * 255, 1)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("declared", [8, 16])
def test_a_palette_is_scaled_by_the_depth_in_use_whatever_it_declares(depth: int, declared: int) -> None:
    shades = np.arange(256) * (257 if depth == 16 else 1)
    palette = {}
    for name, entries in (("Red", shades), ("Green", shades[::-1]), ("Blue", shades // 2)):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, declared]
        palette[f"{name}PaletteColorLookupTableData"] = entries.astype("<u2").tobytes()
    colours = film(EIGHT, PhotometricInterpretation="PALETTE COLOR", **palette)
    assert near(colours, np.stack([EIGHT, 255 - EIGHT.astype(int), EIGHT // 2], axis=-1), 1)


def test_a_film_whose_palette_is_missing_is_shown_in_grey_and_that_is_said() -> None:
    decoded = read(dicom(EIGHT, PhotometricInterpretation="PALETTE COLOR"))
    assert (np.asarray(decoded.image) == EIGHT).all()
    assert "palette" in decoded.remarks[0].message


@pytest.mark.parametrize("photometric", ["YBR_FULL", "ybr_full", "YBR_PARTIAL_422", "HSV"])
@needs_dcmtk
def test_other_colour_models_are_shown_as_dcmtk_shows_them(photometric: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(40, 200, (8, 8, 3), dtype=np.uint8)
    pixels: dict[str, Any] = {}
    if photometric == "YBR_PARTIAL_422":
        pytest.skip("dcmtk reads it with two pixels in four bytes alone")
    data = dicom(colours, PhotometricInterpretation=photometric, **pixels)
    (tmp_path / "a.dcm").write_bytes(data.replace(b"ybr_full", b"YBR_FULL"))
    assert near(np.asarray(read(data).image).astype(int), shown(tmp_path / "a.dcm"))


# -------------------------------------------------------------------------------------------------- pixels' shape


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"PixelSpacing": "0.2\\0.1"}, (64, 96)),
        ({"PixelSpacing": "0.1\\0.2"}, (128, 48)),
        ({"PixelSpacing": "0.143\\0.1439"}, (64, 48)),  # rounding
        ({"PixelAspectRatio": "2\\1"}, (64, 96)),
        ({"PixelAspectRatio": "1\\1"}, (64, 48)),
        ({"ImagerPixelSpacing": "0.1\\0.2"}, (128, 48)),
        ({"PixelSpacing": "0.1\\0.1", "PixelAspectRatio": "2\\1"}, (64, 48)),
        ({"PixelSpacing": "0\\0"}, (64, 48)),
        ({"PixelSpacing": "0.2"}, (64, 48)),
        ({"PixelSpacing": "x\\y", "PixelAspectRatio": "2\\1"}, (64, 96)),
        ({"PixelSpacing": "500\\0.1"}, (64, 48)),
        (
            {"SharedFunctionalGroupsSequence": [{"PixelMeasuresSequence": [{"PixelSpacing": "0.2\\0.1"}]}]},
            (64, 96),
        ),
    ],
)
def test_pixels_that_are_not_square_are_made_square(
    attributes: dict[str, Any], size: tuple[int, int]
) -> None:
    decoded = read(dicom(**attributes))
    assert decoded.image.size == (decoded.width, decoded.height) == size


# ----------------------------------------------------------------------------------------- an odd value stops nothing


@pytest.mark.parametrize(
    ("attributes", "remark"),
    [
        ({"RescaleSlope": "0", "RescaleIntercept": "-1024"}, ODD_RESCALE),
        ({"RescaleSlope": "NaN", "RescaleIntercept": "0"}, ODD_RESCALE),
        ({"RescaleSlope": "1", "RescaleIntercept": "abc"}, ODD_RESCALE),
        ({"RescaleSlope": "", "RescaleIntercept": "0"}, None),
        ({"RescaleIntercept": "-1024"}, None),
        ({"WindowCenter": "NaN", "WindowWidth": "NaN"}, ODD_WINDOW),
        ({"WindowCenter": "abc", "WindowWidth": "100"}, ODD_WINDOW),
        ({"WindowCenter": "1e999", "WindowWidth": "100"}, ODD_WINDOW),
        ({"WindowCenter": "2000", "WindowWidth": "0"}, ODD_WINDOW),
        ({"WindowCenter": "2000", "WindowWidth": "-5"}, ODD_WINDOW),
        ({"WindowCenter": "", "WindowWidth": ""}, None),
        ({"WindowCenter": "2000"}, None),
        ({"WindowCenter": "99999", "WindowWidth": "10"}, EMPTY_WINDOW),
        ({"VOILUTSequence": []}, None),
        ({"VOILUTSequence": [{}]}, ODD_WINDOW),
        ({"VOILUTSequence": [{"LUTDescriptor": [4096, 0, 16]}]}, ODD_WINDOW),
        ({"VOILUTSequence": [{"LUTDescriptor": [0, 0], "LUTData": b"\1\2"}]}, ODD_WINDOW),
        ({"ModalityLUTSequence": [{}]}, ODD_RESCALE),
        ({"PixelPaddingValue": ("LO", "none")}, None),
        ({"PixelRepresentation": None}, None),
        ({"SamplesPerPixel": None}, None),
        ({"PhotometricInterpretation": None}, None),
        ({"PhotometricInterpretation": "GREY"}, None),
        ({"PlanarConfiguration": 7}, None),
        ({"NumberOfFrames": ""}, None),
        ({"NumberOfFrames": "one"}, None),
        ({"NumberOfFrames": "0"}, None),
        ({"PresentationLUTShape": "LIN OD"}, None),
        ({"SharedFunctionalGroupsSequence": [{"FrameVOILUTSequence": [{"WindowWidth": "NaN"}]}]}, None),
        ({"OverlayRows": 9}, None),
        ({"PatientID": b"\xff\xfe\x81"}, None),
        ({"ViewPosition": b"\xff\xfe\x81"}, None),
    ],
)
def test_one_odd_attribute_never_refuses_a_film_and_what_is_left_out_is_said(
    attributes: dict[str, Any], remark: object
) -> None:
    decoded = read(dicom(**attributes))
    assert near(np.asarray(decoded.image).astype(int), stretched(RAMP), 1)
    assert decoded.remarks == (() if remark is None else (remark,))


NUMBERS = st.text(alphabet="0123456789.-+eE,\\ \0NaninfNULLx", max_size=16)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelSpacing"), NUMBERS
        )
        | {
            "BitsStored": st.integers(0, 65535),
            "HighBit": st.integers(0, 65535),
            "PixelPaddingValue": st.integers(0, 65535),
            "PixelPaddingRangeLimit": st.integers(0, 65535),
            "PixelRepresentation": st.integers(0, 3),
            "PhotometricInterpretation": st.text(alphabet="MONOCHRME12 _ybrYBRGB", max_size=16),
            "VOILUTSequence": st.lists(
                st.fixed_dictionaries(
                    {
                        "LUTDescriptor": st.lists(st.integers(0, 65535), max_size=4),
                        "LUTData": st.binary(max_size=64),
                    }
                ),
                max_size=2,
            ),
        },
    )
)
def test_whatever_the_optional_attributes_say_the_film_is_shown(attributes: dict[str, Any]) -> None:
    decoded = read(dicom(RAMP[:8, :8], **attributes))
    assert decoded.image.mode in ("L", "RGB") and decoded.image.width >= 8


# ------------------------------------------------------------------------------------------------------ encodings


@pytest.mark.parametrize("syntax", [raw.IMPLICIT, raw.EXPLICIT, raw.BIG])
@pytest.mark.parametrize(("preamble", "meta"), [(True, True), (False, True), (False, False)])
def test_every_plain_encoding_is_read_with_and_without_what_comes_before(
    syntax: str, preamble: bool, meta: bool
) -> None:
    data = dicom(syntax=syntax, preamble=preamble, meta=meta, WindowCenter="2000", WindowWidth="1000")
    assert (np.asarray(read(data).image) == film(WindowCenter="2000", WindowWidth="1000")).all()


STREAMS = {
    raw.JPEG: lambda: imagecodecs.jpeg_encode(EIGHT, level=98),
    raw.JPEG_LOSSLESS: lambda: imagecodecs.ljpeg_encode(RAMP),
    raw.JPEG_LS: lambda: imagecodecs.jpegls_encode(RAMP),
    raw.JPEG_2000: lambda: imagecodecs.jpeg2k_encode(RAMP, codecformat="J2K", level=0, reversible=True),
    raw.RLE: lambda: raw.rle(RAMP),
}


def compressed(syntax: str, stream: bytes, **attributes: Any) -> bytes:
    pixels = EIGHT if syntax == raw.JPEG else RAMP
    return dicom(pixels, syntax=syntax, **{"PixelData": raw.fragments(stream), **attributes})


@pytest.mark.parametrize("syntax", STREAMS)
def test_compressed_pixels_are_the_same_as_plain_ones(syntax: str) -> None:
    shades = np.asarray(read(compressed(syntax, STREAMS[syntax]())).image).astype(int)
    assert near(shades, film(EIGHT if syntax == raw.JPEG else RAMP), 4 if syntax == raw.JPEG else 0)


def test_a_stream_that_lacks_only_its_end_marker_is_shown_and_said() -> None:
    stream = STREAMS[raw.JPEG]()
    whole, shown = read(compressed(raw.JPEG, stream)), read(compressed(raw.JPEG, stream[:-2]))
    assert (np.asarray(whole.image) == np.asarray(shown.image)).all()
    assert ENDLESS in shown.remarks and ENDLESS not in whole.remarks


@pytest.mark.parametrize("syntax", STREAMS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_stream_that_was_cut_short_is_refused(syntax: str, share: float) -> None:
    whole = STREAMS[syntax]()
    cut = whole[: int(len(whole) * share)]
    for data in (compressed(syntax, cut), compressed(syntax, whole)[: -int(len(whole) * (1 - share)) - 8]):
        with pytest.raises(ImageError, match="cut short") as raised:
            read(data)
        check_refusal(raised.value, "a.dcm")


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.97, 0.9999])
@pytest.mark.parametrize("syntax", [raw.IMPLICIT, raw.EXPLICIT, raw.BIG])
def test_a_file_that_was_cut_short_is_refused(share: float, syntax: str) -> None:
    whole = dicom(syntax=syntax)
    with pytest.raises(ImageError) as raised:
        read(whole[: int(len(whole) * share)])
    check_refusal(raised.value, "a.dcm")


ENCODERS = {
    "RLE": ["dcmcrle"],
    "JPEG lossless": ["dcmcjpeg", "+e1"],
    "JPEG lossless, any predictor": ["dcmcjpeg", "+el"],
    "JPEG": ["dcmcjpeg", "+eb"],
    "JPEG, RGB": ["dcmcjpeg", "+eb", "+cr"],
    "JPEG, 4:2:2": ["dcmcjpeg", "+eb", "+s2"],
    "JPEG, extended": ["dcmcjpeg", "+ee"],
    "JPEG, spectral selection": ["dcmcjpeg", "+es"],
    "JPEG, progressive": ["dcmcjpeg", "+ep"],
    "JPEG-LS": ["dcmcjpls", "+el"],
    "JPEG-LS, near lossless": ["dcmcjpls", "+en"],
    "big endian": ["dcmconv", "+tb"],
    "implicit": ["dcmconv", "+ti"],
    "deflated": ["dcmconv", "+td"],
}
SOURCES = {
    "12 bits": (dicom(WindowCenter="2000", WindowWidth="4000"), ("+Wi", "1")),
    "signed 12 bits": (
        dicom(
            ((RAMP.astype(np.int16) - 2000) & 0xFFF).astype(np.int16),
            BitsStored=12,
            WindowCenter="0",
            WindowWidth="4000",
        ),
        ("+Wi", "1"),
    ),
    "signed 16 bits": (
        dicom(RAMP.astype(np.int16) - 2000, WindowCenter="0", WindowWidth="4000"),
        ("+Wi", "1"),
    ),
    "8 bits": (dicom(EIGHT), ()),
    "colour": (dicom((COLOURS // 16).astype(np.uint8)), ()),
}


@needs_dcmtk
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_dcmtk_encodes_is_shown_as_dcmtk_shows_it(encoder: str, source: str, tmp_path: Path) -> None:
    plain, options = SOURCES[source]
    (tmp_path / "plain.dcm").write_bytes(plain)
    subprocess.run(
        [*ENCODERS[encoder], "-q", str(tmp_path / "plain.dcm"), str(tmp_path / "a.dcm")], check=False
    )
    expected = shown(tmp_path / "a.dcm", *options) if (tmp_path / "a.dcm").exists() else None
    if expected is None:
        pytest.skip("this encoder does not take such pixels")
    assert near(np.asarray(read((tmp_path / "a.dcm").read_bytes()).image).astype(int), expected)


def test_a_stream_in_several_fragments_is_one_film() -> None:
    stream = STREAMS[raw.JPEG_LS]()
    halves = raw.fragments(stream[:500], stream[500:])
    assert (np.asarray(read(compressed(raw.JPEG_LS, stream, PixelData=halves)).image) == film()).all()


@pytest.mark.parametrize("declared", [raw.EXPLICIT, raw.JPEG, raw.JPEG_LOSSLESS, raw.JPEG_2000])
@pytest.mark.parametrize("true", [raw.JPEG_LS, raw.JPEG_2000, raw.JPEG_LOSSLESS])
def test_how_pixels_are_compressed_is_read_from_them_not_from_the_header(declared: str, true: str) -> None:
    data = dicom(syntax=declared, PixelData=raw.fragments(STREAMS[true]()))
    assert (np.asarray(read(data).image) == film()).all()


def test_plain_pixels_under_a_compressed_syntax_are_read() -> None:
    assert (np.asarray(read(dicom(syntax=raw.JPEG_2000)).image) == film()).all()


def test_a_stream_of_more_than_eight_bits_and_colour_is_read() -> None:
    colours = (COLOURS // 16).astype(np.uint8)
    stream = imagecodecs.jpeg2k_encode(colours, codecformat="J2K", level=0, reversible=True, mct=False)
    data = dicom(colours, syntax=raw.JPEG_2000, PixelData=raw.fragments(stream))
    assert near(np.asarray(read(data).image).astype(int), colours, 1)


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (dicom(None), "without pixels"),
        (dicom(NumberOfFrames="2"), "2 frames"),
        (dicom(Rows=20_000, Columns=20_000), "20,000 × 20,000"),
        (dicom(Rows=0), "no pixels"),
        (dicom(Columns=None), "how many pixels"),
        (dicom(PixelData=RAMP.tobytes()[:100]), "cut short"),
        (dicom(SamplesPerPixel=4), "4 samples"),
        (dicom(syntax=raw.JPEG, PixelData=raw.fragments(b"not a stream")), "cut short|damaged"),
        (
            dicom(syntax="1.2.840.10008.1.2.4.102", PixelData=raw.fragments(b"an MPEG-4 video")),
            "compressed in a way",
        ),
        (dicom(syntax="1.2.3.4", PixelData=raw.fragments(b"whatever")), "compressed in a way"),
        (b"", "not a DICOM file"),
        (bytes(128) + b"DICM", "without pixels|damaged"),
        (b"only some words that go on for a while " * 20, "not a DICOM file|damaged"),
    ],
)
def test_what_cannot_be_a_film_gets_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says) as raised:
        read(data)
    check_refusal(raised.value, "a.dcm")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_bytes_changed_anywhere_give_a_film_or_a_sentence(place: int, noise: bytes) -> None:
    data = bytearray(dicom(RAMP[:8, :8], WindowCenter="2000", VOILUTSequence=table(12, np.arange(16))))
    place %= len(data)
    data[place : place + len(noise)] = noise
    try:
        read(bytes(data))
    except ImageError as error:
        check_refusal(error, "a.dcm")


def test_nothing_is_said_on_the_terminal(tmp_path: Path) -> None:
    odd = dicom(
        PatientID=b"\xff\xfe\x81", WindowCenter="abc", WindowWidth="1,5", PixelData=RAMP.tobytes() + bytes(99)
    )
    (tmp_path / "odd.dcm").write_bytes(odd)
    (tmp_path / "cut.dcm").write_bytes(compressed(raw.JPEG_LS, STREAMS[raw.JPEG_LS]())[:-50])
    program = (
        "import sys, pathlib\nfrom engine.data import scan\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()): print(scan(path).problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.startswith("cut.dcm was cut short") and done.stdout.endswith("None\n")


def test_window_and_range_stand_up_to_nothing_at_all() -> None:
    assert natural_range(np.array([np.nan, np.inf], np.float32)) == (0.0, 0.0)
    assert not window(np.ones((2, 2), np.float32), 1.0, 1.0).any()
