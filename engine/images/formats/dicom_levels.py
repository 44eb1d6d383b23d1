"""From stored values to grey levels, in the order of DICOM: modality LUT, VOI LUT or window, polarity.

Each step is taken from where the file says it (the frame's functional groups, the shared ones, the header). A step
whose values make no sense is left out and said: the film is shown, stretched to what it uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut

from engine.images.decoded import Notes, Remark
from engine.images.depth import Measured, Window, deep_levels
from engine.images.formats.dicom_header import BROKEN_DICOM, items, number, numbers, places, said, text
from engine.images.formats.dicom_pixels import Stored
from engine.images.formats.levels import STRETCHED, colour_film, depth_step, natural_range, window
from engine.records import DataIssueKind

ODD_RESCALE = Remark(
    DataIssueKind.ODD_HEADER,
    "the rescale slope or intercept is not a usable number; the values are used as stored",
)
ODD_WINDOW = Remark(
    DataIssueKind.ODD_HEADER,
    "the window or its table cannot be used; the image is shown from its darkest to its brightest value",
)
EMPTY_WINDOW = Remark(
    DataIssueKind.ODD_HEADER,
    "the window leaves nothing visible; the image is shown from its darkest to its brightest value instead",
)
ODD_POLARITY = Remark(
    DataIssueKind.ODD_HEADER,
    "the header contradicts itself on whether low values are white (MONOCHROME1, but PresentationLUTShape IDENTITY); "
    "they are shown white",
)


UNITS = {"HU": "HU", "HU_MOD": "HU", "OD": "mOD", "MGML": "mg/ml", "PCT": "%"}
"""Terms of PS3.3, C.11.1.1.2 that a reader can use. Another text stays in the file: it may say anything."""


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table (PS3.3, C.11.1.1): entries for input values from `start` on; what lies outside takes the ends.

    Attributes:
        entries: (N,) unsigned.
        start: The input value of the first.
        bits: Of an entry, as the descriptor says.
    """

    entries: NDArray[Any]
    start: int
    bits: int

    def look_up(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the entry of each value, same shape."""
        start = self.start
        if (
            start > 32767 and values.min() < 0
        ):  # whether it is signed hangs on the values, not on how it was written
            start -= 65536
        elif start < 0 and values.max() > 32767:
            start += 65536
        place = np.clip(np.rint(values).astype(np.int64) - start, 0, len(self.entries) - 1)
        return np.asarray(self.entries[place])


@dataclass(frozen=True, slots=True)
class Look:
    """How values become greys.

    Attributes:
        show: From values, of any shape, to uint8 of the same.
        window: The window that it is, or what comes nearest to it.
        exact: See `engine.images.depth.Levels`.
    """

    show: Callable[[NDArray[Any]], NDArray[np.uint8]]
    window: Window
    exact: bool = True


def grey(header: pydicom.Dataset, stored: Stored, notes: Notes) -> NDArray[np.uint8]:
    """Make a film of grey values, (H, W) uint8: bone bright, padding black; what is done is noted."""
    notes.steps += depth_step(stored.bits, floats=stored.values.dtype.kind == "f")[:1]
    measured = ~stored.padded if stored.padded is not None else np.ones(stored.values.shape, np.bool_)
    scaled = _rescaled(header, stored, notes)
    values = _values_of(scaled)
    shown = _windowed(header, values, measured, notes) or _stretched(values, measured, stored.bits, notes)
    look, film = shown
    inverted = _low_is_white(header, notes)
    if notes.deep:
        levels = deep_levels(scaled, look.show, look.window, padded=stored.padded, inverted=bool(inverted))
        notes.levels = replace(levels, exact=look.exact, unit=_unit(header), windows=_windows(header))
    if inverted:
        film = 255 - film
        notes.steps.append(f"inverted ({inverted})")
    if stored.padded is not None:
        film[stored.padded] = 0
        notes.steps.append("padding shown black")
    return film


def colour(stored: Stored) -> NDArray[np.uint8]:
    """Make a film of colours, (H, W, 3) uint8; grey-level windows do not apply to them."""
    return colour_film(stored.values, depth=stored.bits)


def palette(header: pydicom.Dataset, stored: Stored) -> NDArray[np.uint8] | None:
    """Make a film of indices into a colour palette, (H, W, 3) uint8; None where the palette is missing or broken."""
    if "SegmentedRedPaletteColorLookupTableData" in header:
        try:
            colours = apply_color_lut(stored.values, header)
        except BROKEN_DICOM:
            return None
    else:
        names = (f"{name}PaletteColorLookupTable" for name in ("Red", "Green", "Blue"))
        tables = [_table(header, f"{name}Descriptor", f"{name}Data") for name in names]
        if None in tables:
            return None
        colours = np.stack([table.look_up(stored.values) for table in tables if table], axis=-1)
        if (
            max(table.entries.max() for table in tables if table) < 256
        ):  # also where sixteen bits are declared
            return colours.astype(np.uint8)
    return colours if colours.dtype == np.uint8 else window(colours, 0, 65535)


def _values_of(scaled: Measured) -> NDArray[Any]:
    """Return the values in the file's units, same shape."""
    if (scaled.slope, scaled.intercept) == (1.0, 0.0):
        return scaled.stored
    deep = scaled.stored.dtype.itemsize > 2
    values: NDArray[Any] = scaled.stored.astype(np.float64 if deep else np.float32)
    values *= scaled.slope
    values += scaled.intercept
    return values


def _unit(header: pydicom.Dataset) -> str:
    """Return what the rescaled values are measured in; empty where the file does not say, or says unspecified."""
    for place in places(header, "PixelValueTransformationSequence"):
        if said(place, "RescaleType"):
            return UNITS.get(text(place, "RescaleType").upper(), "")
    return "HU" if text(header, "Modality").upper() == "CT" else ""


def _windows(header: pydicom.Dataset) -> tuple[Window, ...]:
    """Return every window of the file that can be used."""
    for place in places(header, "FrameVOILUTSequence"):
        centres, widths = numbers(place, "WindowCenter"), numbers(place, "WindowWidth")
        found = tuple(
            Window(centre=centre, width=width)
            for centre, width in zip(centres, widths, strict=False)
            if width > 0
        )
        if found:
            return found
    return ()


def _rescaled(header: pydicom.Dataset, stored: Stored, notes: Notes) -> Measured:
    for place in places(header, "PixelValueTransformationSequence"):
        for item in items(place, "ModalityLUTSequence")[:1]:
            table = _table(item, "LUTDescriptor", "LUTData")
            if table is not None:
                notes.steps.append("modality table of the file")
                return Measured(stored=table.look_up(stored.values))
            notes.remarks.append(ODD_RESCALE)
        if said(place, "RescaleSlope") or said(place, "RescaleIntercept"):
            slope = number(place, "RescaleSlope") if said(place, "RescaleSlope") else 1.0
            intercept = number(place, "RescaleIntercept") if said(place, "RescaleIntercept") else 0.0
            if slope and intercept is not None:
                if (slope, intercept) != (1.0, 0.0):
                    notes.steps.append(
                        f"rescaled: × {slope:g} {'−' if intercept < 0 else '+'} {abs(intercept):g}"
                    )
                return Measured(stored=stored.values, slope=slope, intercept=intercept)
            notes.remarks.append(ODD_RESCALE)
    return Measured(stored=stored.values)


def _windowed(
    header: pydicom.Dataset, values: NDArray[Any], measured: NDArray[np.bool_], notes: Notes
) -> tuple[Look, NDArray[np.uint8]] | None:
    """Apply the first VOI LUT, or else the first window; None where there is none that can be used."""
    for place in places(header, "FrameVOILUTSequence"):
        for item in items(place, "VOILUTSequence")[:1]:
            table = _table(item, "LUTDescriptor", "LUTData")
            if table is not None:
                notes.steps.append("VOI table of the file")
                by_table = _by_table(table)
                return by_table, by_table.show(values)
            notes.remarks.append(ODD_WINDOW)
        if not (said(place, "WindowCenter") and said(place, "WindowWidth")):
            continue
        centre, width = number(place, "WindowCenter"), number(place, "WindowWidth")
        if centre is None or width is None or width <= 0:
            notes.remarks.append(ODD_WINDOW)
            continue
        look = _by_window(centre, width, text(place, "VOILUTFunction").upper())
        film = look.show(values)
        if np.ptp(film[measured]) == 0 and np.ptp(values[measured]) > 0:
            notes.remarks.append(EMPTY_WINDOW)
            continue
        notes.steps.append(f"window {centre:g}/{width:g} of the file")
        return look, film
    return None


def _by_table(table: Table) -> Look:
    greys = window(table.entries, 0, 2**table.bits - 1)
    inner = np.flatnonzero((greys > greys.min()) & (greys < greys.max()))
    first, last = (int(inner[0]), int(inner[-1])) if inner.size else (0, len(greys) - 1)
    nearest = Window(centre=table.start + (first + last) / 2, width=max(1, last - first))
    return Look(lambda values: window(table.look_up(values), 0, 2**table.bits - 1), nearest)


def _by_window(centre: float, width: float, function: str) -> Look:
    named = Window(centre=centre, width=width)
    if function == "SIGMOID":  # PS3.3, C.11.2.1.3.1

        def bend(values: NDArray[Any]) -> NDArray[np.uint8]:
            with np.errstate(over="ignore"):
                return window(1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width)), 0.0, 1.0)

        return Look(bend, named)
    exact = function == "LINEAR_EXACT" or width < 1
    if not exact:  # LINEAR, C.11.2.1.2.1: the window covers whole values
        centre, width = centre - 0.5, width - 1.0
    if width == 0:
        return Look(lambda values: np.where(values > centre, np.uint8(255), np.uint8(0)), named, exact)
    return Look(lambda values: window(values, centre - width / 2.0, centre + width / 2.0), named, exact)


