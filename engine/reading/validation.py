"""What a verdict must satisfy before it is stored for good."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import chain

from engine.errors import ReviewError
from engine.reading.row_mapping import polygon
from engine.records import SHAPES, Region, Review, Verdict

LONGEST_NAME = 200
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
MOST_REGIONS = 200
MOST_POINTS = 2000


def checked(review: Review, *, predicted: str, classes: Sequence[str], shown: str | None = None) -> Review:
    """Return the review as it may be stored: reader trimmed, regions clamped to the image.

    Args:
        review: As it came from the screen.
        predicted: The class that the case is stored with.
        classes: Of the run.
        shown: The class that the screen said was predicted, if it said so.

    Raises:
        ReviewError: It contradicts itself or what was on the screen, or something is out of bounds.
    """
    if shown is not None and shown != predicted:
        raise ReviewError(
            f"The screen showed {shown!r} but this case is now predicted as {predicted!r}",
            "Reload the case and give the verdict again",
        )
    reader = review.reader.strip()
    if not reader or len(reader) > LONGEST_NAME:
        raise ReviewError(
            "A verdict needs the reader's name",
            f"Enter your name or initials, up to {LONGEST_NAME} characters",
        )
    check_text(review)
    check_label(review, predicted, classes)
    check_bounds(review)
    if not (math.isfinite(review.seconds) and review.seconds >= 0):
        raise ReviewError("The reading time is not a number of seconds", "Reload the case and try again")
    if len(review.regions) > MOST_REGIONS:
        raise ReviewError(
            f"{len(review.regions)} regions were drawn", f"Keep {MOST_REGIONS} or fewer on one case"
        )
    return replace(review, reader=reader, regions=tuple(clamped(region) for region in review.regions))


def check_text(review: Review) -> None:
    """Refuse a text that no database stores: half of a character, as a browser cuts an emoji, or a zero."""
    texts = {field.name: getattr(review, field.name) for field in fields(review)}
    texts |= {"label of a region": "".join(region.label for region in review.regions)}
    for name, text in texts.items():
        if isinstance(text, str) and ("\0" in text or HALF_CHARACTER.search(text)):
            raise ReviewError(
                f"The {name.replace('_', ' ')} holds a character that cannot be stored",
                "Type it again without it",
            )


def check_bounds(review: Review) -> None:
    """Refuse an answer beyond the bounds that its field of `Review` states."""
    for field in fields(review):
        value, name = getattr(review, field.name), field.name.replace("_", " ")
        longest = field.metadata.get("longest")
        if longest is not None and len(value) > longest:
            raise ReviewError(
                f"The {name} has {len(value):,} characters", f"Shorten it to {longest:,} or fewer"
            )
        least, most = field.metadata.get("least"), field.metadata.get("most")
        if least is not None and most is not None and value is not None and not least <= value <= most:
            raise ReviewError(f"The {name} cannot be {value:g}", f"Answer from {least:g} to {most:g}")


def check_label(review: Review, predicted: str, classes: Sequence[str]) -> None:
    """Refuse a verdict that its label contradicts."""
    match review.verdict:
        case Verdict.AGREE if review.label != predicted:
            raise ReviewError(
                f"The verdict agrees, but with {review.label!r} instead of the predicted {predicted!r}",
                "Overrule to that class, or agree with the predicted one",
            )
        case Verdict.OVERRULE if review.label is None:
            raise ReviewError("Overruling needs a class", f"Choose one of: {', '.join(classes)}")
        case Verdict.OVERRULE if review.label not in classes:
            raise ReviewError(
                f"{review.label!r} is not a class of this run", f"Choose one of: {', '.join(classes)}"
            )
        case Verdict.OVERRULE if review.label == predicted:
            raise ReviewError(
                f"{predicted!r} is already the predicted class", "Agree instead, or choose another class"
            )
        case Verdict.UNSURE | Verdict.NOT_DIAGNOSTIC if review.label is not None:
            raise ReviewError(
                f"The verdict is {review.verdict.value!r} but names the class {review.label!r}",
                "Leave the class out, or overrule to it",
            )


def clamped(region: Region) -> Region:
    """Return a region with what hangs over the image's edge cut off.

    Raises:
        ReviewError: It is not made of numbers, nothing of it lies on the image, its label is too long, or its shape and
            its points do not go together.
    """
    sides = (region.x, region.y, region.width, region.height, *chain(*region.points))
    if not all(math.isfinite(side) for side in sides) or len(region.label) > LONGEST_NAME:
        raise ReviewError("A drawn region cannot be read", "Remove it and draw it again")
    if region.shape not in SHAPES or (region.shape == "polygon") != bool(region.points):
        raise ReviewError("A drawn region has a shape that is not known", "Remove it and draw it again")
    if region.shape == "polygon":
        return _within(region)
    left, right = (min(max(edge, 0.0), 1.0) for edge in (region.x, region.x + region.width))
    top, bottom = (min(max(edge, 0.0), 1.0) for edge in (region.y, region.y + region.height))
    if right <= left or bottom <= top:
        raise ReviewError("A drawn region lies outside the image", "Remove it and draw it again")
    if (left, top) == (region.x, region.y) and region.x + region.width <= 1 and region.y + region.height <= 1:
        return region  # as drawn, to the last bit
    return replace(region, x=left, y=top, width=right - left, height=bottom - top)


def _within(region: Region) -> Region:
    """Return a polygon whose points lie on the image, with the box around them."""
    if not 3 <= len(region.points) <= MOST_POINTS:
        raise ReviewError(
            f"A polygon has {len(region.points):,} corners", f"Draw it with 3 to {MOST_POINTS:,} of them"
        )
    found = polygon([(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in region.points], region.label)
    if not (found.width and found.height):
        raise ReviewError("A drawn region lies outside the image", "Remove it and draw it again")
    return found
