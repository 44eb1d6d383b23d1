"""The heatmap of a case: the one that came with it, or one by the method and for the class that a reader chooses."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import ReviewError, RunError
from engine.jobs import Wish
from engine.language import _, isolated
from engine.reading import Shown
from engine.records import MAP_AS_SUPPLIED, Explanation, Run, class_argued_for, recipe_of
from engine.retelling import retold
from engine.runs import SUPPLIED_FILE, load_map_settings, load_run
from engine.saliency import DEFAULT_SALIENCY, SALIENCIES, levels_png, map_legend
from gui.pages.review.blinded import refuse_blinded
from gui.pages.review.reading_session import Desk, text
from gui.web import AppSession, explanation, image_url


def addresses(session: AppSession, run_id: str, image_id: str) -> dict[str, Any]:
    """Return a case's id, and where its image and its heatmap are."""
    heat, _why = heatmap_of(session, run_id, image_id)
    return {
        "id": image_id,
        "image": image_url(session, run_id, image_id),
        "depth": image_url(session, run_id, image_id, "depth"),
        "heat": image_url(session, run_id, image_id, "levels") if heat is not None else None,
    }


def heatmap_of(session: AppSession, run_id: str, image_id: str) -> tuple[Explanation | None, str | None]:
    """Return a case's heatmap; or why it cannot be read, which keeps nobody from reading the image."""
    try:
        return explanation(session, run_id, image_id), None
    except RunError as error:
        return None, retold(error)


def method_choices(session: AppSession, run_id: str) -> list[dict[str, str]]:
    """Return the methods that a reader can choose; none for guests, who see what was shared, and where no net is."""
    if session.read_only or (session.workspace.runs / run_id / SUPPLIED_FILE).exists():
        return []
    usual = {
        "value": "",
        "title": _("as in the run"),
        "says": _("The method that the run's heatmaps were made by"),
    }
    return [
        usual,
        *(
            {
                "value": name,
                "title": _("{name} (caution)").format(name=name) if one.caution() else name,
                "says": " ".join(
                    f"{retold(said)}." for said in (one.says, one.caution()) if said
                ).removesuffix("."),
            }
            for name, one in SALIENCIES.items()
        ),
    ]


def explain(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Begin to make a case's heatmap by another method or for another class, or say how far it is.

    The page asks again until it is there. With "ahead" it is the next case's, which nobody waits for.

    Raises:
        EngineError: It cannot be made, or may not be: a guest's window computes nothing.
    """
    session = desk.session
    if session.read_only:
        raise ReviewError(
            _("Guests see the heatmaps that were shared with them"),
            _("Ask the owner of these cases for another method"),
        )
    reading, shown = desk.reading(asked), text(asked, "shown")
    refuse_blinded(desk, reading)
    case = session.store.case(reading.run_id, shown)
    folder = session.workspace.runs / reading.run_id
    run = _run(folder, _stamp(folder / "run.json"))
    recipe_of(run)  # says so where there is no net to ask
    settings = load_map_settings(folder)
    method = text(asked, "method") or (settings.method if settings else DEFAULT_SALIENCY)
    target = text(asked, "target") or class_argued_for(run.classes, run.positive, case.predicted)
    kept, _why = heatmap_of(session, reading.run_id, shown)
    exposed = Shown(image_id=shown, map=f"{method}, for {target}")
    if kept is not None and (kept.method, kept.target) == (method, target):
        desk.sittings.expose(reading.sitting, exposed)
        return {"shown": shown} | _drawn(kept)
    answer = session.explaining.ask(
        text(asked, "reading"), Wish(run, case, method, target), ahead=asked.get("ahead") is True
    )
    if answer.explanation is None:
        return {"shown": shown, "share": answer.share, "begun": answer.begun}
    if asked.get("ahead") is not True:  # else it waits for its case, and is asked for again
        desk.sittings.expose(reading.sitting, exposed)
    return {"shown": shown} | _drawn(answer.explanation)


def stop_explaining(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the heatmap that a reader was waiting for."""
    if not desk.session.read_only:
        desk.session.explaining.drop(text(asked, "reading"))
    return {}


def words_of(made: Explanation) -> str:
    """Say how a map was made and for which class, where that is known."""
    if made.method == MAP_AS_SUPPLIED:
        return retold(made.method)
    return _("{method}, for {name}").format(method=made.method, name=isolated(made.target))


def legend_of(made: Explanation) -> dict[str, Any]:
    """Say what a map's colours mean, for the page."""
    legend = asdict(map_legend(made))
    said = {
        name: retold(legend[name]) if legend[name] else "" for name in ("title", "unit", "sum", "caution")
    }
    return legend | said | {"ticks": [(share, retold(words)) for share, words in legend["ticks"]]}


def _drawn(made: Explanation) -> dict[str, Any]:
    levels = base64.b64encode(levels_png(made.heatmap, scale=made.scale)).decode()
    return {
        "levels": f"data:image/png;base64,{levels}",
        "legend": legend_of(made),
        "method": words_of(made),
    }


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # reading it says what is wrong
        return 0


@lru_cache(maxsize=8)
def _run(folder: Path, stamp: int) -> Run:
    """Read a run once; `stamp` (the file's time) makes a changed one be read anew."""
    return load_run(folder)
