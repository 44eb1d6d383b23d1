"""The first lines of a report: design, primary endpoint, whether the results are final."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.data import PatientsNamed, patients_words
from engine.records import PART_NAMES, FixedEndpoint, Part, Run
from engine.report.formatting import counted, in_brackets
from engine.report.records import Against, Heading

PROGRAMS = "Readers are programs"
"""Line of a standard whose readers are scripts."""
BEFORE = ("half", "as-trained")


def heading_of(run: Run, part: Part | None, patients: PatientsNamed, against: Sequence[Against]) -> Heading:
    """Say what kind of study the report is of; each sentence follows from what is known of the run.

    Args:
        run: Whose report it is.
        part: Of the split; None means all.
        patients: Of its cases.
        against: What there is by each reference standard.
    """
    held = [one.name for one in against if one.cases]
    left = _open(run, part)
    design = [
        where_tested(run, part),
        f"{counted(patients.images, 'image')}, {patients_words(patients)}",
        f"{counted(len(held), 'reference standard')}: {'; '.join(held)}" if held else "no reference standard",
    ]
    return Heading(
        line=", ".join(design),
        banner=" ".join(dict(one.defined)[PROGRAMS] for one in against if PROGRAMS in dict(one.defined)),
        endpoint=_endpoint(run, part, against),
        final=not left,
        why=f"Not final: {'; '.join(left)}." if left else _fixed(run),
    )


def _endpoint(run: Run, part: Part | None, against: Sequence[Against]) -> str:
    """Say what the run was to show, and what came of it by the labels of the data."""
    if run.endpoint is None:
        return "Primary endpoint: none was fixed before the predictions were made."
    name = run.endpoint.figure
    found = against[0].estimates.get(name) if part == "test" and against else None
    came = in_brackets(name, found).strip("()") if found is not None else name
    return f"Primary endpoint: {came}."


def _fixed(run: Run) -> str:
    """Say that what was to be shown was fixed before; for a run of which nothing is left open."""
    assert run.endpoint is not None
    return (
        f"Final: the primary endpoint and the operating point “{run.endpoint.operating_point}” were fixed on "
        f"{_moment(run.endpoint.fixed)}, before the model was trained and its test images were predicted (digest "
        f"{run.endpoint.sha256[:12]})."
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def where_tested(run: Run, part: Part | None) -> str:
    """Say what kind of testing it is."""
    if run.supplied is not None:
        return "external testing of supplied predictions"
    if part == "test":
        return f"cross-validation of {run.folds} models" if run.folds else "internal testing"
    if part is None:
        return "all parts of the run's own data, no testing"
    return f"the {PART_NAMES[part]} part, no testing"


def _open(run: Run, part: Part | None) -> list[str]:
    """Return why a run's results are not final: what was not fixed before."""
    said = []
    if run.endpoint is None:
        said.append("no primary endpoint was fixed before (a study fixes one)")
    if run.supplied is not None:
        said.append("when the operating point was chosen is for the supplier to state")
    elif part != "test":
        said.append("the model was trained or tuned on some of these images")
    elif run.endpoint is not None:
        said += _not_before(run, run.endpoint)
    elif run.recipe is not None and len(run.classes) == 2:
        point = run.recipe.operating_point
        where = "before training" if point in BEFORE else "on validation cases, before these were predicted"
        said.append(f"the operating point “{point}” was fixed {where}")
    return said


def _not_before(run: Run, endpoint: FixedEndpoint) -> Iterator[str]:
    """Yield why what was fixed was not fixed before the test part was looked at."""
    if endpoint.fixed >= run.created:
        yield (
            f"the primary endpoint was fixed on {_moment(endpoint.fixed)}, when the model was trained already "
            f"({_moment(run.created)})"
        )
    if (before := endpoint.tested_before) > 0:
        yield (
            f"{counted(before, 'run')} on the same data {'was' if before == 1 else 'were'} finished before the primary "
            "endpoint was fixed, so that some of these test images may have been looked at"
        )
    if run.recipe is not None and run.recipe.operating_point != endpoint.operating_point:
        yield (
            f"the operating point was fixed as “{endpoint.operating_point}”, and “{run.recipe.operating_point}” was "
            "used"
        )
