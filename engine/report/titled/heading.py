"""The first lines of a report: design, primary endpoint, whether the results are final."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.data import PatientsNamed, patients_words
from engine.language import N_, _, counted, isolated, ngettext, number
from engine.records import PART_NAMES, FixedEndpoint, Part, Run
from engine.report.formatting import in_brackets
from engine.report.named.names import figure_words, part_words, standard_words
from engine.report.records import Against, Heading

PROGRAMS = N_("Readers are programs")
"""Line of a standard whose readers are scripts."""
BEFORE = ("half", "as-trained")
SYNTHETIC = "1d73fb4fd2f9"
"""Id of the data set that the films of sample_data/ are."""


def heading_of(run: Run, part: Part | None, patients: PatientsNamed, against: Sequence[Against]) -> Heading:
    """Say what kind of study the report is of; each sentence follows from what is known of the run.

    Args:
        run: Whose report it is.
        part: Of the split; None means all.
        patients: Of its cases.
        against: What there is by each reference standard.
    """
    held = [standard_words(one.name) for one in against if one.cases]
    left = _open(run, part)
    design = [
        where_tested(run, part),
        _("{images}, {patients}").format(
            images=counted(patients.images, "image"), patients=patients_words(patients)
        ),
        ngettext(
            "{count} reference standard: {names}", "{count} reference standards: {names}", len(held)
        ).format(count=number(len(held)), names=_("; ").join(held))
        if held
        else _("no reference standard"),
    ]
    return Heading(
        line=_(", ").join(design),
        banner=" ".join(
            filter(
                None,
                (
                    synthetic_words(run.dataset_id),
                    *(dict(one.defined)[PROGRAMS] for one in against if PROGRAMS in dict(one.defined)),
                ),
            )
        ),
        endpoint=_endpoint(run, part, against),
        final=not left,
        why=_("Not final: {reasons}.").format(reasons=_("; ").join(left)) if left else _fixed(run),
    )


def synthetic_words(dataset_id: str) -> str:
    """Say that a program drew the images of the demonstration; empty for any other data set."""
    if dataset_id != SYNTHETIC:
        return ""
    return _("Synthetic images, drawn by a program: nothing here is evidence about patients.")


def _endpoint(run: Run, part: Part | None, against: Sequence[Against]) -> str:
    """Say what the run was to show, and what came of it by the labels of the data."""
    if run.endpoint is None:
        return _("Primary endpoint: none was fixed before the predictions were made.")
    name = run.endpoint.figure
    found = against[0].estimates.get(name) if part == "test" and against else None
    words = figure_words(name)
    came = in_brackets(words, found).strip("()") if found is not None else words
    return _("Primary endpoint: {came}.").format(came=came)


def _fixed(run: Run) -> str:
    """Say that what was to be shown was fixed before; for a run of which nothing is left open."""
    assert run.endpoint is not None
    said = (
        _(
            "Final: the primary endpoint and the operating point “{point}” were fixed on {day}, before the models "
            "were trained and the images were predicted that each had not seen (digest {digest})."
        )
        if run.folds
        else _(
            "Final: the primary endpoint and the operating point “{point}” were fixed on {day}, before the model "
            "was trained and its test images were predicted (digest {digest})."
        )
    )
    return said.format(
        point=isolated(run.endpoint.operating_point),
        day=isolated(_moment(run.endpoint.fixed)),
        digest=isolated(run.endpoint.sha256[:12]),
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def where_tested(run: Run, part: Part | None) -> str:
    """Say what kind of testing it is."""
    if run.supplied is not None:
        return _("external testing of supplied predictions")
    if part == "test" and run.folds:
        return _("cross-validation of {count} models").format(count=number(run.folds))
    if part == "test":
        return _("internal testing")
    if part is None:
        return _("all parts of the run's own data, no testing")
    return _("the {part} part, no testing").format(part=part_words(PART_NAMES[part]))


def _open(run: Run, part: Part | None) -> list[str]:
    """Return why a run's results are not final: what was not fixed before."""
    said = []
    if run.endpoint is None:
        said.append(_("no primary endpoint was fixed before (a study fixes one)"))
    if run.supplied is not None:
        said.append(_("when the operating point was chosen is for the supplier to state"))
    elif part != "test":
        said.append(_("the model was trained or tuned on some of these images"))
    elif run.endpoint is not None:
        said += _not_before(run, run.endpoint)
    elif run.recipe is not None and len(run.classes) == 2:
        point = run.recipe.operating_point
        where = (
            _("the operating point “{point}” was fixed before training")
            if point in BEFORE
            else _("the operating point “{point}” was fixed on validation cases, before these were predicted")
        )
        said.append(where.format(point=isolated(point)))
    return said


def _not_before(run: Run, endpoint: FixedEndpoint) -> Iterator[str]:
    """Yield why what was fixed was not fixed before the test part was looked at."""
    if endpoint.fixed >= run.created:
        said = (
            _("the primary endpoint was fixed on {day}, when the models were trained already ({trained})")
            if run.folds
            else _("the primary endpoint was fixed on {day}, when the model was trained already ({trained})")
        )
        yield said.format(day=isolated(_moment(endpoint.fixed)), trained=isolated(_moment(run.created)))
    if (before := endpoint.tested_before) > 0:
        yield ngettext(
            "{count} run on the same data was finished before the primary endpoint was fixed, so that some of "
            "these test images may have been looked at",
            "{count} runs on the same data were finished before the primary endpoint was fixed, so that some of these "
            "test images may have been looked at",
            before,
        ).format(count=number(before))
    if run.recipe is not None and run.recipe.operating_point != endpoint.operating_point:
        yield _("the operating point was fixed as “{fixed}”, and “{used}” was used").format(
            fixed=isolated(endpoint.operating_point), used=isolated(run.recipe.operating_point)
        )
