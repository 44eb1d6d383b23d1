"""Promises of the checklists: numbers as published, answers with the run's own numbers, and nothing claimed that the
report does not show."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ReportError
from engine.records import PARTS, Estimate, Phase, Split, Supplied, Verdict
from engine.report.checklists.items import CHECKLISTS, checklist_of, item_of, sharing
from engine.report.checklists.kept import FILE, keep_answer, kept_answers
from engine.report.checklists.records import AnsweredItem
from engine.report.exports.numbers import render_json
from engine.report.exports.tables import tables_of
from engine.report.records import Report
from engine.report.run_answers.subjects import SUBJECTS, with_checklists
from engine.report.study.answers import SUBJECTS as STUDY_SUBJECTS
from tests.engine.report.test_build import a_run, build, page_of, review, samples_of, some_cases
from tests.engine.report.test_snapshots import passport, situations
from tests.snapshots import hold_against

ROWS = {"claim2024": 44, "stard2015": 34, "stardai2025": 48, "tripodai2024": 52}
"""As the publications count them."""


def answers(report: Report) -> dict[tuple[str, str], AnsweredItem]:
    return {
        (one.checklist.name, each.item.number): each
        for one in with_checklists(report).checklists
        for each in one.items
    }


def said(item: AnsweredItem) -> str:
    return " ".join(one.text for one in item.said)


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_checklist_has_the_rows_it_was_published_with(name: str) -> None:
    made = checklist_of(name)
    numbers = [item.number for item in made.items]
    assert len(numbers) == len(set(numbers)) == ROWS[name]
    whole = [int(re.match(r"\d+", number)[0]) for number in numbers]  # type: ignore[index]
    assert whole == sorted(whole) and set(whole) == set(range(1, max(whole) + 1))
    assert made.doi.startswith("10.") and made.sure and all(item.asks and item.part for item in made.items)
    known = {*SUBJECTS, *STUDY_SUBJECTS}
    assert not {subject for item in made.items for subject in item.by} - known - {"robustness"}


def test_an_item_asks_something_of_somebody() -> None:
    for name in CHECKLISTS:
        for item in checklist_of(name).items:
            assert item.by or item.left, (name, item.number)


def test_stard_ai_keeps_the_items_of_2015_under_its_own_numbers() -> None:
    """Sounderajah et al. 2025: 14 new rows and 4 that were changed; the other 30 are those of 2015."""
    made = checklist_of("stardai2025")
    kinds = Counter(
        "new" if i.kind == "new" else "changed" if "changed" in i.kind else "kept" for i in made.items
    )
    assert kinds == {"new": 14, "changed": 4, "kept": 30}
    assert item_of("stardai2025", "16b").key == item_of("stard2015", "11").key
    assert item_of("stardai2025", "30").asks == item_of("stard2015", "23").asks


def test_a_live_checklist_is_never_claimed_and_a_strange_one_is_refused() -> None:
    with pytest.raises(ReportError, match="live clinical use"):
        checklist_of("decide-ai")
    with pytest.raises(ReportError, match="no checklist “prisma”"):
        checklist_of("prisma")
    with pytest.raises(ReportError, match="has no item “45”"):
        item_of("claim2024", "45")
    report = with_checklists(build(a_run(), some_cases(a_run())))
    assert "this report does not claim it" in page_of(report)
    assert "DECIDE-AI" in json.loads(render_json(report))["checklists"]["not_claimed"]


# ------------------------------------------------------------------------------------------------------ answers


def rich() -> Report:
    """A report that has every section."""
    run = a_run()
    cases = some_cases(run)
    samples = samples_of(cases, {"sex": "f"}, {"sex": "m"})
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=3, method="60/20/20 by patient")
    reviews = [review(each, Verdict.AGREE, reader=reader) for each in cases for reader in "AB"]
    reviews += [review(cases[0], Verdict.OVERRULE, "normal", reader="B")]
    known = Estimate(value=0.5, low=0.4, high=0.6, method="Wilson", n=40)
    return build(run, cases, reviews=reviews, split=split, pointing=known, passports=[(passport(), "")])


def bare() -> Report:
    """A report of cases without a label that nobody has read."""
    run = a_run()
    return build(run, [replace(each, label=None) for each in some_cases(run)])


@pytest.mark.parametrize("make", [rich, bare])
def test_a_link_leads_to_a_part_of_the_page_that_is_there(make: object) -> None:
    page = page_of(with_checklists(make()))  # type: ignore[operator]
    there = set(re.findall(r'<section id="([^"]+)"', page)) | set(re.findall(r'<h3 id="([^"]+)"', page))
    wanted = set(re.findall(r'<a href="#([^"]+)"', page))
    assert wanted and wanted <= there


def test_what_a_report_does_not_hold_stays_open() -> None:
    full, empty = answers(rich()), answers(bare())
    for place in (
        ("claim2024", "37"),
        ("stard2015", "23"),
        ("stard2015", "24"),
        ("claim2024", "18"),
        ("claim2024", "31"),
    ):
        assert not full[place].open and full[place].said, place
        assert empty[place].open and not empty[place].said, place
    assert "subgroups" in {one.anchor for one in full["claim2024", "37"].said}
    assert empty["claim2024", "18"].left.startswith("Have two readers read the same cases")


def test_answers_are_the_runs_own_numbers() -> None:
    run = a_run()
    phases = (Phase(name="a", epochs=1), Phase(name="b", epochs=1, monitor="val_auc"))
    run = replace(run, recipe=replace(run.recipe, phases=phases))  # type: ignore[arg-type, type-var]
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
    found = answers(build(run, some_cases(run), split=split))
    how = said(found["claim2024", "19"])
    for part, size in zip(("training", "validation", "test"), (24, 11, 5), strict=True):
        assert f"{part} {size} image" in how and f"of {size} patients" in how
    assert "seed 7" in how and len(PARTS) == 3
    assert said(found["claim2024", "26"]) == "The best epoch on validation data by loss, AUROC."
    assert said(found["claim2024", "22"]) == "tiny with 1,000 parameters; recipe “tiny”."
    assert said(found["claim2024", "24"]) == "weights.pth."
    assert "normal" in said(found["tripodai2024", "21"]) and "40 cases against the labels" in said(
        found["stard2015", "19"]
    )
    assert answers(build(run, some_cases(run)))["claim2024", "20"].open


def test_the_checklists_give_no_path_away() -> None:
    report = with_checklists(build(a_run(), some_cases(a_run()), software={"torch": "/home/jane/torch"}))
    assert "jane" not in render_json(report) and "jane" not in page_of(report)


# ------------------------------------------------------------------------------------------------- what people write


def test_what_is_written_is_kept_with_who_and_when_and_closes_every_item_that_asks_the_same(
    tmp_path: Path,
) -> None:
    report = rich()
    report = replace(report, run=replace(report.run, folder=tmp_path))
    funding = item_of("claim2024", "44")
    assert set(sharing(funding.key)) >= {
        "CLAIM 2024 item 44",
        "STARD 2015 item 30",
        "TRIPOD+AI 2024 item 18a",
    }
    assert answers(report)["stard2015", "30"].open
    keep_answer(tmp_path, funding.key, "None.", "Ada")
    keep_answer(tmp_path, funding.key, "A foundation, <b>without</b> a say.", "Béla")
    found = answers(report)["stard2015", "30"]
    assert next((one.text, one.by) for one in found.written) == ("None.", "Ada") and not found.open
    page = page_of(with_checklists(report))
    assert (
        "A foundation, &lt;b&gt;without&lt;/b&gt; a say." in page
        and "Béla" in page
        and ">None.</span>" not in page
    )
    row = next(
        row
        for row in tables_of(with_checklists(report))["checklists"]
        if row["checklist"] == "CLAIM 2024" and row["item"] == "item 44"
    )
    assert row["by"] == "Béla" and row["open"] == ""
    keep_answer(tmp_path, funding.key, "", "Ada")
    assert answers(report)["stard2015", "30"].open and len(kept_answers(tmp_path)) == 3


def test_a_text_does_not_close_what_the_report_answers_whole_and_a_damaged_file_is_said(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE).write_text("{]", encoding="utf-8")
    report = replace(rich(), run=replace(a_run(), folder=tmp_path))
    made = with_checklists(report)
    assert made.checklists and any("cannot be read" in line for line in made.limitations)
    assert str(tmp_path) not in render_json(made)
    with pytest.raises(ReportError, match="damaged"):
        keep_answer(tmp_path, "funding", "None.", "Ada")
    assert (tmp_path / FILE).read_text(encoding="utf-8") == "{]"  # nothing is lost


def test_only_the_chosen_checklists_are_in_the_report() -> None:
    made = with_checklists(rich(), ["stard2015"])
    assert [one.checklist.name for one in made.checklists] == ["stard2015"]
    assert "CLAIM 2024" not in page_of(made) and "STARD 2015" in page_of(made)


def supplied() -> Report:
    """A report of predictions that came as a table."""
    origin = Supplied(
        model="Vendor X", version="2.1", file="t.csv", sha256="a" * 64, content="b" * 64, remarks=("As read",)
    )
    run = replace(a_run(), recipe=None, supplied=origin)
    return build(run, some_cases(run))


ANSWERED: dict[str, Callable[[], Report]] = {
    "every section": rich,
    "no label and no reader": bare,
    "supplied predictions": supplied,
    **{
        name: situations()[name]
        for name in (
            "tested elsewhere",
            "unsure and not diagnostic",
            "maps and readers were measured",
            "one case",
        )
    },
}


@pytest.mark.parametrize("name", ANSWERED)
def test_each_subject_is_answered_as_a_person_has_read(name: str) -> None:
    report = ANSWERED[name]()
    lines = [
        f"{subject}: {told.says(report)}".rstrip()
        for subject, told in SUBJECTS.items()
        if subject != "software"
    ]
    for line in lines:
        subject, _, said = line.partition(":")
        assert said == "" or said.endswith("."), f"{subject}: what follows it runs into its last sentence"
        assert ": (" not in said, f"{subject}: a colon before a bracket"
    hold_against(Path(__file__).parent / "snapshots" / f"{name}.txt", lines)
