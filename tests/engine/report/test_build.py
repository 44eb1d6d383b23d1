"""A report counts what it should, keeps reference standards apart, gives nobody away and survives hostile names."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import ReportError, WorkspaceError
from engine.recipes.builtin import RECIPES
from engine.records import (
    Augmentation,
    Balance,
    Calibration,
    Conformal,
    Epoch,
    Estimate,
    Explanation,
    Injection,
    Part,
    Passport,
    Prediction,
    Recipe,
    Review,
    Robustness,
    Run,
    Sample,
    Split,
    Uncertainty,
    UncertaintyModel,
    Verdict,
)
from engine.report.build import ExportedReport, build_report, export_report
from engine.report.exports.html import render_html
from engine.report.exports.tables import tables_of
from engine.report.formatting import case_ids, figure, interval, p_value, without_paths
from engine.report.records import Report
from engine.report.standards.reference_standards import reviewed_labels
from engine.storage import storage_error

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def png(mode: str) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (6, 4), 90).save(stream, "PNG")
    return stream.getvalue()


FILM, HEAT = png("L"), png("RGBA")


def a_run(classes: tuple[str, ...] = ("normal", "opacity")) -> Run:
    recipe = Recipe(name="tiny", title="A tiny recipe", source="ours", backbone="tiny")
    return Run(
        run_id="20260101-120000-abcd", folder=Path("/home/jane/secret/runs/x"), dataset_id="0123456789ab",
        dataset_name="films", recipe=recipe, classes=classes, positive=classes[-1], threshold=0.5,
        calibration=Calibration(), weights_source="/home/jane/secret/weights.pth", device="cpu", created=NOON,
        seconds=65, parameters=1000, trained_parameters=10,
    )  # fmt: skip


def case(number: int, label: str | None, p: tuple[float, ...], run: Run, part: Part = "test") -> Prediction:
    return Prediction(
        image_id=f"{number:08x}" + "0" * 56, path=Path(f"/home/jane/secret/DOE_JOHN_{number}.png"), label=label,
        patient_id=f"DOE^JOHN^{number // 2}", part=part, probabilities=p,
        predicted=run.classes[int(np.argmax(p))], entropy=0.1,
    )  # fmt: skip


def samples_of(cases: Sequence[Prediction], *meta: dict[str, str]) -> tuple[Sample, ...]:
    """Return the samples that were predicted, with the columns of a table, taken in turn."""
    return tuple(
        Sample(
            path=each.path,
            image_id=each.image_id,
            label=each.label,
            patient_id=each.patient_id,
            meta=meta[number % len(meta)] if meta else {},
        )
        for number, each in enumerate(cases)
    )


def some_cases(run: Run, n: int = 40) -> list[Prediction]:
    """Every fifth film is of the finding; the model misses film 5 and overcalls films 1 and 2."""
    found = []
    for number in range(n):
        ill = number % 5 == 0
        p = 0.9 - number / 200 if ill else 0.1 + number / 200
        found.append(case(number, run.classes[int(ill)], (1 - p, p), run))
    for number, p in ((5, 0.2), (1, 0.7), (2, 0.6)):
        found[number] = case(number, found[number].label, (1 - p, p), run)
    return found


def review(
    prediction: Prediction,
    verdict: Verdict,
    label: str | None = None,
    *,
    reader: str = "A",
    **more: Any,
) -> Review:
    more.setdefault("label_seen", False)
    return Review(
        run_id="20260101-120000-abcd", image_id=prediction.image_id, reader=reader, verdict=verdict,
        label=prediction.predicted if verdict is Verdict.AGREE else label, seconds=6.0,
        created=NOON, **more,
    )  # fmt: skip


def build(run: Run, predictions: list[Prediction], **more: object) -> Report:
    more.setdefault("history", ())
    return build_report(run, predictions, **more)  # type: ignore[arg-type]


def page_of(report: Report) -> str:
    return render_html(report, picture=lambda _: FILM, heatmap=lambda _: HEAT)


# ------------------------------------------------------------------------------------------ reference standards


def test_the_report_says_whether_the_model_knows_when_it_errs() -> None:
    run = a_run()
    cases = [
        replace(each, entropy=0.6 if number in (1, 2, 5) else 0.1, conformal_set=run.classes if number in (1, 2) else
                (each.predicted,))
        for number, each in enumerate(some_cases(run))
    ]  # fmt: skip
    given = build(run, cases).against[0].estimates
    assert given["AUROC of entropy for errors"].value == 1
    held = {name: given[f"conformal sets that contain {name} where it is present"] for name in run.classes}
    assert sum(each.n for each in held.values()) == 40
    assert (
        sum(each.value * each.n for each in held.values()) == 39
    )  # film 5 is missed and its set holds one class
    assert given["conformal sets of one class"].value == 38 / 40
    bare = build(run, some_cases(run)).against[0].estimates
    assert "conformal sets of one class" not in bare


def test_the_two_reference_standards_are_counted_apart() -> None:
    run = a_run()
    cases = some_cases(run)
    reviews = [review(each, Verdict.AGREE) for each in cases[:4]]
    reviews += [review(cases[5], Verdict.OVERRULE, "opacity")]
    given, reviewed = build(run, cases, reviews=reviews).against
    assert (given.name, given.cases) == ("labels that came with the data", 40)
    assert (reviewed.name, reviewed.cases, reviewed.of) == ("reviewed labels", 5, 40)
    # Given labels: films 1 and 2 overcalled, film 5 missed.
    assert given.confusion.tolist() == [[30, 2], [1, 7]]
    # The reader agreed with both overcalls: there they count as right. Film 5 was overruled: still a miss.
    assert reviewed.confusion.tolist() == [[1, 0], [1, 3]]
    assert given.estimates["sensitivity"].value == 7 / 8
    assert math.isnan(reviewed.estimates["sensitivity"].value), "nobody knows how these five were drawn"
    assert reviewed.estimates["sensitivity"].method == "3 of 4 cases read"
    assert "Of 8 images with opacity, 7 were classified as opacity (sensitivity .875" in given.sentences[0]
    assert "counts of the 5 cases read, not figures for all 40" in reviewed.sampling
    assert reviewed.note == "counts only"


def test_no_reader_is_said_to_have_read_where_none_has() -> None:
    given, reviewed = build(a_run(), some_cases(a_run())).against
    assert (reviewed.cases, reviewed.caution) == (0, "")
    assert "Readers saw" not in page_of(build(a_run(), some_cases(a_run())))
    assert given.caution


def test_the_last_word_of_a_reader_counts_and_the_undecided_are_left_out_and_counted() -> None:
    run = a_run()
    cases = some_cases(run)
    reviews = [
        review(cases[0], Verdict.OVERRULE, "normal", review_id=8),
        review(cases[0], Verdict.AGREE, review_id=3),  # stands later, was stored earlier
        review(cases[1], Verdict.AGREE),
        review(cases[1], Verdict.UNSURE),
        review(cases[2], Verdict.NOT_DIAGNOSTIC),
        review(cases[3], Verdict.AGREE, reader="A"),
        review(cases[3], Verdict.OVERRULE, "opacity", reader="B"),
        review(cases[4], Verdict.AGREE, reader="A"),
        review(cases[4], Verdict.OVERRULE, "opacity", reader="B"),
        review(cases[4], Verdict.OVERRULE, "opacity", reader="C"),
        review(cases[6], Verdict.UNSURE, reader="A"),
        review(cases[6], Verdict.AGREE, reader="B"),
    ]
    found = reviewed_labels(run, cases, reviews)
    ids = [each.image_id for each in cases]
    assert found.answers == {ids[0]: "normal", ids[4]: "opacity", ids[6]: "normal"}
    assert found.excluded == {
        "unsure": 1,
        "not diagnostic": 1,
        "readers disagree, no majority": 1,
        "not reviewed": 34,
    }


def test_cases_without_a_label_or_with_a_strange_one_are_left_out_and_counted() -> None:
    run = a_run()
    cases = [*some_cases(run), case(90, None, (0.2, 0.8), run), case(91, "fracture", (0.9, 0.1), run)]
    given = build(run, cases).against[0]
    assert given.cases == 40
    assert given.excluded == {
        "no label came with the data": 1,
        "the label is not one of the model's classes": 1,
    }


def test_what_readers_did_is_summed_up() -> None:
    run = a_run()
    cases = some_cases(run)
    reviews = [review(each, Verdict.AGREE, reader=reader) for each in cases[:10] for reader in "AB"]
    reviews += [review(cases[0], Verdict.OVERRULE, "normal", reader="B")]
    did = build(run, cases, reviews=reviews).reviews
    assert (did.readers, did.cases, did.seconds) == (2, 10, 6.0)
    assert did.verdicts == {"agree": 19, "overrule": 1, "unsure": 0, "not diagnostic": 0}
    # Film 0 has no majority; of the other nine, readers agreed with the errors on films 1, 2 and 5.
    assert (did.differing, did.comparable) == (3, 9)
    (kappa,) = did.agreement
    assert kappa.name == "kappa" and 0 < kappa.estimate.value < 1 and kappa.estimate.n == 10


def test_a_stray_reader_of_two_cases_neither_raises_nor_erases_the_agreement_of_the_others() -> None:
    run = a_run()
    cases = some_cases(run)
    reviews = [review(each, Verdict.AGREE, reader="A") for each in cases]
    reviews += [
        review(
            each,
            Verdict.AGREE if place % 5 else Verdict.OVERRULE,
            None if place % 5 else other_of(run, each),
            reader="B",
        )
        for place, each in enumerate(cases)
    ]
    (before,) = build(run, cases, reviews=reviews).reviews.agreement
    stray = [review(each, Verdict.AGREE, reader="C") for each in cases[1:3]]
    together, *pairs = build(run, cases, reviews=[*reviews, *stray]).reviews.agreement
    assert together.name == "Krippendorff's alpha"
    assert together.estimate.value == pytest.approx(before.estimate.value, abs=0.1)
    assert [(each.name, each.estimate.n) for each in pairs] == [
        ("kappa of A and B", len(cases)),
        ("kappa of A and C", 2),
        ("kappa of B and C", 2),
    ]


def other_of(run: Run, one: Prediction) -> str:
    return next(name for name in run.classes if name != one.predicted)


# ------------------------------------------------------------------------------------------ which cases, which part


def test_only_the_chosen_part_is_reported_on() -> None:
    run = a_run()
    cases = some_cases(run) + [case(100 + i, "opacity", (0.9, 0.1), run, "val") for i in range(10)]
    assert build(run, cases).against[0].cases == 40
    assert build(run, cases, part="val").against[0].estimates["sensitivity"].value == 0
    everything = build(run, cases, part=None)
    assert everything.against[0].cases == 50
    assert "too optimistic" in everything.limitations[0]


def test_no_prediction_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ReportError, match=r"no predictions of the train part.*Let the run predict first"):
        build(a_run(), some_cases(a_run()), part="train")


def test_predictions_of_another_run_and_predictions_that_are_no_numbers_are_refused() -> None:
    run = a_run()
    with pytest.raises(ReportError, match="not of run"):
        build(run, [case(1, "a", (0.2, 0.3, 0.5), a_run(("a", "b", "c")))])
    broken = replace(some_cases(run)[0], probabilities=(math.nan, math.nan))
    with pytest.raises(ReportError, match="smaller learning rate"):
        build(run, [broken])


def test_wrong_cases_come_first_where_the_model_was_surest() -> None:
    report = build(a_run(), some_cases(a_run()))
    assert [each.case_id for each in report.galleries[0].wrong] == ["c00000005", "c00000001", "c00000002"]
    assert len(report.galleries[0].right) == min(24, report.galleries[0].right_of)
    sure = [max(each.probabilities) for each in report.galleries[0].right]
    assert sure == sorted(sure, reverse=True)


def test_more_errors_than_a_page_shows_are_drawn_by_a_seed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    every = build(a_run(), some_cases(a_run())).galleries[0].wrong
    monkeypatch.setattr("engine.report.build.MOST_WRONG", 2)
    drawn = build(a_run(), some_cases(a_run()))
    one = drawn.galleries[0]
    assert (len(one.wrong), one.wrong_of) == (2, len(every)) == (2, 3)
    assert [each for each in every if each in one.wrong] == list(one.wrong), "in their order"
    assert build(a_run(), some_cases(a_run())).galleries[0] == one, "the same ones again"
    assert "(2 of 3 shown, drawn at random with the seed 0)" in page_of(drawn)


def test_a_case_that_only_the_reader_contradicts_is_shown_as_wrong_by_the_reader_alone() -> None:
    run = a_run()
    cases = some_cases(run)
    report = build(
        run, cases, reviews=[review(cases[7], Verdict.OVERRULE, "opacity", comment="behind the heart")]
    )
    given, reviewed = report.galleries
    assert [each.case_id for each in reviewed.wrong] == ["c00000007"], "the only case that the reader read"
    assert "c00000007" not in [each.case_id for each in given.wrong], "standards are never mixed"
    assert "behind the heart" in page_of(report)


def test_case_numbers_grow_until_they_tell_cases_apart() -> None:
    ids = ["abcdef0123" + "0" * 54, "abcdef0199" + "0" * 54]
    assert set(case_ids(ids).values()) == {"cabcdef0123", "cabcdef0199"}


# ------------------------------------------------------------------------------------------ too little to say


@pytest.mark.parametrize("classes", [("normal", "opacity"), ("a", "b", "c")])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_class_or_a_single_film_gives_a_report_that_says_what_cannot_be_said(
    classes: tuple[str, ...], n: int, tmp_path: Path
) -> None:
    run = a_run(classes)
    p = (0.8, *([0.2 / (len(classes) - 1)] * (len(classes) - 1)))
    report = build(run, [case(i, classes[0], p, run) for i in range(n)])
    given, reviewed = report.against
    assert given.estimates["accuracy"].value == 1
    assert given.estimates["AUROC"].method.startswith("cannot be estimated because")
    assert reviewed.cases == 0 and "No result can be given" in reviewed.sentences[0]
    exported = export_report(report, tmp_path, picture=lambda _: None, heatmap=lambda _: None)
    assert "cannot be estimated because" in exported["html"]["report"].read_text(encoding="utf-8")


def test_uncertainty_is_told_with_how_it_was_found(tmp_path: Path) -> None:
    run = a_run()
    told = Uncertainty(variance=0.004, mutual_information=0.01, passes=20, rate=0.1, scale=2.25, mean=0.62)
    sure = case(0, "normal", (0.6, 0.4), run)
    report = build(
        run,
        [replace(sure, uncertainty=told, conformal_set=("normal",)), case(1, "normal", (0.7, 0.3), run)],
        uncertainty=UncertaintyModel(
            injection=Injection(
                rate=0.1, passes=20, scale=2.25, likelihoods=((0.05, 0.31), (0.1, 0.3), (0.2, 0.33))
            ),
            conformal=Conformal(method="lac", coverage=0.95, thresholds=(0.8,), cases=412),
        ),
    )
    facts = {fact.name: fact.value for fact in report.facts}
    assert "20 passes with dropout at .1" in facts["Uncertainty"] and ".05, .1, .2" in facts["Uncertainty"]
    assert "95% of cases like the 412 validation cases" in facts["Conformal sets"]
    exported = export_report(report, tmp_path, picture=lambda _: None, heatmap=lambda _: None)
    first, second = json.loads(exported["json"]["report"].read_text(encoding="utf-8"))["cases"]
    assert first["uncertainty"] == {
        "variance": 0.004, "mutual_information": 0.01, "passes": 20, "rate": 0.1, "scale": 2.25, "mean": 0.62,
    }  # fmt: skip
    assert second["uncertainty"] is None
    rows = tables_of(report)["cases"]
    assert (rows[0]["mean over passes"], rows[1]["mean over passes"]) == (0.62, None)


def test_what_was_done_to_unequal_classes_is_told_to_the_last_copy() -> None:
    run = a_run(("a", "b", "c"))
    balance = Balance(method="duplicate-augmented", target=("b", "c"), augmentation=Augmentation(rotation=30))
    restored = Calibration(bias=(1.0, 0.0, -1.0))
    run = replace(run, recipe=replace(run.recipe, balance=balance), calibration=restored)
    rare = replace(case(0, "a", (0.5, 0.3, 0.2), run), predicted="c")
    told = {fact.name: fact.value for fact in build(run, [rare]).facts}
    assert told["Unequal classes"] == "duplicate augmented: b, c"
    weighed = replace(run.recipe, balance=replace(balance, method="class-weights"))  # which reads no target
    weighed_facts = build(replace(run, recipe=weighed), [case(0, "a", (0.5, 0.3, 0.2), run)]).facts
    assert {fact.name: fact.value for fact in weighed_facts}["Unequal classes"] == "class weights"
    assert told["Augmentation"] == "copies only: rotation ±30°; training images only"
    assert "balanced as in training" in told["Predicted class"]
    turned = replace(run.recipe, augmentation=Augmentation(horizontal_flip=True), operating_point="half")
    run = replace(run, recipe=turned)
    told = {fact.name: fact.value for fact in build(run, [case(0, "a", (0.5, 0.3, 0.2), run)]).facts}
    assert told["Augmentation"] == "left-right flip; copies: rotation ±30°; training images only"
    assert told["Predicted class"] == "the most probable class"


def test_every_phase_is_told_with_what_was_frozen_in_it() -> None:
    run = replace(a_run(), recipe=RECIPES["default"])
    told = {fact.name: fact.value for fact in build(run, [case(0, run.classes[0], (0.7, 0.3), run)]).facts}
    assert told["Phase “head”"].startswith("at most 30 epochs of head; adamw, learning rate .003")
    assert told["Phase “fine-tune”"].startswith(
        "at most 4 epochs of last 6, batch norm of the backbone frozen; adamw, learning rate .0001 (cosine)"
    )


def test_three_classes_are_reported_one_against_the_rest() -> None:
    run = a_run(("a", "b", "c"))
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    p = rng.dirichlet(np.ones(3), size=60) * 0.5 + 0.5 * np.eye(3)[truth]
    report = build(run, [case(i, "abc"[truth[i]], tuple(map(float, p[i])), run) for i in range(60)])
    given = report.against[0]
    assert report.positive is None and set(given.roc) == {"a", "b", "c"}
    assert "sensitivity" not in given.estimates and 0.9 < given.estimates["AUROC"].value <= 1
    assert "a probability of" not in page_of(report).split("</header>")[0]


# ------------------------------------------------------------------------------------------ written out


class Tags(HTMLParser):
    """Collects tags, ids and addresses, and checks that tags are closed in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(page: str) -> list[tuple[str, dict[str, str]]]:
    parser = Tags()
    parser.feed(page)
    assert not parser.open
    return parser.seen


