"""Everything that can go wrong and that a person can mend, as one tree.

    EngineError                   one sentence: what is wrong, and what to do about it
    ├── DataError                 the images or tables that were brought in
    │   ├── ImageError            one image cannot be read; the rest of the folder can
    │   └── SplitError            the cases cannot be split as asked
    ├── RecipeError               a recipe has an unknown or contradictory field
    ├── WeightsError              pretrained weights are not on this machine
    ├── TrainingError             a run cannot start, or died
    │   └── TrainingStopped       somebody pressed stop
    ├── RunError                  a finished run cannot be read back
    ├── WorkspaceError            the workspace folder cannot be used
    │   └── StoreError            its database cannot
    │       └── ServerAway        its server is away: what was asked for may be asked again, by the same name
    ├── ReviewError               a verdict that must not be stored
    │   └── AnsweredElsewhere     the reader has answered the case in another window since it was shown
    ├── ReportError               a report cannot be computed from what there is
    ├── ExportError               a model cannot be handed over
    ├── ShareError                no public link can be had
    └── ClusterError              the machines that were to do the work cannot

Anything outside this tree is a defect of Overread and is shown as such, never swallowed.
"""

from __future__ import annotations

from typing import Any

from engine.language import one_line

WHERE_NOW = ("Data", "Where are they now?")
"""The field for images that have been moved, for `EngineError.fields`."""


class EngineError(Exception):
    """What is wrong and what to do about it, in words for the person at the screen.

    Args:
        problem: What is wrong, without a full stop at its end.
        remedy: What to do about it: an imperative, without a full stop at its end.
        option: What to type for it, where the error is told on the command line.
        fields: Under what it is done on the pages: their labels, in English, the page's name first where it is another.
    """

    def __init__(self, problem: str, remedy: str, *, option: str = "", fields: tuple[str, ...] = ()) -> None:
        self.problem = one_line(problem).rstrip(".")
        self.remedy = one_line(remedy).rstrip(".")
        self.option, self.fields = one_line(option), fields
        super().__init__(f"{self.problem}. {self.typed_remedy}.")

    @property
    def typed_remedy(self) -> str:
        """What to do about it, with what to type for it on the command line."""
        return f"{self.remedy} (on the command line: {self.option})" if self.option else self.remedy

    @property
    def kept(self) -> str:
        """The error as text that is told later, on the command line or on a page, by `engine.retelling`."""
        placed = ", ".join(f"“{field}”" for field in self.fields)
        ways = {"on the command line": self.option, "on the pages": placed}
        told = "; ".join(f"{where}: {what}" for where, what in ways.items() if what)
        return f"{self.problem}. {self.remedy} ({told})." if told else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.problem, self.remedy, self.option, self.fields)


def _made_again(
    kind: type[EngineError], problem: str, remedy: str, option: str, fields: tuple[str, ...]
) -> EngineError:
    return kind(problem, remedy, option=option, fields=fields)


class DataError(EngineError):
    """The images or tables that were brought in cannot be used as they are."""


class ImageError(DataError):
    """One image cannot be read; it is listed and skipped."""


class SplitError(DataError):
    """The cases cannot be split into training, validation and test as asked."""


class RecipeError(EngineError):
    """A recipe has an unknown or contradictory field."""


class WeightsError(EngineError):
    """Pretrained weights are not on this machine."""


class TrainingError(EngineError):
    """A run cannot start, or died."""


class TrainingStopped(TrainingError):  # noqa: N818  an end, not a failure
    """Somebody pressed stop; the last checkpoint is kept."""


class RunError(EngineError):
    """A finished run cannot be read back."""


class WorkspaceError(EngineError):
    """The workspace folder cannot be used."""


class StoreError(WorkspaceError):
    """The workspace's database cannot be used."""


class ServerAway(StoreError):  # noqa: N818  an occurrence, not a failure
    """The database's server is away; what was asked for may or may not have been done, and may be asked for again."""


class ReviewError(EngineError):
    """A verdict that must not be stored."""


class AnsweredElsewhere(ReviewError):  # noqa: N818  an occurrence, not a failure
    """The reader has answered the case in another window since it was shown here."""


class ReportError(EngineError):
    """A report cannot be computed from what there is."""


class ExportError(EngineError):
    """A model cannot be handed over to other programs."""


class ShareError(EngineError):
    """No public link can be had."""


class ClusterError(EngineError):
    """The machines that were to do the work cannot be had, or gave up."""
