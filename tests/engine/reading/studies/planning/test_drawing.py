"""Cases are drawn by the seed alone, in the shares that were asked for, and wrong advice is consistent with itself."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from engine.errors import ReviewError
from engine.reading.studies.planning.designs import DESIGNS, DesignName
from engine.reading.studies.planning.drawing import (
    LATER,
    Candidate,
    case_number,
    draw,
    mirrored,
    misled,
    order,
    position_of,
    positions_taken,
    shuffled,
    stratified,
)
from engine.reading.studies.planning.protocol import Drawn
from engine.records import margin_of


def films(normal: int, pneumonia: int, unlabelled: int = 0) -> list[Candidate]:
    labels = ["normal"] * normal + ["pneumonia"] * pneumonia + [None] * unlabelled
    return [
        Candidate(image_id=f"{n:04x}", label=label, part=("train", "test")[n % 2], predicted="normal")
        for n, label in enumerate(labels)
    ]


def drawn(candidates: list[Candidate], told: Drawn, seed: int = 0) -> list[str]:
    return draw(candidates, told, positive="pneumonia", seed=seed)[0]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10), st.data())
def test_a_stratified_sample_has_each_class_by_its_share_to_within_one_case(
    normal: int, pneumonia: int, unlabelled: int, data: st.DataObject
) -> None:
    candidates = films(normal, pneumonia, unlabelled)
    n = data.draw(st.integers(1, len(candidates)))
    chosen = set(drawn(candidates, Drawn(rule="random stratified", n=n)))
    assert len(chosen) == n
    counts = Counter(each.label for each in candidates if each.image_id in chosen)
    for label, there in Counter(each.label for each in candidates).items():
        assert abs(counts[label] - n * there / len(candidates)) < 1


@given(st.floats(0.05, 0.95), st.integers(2, 20))
def test_an_enriched_sample_has_the_prevalence_that_was_stated(prevalence: float, n: int) -> None:
    ids, told = draw(
        films(20, 20, 5), Drawn(rule="enriched", n=n, prevalence=prevalence), positive="pneumonia", seed=1
    )
    assert told.n == len(ids) == n and told.positives == round(n * prevalence)


@given(st.integers(0, 2**63 - 1), st.randoms())
def test_what_is_drawn_depends_on_the_seed_and_not_on_the_order_of_the_candidates(
    seed: int, shuffler: random.Random
) -> None:
    candidates = films(15, 10)
    mixed = candidates.copy()
    shuffler.shuffle(mixed)
    for told in (Drawn(rule="random stratified", n=9), Drawn(rule="enriched", n=8, prevalence=0.5)):
        assert drawn(candidates, told, seed) == drawn(mixed, told, seed)


def test_another_seed_draws_other_cases() -> None:
    samples = {tuple(drawn(films(50, 50), Drawn(rule="random stratified", n=20), seed)) for seed in range(10)}
    assert len(samples) == 10


def test_a_filter_takes_all_that_fit_and_says_so() -> None:
    ids, told = draw(
        films(4, 4), Drawn(rule="filter", parts=("test",), labels=("normal",)), positive="pneumonia", seed=0
    )
    assert ids == ["0001", "0003"] and (told.n, told.positives) == (2, 0)
    assert told.words == "all cases of part test, labelled normal"
    other = draw(films(4, 4), Drawn(rule="filter", parts=("train",)), positive="pneumonia", seed=0)[1]
    assert other.images != told.images and len(told.images) == 64


def test_cases_that_were_listed_and_are_not_there_are_said() -> None:
    with pytest.raises(ReviewError, match="1 of the cases that were listed are not there, such as 00ff"):
        draw(films(2, 2), Drawn(), positive="pneumonia", seed=0, listed=["0001", "00ff"])


def test_how_many_positives_there_are_is_not_known_where_a_label_is_missing() -> None:
    assert draw(films(3, 3, 1), Drawn(), positive="pneumonia", seed=0)[1].positives is None
    assert draw(films(3, 3), Drawn(), positive="", seed=0)[1].positives is None


# ---------------------------------------------------------------------------------------------------- orders


@given(st.sampled_from(list(DESIGNS)), st.integers(1, 20), st.integers(1, 20), st.integers(0, 5))
def test_cases_that_are_added_come_after_those_that_were_there(
    design: DesignName, first: int, second: int, place: int
) -> None:
    ids = [f"{n:04x}" for n in range(first + second)]
    before = order(design, ids[:first], reader_id="ada", place=place, seed=3)
    last: dict[str, int] = {}
    for _, arm, position in before:
        last[arm] = max(position, last.get(arm, -1))
    taken = positions_taken(design, last)  # type: ignore[arg-type]
    assert taken == first
    after = order(design, ids[first:], reader_id="ada", place=place, seed=3, after=taken)
    positions = [position for _, _, position in (*before, *after)]
    assert len(set(positions)) == len(positions)
    for arm, highest in last.items():
        assert all(position > highest for _, other, position in after if other == arm)


@given(st.sampled_from(list(DESIGNS)), st.integers(1, 9), st.integers(0, 3), st.integers(0, 20))
def test_a_case_has_one_number_in_every_arm_and_a_position_that_tells_it(
    design: DesignName, cases: int, place: int, after: int
) -> None:
    ids = [f"{n:04x}" for n in range(cases)]
    told = order(design, ids, reader_id="ada", place=place, seed=3, after=after)
    assert [at for *_, at in told] == sorted({at for *_, at in told}) and max(
        at for *_, at in told
    ) < LATER * 2
    numbers: dict[str, dict[str, int]] = {}
    for image, arm, position in told:
        number = numbers.setdefault(arm, {})[image] = case_number(design, position)
        assert position_of(design, arm, number) == position
    assert set(numbers) <= set(DESIGNS[design].arms)
    for arm, of in numbers.items():
        every = arm == DESIGNS[design].arms[-1] or design != "concurrent against second reader"
        assert len(of) == (cases if every else (cases + 1 - place % 2) // 2)
        assert set(of.values()) <= set(range(after, after + cases))
    if design not in ("wash-out",):
        assert len({at for of in numbers.values() for at in of.items()}) == cases


def test_cases_after_a_wash_out_come_in_another_order_and_far_behind() -> None:
    ids = [f"{n:04x}" for n in range(12)]
    told = order("wash-out", ids, reader_id="ada", place=0, seed=3)
    first, second = ([image for image, arm, _ in told if arm == each] for each in ("blind", "assisted"))
    assert first != second and sorted(first) == sorted(second) == ids
    assert [at for *_, at in told] == [*range(12), *range(LATER, LATER + 12)]


def test_halves_of_readers_who_follow_each_other_make_up_the_whole() -> None:
    ids = [f"{n:04x}" for n in range(9)]
    halves = [
        {image for image, arm, _ in order("concurrent against second reader", ids, reader_id=who, place=at, seed=1)
         if arm == "blind"}
        for at, who in enumerate("abc")
    ]  # fmt: skip
    assert halves[0] == halves[2] == set(ids) - halves[1] and len(halves[0]) == 5


def test_of_remainders_that_are_alike_the_first_class_by_its_name_is_rounded_up() -> None:
    cases = [Candidate(image_id=str(n), label=label) for n, label in enumerate("ccbbaa")]
    assert [each.label for each in stratified(cases, 1, 0, "cases")] == ["a"]
    assert sorted(str(each.label) for each in stratified(cases, 4, 0, "cases")) == ["a", "a", "b", "c"]


def test_an_order_is_the_readers_own_and_adding_a_case_moves_no_other() -> None:
    ids = [f"{n:04x}" for n in range(30)]
    orders = {tuple(shuffled(ids, 0, f"order of {who}")) for who in ("ada", "ben", "cleo")}
    assert len(orders) == 3
    more = shuffled([*ids, "ffff"], 0, "order of ada")
    assert [one for one in more if one != "ffff"] == shuffled(ids, 0, "order of ada")


# ---------------------------------------------------------------------------------------------- wrong advice


@given(st.floats(0.001, 0.999), st.floats(0.01, 0.99))
def test_of_two_classes_the_other_is_shown_as_far_beyond_the_operating_point(
    p: float, threshold: float
) -> None:
    classes, predicted = ("normal", "pneumonia"), "pneumonia" if p >= threshold else "normal"
    place = classes.index(predicted)
    margin = margin_of((1 - p, p), place, positive=1, threshold=threshold)
    shown, probabilities = mirrored((1 - p, p), classes, predicted, margin)
    assert shown == classes[1 - place] and sum(probabilities) == pytest.approx(1)
    if margin > 1e-9:
        assert ("pneumonia" if probabilities[1] >= threshold else "normal") == shown
    again = margin_of(probabilities, 1 - place, positive=1, threshold=threshold)
    assert again == pytest.approx(margin, abs=1e-6)
    assert mirrored(probabilities, classes, shown, margin)[1] == pytest.approx((1 - p, p))


@pytest.mark.parametrize(("pair", "said", "other"), [((1.0, 0.0), "a", "b"), ((0.0, 1.0), "b", "a")])
@pytest.mark.parametrize("margin", [0.5, 400.0, 5000.0])
def test_of_a_model_that_is_certain_the_other_class_is_shown_with_a_probability(
    pair: tuple[float, float], said: str, other: str, margin: float
) -> None:
    shown, (first, second) = mirrored(pair, ("a", "b"), said, margin)
    assert shown == other and 0 <= first <= 1 and first + second == pytest.approx(1)
    if margin > 350:
        assert (first, second) == pytest.approx((pair[1], pair[0]))
    else:
        assert (first, second) == pytest.approx(pair)


@pytest.mark.parametrize(("pair", "said", "other"), [((1.0, 0.0), "b", "a"), ((0.0, 1.0), "a", "b")])
def test_of_a_class_that_was_predicted_without_any_probability_the_other_is_shown(
    pair: tuple[float, float], said: str, other: str
) -> None:
    """As it is where the operating point is 0 or 1."""
    shown, probabilities = mirrored(pair, ("a", "b"), said, 5.0)
    assert shown == other and probabilities == pytest.approx(pair)


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=6))
def test_of_more_classes_the_next_one_changes_places_with_the_predicted(weights: list[float]) -> None:
    probabilities = tuple(each / sum(weights) for each in weights)
    classes = tuple("abcdef"[: len(weights)])
    predicted = classes[probabilities.index(max(probabilities))]
    shown, swapped = mirrored(probabilities, classes, predicted, 0.5)
    assert shown != predicted and sorted(swapped) == sorted(probabilities)
    assert swapped[classes.index(shown)] == max(probabilities)


@given(st.floats(0, 0.5), st.integers(0, 1000))
def test_wrong_advice_is_wrong_and_of_each_class_by_its_share(share: float, seed: int) -> None:
    right = [
        Candidate(image_id=f"{n:04x}", label=label, predicted=label)
        for n, label in enumerate(["normal"] * 30 + ["pneumonia"] * 20)
    ]
    wrong = [Candidate(image_id=f"w{n}", label="normal", predicted="pneumonia") for n in range(10)]
    chosen = misled([*right, *wrong], share, seed)
    assert len(chosen) == round(share * 60) and not any(one.startswith("w") for one in chosen)
    positives = sum(one >= f"{30:04x}" for one in chosen)
    assert abs(positives - len(chosen) * 0.4) < 1


def test_wrong_advice_where_the_model_is_seldom_right_is_refused() -> None:
    candidates = [Candidate(image_id=str(n), label="a", predicted="a" if n < 2 else "b") for n in range(10)]
    with pytest.raises(ReviewError, match="on 4 cases, but the model is right on 2 only"):
        misled(candidates, 0.4, 0)


@pytest.mark.parametrize(
    ("probabilities", "predicted", "shown", "swapped"),
    [
        ((0.5, 0.1, 0.4), "a", "c", (0.4, 0.1, 0.5)),
        ((0.5, 0.4, 0.1), "a", "b", (0.4, 0.5, 0.1)),
        ((0.25, 0.125, 0.5, 0.125), "c", "a", (0.5, 0.125, 0.25, 0.125)),
        (
            (0.4, 0.35, 0.25),
            "b",
            "a",
            (0.35, 0.4, 0.25),
        ),  # predicted by a rule of its own, and not the most probable
    ],
)
def test_of_more_classes_it_is_the_most_probable_of_the_others_that_is_shown(
    probabilities: tuple[float, ...], predicted: str, shown: str, swapped: tuple[float, ...]
) -> None:
    assert mirrored(probabilities, "abcd"[: len(probabilities)], predicted, 0.5) == (shown, swapped)


def test_who_was_given_nothing_has_taken_no_position_and_a_list_is_told_of() -> None:
    assert {positions_taken(design, {}) for design in DESIGNS} == {0}
    for listed in (None, ["0001", "0002"]):
        ids, told = draw(films(2, 2), Drawn(), positive="pneumonia", seed=0, listed=listed)
        assert (told.listed, ids, told.n) == (
            listed is not None,
            listed or ["0000", "0001", "0002", "0003"],
            len(ids),
        )