@pytest.fixture(scope="module")
def hostile() -> Report:
    """Every text that somebody else typed is an attack."""
    run = replace(a_run(("normal", EVIL)), dataset_name=EVIL)
    cases = some_cases(run)
    reviews = [
        review(
            cases[5],
            Verdict.OVERRULE,
            EVIL,
            reader=f"<img src=x onerror=alert(1)>{EVIL}",
            comment='=HYPERLINK("http://x")',
        )
    ]
    samples = samples_of(cases, *({EVIL: each.label or ""} for each in cases))
    history = [
        Epoch(number=i, phase=EVIL, train_loss=1 / i, val_loss=math.nan, val_accuracy=0.5, val_auc=0.6,
              learning_rate=1e-3, seconds=1, images_per_second=9, best=i == 2)
        for i in (1, 2, 3)
    ]  # fmt: skip
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method=EVIL)
    heat = {
        each.image_id: Explanation(
            image_id=each.image_id, heatmap=np.zeros((2, 2), np.float32), target="x", method=EVIL
        )
        for each in cases
    }
    pointing = Estimate(
        value=math.nan, low=math.nan, high=math.nan, method="cannot be estimated because", n=0
    )
    return build(
        run,
        cases,
        history=history,
        reviews=reviews,
        split=split,
        explanations=heat,
        pointing=pointing,
        prevalence=0.1,
    )