def _stretched(
    values: NDArray[Any], measured: NDArray[np.bool_], bits: int, notes: Notes
) -> tuple[Look, NDArray[np.uint8]]:
    if bits in (1, 8) and values.dtype.kind == "u" and values.max() < 2**bits:  # made for the eye
        low, high = 0.0, 2.0**bits - 1
    else:
        notes.steps.append(STRETCHED)
        low, high = natural_range(values[measured])
    named = Window(centre=(low + high) / 2, width=high - low)
    look = Look(lambda levels: window(levels, low, high), named)
    return look, look.show(values)


def _low_is_white(header: pydicom.Dataset, notes: Notes) -> str:
    """Return what says that the film has to be turned so that bone is bright; empty where nothing does.

    MONOCHROME1 and the presentation LUT shape INVERSE each say so. IDENTITY beside MONOCHROME1 is a contradiction that
    the standard forbids (PS3.3, C.8.11.3): dcmtk believes the shape. Here MONOCHROME1 is believed: it is mandatory
    and what every viewer goes by, while devices are known that write IDENTITY into everything, so that believing the
    shape shows their films inverted (dcm4chee-arc-light, issue 3155, has an option against it).
    """
    low_is_white = text(header, "PhotometricInterpretation").upper() == "MONOCHROME1"
    shape = text(header, "PresentationLUTShape").upper()
    if low_is_white and shape == "IDENTITY":
        notes.remarks.append(ODD_POLARITY)
    if low_is_white:
        return "MONOCHROME1"
    return "PresentationLUTShape INVERSE" if shape == "INVERSE" else ""


