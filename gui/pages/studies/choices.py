"""What the form of a new study offers: runs and data sets with their classes, readers, and the words of each choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data import list_indexes, load_index
from engine.errors import DataError
from engine.kept_files import ignore
from engine.language import _, isolated, moment, number
from engine.reading import DESIGNS
from engine.records import PARTS
from gui.pages.keeping import in_a_field, named_in_a_field, offered
from gui.pages.studies.form import (
    aims,
    certainties,
    consensus_rules,
    indeterminate_rules,
    primary_figures,
    rules,
)
from gui.web import AppSession

Answer = dict[str, Any]


def design_titles() -> dict[str, str]:
    """Return the designs that there are, in words."""
    return {
        "blind": _("Blind"),
        "blind then assisted": _("Blind, then assisted at once"),
        "wash-out": _("Blind, then assisted after a wash-out"),
        "assisted": _("Assisted"),
        "concurrent against second reader": _("Assisted from the beginning against second reader"),
        "annotation": _("Labelling images"),
    }


def part_title(part: str) -> str:
    """Return the name of a part of the data."""
    return {"train": _("training"), "val": _("validation"), "test": _("test")}[part]


def administers(session: AppSession) -> bool:
    """Return whether whoever asks makes studies: the administrator, or anybody where nobody signs in."""
    name = session.signed_in()
    found = session.store.find_reader(name) if name else None
    return not name or (found is not None and found.role == "administrator")


def listed_readers(session: AppSession) -> list[Answer]:
    """Return who can be chosen; who has signed in and makes no studies reads as nobody else."""
    own = "" if administers(session) else session.signed_in()
    roles = {"adjudicator": _("{name} (adjudicator)"), "administrator": _("{name} (administrator)")}
    return [
        {
            "value": each.reader_id,
            "title": roles.get(each.role, "{name}").format(name=isolated(each.name)),
            "name": each.name,
        }
        for each in session.store.people()
        if each.role != "guest" and own in ("", each.name)
    ]


def form_choices(session: AppSession) -> Answer:
    """Return what each field of the form offers."""

    def listed(words: Mapping[str, str]) -> list[Answer]:
        return [{"value": name, "title": title} for name, title in words.items()]

    titles = design_titles()
    arms = {name: design.arms for name, design in DESIGNS.items()}
    return {
        "readers": listed_readers(session),
        "source": [*_runs(session), *_data(session)],
        "design": [
            {
                "value": name,
                "title": titles[name],
                "says": f"{_(design.description)}.",
                "needs_run": "assisted" in arms[name],
                "needs_none": name == "annotation",
            }
            for name, design in DESIGNS.items()
        ],
        "rule": listed(rules()),
        "certainty": listed(certainties()),
        "consensus": listed(consensus_rules()),
        "indeterminate": listed(indeterminate_rules()),
        "primary": listed(primary_figures()),
        "aim": listed(aims()),
    }


def runs_with_test_cases(session: AppSession) -> list[Answer]:
    """Return the runs whose test cases may be read again, as choices."""
    return [
        {"value": one["value"].partition(":")[2], "title": one["name"]}
        for one in _runs(session)
        if any(part["value"] == "test" for part in one["parts"])
    ]


def _parts(session: AppSession, run_id: str) -> list[Answer]:
    there = [part for part in PARTS if session.store.count(run_id, "all", "", part)]
    return [{"value": part, "title": part_title(part)} for part in there]


def _runs(session: AppSession) -> list[Answer]:
    told = []
    for run in session.store.runs():
        if not run.cases or not offered(session.workspace.runs / run.run_id):
            continue
        called = named_in_a_field(session.workspace.runs / run.run_id, run.recipe_name)
        when = moment(run.created.astimezone(), "%d %b %H:%M")
        name = f"{called} · {in_a_field(run.dataset_name)} · {when}"
        told.append(
            {
                "value": f"run:{run.run_id}",
                "title": _("Run: {name}").format(name=name),
                "name": name,
                "run": True,
                "classes": list(run.classes),
                "positive": run.positive,
                "parts": _parts(session, run.run_id),
            }
        )
    return told


def _data(session: AppSession) -> list[Answer]:
    told = []
    for one in list_indexes(session.workspace, on_damaged=ignore):
        if not offered(session.workspace.datasets / one.dataset_id):
            continue
        try:
            classes = list(load_index(session.workspace, one.dataset_id).classes)
        except DataError:  # the Data page says what is wrong with it
            continue
        when = moment(one.created.astimezone(), "%d %b %H:%M")
        name = f"{in_a_field(one.name)} · {number(one.images)} · {when}"
        title = _("Images: {name}").format(name=name)
        told.append(
            {"value": f"data:{one.dataset_id}", "title": title, "run": False, "classes": classes, "parts": []}
        )
    return told