@pytest.fixture(scope="module")
def hostile_page(hostile: Report) -> str:
    return page_of(hostile)


@pytest.fixture(scope="module")
def exported(hostile: Report, tmp_path_factory: pytest.TempPathFactory) -> ExportedReport:
    return export_report(
        hostile, tmp_path_factory.mktemp("out"), picture=lambda _: FILM, heatmap=lambda _: HEAT
    )


def test_hostile_names_and_comments_are_text_on_the_page(hostile_page: str) -> None:
    seen = tags_of(hostile_page)
    assert not [tag for tag, _ in seen if tag in ("script", "iframe", "object", "link")]
    assert not [name for _, attributes in seen for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)" in hostile_page and "&lt;img src=x" in hostile_page


def test_the_page_needs_nothing_but_itself(hostile_page: str) -> None:
    for tag, attributes in tags_of(hostile_page):
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:image/")), (tag, address)
    assert "@import" not in hostile_page and "default-src 'none'" in hostile_page


def test_the_page_can_be_read_aloud(hostile_page: str) -> None:
    seen = tags_of(hostile_page)
    levels = [int(tag[1]) for tag, _ in seen if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("alt" in attributes for tag, attributes in seen if tag == "img")
    assert all(attributes.get("aria-label") for tag, attributes in seen if tag == "svg")
    assert all("scope" in attributes for tag, attributes in seen if tag == "th")
    ids = [attributes["id"] for _, attributes in seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for tag, attributes in seen if tag == "a"} <= set(ids)


def test_no_file_gives_away_a_path_or_a_patient(exported: ExportedReport) -> None:
    secrets = ("jane", "secret", "DOE", "JOHN", "/home")
    written = {path.name: path.read_bytes() for files in exported.values() for path in files.values()}
    with zipfile.ZipFile(io.BytesIO(written.pop("bundle.zip"))) as packed:
        bundle = {name: packed.read(name) for name in packed.namelist()}
    for name, data in (written | bundle).items():
        for secret in secrets:
            assert secret.encode() not in data, (name, secret)
    for name, data in written.items():  # a whole digest would tell who has the image that it was used
        assert b"0" * 40 not in data, name


def test_json_holds_every_number_and_null_where_there_is_none(exported: ExportedReport) -> None:

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads(exported["json"]["report"].read_text(encoding="utf-8"), parse_constant=refuse)
    given = document["against"][0]
    assert given["estimates"]["sensitivity"]["value"] == 7 / 8
    assert given["confusion"] == [[30, 2], [1, 7]]
    assert document["history"][0]["val_loss"] is None
    assert document["pointing_game"]["value"] is None
    assert len(document["cases"]) == 40 and "c00000005" in [each["case"] for each in document["cases"]]


def test_tables_open_in_a_spreadsheet_without_running_anything(exported: ExportedReport) -> None:
    assert set(exported["csv"]) == {
        "estimates", "by_patient", "classification", "confusion", "cases", "roc", "history", "numbers", "dictionary"
    }  # fmt: skip
    for path in exported["csv"].values():
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row):
            assert not re.match(r"\s*[=+@\t\r]", cell)
            assert not cell.startswith("-") or float(cell) <= 0
    with exported["csv"]["cases"].open(newline="", encoding="utf-8-sig") as stream:
        cases = {row["case"]: row for row in csv.DictReader(stream)}
    assert cases["c00000005"]["comment"] == '\'=HYPERLINK("http://x")'
    assert cases["c00000005"]["verdict"] == "overrule" and cases["c00000005"]["label"] == EVIL
    assert float(cases["c00000005"][f"probability of {EVIL}"]) == 0.2


