"""What the form of a new study offers: runs and data sets with their classes, readers, and the words of each choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data import list_indexes, load_index
from engine.errors import DataError
from engine.kept_files import ignore
from engine.reading import DESIGNS
from engine.records import PART_NAMES, PARTS
from gui.pages.keeping import named, offered
from gui.pages.studies.form import AIMS, CERTAINTIES, CONSENSUS, INDETERMINATE, PRIMARY, RULES
from gui.web import AppSession

Answer = dict[str, Any]
DESIGN_TITLES: Mapping[str, str] = {
    "blind": "Blind",
    "blind then assisted": "Blind, then assisted at once",
    "wash-out": "Blind, then assisted after a wash-out",
    "assisted": "Assisted",
    "concurrent against second reader": "Assisted from the beginning against second reader",
    "annotation": "Labelling images",
}


def administers(session: AppSession) -> bool:
    """Return whether whoever asks makes studies: the administrator, or anybody where nobody signs in."""
    name = session.signed_in()
    found = session.store.find_reader(name) if name else None
    return not name or (found is not None and found.role == "administrator")


def listed_readers(session: AppSession) -> list[Answer]:
    """Return who can be chosen; who has signed in and makes no studies reads as nobody else."""
    own = "" if administers(session) else session.signed_in()
    roles = {"adjudicator": " (adjudicator)", "administrator": " (administrator)"}
    return [
        {"value": each.reader_id, "title": each.name + roles.get(each.role, ""), "name": each.name}
        for each in session.store.people()
        if each.role != "guest" and own in ("", each.name)
    ]


def form_choices(session: AppSession) -> Answer:
    """Return what each field of the form offers."""

    def listed(words: Mapping[str, str]) -> list[Answer]:
        return [{"value": name, "title": title} for name, title in words.items()]

    arms = {name: design.arms for name, design in DESIGNS.items()}
    return {
        "readers": listed_readers(session),
        "source": [*_runs(session), *_data(session)],
        "design": [
            {
                "value": name,
                "title": DESIGN_TITLES[name],
                "says": f"{design.description}.",
                "needs_run": "assisted" in arms[name],
                "needs_none": name == "annotation",
            }
            for name, design in DESIGNS.items()
        ],
        "rule": listed(RULES),
        "certainty": listed(CERTAINTIES),
        "consensus": listed(CONSENSUS),
        "indeterminate": listed(INDETERMINATE),
        "primary": listed(PRIMARY),
        "aim": listed(AIMS),
    }


def runs_with_test_cases(session: AppSession) -> list[Answer]:
    """Return the runs whose test cases may be read again, as choices."""
    return [
        {"value": one["value"].partition(":")[2], "title": one["title"].partition(": ")[2]}
        for one in _runs(session)
        if any(part["value"] == "test" for part in one["parts"])
    ]


def _parts(session: AppSession, run_id: str) -> list[Answer]:
    there = [part for part in PARTS if session.store.count(run_id, "all", "", part)]
    return [{"value": part, "title": PART_NAMES[part]} for part in there]


def _runs(session: AppSession) -> list[Answer]:
    return [
        {
            "value": f"run:{run.run_id}",
            "title": f"Run: {named(session.workspace.runs / run.run_id, run.recipe_name)} · {run.dataset_name} · "
            f"{run.created.astimezone():%d %b %H:%M}",
            "run": True,
            "classes": list(run.classes),
            "positive": run.positive,
            "parts": _parts(session, run.run_id),
        }
        for run in session.store.runs()
        if run.cases and offered(session.workspace.runs / run.run_id)
    ]


def _data(session: AppSession) -> list[Answer]:
    told = []
    for one in list_indexes(session.workspace, on_damaged=ignore):
        if not offered(session.workspace.datasets / one.dataset_id):
            continue
        try:
            classes = list(load_index(session.workspace, one.dataset_id).classes)
        except DataError:  # the Data page says what is wrong with it
            continue
        title = f"Images: {one.name} · {one.images:,} · {one.created.astimezone():%d %b %H:%M}"
        told.append(
            {"value": f"data:{one.dataset_id}", "title": title, "run": False, "classes": classes, "parts": []}
        )
    return told
