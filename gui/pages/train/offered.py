"""What is offered first: how thorough, with the time it will take here, and what is done about unequal classes.

A plan is a recipe of `engine.recipes.PLANS`, and the form below holds it like any other; nothing is trained that the
form does not say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from engine import jobs
from engine.data import limit_training
from engine.errors import EngineError, RunError
from engine.kept_files import MIB, JsonFile, read_json
from engine.language import _, isolated, number
from engine.recipes import PLANS, RECIPES, recipe_to_json
from engine.records import Balance, Phase, Recipe, Split
from engine.report import apart
from engine.storage import versioned, write_atomic
from gui.pages.train.plan import balances, chosen_split
from gui.web import AppSession

if TYPE_CHECKING:
    from engine.training import ImageCounts, Pace

NAMED = 4  # classes whose counts stand in a line
SOME = 6  # images that are read to measure how long reading takes
_ONE_AT_A_TIME = Lock()  # two measurements beside each other would both be wrong


def plan_choices(times: dict[str, str]) -> list[tuple[str, str]]:
    """Return what the page offers; `times` are what is known of each plan's, in words."""
    said = plans()
    timed = _("{plan} ({time}): {about}")
    choices = []
    for name in PLANS:
        title, about = said[name]
        time = times.get(name)
        words = timed.format(plan=title, time=time, about=about) if time else f"{title}: {about}"
        choices.append((words, name))
    return choices


def plans() -> Mapping[str, tuple[str, str]]:
    """Return title and description of each plan."""
    said = {
        "quick": (_("Quick"), _("a new last layer on a network that is left as it is")),
        "recommended": (
            _("Recommended"),
            _("the same, then the network's last blocks are fitted to your images"),
        ),
        "thorough": (_("Thorough"), _("then the whole network, for as long as it helps")),
    }
    return {name: said.get(name, (plan.title, plan.about)) for name, plan in PLANS.items()}


def lasting(seconds: float) -> str:
    """Return how long something takes, as a report does: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return _("{seconds} s").format(seconds=number(seconds))
    minutes = round(seconds / 60)
    if minutes < 90:
        return _("{minutes} min").format(minutes=number(minutes))
    return _("{hours} h {minutes} min").format(hours=number(minutes // 60), minutes=number(minutes % 60))


def balance_choices(session: AppSession, dataset_id: str | None) -> list[tuple[str, str]]:
    """Return the ways to treat unequal classes, each with the counts of the training images before and after."""
    try:
        split = chosen_split(session, dataset_id)
        return [(apart(f"{words}. {_counts(split, method)}"), method) for method, words in balances().items()]
    except EngineError:  # the box on the data says so
        return [(f"{words}.", method) for method, words in balances().items()]


def balance_again(session: AppSession, dataset_id: str | None) -> Any:
    """Return the ways to treat unequal classes with the counts of another data set; what is chosen stays."""
    return gr.Radio(choices=balance_choices(session, dataset_id))


def _counts(split: Split, method: str) -> str:
    """Say how many training images of each class there are, and what a way makes of them."""
    from engine.recipes import balanced_rows, class_counts  # with them comes torch, here and below

    labels = np.array([split.classes.index(str(sample.label)) for sample in split.train], dtype=np.int64)
    done = balanced_rows(labels, Balance(method=method), split.classes, np.random.default_rng(0))
    before, after = class_counts(labels, split.classes), class_counts(labels[done.rows], split.classes)
    order = np.argsort(-before, kind="stable")
    shown = order if len(order) <= NAMED else [*order[: NAMED - 1], order[-1]]
    pieces = []
    for at in shown:
        piece = _("{name} {before}") if after[at] == before[at] else _("{name} {before} → {after}")
        piece = piece.format(
            name=isolated(split.classes[at]), before=number(int(before[at])), after=number(int(after[at]))
        )
        if done.class_weights is not None:
            weight = number(float(done.class_weights[at]), 2)
            piece = _("{images}, each counted {weight} times").format(images=piece, weight=weight)
        pieces.append(piece)
    if len(order) > NAMED:
        pieces.append(_("{count} classes between them").format(count=number(len(order) - NAMED)))
    return _("; ").join(pieces)


# ------------------------------------------------------------------------------------------------ how long it takes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What was measured on this machine, by what was measured."""

    paces: dict[str, dict[str, Any]]


_MEASURED = JsonFile(
    record=_Measured, error=RunError, remedy="Delete {file}; it is measured again", largest=8 * MIB
)


def timed(session: AppSession, measure: str, dataset_id: str | None) -> Any:
    """Return the plans with the time that each will take here, as far as it is known.

    Args:
        session: The window.
        measure: The plan that is measured now, unless it was before; empty for none.
        dataset_id: The data set.
    """
    try:
        split = chosen_split(session, dataset_id)
    except EngineError:
        return gr.Radio(choices=plan_choices({}))
    times: dict[str, str] = {}
    # What is measured beside a training is not what a training alone would take.
    busy = session.read_only or jobs.running_job(session.workspace) is not None
    for name, plan in PLANS.items():
        recipe = RECIPES[plan.recipe]
        if known_pace(session, recipe, split) is None and (busy or name != measure):
            waiting = not busy and (not measure or list(PLANS).index(name) > list(PLANS).index(measure))
            times[name] = _("measuring how long it takes here…") if waiting else ""
        elif (expected := expectation(session, recipe, split)) is not None:
            stops = any(phase.stop_patience for phase in recipe.phases)
            words = _("about {time} here at most") if stops else _("about {time} here")
            times[name] = words.format(time=lasting(expected.said))
    return gr.Radio(choices=plan_choices(times))