def test_a_film_that_is_gone_leaves_a_report_without_it(hostile: Report, tmp_path: Path) -> None:
    exported = export_report(hostile, tmp_path, picture=lambda _: None, heatmap=lambda _: None)
    assert "data:image" not in exported["html"]["report"].read_text(encoding="utf-8").split("<body>")[1]


def test_a_folder_that_cannot_be_made_is_a_sentence(hostile: Report, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(WorkspaceError, match="is not a folder"):
        export_report(hostile, blocked / "out", picture=lambda _: None, heatmap=lambda _: None)
    assert isinstance(storage_error(PermissionError(13, "denied"), blocked), WorkspaceError)


def test_the_same_predictions_give_the_same_numbers() -> None:
    first, second = (build(a_run(), some_cases(a_run())) for _ in range(2))
    assert first.against[0].estimates == second.against[0].estimates


def test_subgroups_are_reported_where_the_data_name_them(hostile: Report) -> None:
    assert {(row.column, row.value, row.cases) for row in hostile.subgroups} == {
        (EVIL, EVIL, 8),
        (EVIL, "normal", 32),
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("10", "9", "2"), ["2", "9", "10"]),
        (("0.5", "0.25", "-5"), ["-5", "0.25", "0.5"]),
        (("10", "(not given)", "9"), ["9", "10", "(not given)"]),
        (("10", "b", "a"), ["10", "a", "b"]),
    ],
)
def test_subgroups_stand_in_counting_order(given: tuple[str, ...], told: list[str]) -> None:
    run = a_run()
    cases = some_cases(run)
    side = samples_of(cases, *({"readers": value} for value in given))
    split = Split(train=(), val=(), test=side, classes=run.classes, seed=1, method="at random")
    assert [row.value for row in build(run, cases, split=split).subgroups] == told


