"""What a report says in odd situations, as text that a person has read.

`snapshots/no reader.txt` is a whole report; every other file holds what its situation says otherwise: lines that come
(+) and lines that go (-). tests/snapshots.py says how to renew them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data import patients_named, unit_words
from engine.reading import random_place
from engine.records import (
    Compared,
    Conformal,
    Disturbed,
    Epoch,
    Estimate,
    Explanation,
    ExternalTest,
    Injection,
    MapFigure,
    OperatingFigures,
    Part,
    Passport,
    Phase,
    Prediction,
    Retuned,
    Review,
    Robustness,
    Run,
    SetShift,
    ShiftModel,
    Split,
    UncertaintyModel,
    Verdict,
)
from engine.report.drawn_records import MarkedByReaders, Operating, ReaderPoint
from engine.report.elsewhere.images import Abroad, with_elsewhere
from engine.report.records import Report
from engine.statistics import inestimable
from engine.uncertainty import shift_words
from tests.engine.report.test_build import a_run, build, case, page_of, review, samples_of, some_cases
from tests.snapshots import differences, hold_against, lines_of_html

CARD = r"(no heatmap )?(Case|Image|Predicted|Probability|Label|Reviewed): |\[image: Image of|no heatmap"
FOLDER = Path(__file__).parent / "snapshots"
PLAIN = "no reader"
CLASSES = ("normal", "opacity")
SHARE = Estimate(value=0.9, low=0.6, high=0.98, method="Wilson", n=10, patients=8)
NAN = math.nan
VALIDATED = OperatingFigures(sensitivity=SHARE, specificity=replace(SHARE, value=0.8, low=0.5, high=0.95))


def lines_of(page: str) -> list[str]:
    page = re.sub(r"written \d{4}-\d\d-\d\d \d\d:\d\d UTC", "written TODAY", page)
    return [line for line in lines_of_html(page) if not re.match(CARD, line)]


def told(run: Run | None = None, cases: Sequence[Prediction] | None = None, **more: Any) -> Report:
    run = run or replace(a_run(), validated=VALIDATED)
    run = replace(run, recipe=replace(run.recipe, phases=(Phase(name="all", epochs=1),)))
    cases = list(some_cases(run) if cases is None else cases)
    more.setdefault("software", {"overread": "1"})
    more.setdefault("history", [Epoch(
        number=1, phase="all", train_loss=1.0, val_loss=1.0, val_accuracy=0.5, val_auc=0.5, learning_rate=0.1,
        seconds=1.0, images_per_second=1.0, best=True,
    )])  # fmt: skip
    more.setdefault("split", Split(
        train=(), val=(), test=samples_of(cases), classes=run.classes, seed=1,
        method=f"60/20/20 {unit_words(patients_named(cases))}",
    ))  # fmt: skip
    abroad = more.pop("abroad", None)
    report = build(run, cases, **more)
    if abroad is None:
        return report
    return with_elsewhere(report, cases, more.get("reviews", ()), abroad, more.get("uncertainty"))


KNOWN = ShiftModel(
    centres=np.zeros((5, 2)),
    axes=np.zeros((5, 1, 2)),
    threshold=1.0,
    image_ids=tuple(map(str, range(50))),
    patients=tuple(map(str, range(50))),
    distances=np.linspace(0.4, 1.03, 50),
)


def external_test(run: Run) -> ExternalTest:
    """A test as it may be kept, of round numbers."""
    compared = {
        name: Compared(
            name=name, internal=replace(SHARE, value=0.9), external=replace(SHARE, value=0.7),
            difference=replace(SHARE, value=-0.2, low=-0.4, high=0.02),
        )
        for name in ("AUROC", "sensitivity", "specificity", "Brier score")
    }  # fmt: skip
    return ExternalTest(
        run_id=run.run_id, trained_on=run.dataset_name, classes=run.classes, positive=run.positive, threshold=0.5,
        dataset_id="0123456789ab", dataset_name="other hospital", tested=datetime(2026, 2, 3, tzinfo=UTC), images=10,
        patients_named=10, patients=8, internal_images=40, same={"Healthy": "normal"},
        left_out={"labelled “effusion”, which is none of the classes": 2}, remarks=(),
        figures=tuple(compared.values()), confusion=((5, 1), (1, 3)),
        retuned=Retuned(
            threshold=0.3, at_threshold={"sensitivity": SHARE}, calibration={"Brier score": SHARE}, folds=5
        ),
        shift=SetShift(images=10, differing=SHARE, p_value=0.0005),
        shift_words=shift_words(SetShift(images=10, differing=SHARE, p_value=0.0005), coverage=0.95),
    )  # fmt: skip


def drawn(cases: Sequence[Prediction], count: int) -> list[Prediction]:
    return sorted(cases, key=lambda one: random_place(a_run().run_id, one.image_id))[:count]


def agree(cases: Sequence[Prediction], queue: str = "all", reader: str = "A", **more: Any) -> list[Review]:
    return [review(one, Verdict.AGREE, reader=reader, queue=queue, drawn="in order", **more) for one in cases]


def errors_of(cases: Sequence[Prediction]) -> list[Prediction]:
    return [one for one in cases if one.label != one.predicted]


def overrule(cases: Sequence[Prediction], queue: str = "errors", reader: str = "A") -> list[Review]:
    return [
        review(
            one, Verdict.OVERRULE, next(name for name in CLASSES if name != one.predicted), reader=reader, queue=queue,
            drawn="in order",
        )
        for one in cases
    ]  # fmt: skip


def heat(cases: Sequence[Prediction], target: str | None = None) -> dict[str, Explanation]:
    return {
        one.image_id: Explanation(
            image_id=one.image_id,
            heatmap=np.zeros((2, 2), np.float32),
            target=target or one.predicted,
            method="layercam",
        )
        for one in cases
    }


def unnamed(cases: Sequence[Prediction], keep: int = 0) -> list[Prediction]:
    return [one if n < keep else replace(one, patient_id=one.image_id) for n, one in enumerate(cases)]


def answered(
    run: Run, answer: Callable[[int], int], n: int = 20, part: Part | None = "test"
) -> list[Prediction]:
    """Cases whose label is that of the number, and which are predicted as `answer` says."""
    size = len(run.classes)
    return [
        case(
            number, run.classes[number % size],
            tuple(0.8 if place == answer(number) % size else 0.2 / (size - 1) for place in range(size)), run, part,  # type: ignore[arg-type]
        )
        for number in range(n)
    ]  # fmt: skip


def fitted(*thresholds: float) -> UncertaintyModel:
    return UncertaintyModel(
        injection=Injection(rate=0.1, likelihoods=((0.1, 0.3),)),
        conformal=Conformal(
            method="lac",
            coverage=0.95,
            thresholds=thresholds,
            cases=40,
            patients_by_class=(30,) + (10,) * (len(thresholds) - 1),
        ),
    )


def passport(*, few: bool = False, **changed: tuple[float, float, float]) -> Passport:
    """Return the passport of maps that pass; `changed` are value and bounds by the name of a figure."""
    kinds = {
        "head": (0.08, 0.02, 0.21, 24, 0.71), "half": (0.05, 0.01, 0.18, 24, 0.71), "network": (0.03, 0, 0.1, 24, 0.71),
        "deletion": (0.84375, 0.54, 0.96, 16, 0.5), "insertion": (0.9375, 0.6, 0.99, 16, 0.5),
        "pointing": (0.9, 0.7, 0.97, 20, 0.5), "inside": (0.31, 0.24, 0.4, 20, 0.05),
    }  # fmt: skip
    figures = []
    for name, (*usual, n, limit) in kinds.items():
        value, low, high = changed.get(name, usual)
        rests = {"n": 4, "patients": 3} if few else {"n": n, "patients": 9, "effective_n": 11.0}
        estimate = Estimate(value=value, low=low, high=high, method="Wilson, by patient", **rests)  # type: ignore[arg-type]
        figures.append(MapFigure(name=name, estimate=estimate, limit=limit))
    return Passport(
        method="two-scale-cam",
        settings=None,
        images=60,
        of=81,
        seed=0,
        seconds=6.1,
        figures=tuple(figures),
        reasons={"outside": "no body stands out"},
    )


def measured(report: Report, pointing: Estimate = SHARE, *, few: bool = False) -> Report:
    """Return a report with what else may have been measured: the pointing game, readers' marks and points, changes."""
    at = Operating(cases=9, sensitivity=0.6, specificity=0.7, precision=0.5)
    reader = ReaderPoint(
        study="a study", reader="R1", standard=report.against[0].name, own=0, blind=at, assisted=at
    )
    figures = {name: replace(SHARE, value=value) for name, value in (("accuracy", 0.9), ("AUROC", 0.95))}
    step = Disturbed(kind="noise", title="Noise", unit="share", step=0.05, kept=SHARE, figures=figures)
    return replace(
        report,
        pointing=pointing,
        marked=MarkedByReaders(
            pointing=SHARE, chance=0.05, inside=replace(SHARE, value=0.3), even=0.04, readers=1 if few else 3,
            left_out=1 if few else 0,
        ),
        readers=(
            replace(reader, own=2 if few else 0, assisted=None if few else replace(at, sensitivity=0.8)),
            replace(reader, reader="R2", blind=replace(at, specificity=NAN), assisted=None),
        ),
        robustness=Robustness(
            images=20 if few else 40, of=40, size=224, seed=1, seconds=2.0, figures=figures,
            steps=(step, replace(step, step=0.1, figures={} if few else figures)),
        ),
        rebalanced={"normal": 30, "opacity": 30} if few else {},
    )  # fmt: skip


