"""The prevalence at which a run's report is asked for predictive values, kept with the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ReportError
from engine.kept_files import DAMAGED, JsonFile, read_json
from engine.language import N_
from engine.storage import versioned, write_atomic

FILE = "prevalence.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A share of cases with the finding, above 0 and below 1; None where none is asked for."""

    prevalence: float | None


KEPT = JsonFile(
    record=Asked, error=ReportError, remedy="Enter the prevalence again on the Report page", largest=1 << 12
)


def kept_prevalence(folder: Path) -> float | None:
    """Return the prevalence that was entered for a run; None where none was.

    Raises:
        ReportError: The file is damaged.
    """
    try:
        asked = read_json(folder / FILE, KEPT).prevalence
    except FileNotFoundError:
        return None
    if asked is not None and not 0 < asked < 1:
        raise ReportError(DAMAGED.format(path=folder / FILE, why=N_("no share of cases")), KEPT.remedy)
    return asked


def prevalence_of(folder: Path, asked: float | None, said: list[str]) -> float | None:
    """Return the prevalence that is asked for, or else that which is kept; say where that cannot be read.

    Args:
        folder: Of the run.
        asked: For this report.
        said: A sentence is added to it where the file is damaged: no other figure needs it.
    """
    if asked is not None:
        return asked
    try:
        return kept_prevalence(folder)
    except ReportError as error:
        said.append(str(error))
        return None


def keep_prevalence(folder: Path, prevalence: float | None) -> None:
    """Keep the prevalence at which the reports of a run give predictive values, beside the usual ones.

    Args:
        folder: Of the run.
        prevalence: None takes it back.

    Raises:
        ReportError: It is no share of cases.
        WorkspaceError: It cannot be written.
    """
    if prevalence is not None and not 0 < prevalence < 1:
        raise ReportError(
            f"A prevalence of {100 * prevalence:g}% is none", "Enter a share above 0% and below 100%"
        )
    write_atomic(folder / FILE, json.dumps(versioned({"prevalence": prevalence})) + "\n")
