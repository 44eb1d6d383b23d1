"""What the script of the Report page asks for: a part, the cases behind a figure, what is written, a comparison."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.data import load_index
from engine.errors import ReportError, ReviewError
from engine.labels import version_named
from engine.language import ENGLISH, _, counted, isolated, number, short_number, speaking, typed_number
from engine.report import item_of, keep_answer, keep_prevalence, sharing
from engine.retelling import retold
from engine.runs import find_run, list_runs
from gui.pages.keeping import offered, run_title
from gui.pages.report.computed import report_of
from gui.pages.report.parts import PARTS
from gui.web import AppSession, image_url, markup

if TYPE_CHECKING:
    from engine.experiments import RunComparison

Answer = dict[str, Any]
MOST_SHOWN = 200


def text(asked: Mapping[str, Any], name: str) -> str:
    """Return a string that the page sent, empty where it sent none."""
    value = asked.get(name)
    return value if isinstance(value, str) else ""


def quantity(asked: Mapping[str, Any], name: str) -> float:
    """Return a number that the page sent, also as it was typed; NaN where it sent none."""
    value = asked.get(name)
    if isinstance(value, str):
        return typed_number(value, percent=1)  # fields are in percent
    return float(value) if isinstance(value, int | float) else float("nan")


def report_part(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Return one part of the report as HTML.

    Raises:
        ReportError: There is no such part, or nothing to report on.
    """
    name = text(asked, "name")
    if name not in PARTS:
        raise ReportError(_("The report has no part “{name}”").format(name=name), _("Reload the page"))
    report = report_of(session, text(asked, "run") or None, text(asked, "part"), text(asked, "labels"))
    standards = asked.get("standards")
    return {"html": PARTS[name].draw(session, report, standards if isinstance(standards, list) else ())}


def cases_behind(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Return the cases behind a place in a figure: title, and each with its picture.

    Raises:
        ReportError: There is nothing to report on.
    """
    report = report_of(session, text(asked, "run") or None, text(asked, "part"), text(asked, "labels"))
    panel = asked.get("panel")
    from engine.report import cases_behind as cases_of_place  # it draws

    found = cases_of_place(
        report,
        text(asked, "figure"),
        text(asked, "standard"),
        quantity(asked, "x"),
        quantity(asked, "y"),
        panel if isinstance(panel, int) else 0,
    )
    if found is None:
        return {"title": _("No case stands at this place."), "cases": [], "more": ""}
    shown = found.cases[:MOST_SHOWN]
    more = len(found.cases) - len(shown)
    return {
        "title": f"{retold(found.title)} · {counted(len(found.cases), 'case')}",
        "more": _("and {count} more").format(count=number(more)) if more else "",
        "cases": [
            {
                "id": case.image_id,
                "title": _("Case {id}").format(id=isolated(case.case_id)),
                "words": _("predicted {name} ({percent}%), label {label}").format(
                    name=isolated(case.predicted),
                    percent=number(100 * max(case.probabilities)),
                    label=isolated(case.label) if case.label else _("none"),
                ),
                "image": image_url(session, report.run.run_id, case.image_id, "thumbnail"),
            }
            for case in shown
        ],
    }


def write_item(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Keep what somebody wrote to an item of a checklist; what stood there before is kept too.

    Raises:
        ReviewError: The window is read-only.
        ReportError: There is no such item, or the text cannot be kept.
    """
    if session.read_only:
        raise ReviewError(_("Guests cannot write to checklists"), _("Ask the owner to do so"))
    run = find_run(session.workspace, text(asked, "run"))
    item = item_of(text(asked, "checklist"), text(asked, "item"))
    kept = keep_answer(run.folder, item.key, text(asked, "text"), session.signed_in() or session.reader)
    alike = ", ".join(sharing(item.key))
    said = _("Kept for {items}, by {name}.") if kept.text else _("Taken back for {items}, by {name}.")
    return {"said": said.format(items=isolated(alike), name=isolated(kept.by))}


def write_prevalence(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Keep the prevalence, in percent, at which a run's report gives predictive values; none takes it back.

    Raises:
        ReviewError: The window is read-only.
        ReportError: It is no share of cases.
    """
    if session.read_only:
        raise ReviewError(_("Guests cannot change a report"), _("Ask the owner to do so"))
    typed, percent = text(asked, "percent").strip(), quantity(asked, "percent")
    if typed and math.isnan(percent):
        raise ReportError(
            _("“{typed}” is not a number from {low} to {high}.")
            .format(typed=isolated(typed[:20]), low=short_number(0.01), high=short_number(99.99))
            .rstrip("."),
            _("Enter such a number"),
        )
    run = find_run(session.workspace, text(asked, "run"))
    keep_prevalence(run.folder, None if math.isnan(percent) else percent / 100)
    return {}


def runs_to_compare(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Return the runs that a run can be held against: finished, with the same classes."""
    own = find_run(session.workspace, text(asked, "run"))
    known = set(session.store.run_ids())
    return {
        "runs": [
            {
                "id": run.run_id,
                "title": run_title(run),
            }
            for run in list_runs(session.workspace)
            if run.run_id != own.run_id
            and run.run_id in known
            and set(run.classes) == set(own.classes)
            and offered(run.folder)
        ]
    }


def compare(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Compare runs case by case on the test cases that they have in common.

    Raises:
        ReportError: They cannot be compared.
    """
    from gui.pages.report.comparing import side_by_side

    return {"html": markup.joined(side_by_side(_compared(session, asked)))}


def compared_bundle(session: AppSession, asked: Mapping[str, Any]) -> Answer:
    """Return the same comparison as a bundle that can be checked: its name, and its bytes in base 64.

    Raises:
        ReportError: The runs cannot be compared, or a patient or a file would be named in it.
    """
    from engine.experiments import pack_comparison

    with speaking(ENGLISH):
        packed = pack_comparison(_compared(session, asked))
    name = f"overread-{text(asked, 'run')}-comparison-bundle.zip"
    return {"name": name, "data": base64.b64encode(packed).decode("ascii")}


def _compared(session: AppSession, asked: Mapping[str, Any]) -> RunComparison:
    from engine.experiments import compare_finished

    others = asked.get("others")
    names = [
        text(asked, "run"),
        *(one for one in (others if isinstance(others, list) else ()) if isinstance(one, str)),
    ]
    if len(names) < 2:
        raise ReportError(_("No other run is chosen"), _("Choose one or more to compare this run with"))
    runs = [find_run(session.workspace, name) for name in names]
    held = None
    if wanted := text(asked, "labels"):
        index = load_index(session.workspace, runs[0].dataset_id)
        held = version_named(session.store, index, wanted).number
    return compare_finished(session.store, runs, labels=held)


HANDLERS: tuple[Callable[[AppSession, Mapping[str, Any]], Answer], ...] = (
    report_part,
    cases_behind,
    write_item,
    write_prevalence,
    runs_to_compare,
    compare,
    compared_bundle,
)
