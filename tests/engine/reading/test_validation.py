"""Promises of what may be stored: up to its bounds and not one beyond; what was drawn is kept to the last bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace

import pytest
from hypothesis import given, strategies as st

from engine.errors import ReviewError
from engine.reading.validation import (
    LONGEST_NAME,
    MOST_POINTS,
    MOST_REGIONS,
    check_bounds,
    check_text,
    checked,
    clamped,
)
from engine.records import Region, Review, Verdict

SAID = Review(run_id="r", image_id="i", reader="Ada", verdict=Verdict.AGREE, label="ill")
CLASSES = ("well", "ill")
WHOLE = Region(x=0, y=0, width=1, height=1)


def accepted(review: Review, **more: object) -> Review:
    return checked(review, predicted="ill", classes=CLASSES, **more)  # type: ignore[arg-type]


def test_what_says_all_it_should_is_stored_as_it_was_said() -> None:
    assert accepted(SAID) == accepted(SAID, shown="ill") == SAID
    for verdict, label in (
        (Verdict.OVERRULE, "well"),
        (Verdict.UNSURE, None),
        (Verdict.NOT_DIAGNOSTIC, None),
    ):
        said = replace(SAID, verdict=verdict, label=label)
        assert accepted(said) == said


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("label", [None, "well", "ill", "elsewhere"])
def test_a_verdict_and_its_class_go_together_or_the_reason_is_said(
    verdict: Verdict, label: str | None
) -> None:
    fits, why = {
        Verdict.AGREE: ("ill", {label: "instead of the predicted 'ill'"}),
        Verdict.OVERRULE: (
            "well",
            {
                None: "Overruling needs a class",
                "ill": "already the predicted",
                "elsewhere": "is not a class of this run",
            },
        ),
    }.get(verdict, (None, {label: f"is '{verdict.value}' but names the class"}))
    said = replace(SAID, verdict=verdict, label=label)
    if label == fits:
        assert accepted(said) == said
    else:
        with pytest.raises(ReviewError, match=why[label]):
            accepted(said)


def test_what_the_screen_did_not_show_is_not_agreed_with() -> None:
    with pytest.raises(ReviewError, match="The screen showed 'well' but this case is now predicted as 'ill'"):
        accepted(SAID, shown="well")


TEXTS = [each.name for each in fields(Review) if isinstance(getattr(SAID, each.name), str)]


@pytest.mark.parametrize("name", [*TEXTS, "label", "label of a region"])
@pytest.mark.parametrize("text", ["a\0b", "a\ud83d", "\udc00"])
def test_half_a_character_and_a_zero_are_refused_in_every_text(name: str, text: str) -> None:
    held = {"regions": (replace(WHOLE, label=text),)} if name == "label of a region" else {name: text}
    with pytest.raises(ReviewError, match=f"The {name.replace('_', ' ')} holds a character that cannot be"):
        check_text(replace(SAID, **held))  # type: ignore[arg-type]
    check_text(replace(SAID, comment="\U0001f600"))  # a whole one


LONGEST = {each.name: each.metadata["longest"] for each in fields(Review) if "longest" in each.metadata}


@pytest.mark.parametrize("name", LONGEST)
def test_a_text_may_have_as_many_characters_as_its_field_says(name: str) -> None:
    most = LONGEST[name]
    assert getattr(accepted(replace(SAID, **{name: "x" * most})), name) == "x" * most  # type: ignore[arg-type]
    with pytest.raises(ReviewError, match=f"{most + 1:,} characters. Shorten it to {most:,} or fewer"):
        accepted(replace(SAID, **{name: "x" * (most + 1)}))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Surer(Review):
    """A review with a number, as docs/contributing.md adds one."""

    sure_of_it: float | None = field(default=None, metadata={"least": 1, "most": 5})
    unbounded: float | None = field(default=None, metadata={"least": 1})


@pytest.mark.parametrize(("sure", "said"), [(0.999, "0.999"), (5.5, "5.5"), (-3, "-3")])
def test_a_number_may_be_what_its_field_says_or_left_unanswered(sure: float, said: str) -> None:
    asked = Surer(**{each.name: getattr(SAID, each.name) for each in fields(Review)})
    for right in (None, 1, 3, 5):
        check_bounds(replace(asked, sure_of_it=right, unbounded=0))
    with pytest.raises(ReviewError, match=f"The sure of it cannot be {said}. Answer from 1 to 5"):
        check_bounds(replace(asked, sure_of_it=sure))


def test_a_name_of_the_longest_and_regions_of_the_largest_number_are_stored() -> None:
    longest = "x" * LONGEST_NAME
    assert accepted(replace(SAID, reader=f"  {longest}\n")).reader == longest
    most = (replace(WHOLE, label=longest),) * MOST_REGIONS
    assert accepted(replace(SAID, regions=most)).regions == most
    for wrong in (
        replace(SAID, reader=longest + "x"),
        replace(SAID, regions=(*most, WHOLE)),
        replace(SAID, regions=(replace(WHOLE, label=longest + "x"),)),
    ):
        with pytest.raises(ReviewError):
            accepted(wrong)


@pytest.mark.parametrize("seconds", [0.0, 1e6])
def test_any_time_that_is_none_below_nought_is_a_reading_time(seconds: float) -> None:
    assert accepted(replace(SAID, seconds=seconds)).seconds == seconds


@pytest.mark.parametrize("seconds", [-1e-9, math.nan, math.inf, -math.inf])
def test_what_is_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ReviewError, match="reading time"):
        accepted(replace(SAID, seconds=seconds))


sides = st.floats(-2, 2, allow_subnormal=False)


@given(sides, sides, st.floats(0, 3), st.floats(0, 3))
def test_a_region_is_the_part_of_it_that_lies_on_the_image(
    x: float, y: float, width: float, height: float
) -> None:
    drawn = Region(x=x, y=y, width=width, height=height, label="nodule")
    left, right = max(x, 0.0), min(x + width, 1.0)
    top, bottom = max(y, 0.0), min(y + height, 1.0)
    if right <= left or bottom <= top:
        with pytest.raises(ReviewError, match="outside the image"):
            clamped(drawn)
        return
    kept = clamped(drawn)
    assert (kept.x, kept.y, kept.label) == (left, top, "nodule")
    assert kept.x + kept.width == pytest.approx(right) and kept.y + kept.height == pytest.approx(bottom)
    if x >= 0 and y >= 0 and x + width <= 1 and y + height <= 1:
        assert kept == drawn


@pytest.mark.parametrize("side", ["x", "y", "width", "height"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_side_that_is_no_number_is_refused(side: str, value: float) -> None:
    with pytest.raises(ReviewError, match="cannot be read"):
        clamped(replace(WHOLE, **{side: value}))  # type: ignore[arg-type]


corners = st.tuples(st.floats(-2, 2, allow_subnormal=False), st.floats(-2, 2, allow_subnormal=False))


@given(st.lists(corners, min_size=3, max_size=6))
def test_the_corners_of_a_polygon_that_lie_off_the_image_are_put_on_its_edge(
    points: list[tuple[float, float]],
) -> None:
    drawn = replace(WHOLE, shape="polygon", points=tuple(points))
    on = [tuple(min(max(side, 0.0), 1.0) for side in point) for point in points]
    (left, top), (right, bottom) = (tuple(map(pick, zip(*on, strict=True))) for pick in (min, max))
    if left == right or top == bottom:
        with pytest.raises(ReviewError, match="outside the image"):
            clamped(drawn)
        return
    kept = clamped(drawn)
    assert list(kept.points) == on
    assert (kept.x, kept.y) == (left, top)
    assert (kept.x + kept.width, kept.y + kept.height) == pytest.approx((right, bottom))


@pytest.mark.parametrize(
    ("corners_", "kept"), [(2, False), (3, True), (MOST_POINTS, True), (MOST_POINTS + 1, False)]
)
def test_a_polygon_has_from_three_corners_to_two_thousand(corners_: int, kept: bool) -> None:
    points = tuple((at / (corners_ - 1), (at % 2) / 2) for at in range(corners_))
    drawn = replace(WHOLE, shape="polygon", points=points, label="nodule")
    if kept:
        assert clamped(drawn).points == points and clamped(drawn).label == "nodule"
    else:
        with pytest.raises(ReviewError, match=f"A polygon has {corners_:,} corners"):
            clamped(drawn)


@pytest.mark.parametrize(
    "change", [{"shape": "polygon"}, {"shape": "star"}, {"points": ((0, 0), (0, 1), (1, 1))}]
)
def test_a_shape_without_its_points_and_points_without_their_shape_are_refused(
    change: dict[str, object],
) -> None:
    with pytest.raises(ReviewError, match="shape that is not known"):
        clamped(replace(WHOLE, **change))  # type: ignore[arg-type]
