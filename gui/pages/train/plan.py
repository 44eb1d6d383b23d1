"""Before a run: how the data will be split, what the recipe will do to it, and recipes of one's own.

Handlers of the train page, as functions of plain values.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from engine.data import (
    Choices,
    folds_as_chosen,
    load_choices,
    load_index,
    patients_named,
    positive_of,
    training_request,
    unit_words,
)
from engine.errors import DataError, EngineError, RecipeError, TrainingError
from engine.images import load_image
from engine.labels import (
    on_version,
    splits_asked_for,
    splits_on,
    use_version,
    version_in_use,
    version_named,
    versions_of,
)
from engine.language import _, isolated, ngettext, number
from engine.recipes import (
    PLANS,
    RECIPES,
    keep_own,
    load_recipe,
    named_recipe,
    own_recipes,
    recipe_to_json,
    save_own,
)
from engine.records import FIRST_VERSION, PARTS, LabelsUsed, Recipe, Split, TrainingRequest
from engine.relocation import lost
from engine.retelling import retold
from engine.runs import list_runs
from engine.workspace import Workspace
from gui.pages.keeping import offered
from gui.pages.train.choices import values_and_choices_of
from gui.pages.train.recipe_form import (
    PHASE_SLOTS,
    recipe_of,
)
from gui.pages.train.recipes_listed import recipes_offered
from gui.web import AppSession, markup, new_folder

FOLDS = (3, 5, 10)
"""What is offered of cross-validation."""


def balances() -> dict[str, str]:
    """Return what is offered first of the ways to treat unequal classes; the form has all of them."""
    return {
        "none": _("Leave them as they are"),
        "class-weights": _("Weight: a mistake on a rarer class counts more"),
        "duplicate": _("Repeat: images of the rarer classes are shown more often"),
    }


def tested_by() -> list[tuple[str, int]]:
    """Return what the form offers: (words, folds)."""
    crossed = _("cross-validation, {count} folds: {count} models")
    return [
        (_("the test part: one model"), 0),
        *((crossed.format(count=number(folds)), folds) for folds in FOLDS),
    ]


def chosen_split(session: AppSession, dataset_id: str | None) -> Split:
    """Return the split that the Data page keeps for this data set.

    Raises:
        DataError: No data set is chosen, or it cannot be split.
    """
    if not dataset_id:
        raise DataError(_("No data set is chosen"), _("Choose one above, or import one on the Data page"))
    choices = load_choices(session.workspace, dataset_id)
    file = session.workspace.datasets / dataset_id / "index.json"
    stamp = file.stat().st_mtime_ns if file.exists() else 0
    labels = None
    if choices.labels != FIRST_VERSION:
        index = load_index(session.workspace, dataset_id)
        version = version_named(session.store, index, str(choices.labels))
        labels = on_version(session.workspace, session.store, index, version)[1]
    return _split(session.workspace, dataset_id, stamp, choices, labels)


@lru_cache(maxsize=8)
def _split(
    workspace: Workspace, dataset_id: str, stamp: int, choices: Choices, labels: LabelsUsed | None
) -> Split:
    """Split once for all the events of a form; `stamp` (the file's time) makes data that was brought again count."""
    return splits_on(workspace, load_index(workspace, dataset_id), choices, labels)[0]


def use_labels(session: AppSession, dataset_id: str | None, number: int | None) -> None:
    """Keep the version of the labels that was chosen, for the Data page and the command line too.

    Raises:
        EngineError: There is no such version, or what was chosen before cannot be read.
    """
    if dataset_id and number and not session.read_only:
        use_version(session.workspace, session.store, load_index(session.workspace, dataset_id), str(number))


def label_choices(session: AppSession, dataset_id: str | None) -> Any:
    """Return the drop-down of the versions of a data set's labels, on the one in use; hidden where there is one."""
    if not dataset_id:
        return gr.Dropdown(choices=[], value=None, visible=False)
    try:
        index = load_index(session.workspace, dataset_id)
        known = versions_of(session.store, index)
        value = version_in_use(session.workspace, session.store, index).number
    except EngineError:  # the box on the data says so
        return gr.Dropdown(choices=[], value=None, visible=False)
    choices = [(retold(version.sentence), version.number) for version in known]
    return gr.Dropdown(choices=choices, value=value, visible=len(known) > 1)


def on_labels(session: AppSession, request: TrainingRequest, number: int | None) -> TrainingRequest:
    """Return a request on a version of the labels, with the parts of the run whose readings these are from.

    Raises:
        EngineError: There is no such version, or a locked test case would be trained on.
    """
    if not number or number == FIRST_VERSION:
        return request
    index = load_index(session.workspace, request.dataset_id)
    version = version_named(session.store, index, str(number))
    labels = on_version(session.workspace, session.store, index, version, own_split=bool(request.folds))[1]
    asked = replace(request, labels=labels)
    splits_asked_for(session.workspace, asked)  # says at once what the run would say in a minute
    return asked


def chosen_folds(session: AppSession, dataset_id: str | None, folds: int) -> tuple[Split, ...]:
    """Return the splits of a cross-validation of the chosen data.

    Raises:
        DataError: No data set is chosen, or it cannot be split so.
    """
    if not dataset_id:
        raise DataError(_("No data set is chosen"), _("Choose one above, or import one on the Data page"))
    choices = load_choices(session.workspace, dataset_id)
    return folds_as_chosen(load_index(session.workspace, dataset_id), choices, folds)


def data_facts(session: AppSession, dataset_id: str | None, folds: int = 0, labels: int | None = None) -> str:
    """Return how the chosen data will be split, in one box; `folds` of a cross-validation, or 0."""
    if dataset_id and labels and labels != FIRST_VERSION:
        return _facts_on_labels(session, dataset_id, folds, labels)
    try:
        if folds:
            return folds_facts(chosen_folds(session, dataset_id, folds))
        split = chosen_split(session, dataset_id)
    except DataError as error:
        more = [_("Change this on the Data page.")] if dataset_id else []
        return markup.note(markup.told(error), tone="serious" if dataset_id else "plain", more=more)
    choices = load_choices(session.workspace, str(dataset_id))
    gone = lost([sample.path for part in PARTS for sample in split.part(part)])
    missed = _(
        "{missing}: say where they are now on the Data page, or training leaves out what is not in the cache."
    )
    said, more = [_parts_words(split)], [] if gone is None else [missed.format(missing=retold(str(gone)))]
    if len(split.classes) == 2:
        positive = positive_of(split.classes, choices.positive)
        said.append(_("The finding is “{name}”.").format(name=isolated(str(positive))))
    said.append(_("Change this on the Data page."))
    return markup.note(" ".join(said), more=more)


def _parts_words(split: Split) -> str:
    """Say how many images each part has, and how they came into it."""
    counts = {part: len(split.part(part)) for part in PARTS}
    return ngettext(
        "{train} training, {val} validation, {test} test image. Split: {method}.",
        "{train} training, {val} validation, {test} test images. Split: {method}.",
        counts["test"],
    ).format(method=retold(split.method), **{part: number(count) for part, count in counts.items()})


def _facts_on_labels(session: AppSession, dataset_id: str, folds: int, labels: int) -> str:
    try:
        choices, index = (
            load_choices(session.workspace, dataset_id),
            load_index(session.workspace, dataset_id),
        )
        recipe = named_recipe(session.workspace, "default")  # says nothing of the split
        asked = on_labels(session, training_request(recipe, index, choices, folds=folds), labels)
        splits = splits_asked_for(session.workspace, asked)[1]
    except EngineError as error:
        return markup.note(markup.told(error), tone="serious")
    if folds:
        return folds_facts(splits)
    (split,) = splits
    kept = asked.labels.base_run if asked.labels else ""
    whose = " " + _("Every image lies in the part that it had in run {run}.").format(run=isolated(kept))
    return markup.note(_parts_words(split) + (whose if kept else ""))


def folds_facts(splits: Sequence[Split]) -> str:
    """Return how a cross-validation deals out the images, in one box."""
    k = len(splits)
    unit = unit_words(patients_named(sample for split in splits for sample in split.test))
    few, most = (f(len(split.test) for split in splits) for f in (min, max))
    size = number(few) if few == most else _("{few} to {most}").format(few=number(few), most=number(most))
    first = _(
        "{folds} folds of {size} images, dealt out {how}. Each of {folds} models is trained on {rest} of them, tuned "
        "on one and tested on one."
    ).format(folds=number(k), size=size, how=retold(unit), rest=number(k - 2))
    more = (
        _("The report covers every labelled image, each predicted by the one model that never saw it."),
        _(
            "New images are predicted by the {folds} models together. Training takes about {folds} times as long."
        ).format(folds=number(k)),
    )
    return markup.note(first, more=more)


def recipe_card(recipe: Recipe) -> str:
    """Return where a recipe comes from and what was published of it."""
    hidden = len(recipe.phases) - PHASE_SLOTS
    published = _("Published: {result}")
    more = [
        published.format(result=isolated(f"{one.metric} {one.value:g} on {one.data}"))
        for one in recipe.expected
    ] or [_("No published result: evaluate it on your own test images.")]
    if hidden > 0:
        further = _("It has {count} further phases that are not shown here and run as written.")
        more.append(further.format(count=number(hidden)))
    return markup.note(markup.in_english(recipe.source), more=more)


def augmented(session: AppSession, dataset_id: str | None, base: Recipe | None, *values: Any) -> str:
    """Return a few training images, each beside four of its augmented versions.

    Raises:
        RecipeError: The form holds no recipe.
        DataError: There is no data, or an image cannot be read.
    """
    import torch

    from engine.recipes import Augmenter, augmentation_is_none, changes_of_copies

    if base is None:
        raise RecipeError(_("No recipe is chosen"), _("Choose one from the list"))
    recipe = recipe_of(base, values)
    split = chosen_split(session, dataset_id)
    of_copies = changes_of_copies(recipe)
    ways = {_("augmented"): recipe.augmentation}
    if of_copies is not None and of_copies != recipe.augmentation:
        ways[_("augmented copy")] = of_copies
    shown = {words: way for words, way in ways.items() if not augmentation_is_none(way)}
    if not shown:
        return markup.note(_("These settings do not change the training images."))
    films = []
    for name in split.classes[:4]:
        for row, sample in enumerate(split.train):
            if sample.label != name:
                continue
            pixels = load_image(sample.path, size=min(recipe.image_size, 224), channels=3, fit=recipe.fit)
            batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].repeat(4, 1, 1, 1)
            films.append(
                markup.Picture(
                    source=_data_uri(pixels), caption=_("{name}, original").format(name=isolated(name))
                )
            )
            for words, way in shown.items():
                changed = Augmenter(way, recipe.seed)(batch, [row] * 4, 0, copies=[0, 1, 2, 3])
                for picture in changed:
                    as_pixels = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
                    films.append(markup.Picture(source=_data_uri(as_pixels), caption=words))
            break
    return markup.box("five", [markup.pictures(films)])