def unmeasured(session: AppSession, dataset_id: str | None, after: str = "") -> str:
    """Return the next plan, of those behind `after`, whose time nobody has measured here; empty where none can be."""
    if session.read_only or jobs.running_job(session.workspace) is not None:
        return ""
    try:
        split = chosen_split(session, dataset_id)
    except EngineError:
        return ""
    plans = [*PLANS]
    return next(
        (
            name
            for name in plans[plans.index(after) + 1 if after else 0 :]
            if known_pace(session, RECIPES[PLANS[name].recipe], split) is None
        ),
        "",
    )


def expectation(session: AppSession, recipe: Recipe, split: Split) -> jobs.Expected | None:
    """Return how long a recipe will take on a split here, measuring if need be; None where that cannot be."""
    try:
        pace = known_pace(session, recipe, split) or _measure(session, recipe, split)
    except EngineError:  # the recipe does not fit, and the box on it says so
        return None
    return _expected(session, recipe, split, pace)


def _expected(session: AppSession, recipe: Recipe, split: Split, pace: Pace) -> jobs.Expected:
    from engine.training import expected_seconds

    seconds = expected_seconds(recipe, pace, counts_of(recipe, split))
    return jobs.Expected(measured=seconds, said=seconds * jobs.correction(session.workspace))


def expected_of_recipe(session: AppSession, dataset_id: str | None, recipe: Recipe) -> jobs.Expected | None:
    """Return how long a recipe will take, where that was measured before: a start waits for no measurement."""
    try:
        split = chosen_split(session, dataset_id)
    except EngineError:  # the labels that came with the data cannot be split, and later ones can
        return None
    pace = known_pace(session, recipe, split)
    return None if pace is None else _expected(session, recipe, split, pace)


def counts_of(recipe: Recipe, split: Split) -> ImageCounts:
    """Return how many images a training of a recipe on a split is about."""
    from engine.recipes import balanced_rows
    from engine.training import ImageCounts

    limited = limit_training(split, recipe.train_limit, seed=recipe.seed)
    labels = np.array([split.classes.index(str(sample.label)) for sample in limited.train], dtype=np.int64)
    shown = balanced_rows(labels, recipe.balance, split.classes, np.random.default_rng(0)).rows
    return ImageCounts(train=len(limited.train), shown=len(shown), val=len(split.val), test=len(split.test))


def known_pace(session: AppSession, recipe: Recipe, split: Split) -> Pace | None:
    """Return what was measured before of a recipe on so large a data set; None where nothing was."""
    return _read_pace(_paces_file(session), _key(recipe, split))


def _read_pace(file: Path, key: str) -> Pace | None:
    from pydantic import TypeAdapter, ValidationError

    from engine.training import Pace

    try:
        kept = read_json(file, _MEASURED).paces.get(key)
        return None if kept is None else TypeAdapter(Pace).validate_python(kept)
    except (FileNotFoundError, RunError, ValidationError):
        return None


def _measure(session: AppSession, recipe: Recipe, split: Split) -> Pace:
    from engine.training import measure_pace

    file, key = _paces_file(session), _key(recipe, split)
    with _ONE_AT_A_TIME:
        if (known := _read_pace(file, key)) is not None:
            return known
        pace = measure_pace(
            recipe,
            len(split.classes),
            [sample.path for sample in split.train[:SOME]],
            images=len(split.train) + len(split.val),
            cache_dir=session.workspace.cache,
        )
        try:
            kept = read_json(file, _MEASURED).paces
        except (FileNotFoundError, RunError):
            kept = {}
        write_atomic(file, json.dumps(versioned({"paces": {**kept, key: asdict(pace)}})))
        return pace


def _paces_file(session: AppSession) -> Path:
    return session.workspace.cache / "pace.json"  # gone with the cache: another computer measures again


@lru_cache(maxsize=64)
def _digest(recipe: Recipe) -> str:
    """Return what a recipe is measured by: what does not change its speed is left out."""
    from engine.recipes import mixes_images

    phases = tuple(
        Phase(
            name="",
            epochs=1,
            trainable=one.trainable,
            freeze_batch_norm=one.freeze_batch_norm,
            mixup=float(mixes_images(one)),
        )
        for one in recipe.phases
    )
    bare = replace(
        recipe, name="-", title="", source="", expected=(), seed=0, balance=Balance(), phases=phases
    )
    return hashlib.sha256(recipe_to_json(bare).encode()).hexdigest()[:16]


def _key(recipe: Recipe, split: Split) -> str:
    """Return what a measurement is known by: nets are converted for many images, and then they are faster."""
    from engine.models import WORTH_CONVERTING

    many = len(split.train) + len(split.val) >= WORTH_CONVERTING
    return f"{_digest(recipe)} {len(split.classes)} {'many' if many else 'few'}"
