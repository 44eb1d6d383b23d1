"""Promises of limitations: what figures do not show is said where it is so, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.records import Part, Split
from engine.report.limitations import limitations
from tests.engine.report.test_build import a_run, build, samples_of, some_cases


@pytest.mark.parametrize(("cases", "said"), [(0, False), (1, True), (99, True), (100, False)])
def test_figures_of_fewer_than_a_hundred_cases_are_said_to_be_imprecise(cases: int, said: bool) -> None:
    run = a_run()
    against = replace(build(run, some_cases(run)).against[0], cases=cases)
    spoken = " ".join(limitations(run, (), "test", [against], None, heatmaps=False, comments=False))
    assert ("imprecise" in spoken) == said
    assert (
        f"Only {cases} case{'' if cases == 1 else 's'} could be compared with the {against.name}" in spoken
    ) == said


def test_what_holds_of_every_report_is_said_in_every_report() -> None:
    run = a_run()
    spoken = " ".join(build(run, some_cases(run)).limitations)
    for said in (
        "one training, with seed 0",
        "proportion of each class is that of this collection",
        "burnt-in names",
    ):
        assert said in spoken


def test_what_no_heatmap_shows_is_said_where_there_are_heatmaps() -> None:
    run = a_run()
    assert any(
        "heatmap" in each for each in limitations(run, (), "test", (), None, heatmaps=True, comments=False)
    )
    assert not any(
        "heatmap" in each for each in limitations(run, (), "test", (), None, heatmaps=False, comments=False)
    )


def test_patients_that_nobody_named_are_a_limit() -> None:
    run = a_run()
    samples = tuple(
        type(each)(path=each.path, image_id=each.image_id, label=each.label, patient_id=each.image_id)
        for each in samples_of(some_cases(run))
    )
    unnamed = Split(
        train=samples[:20], val=samples[20:30], test=samples[30:], classes=run.classes, seed=0, method="x"
    )
    named = Split(train=(), val=(), test=samples_of(some_cases(run)), classes=run.classes, seed=0, method="x")
    with_, without = (
        " ".join(limitations(run, (), "test", (), split, heatmaps=False, comments=False))
        for split in (unnamed, named)
    )
    assert "No patient was named" in with_ and "No patient" not in without
    some = replace(unnamed, test=named.test[30:])
    (partly,) = (
        x
        for x in limitations(run, (), "test", (), some, heatmaps=False, comments=False)
        if "patient was named" in x
    )
    assert partly.startswith("A patient was named for 10 of 40 images, so every other image was taken as")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("test", "the same data set"),
        ("val", "of the validation part were used for tuning"),
        ("train", "of the training part were used for training"),
    ],
)
def test_what_the_part_cannot_show_is_said(part: Part, said: str) -> None:
    cases = [replace(each, part=part) for each in some_cases(a_run())]
    spoken = limitations(a_run(), cases, part, (), None, heatmaps=False, comments=False)[0]
    assert said in spoken and ("too optimistic" in spoken) == (part != "test")


def test_images_from_elsewhere_are_never_said_to_have_been_trained_on() -> None:
    cases = [replace(each, part=None) for each in some_cases(a_run())]
    spoken = " ".join(limitations(a_run(), cases, None, (), None, heatmaps=False, comments=False))
    assert "too optimistic" not in spoken and "used for" not in spoken
