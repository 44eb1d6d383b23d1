"""A fact has one truth: whoever asks for it, page, command, report or table, is told the same."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.data.split_choices import Choices, load_choices, save_choices, training_request
from engine.recipes.recipe import recipe_from_json, recipe_to_json
from engine.recipes.saved import save_own
from engine.records import Epoch, Index, Review, Verdict
from engine.report.build import build_report, export_report
from engine.report.figures import curves_svg
from engine.report.methods_section import facts_of_training
from engine.runs.folder import find_run, list_runs, new_run_id, save_run
from engine.runs.history import kept_epoch
from engine.workspace import Workspace, open_workspace
from gui.cli.data import choices_of
from gui.cli.main import main
from gui.pages.report.page import run_choices
from gui.pages.review import open_reading
from gui.pages.review.reading_session import Desk
from tests.gui.conftest import Room, fill, make_run
from tests.tiny import TINY_RECIPE

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
    given = [review.review_id for review in store.reviews(run.run_id)]
    assert given == sorted(given) and len(given) == 3

    (latest,) = store.reviews(run.run_id, latest=True)
    assert (latest.verdict, latest.label, latest.review_id) == (Verdict.OVERRULE, other, given[-1])
    assert [store.count(run.run_id, queue, "anna") for queue in ("overruled", "unsure")] == [1, 0]
    screen = open_reading(Desk(room.session), {"queue": "overruled"})
    assert screen["case"]["before"]["sentence"].startswith(f"Your previous verdict: overrule to {other}")

    report = build_report(run, room.predictions, history=(), reviews=store.reviews(run.run_id), part="test")
    assert {word: count for word, count in report.reviews.verdicts.items() if count} == {"overrule": 1}
    assert {one.reviewed for one in report.cases if one.image_id == case.image_id} == {other}
    exported = export_report(report, tmp_path / "report", picture=lambda _: None, heatmap=lambda _: None)
    told = json.loads(exported["json"]["report"].read_text(encoding="utf-8"))
    (read,) = [one for one in told["cases"] if one["reviews"]]
    assert [(one["verdict"], one["label"]) for one in read["reviews"]] == [("overrule", other)]
    with exported["csv"]["cases"].open(encoding="utf-8-sig", newline="") as stream:
        (row,) = [row for row in csv.DictReader(stream) if row["reader"]]
    assert (row["verdict"], row["reader's label"], row["reviewed label"]) == ("overrule", other, other)


def test_the_newest_run_is_the_one_begun_last_whichever_ended_first(room: Room, tmp_path: Path) -> None:
    session, longer = room.session, room.run
    later = replace(
        make_run(session.workspace, run_id="20260102-120000-abcd"), created=longer.created - timedelta(days=9)
    )
    fill(session, tmp_path / "films", ["one.png"], run=later)
    for run in (longer, later):
        save_run(run)
        (run.folder / "recipe.json").write_text(recipe_to_json(replace(TINY_RECIPE, name="tiny")))
    newest = later.run_id
    assert find_run(session.workspace, "latest").run_id == newest
    assert list_runs(session.workspace)[0].run_id == newest
    assert session.store.run_ids()[0] == session.store.runs()[0].run_id == newest
    assert open_reading(Desk(session), {})["run"] == run_choices(session)[0][1] == newest


def test_a_run_begun_after_the_clock_was_set_back_still_sorts_behind_those_before_it(tmp_path: Path) -> None:
    (tmp_path / "no-run-of-ours").mkdir()
    begun = ["20991231-235959-ffff"]
    (tmp_path / begun[0]).mkdir()
    for _ in range(3):  # in one second
        begun.append(new_run_id(tmp_path))
        (tmp_path / begun[-1]).mkdir()
    assert begun == sorted(set(begun))


def test_the_epoch_that_was_kept_is_the_last_that_was_better_and_every_page_names_it() -> None:
    def epoch(number: int, best: bool, area: float) -> Epoch:
        return Epoch(
            number=number, phase="head", train_loss=1, val_loss=1 / number, val_accuracy=0.5, val_auc=area,
            learning_rate=1, seconds=1, images_per_second=1, best=best,
        )  # fmt: skip

    history = [epoch(1, True, 0.9), epoch(2, True, 0.8), epoch(3, False, 0.95)]
    assert kept_epoch(history) == history[1] and kept_epoch([history[2]]) is None
    run = replace(make_run(Workspace(Path())), recipe=TINY_RECIPE)
    assert dict(facts_of_training(run, history))["Epochs run"] == "3; number 2 kept"
    assert "Epoch 2 was kept" in curves_svg(history)


def test_what_was_chosen_on_the_data_page_is_what_the_command_line_divides_by(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    index = Index(dataset_id="0123456789ab", name="films", root=tmp_path, samples=(), classes=("a", "b", "c"))
    chosen = Choices(mode="new", ratios=(0.5, 0.25, 0.25), seed=3, positive="b")
    (workspace.datasets / index.dataset_id).mkdir(parents=True)
    save_choices(workspace, index.dataset_id, chosen)
    said = choices_of(workspace, index, ratios=None, seed=None, use_given=None, positive=None)
    assert said == load_choices(workspace, index.dataset_id) == chosen
    request = training_request(TINY_RECIPE, index, said)
    assert (request.ratios, request.split_seed, request.use_given, request.positive) == (
        (0.5, 0.25, 0.25), 3, False, "b",
    )  # fmt: skip
    other = choices_of(workspace, index, ratios="80/10/10", seed=5, use_given=None, positive="c")
    assert other == Choices(mode="new", ratios=(0.8, 0.1, 0.1), seed=5, positive="c")


def test_a_recipe_saved_on_the_train_page_is_known_to_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    saved = save_own(open_workspace(tmp_path / "workspace"), TINY_RECIPE, "Night shift")
    assert main(["recipes", "--export", "night-shift"]) == 0
    assert recipe_from_json(capsys.readouterr().out) == saved
    assert main(["train", str(tmp_path), "--recipe", "night-shft"]) == 1  # the one that was meant is named
    assert "night-shift" in capsys.readouterr().err