def _table(item: pydicom.Dataset, descriptor: str, data: str) -> Table | None:
    """Read a lookup table; None where it is missing or makes no sense."""
    described = numbers(item, descriptor)
    if len(described) != 3:
        return None
    count, start, bits = (int(each) for each in described)
    count = count % 65536 or 65536  # 0 stands for 65,536; as signed, 40,000 is read as -25,536
    try:
        entries = _entries(item[data], count, little=bool(item.original_encoding[1]))
    except BROKEN_DICOM:
        return None
    if not entries.size:
        return None
    needed = max(8, int(entries.max()).bit_length())
    return Table(entries, start, 8 if needed == 8 else min(16, max(bits, needed)))


def _entries(element: pydicom.DataElement, count: int, *, little: bool) -> NDArray[Any]:
    """Return a table's entries: sixteen bits each, or eight where only so many bytes are there."""
    value = element.value
    if isinstance(value, bytes):
        words = np.frombuffer(value[: len(value) // 2 * 2], dtype="<u2" if little else ">u2")
    else:
        words = np.atleast_1d(np.asarray(value)).astype(np.int64).astype(np.uint16)
    if len(words) >= count or len(words) != (count + 1) // 2:
        return words[:count]
    return words.astype("<u2").view(np.uint8)[:count]
