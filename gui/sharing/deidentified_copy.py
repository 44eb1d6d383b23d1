"""A throw-away copy of some cases in which nothing says whose they are: what guests are shown.

New random case ids in a new random order, films re-encoded from their pixels alone, the predictions and
heatmaps; no patient, no path or file name, no date, no name of data or recipe, no review, no model. What is
*in* the pixels stays: a name burned into a film must be seen by the person who shares it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import ImageError, ShareError
from engine.images import image_png, read_unchanged
from engine.language import _, number, short_number
from engine.reading import RunSummary, Store, open_store, random_place
from engine.records import Calibration, Explanation, Prediction, Recipe, Run
from engine.runs import (
    load_explanations,
    passport_of,
    save_explanations,
    save_map_settings,
    save_passport,
)
from engine.storage import write_atomic
from engine.workspace import Workspace, open_workspace
from gui.sharing.how_many import MOST_CASES, USUAL_CASES

RUN_ID = "shared"


def make_copy(
    workspace: Workspace,
    store: Store,
    run_id: str,
    image_ids: Sequence[str] | None,
    folder: Path,
    *,
    cases: int = USUAL_CASES,
    seed: int | None = None,
    labels: bool = False,
) -> Workspace:
    """Copy cases into a workspace of their own.

    Args:
        workspace: Where the run's heatmaps are.
        store: Where its cases are.
        run_id: The run.
        image_ids: Which cases; None takes random ones of the test part, or of all where no part is test.
        folder: Of the copy; made readable by this user alone.
        cases: How many random ones.
        seed: Of the random ones; None draws others each time.
        labels: Whether the labels that came with the data go along.

    Raises:
        ShareError: There is nothing to share, or too much.
        ReviewError: A case is unknown.
    """
    run = store.run(run_id)
    chosen = choose(store, run_id, image_ids, cases, seed)
    copy = open_workspace(folder, own_file=True)
    heatmaps = load_explanations(workspace.runs / run_id)
    stored, explained = [], []
    for place, case in enumerate(chosen, 1):
        new_id = secrets.token_hex(32)  # not the hash of the file: who has the file could tell
        path = copy.root / "films" / f"case {place}.png"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            write_atomic(path, image_png(case.path, data=read_unchanged(case.path, case.image_id)))
        except ImageError:
            continue  # the file is gone, damaged or another one since; the others can be shown
        label = case.label if labels else None
        stored.append(replace(case, image_id=new_id, path=path, patient_id=new_id, label=label))
        if case.image_id in heatmaps:
            explained.append(anonymous(heatmaps[case.image_id], new_id))
    if not stored:
        raise ShareError(
            _("None of the chosen images can be read"), _("Check that their files are where they were")
        )
    with open_store(copy.database) as copied:
        copied.add_run(nameless(run, copy))
        copied.add_cases(RUN_ID, stored)
    (copy.runs / RUN_ID).mkdir(mode=0o700)
    save_explanations(copy.runs / RUN_ID, explained)
    _copy_passport(workspace.runs / run_id, copy.runs / RUN_ID, {each.method for each in explained})
    return copy


def _copy_passport(folder: Path, copy: Path, methods: Collection[str]) -> None:
    """Let guests know how far the heatmaps can be believed; there are figures in it, and no name."""
    for method in methods:
        passport, _ = passport_of(folder, method)
        if passport is None:
            continue
        if passport.settings is not None:
            save_map_settings(copy, passport.settings)
        save_passport(copy, passport)


def choose(
    store: Store, run_id: str, image_ids: Sequence[str] | None, cases: int, seed: int | None = None
) -> list[Prediction]:
    """Return the cases to share, in an order that tells nothing.

    Raises:
        ShareError: There are none, or more than may be shared.
        ReviewError: A case is unknown.
    """
    dice = secrets.SystemRandom()
    if image_ids is None:
        found = list(store.predictions(run_id, "test") or store.predictions(run_id))
        if (
            seed is not None
        ):  # by their ids, so that they do not depend on the order in which they were stored
            found.sort(key=lambda one: random_place(f"share {seed}", one.image_id))
        else:
            dice.shuffle(found)
        found = found[:cases]
        dice.shuffle(found)
    else:
        found = [store.case(run_id, image_id) for image_id in dict.fromkeys(image_ids)]
        dice.shuffle(found)
    if not found:
        raise ShareError(
            _("There are no cases to share"), _("Choose a run with predicted cases, and one case or more")
        )
    if len(found) > MOST_CASES:
        raise ShareError(
            _("{found} cases are too many to share").format(found=number(len(found))),
            _("Choose {most_cases} or fewer").format(most_cases=short_number(MOST_CASES)),
        )
    return found


def anonymous(explanation: Explanation, image_id: str) -> Explanation:
    """Return the same heatmap under another case id."""
    return replace(explanation, image_id=image_id)


def nameless(run: RunSummary, copy: Workspace) -> Run:
    """Return a run that says what its classes and operating point are, and nothing of where it comes from."""
    return Run(
        run_id=RUN_ID,
        folder=copy.runs / RUN_ID,
        dataset_id="",
        dataset_name="Shared cases",
        recipe=Recipe(name="model", title="", source="", backbone=""),
        classes=run.classes,
        positive=run.positive,
        threshold=run.threshold,
        calibration=Calibration(),
        weights_source="",
        device="",
        created=datetime.now(UTC),
        seconds=math.nan,
        parameters=0,
        trained_parameters=0,
    )
