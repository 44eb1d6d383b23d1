"""Check a bundle of a comparison, without the workspace: figures, tests and words are made again from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.experiments.bundle.data_files import RUNS, files_of_data, read_data
from engine.experiments.bundle.packing import BUNDLE, DOCUMENT, SAYS, printed_files
from engine.language import ENGLISH, speaking
from engine.report import Verification, verify as verify_report, verify_again


def verify(bundle: Path) -> Verification:
    """Compute every figure of a bundle again: of a run's report, a study's, or of a comparison of runs.

    Raises:
        ReportError: It is no bundle, or it is damaged so that nothing can be computed.
    """
    return verify_report(bundle, {RUNS: verify_comparison})


def verify_comparison(files: Mapping[str, bytes]) -> Verification:
    """Compute every figure of a comparison's bundle again.

    Raises:
        ReportError: It is damaged so that nothing can be computed.
    """
    comparison, made = read_data(files)
    with speaking(ENGLISH):
        again = printed_files(comparison, made)
    return verify_again(
        files,
        again,
        data=files_of_data(comparison),
        document=DOCUMENT,
        says=SAYS.format(writers="{writers}", bundle=BUNDLE),
        about=f"a comparison of {len(comparison.rows)} runs",
        images=comparison.cases,
    )
