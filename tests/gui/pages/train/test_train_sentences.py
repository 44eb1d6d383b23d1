"""What the Train page says in odd situations, as text that a person has read (tests/snapshots.py)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data.index import save_index
from engine.data.split_choices import Choices, save_choices
from engine.jobs.files import JobStatus
from engine.recipes.builtin import RECIPES
from engine.records import Phase, Recipe
from engine.workspace import open_workspace
from gui.pages.train.plan import chosen_split, data_facts, recipe_card
from gui.pages.train.recipe_form import values_of
from gui.pages.train.telling import balance_table, facts
from gui.pages.train.watch import earlier, run_box, states
from gui.web.session import AppSession, open_session
from tests.engine.report.test_snapshots import VALIDATED, a_run
from tests.gui.pages.data.test_data_sentences import an_index, samples
from tests.snapshots import hold_against, lines_of_html, one_text
from tests.tiny import EPOCH, TINY_RECIPE

FOLDER = Path(__file__).parent / "snapshots"


@pytest.fixture
def session(tmp_path: Path) -> Any:
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


def of_data(
    session: AppSession, held: Any, choices: Choices | None = None, recipe: Recipe = TINY_RECIPE
) -> list[str]:
    index = an_index(held)
    save_index(session.workspace, index)
    save_choices(session.workspace, index.dataset_id, choices or Choices(seed=len(held)))
    chosen_split.__globals__["_split"].cache_clear()
    lines = lines_of_html(data_facts(session, index.dataset_id))
    return lines + lines_of_html(facts(session, index.dataset_id, recipe, *values_of(recipe)))


def test_before_a_run_the_page_says_what_a_person_has_read(session: AppSession) -> None:
    many = replace(TINY_RECIPE, phases=tuple(Phase(name=f"p{n}", epochs=1) for n in range(5)))
    duplicated = replace(TINY_RECIPE, balance=replace(TINY_RECIPE.balance, method="duplicate"))
    hold_against(
        FOLDER / "before a run.txt",
        one_text(
            {
                "no data set": lines_of_html(data_facts(session, None)),
                "a data set that is gone": lines_of_html(data_facts(session, "ffffffffffff")),
                "two classes": of_data(session, samples(40)),
                "no patient named": of_data(session, samples(40, named=0)),
                "some patients named": of_data(session, samples(40, named=11)),
                "one class": of_data(session, samples(10, ("normal",))),
                "three classes": of_data(session, samples(45, ("a", "b", "c"))),
                "few images": of_data(session, samples(12, ("a", "a", "b"), named=0)),
                "the other class is the finding": of_data(session, samples(40), Choices(positive="normal")),
                "unequal classes repeated": of_data(session, samples(60, ("a", "a", "b")), None, duplicated),
                "no published result": lines_of_html(recipe_card(TINY_RECIPE)),
                "two phases more than the form shows": lines_of_html(recipe_card(many)),
                "a published result": lines_of_html(recipe_card(RECIPES["covid-cnn"])),
            }
        ),
    )
    assert balance_table(TINY_RECIPE, chosen_split(session, "0123456789ab"))


def boxes(tmp_path: Path, **fields: Any) -> list[str]:
    status = JobStatus(job_id="20260101-120000-abcd", folder=tmp_path, **fields)
    another = JobStatus(job_id="20260101-120000-ffff", folder=tmp_path, state="training")
    told = lines_of_html(run_box(status, status if status.working else None))
    if not status.working:
        beside = lines_of_html(run_box(status, another))
        told += [f"while another works: {line}" for line in beside if line not in told]
    return [*told, " | ".join(earlier([status])[0][1:-1])]


def test_of_a_run_the_page_says_what_a_person_has_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    monkeypatch.setattr("gui.pages.train.watch.load_run", lambda folder: run)

    def done(**changed: Any) -> list[str]:
        nonlocal run
        run = replace(a_run(), **changed)
        boxes.__globals__["run_box"].__globals__["_validated"].cache_clear()
        return boxes(tmp_path, state="done", epoch=3, epochs=3, last_epoch=EPOCH)

    working: dict[str, Any] = {"epochs": 3, "batches": 10}
    hold_against(
        FOLDER / "a run.txt",
        one_text(
            {
                "no run": lines_of_html(run_box(None, None)),
                "starting": boxes(tmp_path, state="starting", message="Starting."),
                "reading images": boxes(
                    tmp_path, state="training", message="Reading and decoding the images"
                ),
                "first epoch": boxes(
                    tmp_path, state="training", phase="head", batch=1, seconds_left=0.4, **working
                ),
                "last epoch": boxes(
                    tmp_path, state="training", phase="head", epoch=2, seconds_left=90, **working
                ),
                "calibrating": boxes(
                    tmp_path, state="calibrating", message="Calibrating on the validation images"
                ),
                "predicting": boxes(tmp_path, state="predicting", message="Predicting", batch=1, batches=1),
                "done, validated": done(validated=VALIDATED),
                "done, without figures on validation": done(validated=None),
                "done, three classes": done(classes=("a", "b", "c"), validated=None),
                "done, an extreme operating point": done(validated=VALIDATED, threshold=0.00002),
                "done, another extreme": done(validated=VALIDATED, threshold=0.99996),
                **{
                    f"{state} after {epoch} of {epochs}": boxes(
                        tmp_path, state=state, epoch=epoch, epochs=epochs
                    )
                    for state in ("stopped", "failed", "lost")
                    for epoch, epochs in ((0, 3), (1, 1), (2, 3))
                },
            }
        ),
    )
    assert set(states()) > {"stopped", "failed", "lost"}
