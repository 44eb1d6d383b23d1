"""The Train page: what it shows before a run is what the run will do, and every tab sees the same run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import psutil
import pytest

from engine.data.index import index_data, save_index
from engine.data.split_choices import Choices, save_choices
from engine.errors import DataError, RecipeError, TrainingError
from engine.jobs import control as jobs
from engine.jobs.files import JobStatus
from engine.language import speaking
from engine.pipeline import report_run
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_recipe
from engine.recipes.fields import field_schema, registries
from engine.recipes.recipe import recipe_from_json
from engine.recipes.saved import keep_own, own_recipes, recipe_choices
from engine.records import Augmentation, Balance, Head, Phase, Recipe
from engine.runs import list_runs, load_run
from engine.runs.history import load_history
from engine.workspace import open_workspace
from gui.pages.train.plan import augmented, data_facts, open_recipe, recipe_file, save_recipe
from gui.pages.train.recipe_form import FIELDS, component, recipe_of, values_of, wrong_fields
from gui.pages.train.recipes_listed import purposes, recipes_offered
from gui.pages.train.starting import start_on
from gui.pages.train.telling import facts
from gui.pages.train.watch import look, losses, run_box, scores, states
from gui.web.session import AppSession, open_session
from tests.gui.conftest import answer_now
from tests.gui.pages.data.test_data_page import write_films
from tests.tiny import EPOCH

TINY = Recipe(
    name="tiny",
    title="Tiny",
    source="for tests",
    backbone="scnnb",
    weights="random",
    image_size=28,
    channels=1,
    phases=(Phase(name="all", epochs=10_000, trainable="all", learning_rate=1e-3),),
    batch_size=8,
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[AppSession]:
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    for one in jobs.list_jobs(opened.workspace):
        if one.working:
            jobs.stop(one.folder)
            if one.pid and psutil.pid_exists(one.pid):  # nobody waits for it to load and to stop
                psutil.Process(one.pid).kill()
    opened.store.close()


@pytest.fixture
def dataset(session: AppSession, tmp_path: Path) -> str:
    index = index_data(write_films(tmp_path / "films", patients=30) / "films.csv")
    save_index(session.workspace, index)
    return index.dataset_id


def wait_for(seen: Callable[[], object], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def changed(recipe: Recipe, **fields: object) -> list[object]:
    values = dict(zip(FIELDS, values_of(recipe), strict=True))
    unknown = set(fields) - {name.replace(".", "__") for name in FIELDS}
    assert not unknown
    return [fields.get(name.replace(".", "__"), value) for name, value in values.items()]


# ---------------------------------------------------------------------------------------------------- the form


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_comes_back_equal_through_the_form(name: str) -> None:
    assert recipe_of(RECIPES[name], values_of(RECIPES[name])) == RECIPES[name]


def test_the_form_takes_every_value_that_a_recipe_may_have_and_no_other() -> None:
    import gradio as gr

    widest = {"rotation": 180, "shear": 80, "zoom": 0.95, "shift": 0.95, "brightness": 0.95, "contrast": 0.95}
    check_recipe(replace(TINY, augmentation=Augmentation(**widest)))
    for name, most in widest.items():
        slider = component(f"augmentation.{name}", FIELDS[f"augmentation.{name}"])
        assert isinstance(slider, gr.Slider) and slider.preprocess(most) == most
    whole = replace(TINY, phases=3 * TINY.phases)
    for dotted, field in FIELDS.items():
        placed, may_be = component(dotted, field), field_schema(dotted)
        if not isinstance(placed, gr.Number | gr.Slider):
            continue
        for bound, beyond in ((may_be["minimum"], -1), (may_be["maximum"], 1)):
            name = dotted.replace(".", "__")
            assert not isinstance(placed, gr.Slider) or bound in (placed.minimum, placed.maximum)
            assert recipe_of(whole, changed(whole, **{name: bound}))
            with pytest.raises(RecipeError, match=rf"Set {dotted} to a (whole )?number from .* to"):
                recipe_of(whole, changed(whole, **{name: bound + beyond}))


def test_everything_wrong_in_the_form_is_said_in_the_field_it_is_wrong_in() -> None:
    wrong = changed(
        TINY, phases__0__epochs=0, batch_size=1.5, head__hidden="many", phases__0__learning_rate=-1
    )
    said = wrong_fields(TINY, wrong)
    assert set(said) == {"phases.0.epochs", "batch_size", "head.hidden", "phases.0.learning_rate"}
    assert said["batch_size"].startswith(
        "The recipe's “Images per step” is 1.5. Set “Images per step” to a whole number from 2"
    )
    assert "“Epochs at most” of phase 1 is 0" in said["phases.0.epochs"]
    assert wrong_fields(TINY, values_of(TINY)) == {}


def test_the_form_changes_what_it_says_and_nothing_else() -> None:
    recipe = recipe_of(
        TINY,
        changed(
            TINY,
            phases__0__epochs=3,
            head__hidden="64, 32",
            head__dropout="0.3; 0.1",
            balance__method="focal",
            augmentation__rotation=15,
        ),
    )
    assert recipe == replace(
        TINY,
        phases=(replace(TINY.phases[0], epochs=3),),
        head=Head(hidden=(64, 32), dropout=(0.3, 0.1)),
        balance=Balance(method="focal"),
        augmentation=Augmentation(rotation=15),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("head__hidden", "many"),
        ("head__hidden", "12.5"),
        ("phases__0__optimizer", "guess"),
        ("balance__method", "wish"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(field: str, value: object) -> None:
    with pytest.raises(RecipeError):
        recipe_of(TINY, changed(TINY, **{field: value}))


def test_an_own_recipe_is_saved_offered_shared_and_read_back(session: AppSession, tmp_path: Path) -> None:
    save_recipe(session, "Night shift", TINY, *changed(TINY, phases__0__epochs=5))
    ((name, saved),) = own_recipes(session.workspace).items()
    assert (name, saved.title, saved.phases[0].epochs) == ("night-shift", "Night shift", 5)
    assert ("Mine — Night shift", "night-shift") in recipe_choices(session.workspace)
    shared = Path(recipe_file(saved, *values_of(saved)))
    assert recipe_from_json(shared.read_text(encoding="utf-8")) == saved
    other = open_session(open_workspace(tmp_path / "other"))
    open_recipe(other, str(shared))
    assert own_recipes(other.workspace) == {name: saved}
    other.store.close()


def test_a_file_that_is_no_recipe_is_refused(session: AppSession, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"name": "x", "colour": "red"}))
    with pytest.raises(RecipeError):
        open_recipe(session, str(tmp_path / "bad.json"))


# ---------------------------------------------------------------------------------------------------- before a run


def test_class_counts_are_shown_before_and_after_balancing(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", patients=40, classes=("normal", "normal", "normal", "opacity"))
    index = index_data(folder / "films.csv")
    save_index(session.workspace, index)
    shown = facts(session, index.dataset_id, TINY, *changed(TINY, balance__method="duplicate"))
    assert "parameters trained" in shown
    rows = [row.split("<td") for row in shown.split("<tr>")[2:]]
    counts = {
        row[1].split(">")[1].split("<")[0]: [cell.split(">")[1].split("<")[0] for cell in row[2:4]]
        for row in rows
    }
    assert counts["normal"][0] == counts["normal"][1] == counts["opacity"][1]
    assert int(counts["opacity"][0]) < int(counts["opacity"][1])


def test_class_counts_are_those_that_a_limit_leaves(session: AppSession, dataset: str) -> None:
    shown = facts(session, dataset, TINY, *changed(TINY, train_limit=10))
    counts = [int(row.split("<td")[2].split(">")[1].split("<")[0]) for row in shown.split("<tr>")[2:]]
    assert sum(counts) == 10


def test_the_number_of_trained_parameters_follows_what_is_trained() -> None:
    from gui.pages.train.recipe_form import parameters

    total, trained = parameters(TINY, 2)
    head_only = replace(TINY, phases=(replace(TINY.phases[0], trainable="head"), TINY.phases[0]))
    assert trained == total == parameters(head_only, 2)[0]


def test_wrong_settings_are_told_where_they_are_set(session: AppSession, dataset: str) -> None:
    shown = facts(session, dataset, TINY, *changed(TINY, phases__0__trainable="no.such.layer"))
    assert "no.such.layer" in shown and "or-serious" in shown


def test_changed_training_images_are_shown_beside_the_original(session: AppSession, dataset: str) -> None:
    shown = augmented(session, dataset, TINY, *changed(TINY, augmentation__rotation=30))
    assert shown.count("original") == 2 * 2  # alt and caption, one film a class
    pictures = {piece.split('"')[0] for piece in shown.split('src="')[1:]}
    assert len(pictures) == 10


def test_no_data_is_said_before_anything_starts(session: AppSession) -> None:
    assert "No data set is chosen" in data_facts(session, None)
    with pytest.raises(DataError):
        start_on(session, "", None, None, 0, TINY, *values_of(TINY))
    assert jobs.list_jobs(session.workspace) == []


def test_a_guest_cannot_train(tmp_path: Path) -> None:
    guest = open_session(open_workspace(tmp_path / "workspace"), read_only=True)
    with pytest.raises(TrainingError, match="read-only"):
        start_on(guest, "", None, "0" * 12, 0, TINY, *values_of(TINY))
    guest.store.close()


# ---------------------------------------------------------------------------------------------------- during a run


def a_status(**fields: object) -> JobStatus:
    base = JobStatus(
        job_id="r1", folder=Path("r1"), state="training", epoch=3, epochs=10, batch=5, batches=10
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def test_progress_says_epoch_batch_and_time_left() -> None:
    box = run_box(a_status(seconds_left=130.0, phase="head"), None)
    assert "epoch 4 of 10" in box and "batch 5 of 10" in box and "about 2 min left" in box
    assert 'aria-valuenow="35"' in box


def test_progress_of_a_cross_validation_says_which_fold_of_how_many() -> None:
    box = run_box(a_status(fold=2, folds=5, phase="head"), None)
    assert "fold 2 of 5" in box.lower() and "epoch 4 of 10" in box
    assert 'aria-valuenow="27"' in box  # (1 + .35) / 5
    ended = run_box(a_status(fold=2, folds=5, state="stopped", message="The run was stopped."), None)
    assert "3 of 10 epochs of fold 2 of 5 were completed" in ended


def test_a_cross_validation_says_what_it_will_do(session: AppSession, dataset: str) -> None:
    facts = data_facts(session, dataset, 3)
    assert "3 folds of" in facts and "trained on 1 of them" in facts and "every labelled image" in facts


def test_folds_that_cannot_be_made_are_refused_at_once(session: AppSession, dataset: str) -> None:
    save_choices(session.workspace, dataset, Choices(mode="given"))
    assert "keep the parts it came with" in data_facts(session, dataset, 5)
    with pytest.raises(DataError, match="keep the parts"):
        start_on(session, "", None, dataset, 5, TINY, *values_of(TINY))
    assert not jobs.list_jobs(session.workspace)


def test_what_was_said_while_reading_is_over_when_training_has_begun() -> None:
    reading = run_box(a_status(message="Reading the images"), None)
    assert "Reading the images" in reading
    begun = run_box(a_status(message="Reading the images", phase="head"), None)
    assert "Reading" not in begun and "Training." in begun


def test_what_comes_after_the_last_epoch_is_said() -> None:
    box = run_box(a_status(state="calibrating", message="Calibrating on the validation images"), None)
    assert "Calibrating on the validation images" in box and "epoch" not in box


@pytest.mark.parametrize("state", ["failed", "lost", "stopped"])
def test_a_run_that_ended_early_says_so_and_can_be_resumed(state: str) -> None:
    box = run_box(a_status(state=state, message="The disk is full."), None)
    assert states()[state].capitalize() in box and "The disk is full." in box and "Resume continues" in box


def test_curves_say_that_they_begin_later_and_leave_out_what_was_not_computed() -> None:
    assert "begins with the first epoch" in losses([]) and "<svg" not in scores([])
    epochs = [replace(EPOCH, number=n, val_accuracy=0.6 + 0.1 * n, val_auc=float("nan")) for n in (1, 2)]
    drawn = scores(epochs)
    assert drawn.count('class="or-line') == 1 and "AUROC" not in drawn and "accuracy .800" in drawn
    assert [re.findall(r"<td>(.*?)</td>", row) for row in drawn.split("<tr>")[2:]] == [
        ["1", ".700"],
        ["2", ".800"],
    ]


def test_nothing_is_sent_again_when_nothing_changed(session: AppSession) -> None:
    first = look(session, None, "")
    assert all(output == gr.skip() for output in look(session, None, first[-1]))


# ------------------------------------------------------------------------------------------- in the browser


def expert(page: Any) -> None:
    """Open what lies behind “Expert”, unless it is open."""
    if not page.locator("#train-recipe").is_visible():
        page.get_by_role("button", name="Expert").click()


@pytest.mark.browser
def test_a_run_is_told_of_a_whole_form_outlives_a_reload_is_stopped_in_another_tab_and_resumed(
    session: AppSession, dataset: str, page: Any, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import expect

    import gui.pages.train.coming
    import gui.pages.train.page

    asked: list[Recipe] = []
    told_of: list[Recipe] = []

    def watched(session: AppSession, dataset_id: str | None, base: Recipe, *values: Any) -> str:
        asked.append(base)
        told_of.append(recipe_of(base, values))
        return facts(session, dataset_id, base, *values)

    for module in (gui.pages.train.page, gui.pages.train.coming):
        monkeypatch.setattr(module, "facts", watched)
    # Where the plans' times have been measured, the form is told once more, soon on a fast machine.
    monkeypatch.setattr(gui.pages.train.coming, "unmeasured", lambda *_which: "")
    keep_own(session.workspace, TINY)
    url = opened(session, page="train").url
    page.goto(url)
    expect(page.locator("#train-data-facts")).to_contain_text("training")
    expect(page.locator("#train-facts")).to_contain_text("parameters trained")
    expect(page.locator("#train-facts")).to_contain_text("34")  # epochs at most
    expert(page)
    recipe = page.locator("#train-recipe input")
    recipe.click()
    recipe.fill("Mine")
    page.get_by_role("option", name="Mine — Tiny").click()
    expect(page.locator("#train-recipe-card")).to_contain_text("for tests")
    expect(page.locator("#train-facts")).to_contain_text("10,000")
    assert [one.name for one in asked] == ["default", "tiny"]  # once each: the first takes a second
    assert told_of == asked
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_contain_text(re.compile(r"epoch [2-9]"), timeout=180_000)
    expect(page.locator("#train-start")).to_be_disabled()
    expect(page.locator("#train-loss")).to_contain_text("validation")
    run_id = jobs.list_jobs(session.workspace)[0].job_id
    folder = session.workspace.runs / run_id
    with pytest.raises(TrainingError, match="still"):
        start_on(session, "", None, dataset, 0, TINY, *values_of(TINY))
    watching = look(session, None, "")
    assert watching[0].value == run_id
    assert watching[4].interactive is False and watching[5].visible is True
    assert 'class="or-line' in watching[2]
    page.reload()
    expect(page.locator("#train-status")).to_contain_text(re.compile(r"epoch \d+"), timeout=180_000)
    second = page.context.new_page()
    second.goto(url)
    expect(second.locator("#train-start")).to_be_disabled()
    second.locator("#train-stop").click()
    expect(second.locator("#train-status")).to_contain_text("Stopped", timeout=180_000)
    expect(page.locator("#train-status")).to_contain_text("Stopped", timeout=180_000)
    ended, done = look(session, run_id, ""), jobs.status(folder).epoch
    assert "Stopped" in ended[1] and ended[6].visible is True and ended[4].interactive is True
    expect(page.locator("#train-resume")).to_be_visible()
    expect(page.locator("#train-start")).to_be_enabled()
    page.locator("#train-resume").click()
    expect(page.locator("#train-stop")).to_be_visible(timeout=180_000)
    wait_for(lambda: jobs.status(folder).epoch > done, seconds=180)  # it loads its program anew
    answer_now(page, "**/gradio_api/run/**", lambda asked: asked.abort())  # the window is killed, say
    expect(page.locator("#not-known")).to_contain_text("The training that you see continues without it.")


@pytest.mark.browser
def test_a_page_that_lost_what_it_asked_comes_back_to_where_it_was_and_asks_on(
    session: AppSession, dataset: str, page: Any, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import gui.pages.train.page

    asked: list[str] = []

    def lose_the_first(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    for where in (gui.pages.train.page, gui.pages.train.watch):
        monkeypatch.setattr(where, "TICK_IDLE", 1.0)  # seconds, so that the page asks for the third time soon
    page.route("**/gradio_api/run/predict*", lose_the_first)
    page.goto(opened(session, page="train").url)
    wait_for(lambda: page.wait_for_timeout(500) or len(asked) >= 3)
    assert f"data={dataset}" in asked[-1]  # the address stands in what is asked


@pytest.mark.browser
def test_a_cross_validation_whose_endpoint_is_fixed_before_is_watched_read_and_has_a_final_report(
    session: AppSession, dataset: str, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    keep_own(session.workspace, replace(TINY, phases=(replace(TINY.phases[0], epochs=40),)))
    page.goto(opened(session, page="train").url)
    expect(page.locator("#train-facts")).to_contain_text("parameters trained")
    expert(page)
    recipe = page.locator("#train-recipe input")
    recipe.click()
    recipe.fill("Mine")
    page.get_by_role("option", name="Mine — Tiny").click()
    expect(page.locator("#train-recipe-card")).to_contain_text("for tests")
    page.locator("#train-folds input").click()
    page.get_by_role("option", name="cross-validation, 3 folds").click()
    expect(page.locator("#train-data-facts")).to_contain_text("3 folds of")
    page.locator("#train-endpoint input").click()
    page.get_by_role("option", name="sensitivity").click()
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_contain_text(re.compile("fold [123] of 3", re.IGNORECASE))
    expect(page.locator("#train-status")).to_contain_text("Done", timeout=180_000)
    run_id = jobs.list_jobs(session.workspace)[0].job_id
    folder = session.workspace.runs / run_id
    now = jobs.status(folder)
    assert (now.state, now.fold, now.folds) == ("done", 3, 3)
    shown = look(session, run_id, "")
    assert "Done" in shown[1] and "fold 3 of 3: 40 / 40" in shown[8][0][3]
    assert shown[2] == losses(load_history(folder / "folds" / "3"))
    run = load_run(folder)
    assert run.endpoint is not None
    expect(page.locator("#train-status")).to_contain_text(run.endpoint.sha256[:12])
    heading = report_run(session.workspace, session.store, run).heading
    assert heading.final and heading.why.startswith("Final: ") and "sensitivity" in heading.endpoint
    page.goto(opened(session, page="review", run_id=run_id).url)
    expect(page.locator("body")).to_contain_text("Operating point (mark)")
    page.goto(opened(session, page="train").url)  # one more run on these data would come after this one
    expert(page)
    expect(page.locator("#train-endpoint")).to_contain_text("1 run on these data is finished already")


@pytest.mark.browser
def test_what_a_run_will_do_follows_the_form_however_it_was_changed(
    session: AppSession, dataset: str, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(opened(session, page="train").url)
    told = page.locator("#train-facts")
    expect(told).to_contain_text("34")  # epochs at most
    expert(page)
    page.get_by_text("Settings", exact=True).click()
    epochs = page.get_by_label("Epochs at most").first
    epochs.click()  # as a person does; Gradio fills a field once more in the moment after it has opened
    epochs.fill("5")
    expect(told).to_contain_text("9")
    expect(told).not_to_contain_text("34")
    page.get_by_text("Network", exact=True).click()
    widths = page.get_by_label("Hidden layers of the head")
    widths.click()
    widths.press_sequentially("64, x")
    expect(told).to_contain_text("not a list of numbers")
    widths.press("Backspace")
    widths.press("Tab")
    expect(told).to_contain_text("9")
    epochs.fill("0")
    said = page.locator("#train-field-phases-0-epochs")
    expect(said).to_contain_text("Set “Epochs at most” of phase 1 to a whole number from 1 to 10,000")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    epochs.fill("5")
    expect(said).not_to_contain_text("whole number")
    expect(epochs).not_to_have_attribute("aria-invalid", "true")
    widths.fill("many")  # as by pasting: no key is pressed
    widths.blur()
    expect(told).to_contain_text("“many” is not a list of numbers")
    page.locator("#train-search").locator("input, textarea").fill("fine-tune blocks")
    expect(page.locator("#train-recipe")).to_contain_text(re.compile(r"Recipe \(\d of \d+\)"))
    expert(page)
    recipe = page.locator("#train-recipe input")
    recipe.click()
    recipe.fill("Transfer, then")
    page.get_by_role("option", name="General — Transfer, then fine-tune").click()
    expect(told).to_contain_text("34")


@pytest.mark.browser
def test_what_a_search_finds_is_a_click_away_from_being_trained_and_compared(
    session: AppSession, dataset: str, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=90_000)  # two cores, shared, and a process that loads its program
    keep_own(session.workspace, replace(TINY, phases=(replace(TINY.phases[0], epochs=1),)))
    page.goto(opened(session, page="train").url)
    expect(page.locator("#train-facts")).to_contain_text("parameters trained")
    expert(page)
    page.locator("#train-recipe input").click()
    page.locator("#train-recipe input").fill("Mine")
    page.get_by_role("option", name="Mine — Tiny").click()
    expect(page.locator("#train-recipe-card")).to_contain_text("for tests")
    page.get_by_role("button", name="Experiments").click()
    page.get_by_label("Which settings are better?").check()
    vary, trainings = page.locator("#experiment-vary textarea"), page.locator("#experiment-trainings input")
    expect(vary).to_be_visible()
    vary.fill("batch_size=8")
    expect(page.locator("#experiment-vary")).to_contain_text("leaves nothing to choose")
    vary.fill("batch_size=8,16")
    expect(page.locator("#experiment-vary")).not_to_contain_text("leaves nothing to choose")
    trainings.fill("2")
    page.locator("#experiment-ask").click()
    found = page.locator("#experiment-found")
    expect(found).to_contain_text("The best of 2 trials had batch_size")
    page.locator("#experiment-take").click()
    expect(page.locator("#train-recipe-card")).to_contain_text("Own recipe, made from tiny")
    page.get_by_label("Which recipe is better?").check()
    expect(page.locator("#experiment-folds")).to_be_visible()
    trainings.fill("2")
    trainings.fill("1")
    others = page.locator("#experiment-others")
    expect(others).to_contain_text("One run alone cannot be compared")
    others.locator("input").click()
    page.get_by_role("option", name="Mine — Tiny").last.click()
    expect(others).not_to_contain_text("One run alone cannot be compared")
    page.locator("#experiment-ask").click()
    expect(found).to_contain_text("Training the recipe tiny")
    page.locator("#experiment-stop").click()
    expect(found).to_contain_text("It was stopped")
    page.reload()
    page.get_by_role("button", name="Experiments").click()
    page.locator("#experiment-go-on").click()  # it stays, and so does what was found before
    expect(found).to_contain_text("2 runs were compared", timeout=240_000)  # each loads its program
    page.locator("#experiment-open").click()
    expect(page.locator("#report-compared")).to_contain_text("test images that all have")
    assert list_runs(session.workspace)[0].recipe == own_recipes(session.workspace)["tiny"]


def test_what_a_recipe_is_for_is_said_in_the_language_that_is_spoken(session: AppSession) -> None:
    with speaking("fa"):
        groups = {words.partition(" — ")[0] for words, _name in recipes_offered(session.workspace)}
        assert groups <= {words for words, _purpose in purposes(session.workspace)}
        assert "عمومی" in groups


def test_an_emptied_field_means_what_the_recipe_says() -> None:
    recipe = RECIPES["default"]
    assert recipe_of(recipe, [None] * len(FIELDS)) == recipe


def test_the_form_offers_all_that_the_engine_knows_once_it_is_filled(session: AppSession) -> None:
    from engine.models.backbone import BACKBONES
    from engine.recipes.optimizers import OPTIMIZERS
    from gui.pages.train.choices import OF_REGISTRIES, REGISTERED, choices_of, values_and_choices_of

    assert {*REGISTERED} == {"backbone", *registries()}
    filled = dict(zip(FIELDS, values_and_choices_of(RECIPES["default"]), strict=True))
    for dotted, asked in zip(OF_REGISTRIES, choices_of(), strict=True):
        assert asked.choices == filled[dotted].choices
    assert [name for _, name in filled["backbone"].choices] == list(BACKBONES)
    assert filled["backbone"].value == RECIPES["default"].backbone
    for slot in range(3):
        assert [name for _, name in filled[f"phases.{slot}.optimizer"].choices] == list(OPTIMIZERS)
    assert filled["batch_size"] == RECIPES["default"].batch_size


def test_placing_the_pages_and_coming_to_train_wait_for_no_torch(session: AppSession, dataset: str) -> None:
    """In a process of its own: what takes seconds to import comes when a page needs it."""
    program = (
        "import sys, gui.app; from pathlib import Path; gui.app.import_pages(); "
        "late = {'torch', 'matplotlib', 'scipy.stats'}; "
        "assert not late & sys.modules.keys(), 'the window opens late'; "
        "from gui.pages.train import coming; from gui.web import open_session; "
        "from engine.workspace import open_workspace; "
        "session = open_session(open_workspace(Path(sys.argv[1])), reader='Dr Test'); "
        "told = coming.come(session, sys.argv[2], None, None, 0, '', '', None, '', None, ''); "
        "assert told[-1] == 'tell first' and not late & sys.modules.keys(), 'the Train page opens late'; "
        "offered = [name for one in told for _words, name in getattr(one, 'choices', None) or []]; "
        "assert {'adam', 'sgd', 'efficientnet-lite0', 'none'} <= {*offered}, 'nothing can be chosen'"
    )
    asked = [sys.executable, "-c", program, str(session.workspace.root), dataset]
    subprocess.run(asked, check=True, cwd=Path(__file__).parents[4])
