"""The parts of the Report page, each drawn when it is come to: to add one, write a function and a line of `PARTS`.

In: a report and the reference standards to show. Out: a piece of HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.language import _, counted, in_digits, isolated, ngettext, number
from engine.report import reason_words, standard_words
from gui.pages.report import sections
from gui.pages.report.found_elsewhere import result
from gui.web import AppSession, markup

if TYPE_CHECKING:
    from engine.report import Report

Draw = Callable[[AppSession, "Report", Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page.

    Attributes:
        title: Returns its heading, and its link, in the language that is spoken.
        draw: Returns it, for a session, a report and the names of reference standards.
    """

    title: Callable[[], str]
    draw: Draw


def participants(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return images and patients by part, and who is left out of which reference standard."""
    from engine.report import Book

    pieces = [markup.printed(Book(report).methods.get("balance", ()))]
    for one in sections.chosen_standards(report, standards):
        out = [(reason_words(why), number(count)) for why, count in one.excluded.items() if count]
        pieces.append(sections.against(one, counted(one.of, "case")))
        pieces.append(
            markup.table(
                ("", _("cases")),
                [
                    (_("all"), number(one.of)),
                    *((_("left out: {why}").format(why=why), n) for why, n in out),
                    (_("analysed"), number(one.cases)),
                ],
            )
        )
    return markup.joined(pieces)


def performance(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return every figure by reference standard, and the field for a prevalence."""
    from engine.report import Book

    pieces: list[str] = []
    if report.positive is not None and any(one.predictive for one in report.against):
        asked = report.evidence.prevalence
        pieces.append(markup.prevalence(report.positive, asked, may_write=not session.read_only))
    printed = dict(zip([one.kind for one in report.against], Book(report).performance, strict=True))
    for at, one in enumerate(sections.chosen_standards(report, standards)):
        pieces += [
            sections.against(
                one, _("{some} of {cases}").format(some=number(one.cases), cases=counted(one.of, "case"))
            ),
            sections.said(one),
            markup.part("performance", at, [markup.printed(printed[one.kind])]),
        ]
    return markup.joined(pieces)


def figures(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return the figures by reference standard; a click on one shows the cases behind that place."""
    import numpy as np

    from engine.report import by_likeness

    pieces: list[str] = [markup.remark(_("Click a cell, a point of a curve or a bar to see its cases."))]
    for at, one in enumerate(sections.chosen_standards(report, standards)):
        pieces.append(sections.against(one, counted(one.cases, "case")))
        pieces.append(markup.part("drawings", at, [sections.drawings(report, one)]))
        if one.cases:
            order = by_likeness(one.confusion)  # as the figure has them
            names = [report.classes[each] for each in order]
            pieces.append(
                markup.cells(
                    one.name, standard_words(one.name), names, one.confusion[np.ix_(order, order)].tolist()
                )
            )
        else:
            pieces.append(markup.note(_("There are no cases to draw.")))
    return markup.joined(pieces)


def readers(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return what readers did."""
    did = report.reviews
    if not did.cases:
        return markup.note(_("No case in this report has been read yet."))
    from engine.report import Book

    read = _("{some} of {all}").format(some=number(did.cases), all=number(len(report.cases)))
    tiles = [
        (number(did.readers), ngettext("reader", "readers", did.readers)),
        (read, _("cases read")),
        (_("{seconds} s").format(seconds=number(did.seconds)), _("a verdict, median")),
    ]
    return markup.joined([markup.figures(tiles), markup.printed(Book(report).readers)])


def subgroups(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return the figures by subgroup."""
    if not report.subgroups:
        return markup.note(_("No column of the data, such as age or sex, makes groups of these cases."))
    from engine.report import Book

    return markup.printed(Book(report).subgroups)


def robustness(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return what became of the predictions when the test images were changed."""
    measured = report.robustness
    if measured is None:
        return markup.note(
            _(
                "It was not measured what becomes of the predictions when test images are a little brighter, noisier "
                "or turned. Whoever runs Overread can measure it: {command}"
            ).format(command=isolated(f"overread robustness {report.run.run_id}"))
        )
    said = _(
        "{some} of {all} labelled test images (seed {seed}), changed at the size that the model sees, {size} pixels a "
        "side."
    ).format(
        some=number(measured.images),
        all=number(measured.of),
        seed=in_digits(str(measured.seed)),
        size=number(measured.size),
    )
    from engine.report import Book

    return markup.joined([markup.note(said), markup.printed([Book(report).measured["robustness"]])])


def training(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return the curves of training."""
    return sections.training(report)


def methods(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return what was done, and what the results do not show."""
    return sections.about(report)


def elsewhere(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return what was found on images from elsewhere."""
    return result(report)


def failures(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return wrong and right cases, with the heatmap over the image."""
    return sections.cases(session, report, standards, heat=True)


def checklists(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return the reporting checklists, with a field for each item that a person can write to."""
    from engine.report import with_checklists

    return markup.checklists(with_checklists(report).checklists, may_write=not session.read_only)


def summary(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return the main figures."""
    return sections.headline(report, standards)


def what_is_open(session: AppSession, report: Report, standards: Sequence[str]) -> str:
    """Return what somebody should know or write before the report is taken away."""
    from engine.report import with_checklists

    lines = [
        _("No case has a label in the {standard}.").format(standard=standard_words(one.name))
        for one in report.against
        if not one.cases
    ]
    if not report.subgroups:
        lines.append(_("There are no subgroups: the data have no column that makes groups."))
    if not report.elsewhere.tests and report.run.supplied is None:
        lines.append(_("The model was not tested on images from elsewhere."))
    if not report.reviews.cases:
        lines.append(_("No case of it has been read."))
    lines += [
        ngettext(
            "{checklist}: {open} of {items} items is open.",
            "{checklist}: {open} of {items} items are open.",
            len(one.open),
        ).format(
            checklist=isolated(one.checklist.title), open=number(len(one.open)), items=number(len(one.items))
        )
        for one in with_checklists(report).checklists
        if one.open
    ]
    if not lines:
        return markup.note(_("Nothing is open."), tone="good")
    return markup.note(_("What is open"), tone="mild", more=lines)


PARTS: Mapping[str, Part] = {
    "summary": Part(lambda: _("Summary"), summary),
    "figures": Part(lambda: _("Figures"), figures),
    "participants": Part(lambda: _("Cases and patients"), participants),
    "performance": Part(lambda: _("Performance"), performance),
    "readers": Part(lambda: _("Readers"), readers),
    "subgroups": Part(lambda: _("Subgroups"), subgroups),
    "robustness": Part(lambda: _("Robustness"), robustness),
    "external": Part(lambda: _("Images from elsewhere"), elsewhere),
    "cases": Part(lambda: _("Wrong and right cases"), failures),
    "training": Part(lambda: _("Training"), training),
    "methods": Part(lambda: _("Methods"), methods),
    "checklists": Part(lambda: _("Checklists"), checklists),
    "files": Part(lambda: _("Files"), what_is_open),
}
"""In the order of the page."""


def titles() -> list[tuple[str, str]]:
    """Return name and title of all parts; the comparison of runs is asked for, and not drawn before."""
    found = [(name, one.title()) for name, one in PARTS.items()]
    found.insert(list(PARTS).index("checklists"), ("comparisons", _("Comparison of runs")))
    return found
