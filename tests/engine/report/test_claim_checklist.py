"""Promises of the checklist: what the workspace knows is answered with its own numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.records import PARTS, Estimate, Phase, Split, Verdict
from engine.report.claim_checklist import checklist, of_evaluation, of_results, of_split
from engine.report.records import Item
from tests.engine.report.test_build import a_run, build, review, samples_of, some_cases
from tests.engine.report.test_snapshots import passport


def test_each_part_is_told_with_its_own_size() -> None:
    run = a_run()
    samples = tuple(
        replace(each, patient_id=f"patient {number}")
        for number, each in enumerate(samples_of(some_cases(run)))
    )
    split = Split(
        train=samples[:24],
        val=samples[24:35],
        test=samples[35:],
        classes=run.classes,
        seed=7,
        method="by patient",
    )
    how = next(item.answer for item in of_split(split) if "split" in item.question)
    for part, size in (("training", 24), ("validation", 11), ("test", 5)):
        assert f"{part} {size} " in how and f"of {size} patients" in how
    assert "seed 7" in how


def answers(items: tuple[Item, ...]) -> dict[str, str]:
    return {item.question: item.answer for item in items}


def test_without_a_split_the_question_stays_open_and_with_one_it_does_not() -> None:
    assert answers(of_split(None))["How were data split?"] == ""
    assert [item.open for item in of_split(None)[:2]] == ["State it.", "State it."]
    run = a_run()
    split = Split(train=(), val=(), test=samples_of(some_cases(run)), classes=run.classes, seed=3, method="m")
    assert [item.open for item in of_split(split)[:2]] == ["", ""]


@pytest.mark.parametrize("part", [*PARTS, None])
def test_the_cases_are_counted_with_the_part_they_are_of(part: str | None) -> None:
    said = answers(of_results(part, 1234, wrong=True))["How many cases were evaluated?"]  # type: ignore[arg-type]
    names = {"train": "of the training part", "val": "of the validation part", "test": "of the test part"}
    assert said == f"1,234 cases{' ' + names[part] if part else ', whatever part of the split they are of'}."


def test_heatmaps_are_validated_where_they_were_held_against_findings() -> None:
    known = Estimate(value=0.5, low=0.4, high=0.6, method="Wilson", n=40)
    robust, explained = of_evaluation(("grad-cam", "rise"), known, True)[1:3]
    assert explained.answer == (
        "grad-cam, rise. The peak lay on the known finding (hit rate .500, 95% interval .400–.600)."
    )
    assert explained.open == "" and robust.answer == "Figures by subgroup are given."
    for tried, left in (
        (passport(), ""),
        (replace(passport(), figures=()), "Compare heatmaps with drawn findings."),
    ):
        explained = of_evaluation(("grad-cam",), None, False, tried)[2]
        assert explained.answer.startswith("grad-cam. On validation images: This map follows the model: ")
        assert explained.open == left
    robust, explained = of_evaluation((), None, False)[1:3]
    assert (explained.answer, explained.open) == ("", "Compare heatmaps with drawn findings.")
    assert robust.answer == ""


def test_readers_and_the_choice_of_the_model_are_told() -> None:
    run = a_run()
    phases = (
        Phase(name="a", epochs=1),
        Phase(name="b", epochs=1, monitor="val_auc"),
        Phase(name="c", epochs=1),
    )
    run = replace(run, recipe=replace(run.recipe, phases=phases))
    cases = some_cases(run)
    reviews = [review(each, Verdict.AGREE, reader=reader) for each in cases for reader in "AB"]
    reviews += [review(cases[0], Verdict.OVERRULE, "normal", reader="B")]
    report = build(run, cases, reviews=reviews)
    said = answers(report.checklist)
    assert said["How was the final model chosen?"].startswith(
        "The best epoch on validation data by loss, AUROC."
    )
    assert said["Who read the cases, with what training?"].startswith("2 readers read cases")
    assert said["How far do readers agree?"].startswith("Between readers (kappa .9")
    assert said["What is the model?"] == "tiny with 1,000 parameters; recipe “tiny”."
    assert said["How were weights initialised?"] == "weights.pth."
    assert said["How many cases were evaluated?"] == "40 cases of the test part."
    alone = answers(build(run, cases).checklist)
    assert alone["Who read the cases, with what training?"] == alone["How far do readers agree?"] == ""
    todo = {item.question: item.open for item in build(run, cases).checklist}
    assert todo["How far do readers agree?"].startswith("Have two readers read the same cases")


def test_every_item_is_answered_or_says_what_is_left_to_do() -> None:
    run = a_run()
    for item in build(run, some_cases(run)).checklist:
        assert item.question.endswith("?") and (item.answer or item.open), item.question


def test_the_checklist_gives_no_path_away() -> None:
    run = a_run()
    items = checklist(
        run, part="test", cases=(), split=None, reviews=build(run, some_cases(run)).reviews, methods=(),
        pointing=None, software={"torch": "/home/jane/torch"}, subgroups=False, wrong=False,
    )  # fmt: skip
    assert not [item for item in items if "jane" in item.answer]
