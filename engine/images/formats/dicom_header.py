"""A DICOM header asked so that no odd value stops a film: what is missing, empty or malformed counts as not said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

from engine.images.formats.refusals import BROKEN

BROKEN_DICOM = (*BROKEN, BytesLengthException, InvalidDicomError)


def text(header: pydicom.Dataset, tag: str) -> str:
    """Return an attribute's first value as text without blanks around it; "" where there is none."""
    value = first(header, tag)
    return "" if value is None else str(value).strip(" \0\t\r\n")


def number(header: pydicom.Dataset, tag: str) -> float | None:
    """Return an attribute's first value as a finite number; None where it is none."""
    value = numbers(header, tag)
    return value[0] if value else None


def numbers(header: pydicom.Dataset, tag: str) -> list[float]:
    """Return an attribute's values as finite numbers; none at all where one of them is not."""
    try:
        value = header.get(tag)
        values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        found = [float(str(each).replace(",", ".")) for each in values]
    except BROKEN_DICOM:
        return []
    return found if all(math.isfinite(each) for each in found) else []


def whole(header: pydicom.Dataset, tag: str) -> int | None:
    """Return an attribute's first value as an integer; None where it is none."""
    value = number(header, tag)
    return None if value is None or value != int(value) else int(value)


def said(header: pydicom.Dataset, tag: str) -> bool:
    """Tell whether an attribute has any value, sensible or not."""
    try:
        value = header.get(tag)
    except BROKEN_DICOM:
        return True
    return value is not None and str(value).strip() != ""


def items(header: pydicom.Dataset, tag: str) -> list[pydicom.Dataset]:
    """Return the items of a sequence; none where it is missing or malformed."""
    try:
        value = header.get(tag)
        return list(value) if isinstance(value, pydicom.Sequence) else []
    except BROKEN_DICOM:
        return []


def first(header: pydicom.Dataset, tag: str) -> Any:
    """Return an attribute's first value; None where it is missing, empty or malformed."""
    try:
        value = header.get(tag)
        if isinstance(value, MultiValue | pydicom.Sequence | list):
            return value[0] if len(value) else None
    except BROKEN_DICOM:
        return None
    return value


def places(header: pydicom.Dataset, macro: str) -> Iterator[pydicom.Dataset]:
    """Yield where an attribute may stand: the frame's functional groups, those all frames share, the header itself.

    Args:
        header: Of a single-frame image.
        macro: The functional group's sequence, e.g. "PixelValueTransformationSequence" (PS3.3, C.7.6.16.2).
    """
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in items(header, groups)[:1]:
            yield from items(group, macro)[:1]
    yield header