def situations() -> dict[str, Callable[[], Report]]:
    run, three = a_run(), a_run(("a", "b", "c"))
    cases = some_cases(run)
    wrong = errors_of(cases)
    ten = cases[:10]
    ties = agree(cases, reader="A") + agree(cases[5:], reader="B") + overrule(cases[:5], "all", "B")
    places: tuple[Part | None, ...] = ("train", "val", "test", None)
    mixed = [replace(one, part=places[number % 4]) for number, one in enumerate(cases)]
    undecided = [
        review(one, verdict, reader=reader, queue="all", drawn="in order")
        for one, said in zip(cases[:3], ("UX", "XX", "UU"), strict=True)
        for reader, letter in zip("AB", said, strict=True)
        for verdict in ({"U": Verdict.UNSURE, "X": Verdict.NOT_DIAGNOSTIC}[letter],)
    ]
    return {
        PLAIN: told,
        "one reader, all read": lambda: told(reviews=agree(cases, comment="seen")),
        "two readers, ties": lambda: told(reviews=ties),
        "two readers, no case in common": lambda: told(reviews=agree(cases[:20]) + agree(cases[20:], reader="B")),
        "two readers who always gave one answer": lambda: told(
            reviews=agree(one := [each for each in cases if each.predicted == "normal"]) + agree(one, reader="B")
        ),
        "unsure and not diagnostic": lambda: told(reviews=undecided + agree(cases[3:])),
        "a random sample was read": lambda: told(reviews=agree(drawn(cases, 15), "random sample")),
        "errors alone were read": lambda: told(reviews=overrule(wrong)),
        "errors and a random sample were read": lambda: told(
            reviews=overrule(wrong)
            + agree([one for one in drawn(cases, 15) if one not in wrong])
        ),
        "read before it was kept how": lambda: told(reviews=agree(ten, "", label_seen=None)),
        "read after the label had been seen": lambda: told(
            reviews=agree(ten[:3], label_seen=True) + agree(ten[3:4], label_seen=None) + agree(ten[4:])
        ),
        "one case read": lambda: told(reviews=agree(drawn(cases, 1))),
        "no patient named": lambda: told(cases=unnamed(cases)),
        "some patients named": lambda: told(cases=unnamed(cases, 10)),
        "one patient": lambda: told(cases=[replace(one, patient_id="P") for one in cases]),
        "one case": lambda: told(cases=cases[:1]),
        "all parts and images from elsewhere": lambda: told(cases=mixed, part=None, abroad=Abroad()),
        "images from elsewhere that differ": lambda: told(
            cases=[replace(one, part=None if number < 12 else one.part) for number, one in enumerate(cases)],
            abroad=Abroad(
                known=(KNOWN,),
                distances={one.image_id: 1.5 if number < 12 else 0.5 for number, one in enumerate(cases)},
                sources={one.image_id: "other hospital" for one in cases[:8]},
                damaged=("One of two is damaged.",),
            ),
            uncertainty=fitted(0.8, 0.7),
        ),
        "test images that differ": lambda: told(
            abroad=Abroad(known=(KNOWN,), distances={one.image_id: 1.5 for one in cases}), uncertainty=fitted(0.8, 0.7)
        ),
        "too few validation images to tell what differs": lambda: told(
            abroad=Abroad(known=(replace(KNOWN, threshold=math.inf, image_ids=KNOWN.image_ids[:20]),))
        ),
        "tested elsewhere": lambda: told(abroad=Abroad(tests=(external_test(run),))),
        "the validation part": lambda: told(cases=[replace(one, part="val") for one in cases], part="val"),
        "one class absent": lambda: told(cases=[one for one in cases if one.label == "normal"]),
        "all right": lambda: told(cases=answered(run, lambda number: number)),
        "all wrong": lambda: told(cases=answered(run, lambda number: number + 1)),
        "no label": lambda: told(cases=[replace(one, label=None) for one in cases]),
        "three classes": lambda: told(three, answered(three, lambda number: number + (number % 5 == 0), 30)),
        "three classes, one absent": lambda: told(
            three, [one for one in answered(three, lambda number: number + (number % 5 == 0), 30) if one.label != "c"]
        ),
        "photographs with heatmaps": lambda: told(
            replace(run, dataset_name="skin photographs"), cases, explanations=heat(cases, "opacity")
        ),
        "heatmaps that pass": lambda: told(cases=cases, explanations=heat(cases), passports=[(passport(), "")]),
        "heatmaps that do not follow the model": lambda: told(
            cases=cases,
            explanations=heat(cases),
            passports=[(passport(head=(0.97, 0.95, 0.99), pointing=(0.25, 0.11, 0.47)), "")],
        ),
        "heatmaps tried on few images": lambda: told(
            cases=cases,
            explanations=heat(cases),
            passports=[
                (passport(few=True, deletion=(0.75, 0.3, 0.95), insertion=(1, 0.51, 1), pointing=(1, 0.51, 1)), "")
            ],
        ),
        "heatmaps without a passport": lambda: told(
            cases=cases, explanations=heat(cases), passports=[(None, "It has not been measured")]
        ),
        "maps and readers were measured": lambda: measured(told(run, cases, explanations=heat(cases[:1]))),
        "maps and readers of whom little is known": lambda: measured(
            told(run, cases, explanations=heat(cases[:1])), inestimable("no map is of the finding", 0), few=True
        ),
        "groups of the data's columns": lambda: told(
            run, (of := some_cases(run, 120)), split=Split(
                train=(), val=(), test=samples_of(of, {"sex": "F", "view": "PA"}, {"sex": "M", "view": "PA"},
                                                  {"sex": "F", "view": "AP"}),
                classes=run.classes, seed=1, method="given",
            ),
        ),
        "conformal sets of few patients": lambda: told(uncertainty=fitted(0.8, 1.0)),
        "conformal sets of no named patient": lambda: told(cases=unnamed(cases), uncertainty=fitted(0.8, 0.7)),
        "an operating point that was not reached": lambda: told(
            replace(run, validated=replace(VALIDATED, note="No threshold was better than chance on validation, so one "
                                           "half was taken."))
        ),
    }  # fmt: skip


@cache  # every page once, for its words here and for its numbers in printed/test_numbers.py
def page_in(name: str) -> str:
    return page_of(situations()[name]())


@pytest.mark.parametrize("name", situations())
def test_a_report_says_what_a_person_has_read(name: str) -> None:
    lines = lines_of(page_in(name))
    if name != PLAIN:
        lines = differences(lines_of(page_in(PLAIN)), lines)
    hold_against(FOLDER / f"{name}.txt", lines)


def test_every_snapshot_is_of_a_situation() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(situations())
