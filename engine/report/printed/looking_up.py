"""A printed number looked up by its id: are the values at its place in report.json what is printed?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.language import unitless
from engine.report.formatting import figure, p_value, probability
from engine.report.paper.directions import MINUS
from engine.report.printed.records import SHARE

SUM = "sum"


def bare(text: str) -> str:
    """Return a text without brackets, spaces and what turns the direction of writing, which differ by format."""
    return re.sub(r"[()]", "", _close(text)).lstrip("'")


def _close(text: str) -> str:
    return re.sub(r"[\s\u2066-\u2069\u200e\u200f]", "", text).replace(MINUS, "-")


def value_at(at: str, document: Any) -> Any:
    """Return what a JSON Pointer leads to (RFC 6901).

    Raises:
        LookupError: Nothing stands there.
        ValueError: It names no place of a list.
        TypeError: It leads through what has no places.
    """
    for part in at.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def tells(entry: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Return whether what is printed are the numbers at its place, in their order.

    Args:
        entry: Of `numbers` in report.json.
        document: All of it.
    """
    try:
        values = [value_at(str(at), document) for at in entry["at"]]
        printed, method = _close(str(entry["printed"])), str(entry["method"])
        if method == SHARE:
            share = float(values[0]) / float(values[1])
            return printed in (f"{share:.1%}", f"{share:.0%}")
        if method.startswith(SUM):
            values = [sum(values)]
        return bool(values) and _in_order(values, printed, int(entry["decimals"]))
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return False


def _in_order(values: list[Any], printed: str, decimals: int) -> bool:
    start = 0
    for value in values:
        places = [
            (printed.index(form, start), form) for form in _forms(value, decimals) if form in printed[start:]
        ]
        if not places:
            return False
        at, form = min(places, key=lambda place: (place[0], -len(place[1])))
        start = at + len(form)
    return True


def _forms(value: Any, decimals: int) -> list[str]:
    """Return how a value may be printed."""
    if value is None:
        return ["∞"]
    if isinstance(value, str):
        text = _close(value).rstrip(".")
        return [text, text[:1].upper() + text[1:]]
    if isinstance(value, int):
        return [f"{value:,}"]
    forms = (
        figure(value, decimals),
        p_value(value),
        f"{value:,.0f}",
        probability(value),
        unitless(value),
        f"{value:g}",
    )
    return [_close(form) for form in forms]
