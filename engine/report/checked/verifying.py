"""Check a bundle, without the workspace, by what it is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from engine.errors import ReportError
from engine.report.checked.of_run import verify_run
from engine.report.checked.run_files import NEEDED
from engine.report.exports.bundle.archive import REMEDY, files_of
from engine.report.exports.bundle.differences import Verification
from engine.report.study.bundle.data_files import PROTOCOL
from engine.report.study.bundle.verifying import OF_A_STUDY, verify_study

Check = Callable[[Mapping[str, bytes]], Verification]
NONE: Mapping[str, Check] = MappingProxyType({})


def verify(bundle: Path, others: Mapping[str, Check] = NONE) -> Verification:
    """Compute every figure of a bundle again: of a run's report, or of a study's.

    Args:
        bundle: The zip.
        others: Checks of other bundles: a file that these alone have → the check.

    Raises:
        ReportError: It is no bundle, or it is damaged so that nothing can be computed.
    """
    files = files_of(bundle)
    for file, check_other in others.items():
        if file in files:
            return check_other(files)
    needed, check = (OF_A_STUDY, verify_study) if PROTOCOL in files else (NEEDED, verify_run)
    if missing := [name for name in needed if name not in files]:
        lacking = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in it"
        raise ReportError(f"{bundle.name} is no bundle of a report: {lacking}", REMEDY)
    return check(files)