def _data_uri(pixels: np.ndarray[Any, Any]) -> str:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=88)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"


def choose_recipe(session: AppSession, name: str | None) -> tuple[Any, ...]:
    """Return what the form shows of a recipe: the recipe itself, its card, its phases and its values.

    Args:
        session: The open window.
        name: Of the recipe; None means the default.
    """
    workspace = session.workspace
    recipe = named_recipe(workspace, name or "default")
    others = [*RECIPES.values(), *own_recipes(workspace).values()]
    filled = values_and_choices_of(recipe, weight_choices(workspace), others)
    balance = recipe.balance.method if recipe.balance.method in balances() else None
    return recipe, recipe_card(recipe), plan_of(recipe), balance, *_phase_groups(recipe), *filled


def choose_plan(session: AppSession, plan: str) -> tuple[Any, ...]:
    """Return what the form shows of a plan's recipe, chosen in the list too."""
    return PLANS[plan].recipe, *choose_recipe(session, PLANS[plan].recipe)


def plan_of(recipe: Recipe) -> str | None:
    """Return the plan that a recipe is; None where it is another one, or changed."""
    return next((name for name, plan in PLANS.items() if RECIPES[plan.recipe] == recipe), None)


def weight_choices(workspace: Workspace) -> list[str]:
    """Return what a training may begin with in this workspace: added weights, then finished runs, newest first."""
    from engine.models import added_weights

    files = [f"file:{one.name}" for one in added_weights(workspace)]
    trained = [run for run in list_runs(workspace) if run.recipe is not None and offered(run.folder)]
    return files + [f"run:{run.run_id}" for run in trained]


