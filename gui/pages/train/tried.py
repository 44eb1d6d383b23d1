"""What experiments found: how far each is, its table and figure, and what can be done with it."""

from __future__ import annotations

from datetime import datetime

from engine.errors import EngineError, RecipeError, RunError
from engine.experiments import (
    ExperimentStatus,
    Found,
    experiment_folder,
    experiment_status,
    load_asked,
    load_found,
)
from engine.kept_files import MIB
from engine.language import _, isolated, moment, ngettext, number
from engine.recipes import recipe_words
from engine.retelling import retold
from engine.storage import read_regular
from gui.pages.keeping import in_a_field
from gui.web import AppSession, markup

TONES = {"done": "good", "stopped": "mild", "failed": "serious", "lost": "serious"}


def questions() -> dict[str, str]:
    """Return what can be asked: a key of `engine.experiments.asked.work.KINDS` → the question."""
    return {
        "learning-curve": _("How many more images?"),
        "search": _("Which settings are better?"),
        "comparison": _("Which recipe is better?"),
    }


def states() -> dict[str, str]:
    """Return the states of an experiment in words."""
    return {
        "working": _("in progress"),
        "done": _("done"),
        "stopped": _("stopped"),
        "failed": _("failed"),
        "lost": _("interrupted"),
    }


def found_by(session: AppSession, now: ExperimentStatus | None) -> Found | None:
    """Return what came of an experiment; None where it is not done."""
    if now is None or now.state != "done":
        return None
    try:
        return load_found(experiment_folder(session.workspace, now.experiment_id))
    except RunError:  # the box says so
        return None


def title_of(session: AppSession, now: ExperimentStatus) -> str:
    """Return when an experiment was begun, what it asks and how far it is, in a line."""
    began = datetime.fromtimestamp(now.started).astimezone()
    try:
        asked = load_asked(experiment_folder(session.workspace, now.experiment_id))
        titles = " · ".join(in_a_field(recipe_words(one.title)) for one in (asked.recipe, *asked.others))
        what = f"{questions().get(asked.kind, asked.kind)} · {titles}"
    except EngineError:
        what = _("unknown question")
    return f"{moment(began, '%d %b %Y %H:%M')} · {what} · {states()[now.state]}"


def result(session: AppSession, now: ExperimentStatus) -> str:
    """Return how far an experiment is, or what it found."""
    if now.working:
        share = now.done / now.total if now.total else 0.0
        line = _("{n} of {total} trainings done").format(n=number(now.done), total=number(now.total))
        said = markup.told(f"{now.message}.".replace("..", "."))
        return markup.note(said, inner=markup.progress(share, line if now.total else ""))
    folder = experiment_folder(session.workspace, now.experiment_id)
    try:
        found = load_found(folder)
    except RunError as error:
        return markup.note(markup.told(error), tone="serious")
    if now.state != "done" or found is None:
        form = ngettext("{n} of {total} trainings was done.", "{n} of {total} trainings were done.", now.done)
        done = form.format(n=number(now.done), total=number(now.total))
        more = [done] if now.total else []
        return markup.note(markup.told(now.message), tone=TONES.get(now.state, "plain"), more=more)
    further = [markup.told(one) for one in found.more]
    pieces: list[str] = [markup.note(markup.told(found.sentence), tone="good", more=further)]
    if found.figure:
        try:
            svg = read_regular(folder / "figure.svg", MIB).decode("utf-8")
            pieces.append(markup.drawing(svg, _("Area under the ROC curve by number of training images.")))
        except (OSError, UnicodeDecodeError):  # the table says the same
            pass
    if found.runs:
        pieces.append(markup.chosen({"runs": list(found.runs)}))
    pieces.append(markup.table([retold(one) for one in found.headings], found.rows))
    if found.page:
        pieces.append(
            markup.remark(
                _("The page with its PDF, CSV and JSON: {file}").format(
                    file=isolated(str(folder / found.page))
                )
            )
        )
    return markup.joined(pieces)


def recipe_found(session: AppSession, which: str | None) -> str:
    """Return the name of the recipe that an experiment saved.

    Raises:
        RecipeError: It saved none.
    """
    found = found_by(session, experiment_status(experiment_folder(session.workspace, which or "")))
    if found is None or not found.recipe:
        raise RecipeError(_("This experiment has found no recipe"), _("Choose a search that is done"))
    return str(found.recipe)