def test_patients_that_nobody_named_are_counted_nowhere(tmp_path: Path) -> None:
    run = a_run()
    cases = [replace(each, patient_id=each.image_id) for each in some_cases(run)]
    side = samples_of(cases)
    split = Split(train=side[:20], val=(), test=side[20:], classes=run.classes, seed=1, method="at random")
    report = build(run, cases, split=split)
    page = page_of(report)
    assert "40 images, patients not named in the data" in page and not re.search(r"\d patients", page)
    exported = export_report(report, tmp_path, picture=lambda _: None, heatmap=lambda _: None)
    told = json.loads(exported["json"]["report"].read_text(encoding="utf-8"))
    assert told["patients"] is None
    assert told["patients_by_part"] == {"training": None, "test": None}, "validation is empty and has no row"


def test_a_patient_in_two_parts_is_said() -> None:
    run = a_run()
    cases = some_cases(run)
    side = samples_of(cases)
    split = Split(train=side[:21], val=(), test=side[21:], classes=run.classes, seed=1, method="at random")
    assert "1 patient in more than one part" in page_of(build(run, cases, split=split))


# ------------------------------------------------------------------------------------------ wording


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9444, ".944"), (1, "1.000"), (-0.12, "-.120"), (-0.0001, ".000"), (12.5, "12.500"), (math.nan, "–")],
)
def test_figures_are_written_as_journals_do(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "< .001"), (0.00099, "< .001"), (0.058, ".058"), (1.0, "1.000"), (np.nan, "–")]
)
def test_no_p_value_is_nought(value: float, text: str) -> None:
    assert p_value(value) == text


