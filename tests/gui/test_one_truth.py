"""A fact has one truth: whoever asks for it, page, command, report or table, is told the same."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.records import Review, Verdict
from engine.report.build import build_report, export_report
from gui.pages.review.page import open_reading
from gui.pages.review.sitting import Desk
from tests.gui.conftest import Room

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_correction_counts_everywhere_though_the_clock_was_set_back(room: Room, tmp_path: Path) -> None:
    store, run = room.session.store, room.run
    case = room.predictions[0]
    other = next(name for name in run.classes if name != case.predicted)
    first = Review(
        run_id=run.run_id,
        image_id=case.image_id,
        reader="anna",
        verdict=Verdict.AGREE,
        label=case.predicted,
        created=NOON,
    )
    store.add_review(first)
    for earlier, verdict, label in ((1, Verdict.UNSURE, None), (2, Verdict.OVERRULE, other)):
        store.add_review(
            Review(
                run_id=run.run_id,
                image_id=case.image_id,
                reader="anna",
                verdict=verdict,
                label=label,
                created=NOON - timedelta(hours=earlier),
            )
        )
    assert [review.review_id for review in store.reviews(run.run_id)] == [1, 2, 3]

    (latest,) = store.reviews(run.run_id, latest=True)
    assert (latest.verdict, latest.label, latest.review_id) == (Verdict.OVERRULE, other, 3)
    assert [store.count(run.run_id, queue, "anna") for queue in ("overruled", "unsure")] == [1, 0]
    screen = open_reading(Desk(room.session), {"queue": "overruled"})
    assert screen["case"]["before"]["sentence"].startswith(f"Your previous verdict: overrule to {other}")

    report = build_report(run, room.predictions, history=(), reviews=store.reviews(run.run_id), part="test")
    assert {word: count for word, count in report.reviews.verdicts.items() if count} == {"overrule": 1}
    assert {one.reviewed for one in report.cases if one.image_id == case.image_id} == {other}
    exported = export_report(report, tmp_path / "report", film=lambda _: None, heatmap=lambda _: None)
    told = json.loads(exported.json.read_text(encoding="utf-8"))
    (read,) = [one for one in told["cases"] if one["reviews"]]
    assert [(one["verdict"], one["label"]) for one in read["reviews"]] == [("overrule", other)]
    with exported.csv["cases"].open(encoding="utf-8-sig", newline="") as stream:
        (row,) = [row for row in csv.DictReader(stream) if row["reader"]]
    assert (row["verdict"], row["reader's label"], row["reviewed label"]) == ("overrule", other, other)
