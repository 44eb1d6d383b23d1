"""The first lines of a report: design, primary endpoint, whether the results are final."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data import PatientsNamed, patients_words
from engine.records import PART_NAMES, Part, Run
from engine.report.formatting import counted
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
    design = [
        where_tested(run, part),
        f"{counted(patients.images, 'image')}, {patients_words(patients)}",
        f"{counted(len(held), 'reference standard')}: {'; '.join(held)}" if held else "no reference standard",
    ]
    return Heading(
        line=", ".join(design),
        banner=" ".join(dict(one.defined)[PROGRAMS] for one in against if PROGRAMS in dict(one.defined)),
        endpoint="Primary endpoint: none was fixed before the predictions were made.",
        final=False,
        why=f"Not final: {'; '.join(_open(run, part))}.",
    )


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
    said = ["no primary endpoint was fixed before (a study fixes one)"]
    if run.supplied is not None:
        said.append("when the operating point was chosen is for the supplier to state")
    elif part == "test" and run.recipe is not None and len(run.classes) == 2:
        point = run.recipe.operating_point
        where = "before training" if point in BEFORE else "on validation cases, before these were predicted"
        said.append(f"the operating point “{point}” was fixed {where}")
    elif part != "test":
        said.append("the model was trained or tuned on some of these images")
    return said