def test_an_interval_with_a_negative_bound_is_not_written_with_a_dash() -> None:
    assert interval(Estimate(value=0, low=-0.1, high=0.25, method="", n=1)) == "-.100 to .250"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/jane doe/w/lite0.pth (Apache-2.0)", "lite0.pth (Apache-2.0)"),
        ("C:\\Users\\jane\\w.pth", "w.pth"),
        ("file:///home/jane/w.pth", "w.pth"),
        ("https://huggingface.co/timm/x", "https://huggingface.co/timm/x"),
        ("60/20/20, and/or doi:10.1148/ryai.240300", "60/20/20, and/or doi:10.1148/ryai.240300"),
    ],
)
def test_paths_lose_their_folders_and_addresses_do_not(text: str, kept: str) -> None:
    assert without_paths(text) == kept


def test_the_gallery_of_right_cases_holds_none_that_nobody_answered() -> None:
    run = a_run()
    answered = some_cases(run)
    unanswered = [case(200 + number, None, (0.01, 0.99), run) for number in range(30)]
    report = build(run, [*answered, *unanswered])
    shown = {each.image_id for each in (*report.galleries[0].right, *report.galleries[0].wrong)}
    assert shown and not shown & {each.image_id for each in unanswered}


def test_what_was_measured_of_a_run_stands_in_its_report_as_it_was_given() -> None:
    run = a_run()
    hit = Estimate(value=0.5, low=0.2, high=0.8, method="counted", n=8)
    shaken = Robustness(images=8, of=9, size=32, seed=1, seconds=2.0, figures={"AUROC": hit}, steps=())
    passport = Passport(
        method="hires-cam", settings=None, images=8, of=9, seed=1, seconds=2.0, figures=(), reasons={}
    )
    passports = ((None, "not measured"), (passport, ""))
    given = {"pointing": hit, "robustness": shaken, "passports": passports}
    report = build(run, some_cases(run), further_limitations=("One more.",), **given)
    assert {name: getattr(report, name) for name in given} == given
    assert report.limitations[-1] == "One more."
    bare = build(run, some_cases(run))
    assert (bare.pointing, bare.robustness, bare.passports) == (None, None, ())


def test_a_report_is_computed_without_what_trains(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from benchmarks.synthetic import synthetic_predictions, synthetic_run
from engine.report.build import build_report
assert build_report(synthetic_run(Path(sys.argv[1])), synthetic_predictions(60), history=()).against[0].cases
print(sorted({"torch", "timm", "openvino", "matplotlib"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]"], "they take three times the memory of a report of 100,000 cases"