def phase_title(slot: int) -> str:
    """Return what the box of a phase is called, whatever recipe it holds."""
    return _("Phase {number}").format(number=number(slot + 1))


def _phase_groups(recipe: Recipe) -> list[Any]:
    groups = []
    for slot in range(PHASE_SLOTS):
        here = slot < len(recipe.phases)
        label = phase_title(slot)
        if here:
            name = isolated(recipe.phases[slot].name)
            label = _("Phase {number}: {name}").format(number=number(slot + 1), name=name)
        groups.append(gr.Accordion(label=label, visible=here))
    return groups


def save_recipe(session: AppSession, title: str, base: Recipe | None, *values: Any) -> tuple[Any, ...]:
    """Save the form as an own recipe and choose it.

    Raises:
        RecipeError: It has no name, or is no recipe.
    """
    refuse_guests(session)
    if base is None:
        raise RecipeError(_("No recipe is chosen"), _("Choose one from the list"))
    saved = save_own(session.workspace, recipe_of(base, values), title)
    gr.Info(_("Saved as “{title}”. It is listed under “Mine”.").format(title=isolated(saved.title)))
    listed = gr.Dropdown(choices=recipes_offered(session.workspace), value=saved.name)
    return listed, saved, recipe_card(saved)


def open_recipe(session: AppSession, file: str | None) -> tuple[Any, ...]:
    """Read a recipe file that somebody shared, keep it and choose it.

    Raises:
        RecipeError: It is no recipe.
    """
    refuse_guests(session)
    recipe = keep_own(session.workspace, load_recipe(Path(str(file))))
    listed = gr.Dropdown(choices=recipes_offered(session.workspace), value=recipe.name)
    return listed, *choose_recipe(session, recipe.name)


def recipe_file(base: Recipe | None, *values: Any) -> str:
    """Write the form as a JSON file to be downloaded and return its path."""
    if base is None:
        raise RecipeError(_("No recipe is chosen"), _("Choose one from the list"))
    recipe = recipe_of(base, values)
    path = new_folder("recipe") / f"{recipe.name}.json"
    path.write_text(recipe_to_json(recipe), encoding="utf-8")
    return str(path)


def refuse_guests(session: AppSession) -> None:
    """Refuse to change anything from a window that is for looking only.

    Raises:
        TrainingError: It is such a window.
    """
    if session.read_only:
        raise TrainingError(
            _("This window is read-only"), _("Train on the computer that holds the workspace")
        )
