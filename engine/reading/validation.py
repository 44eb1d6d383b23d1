"""What a verdict must satisfy before it is stored for good."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import chain

from engine.errors import ReviewError
from engine.language import _, listed, number, short_number
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
            _("The screen showed {shown!r} but this case is now predicted as {predicted!r}").format(
                shown=shown, predicted=predicted
            ),
            _("Reload the case and give the verdict again"),
        )
    reader = review.reader.strip()
    if not reader or len(reader) > LONGEST_NAME:
        raise ReviewError(
            _("A verdict needs the reader's name"),
            _("Enter your name or initials, up to {most} characters").format(most=short_number(LONGEST_NAME)),
        )
    check_text(review)
    check_label(review, predicted, classes)
    check_bounds(review)
    if not (math.isfinite(review.seconds) and review.seconds >= 0):
        raise ReviewError(
            _("The reading time is not a number of seconds"), _("Reload the case and try again")
        )
    if len(review.regions) > MOST_REGIONS:
        raise ReviewError(
            _("{regions} regions were drawn").format(regions=number(len(review.regions))),
            _("Keep {most_regions} or fewer on one case").format(most_regions=short_number(MOST_REGIONS)),
        )
    return replace(review, reader=reader, regions=tuple(clamped(region) for region in review.regions))


def check_text(review: Review) -> None:
    """Refuse a text that no database stores: half of a character, as a browser cuts an emoji, or a zero."""
    texts = {field.name: getattr(review, field.name) for field in fields(review)}
    texts |= {"label of a region": "".join(region.label for region in review.regions)}
    for name, text in texts.items():
        if isinstance(text, str) and ("\0" in text or HALF_CHARACTER.search(text)):
            raise ReviewError(
                _("The {field} holds a character that cannot be stored").format(field=name.replace("_", " ")),
                _("Type it again without it"),
            )


def check_bounds(review: Review) -> None:
    """Refuse an answer beyond the bounds that its field of `Review` states."""
    for field in fields(review):
        value, name = getattr(review, field.name), field.name.replace("_", " ")
        longest = field.metadata.get("longest")
        if longest is not None and len(value) > longest:
            raise ReviewError(
                _("The {name} has {value} characters").format(name=name, value=number(len(value))),
                _("Shorten it to {longest} or fewer").format(longest=number(longest)),
            )
        least, most = field.metadata.get("least"), field.metadata.get("most")
        if least is not None and most is not None and value is not None and not least <= value <= most:
            raise ReviewError(
                _("The {name} cannot be {value}").format(name=name, value=short_number(value)),
                _("Answer from {least} to {most}").format(least=short_number(least), most=short_number(most)),
            )


def check_label(review: Review, predicted: str, classes: Sequence[str]) -> None:
    """Refuse a verdict that its label contradicts."""
    match review.verdict:
        case Verdict.AGREE if review.label != predicted:
            raise ReviewError(
                _("The verdict agrees, but with {label!r} instead of the predicted {predicted!r}").format(
                    label=review.label, predicted=predicted
                ),
                _("Overrule to that class, or agree with the predicted one"),
            )
        case Verdict.OVERRULE if review.label is None:
            raise ReviewError(
                _("Overruling needs a class"), _("Choose one of: {names}").format(names=listed(classes))
            )
        case Verdict.OVERRULE if review.label not in classes:
            raise ReviewError(
                _("{label!r} is not a class of this run").format(label=review.label),
                _("Choose one of: {names}").format(names=listed(classes)),
            )
        case Verdict.OVERRULE if review.label == predicted:
            raise ReviewError(
                _("{predicted!r} is already the predicted class").format(predicted=predicted),
                _("Agree instead, or choose another class"),
            )
        case Verdict.UNSURE | Verdict.NOT_DIAGNOSTIC if review.label is not None:
            raise ReviewError(
                _("The verdict is {value!r} but names the class {label!r}").format(
                    value=review.verdict.value, label=review.label
                ),
                _("Leave the class out, or overrule to it"),
            )


def clamped(region: Region) -> Region:
    """Return a region with what hangs over the image's edge cut off.

    Raises:
        ReviewError: It is not made of numbers, nothing of it lies on the image, its label is too long, or its shape and
            its points do not go together.
    """
    sides = (region.x, region.y, region.width, region.height, *chain(*region.points))
    if not all(math.isfinite(side) for side in sides) or len(region.label) > LONGEST_NAME:
        raise ReviewError(_("A drawn region cannot be read"), _("Remove it and draw it again"))
    if region.shape not in SHAPES or (region.shape == "polygon") != bool(region.points):
        raise ReviewError(_("A drawn region has a shape that is not known"), _("Remove it and draw it again"))
    if region.shape == "polygon":
        return _within(region)
    left, right = (min(max(edge, 0.0), 1.0) for edge in (region.x, region.x + region.width))
    top, bottom = (min(max(edge, 0.0), 1.0) for edge in (region.y, region.y + region.height))
    if right <= left or bottom <= top:
        raise ReviewError(_("A drawn region lies outside the image"), _("Remove it and draw it again"))
    if (left, top) == (region.x, region.y) and region.x + region.width <= 1 and region.y + region.height <= 1:
        return region  # as drawn, to the last bit
    return replace(region, x=left, y=top, width=right - left, height=bottom - top)


def _within(region: Region) -> Region:
    """Return a polygon whose points lie on the image, with the box around them."""
    if not 3 <= len(region.points) <= MOST_POINTS:
        raise ReviewError(
            _("A polygon has {points} corners").format(points=number(len(region.points))),
            _("Draw it with 3 to {most_points} of them").format(most_points=number(MOST_POINTS)),
        )
    found = polygon([(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in region.points], region.label)
    if not (found.width and found.height):
        raise ReviewError(_("A drawn region lies outside the image"), _("Remove it and draw it again"))
    return found
