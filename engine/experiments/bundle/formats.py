"""What a comparison of runs is given out as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.errors import ReportError
from engine.experiments.bundle.packing import write_comparison_bundle
from engine.experiments.comparison import RunComparison
from engine.experiments.comparison_page import write_comparison


def _page(comparison: RunComparison, folder: Path) -> Mapping[str, Path]:
    return write_comparison(comparison, folder).files


def _bundle(comparison: RunComparison, folder: Path) -> Mapping[str, Path]:
    return {"bundle": write_comparison_bundle(comparison, folder)}


FORMATS: Mapping[str, Callable[[RunComparison, Path], Mapping[str, Path]]] = {
    "page": _page,
    "bundle": _bundle,
}
"""Name of a format → writes its files, and returns them by kind."""


def export_comparison(
    comparison: RunComparison, folder: Path, formats: Sequence[str] = ()
) -> dict[str, Path]:
    """Write a comparison; none named means the page and what stands beside it. Returns the files by kind.

    Raises:
        ReportError: There is no such format; or a bundle would name a patient or a file.
        WorkspaceError: The folder cannot be made or written to.
    """
    check_formats(formats)
    written: dict[str, Path] = {}
    for name in dict.fromkeys(formats or ("page",)):
        written |= FORMATS[name](comparison, folder)
    return written


def check_formats(formats: Sequence[str]) -> None:
    """Refuse what is no format, before hours of training.

    Raises:
        ReportError: There is no such format.
    """
    for name in formats:
        if name not in FORMATS:
            raise ReportError(f"There is no format “{name}” of a comparison", f"Choose: {', '.join(FORMATS)}")
