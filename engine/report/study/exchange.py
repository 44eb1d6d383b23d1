"""A study's readings for other programs: iMRMC's file, MRMCaov's long table with an R script.

iMRMC (github.com/DIDSR/iMRMC) reads free text, then lines of reader, case, modality and score; truth is the score of
reader -1. Its lines have no quoting, so that readers and cases are numbers here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from engine.report.study.gathered import Readings
from engine.report.study.readers import reader_names

FEWEST = 3  # cases of either kind that iMRMC wants of a reader with a modality


def scores_of(readings: Readings, mode: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return (R, N): ratings where certainty was asked, else calls of the finding; NaN for none."""
    rule = readings.protocol.indeterminate
    return readings.ratings(mode, rule) if readings.protocol.certainty else readings.calls(mode, rule)


def _scored(readings: Readings) -> Iterator[tuple[str, str, int, bool, float]]:
    """Yield reader, way of reading, case number, truth and score; cases without a label are left out."""
    names = reader_names(readings)
    for mode in readings.modes:
        for reader, row in zip(readings.readers, scores_of(readings, mode), strict=True):
            for case, score in zip(readings.cases, row.tolist(), strict=True):
                if case.label is not None and np.isfinite(score):
                    yield names[reader], mode, case.number, case.label == readings.protocol.positive, score


def imrmc_file(readings: Readings) -> str:
    """Return the readings as iMRMC's input file.

    Readers are R1, R2, …, cases their numbers, modalities the ways of reading. iMRMC leaves out a reader with a
    modality who has fewer than three cases of either kind.
    """
    scored = list(_scored(readings))
    truth = {number: present for _, _, number, present, _ in scored}
    header = [
        "Readings of a study, exported by Overread.",
        f"Scores above 0 say that the finding is there ({'how sure' if readings.protocol.certainty else 'verdicts'}).",
        f"NR: {len({reader for reader, *_ in scored})}",
        f"N0: {sum(not present for present in truth.values())}",
        f"N1: {sum(truth.values())}",
        f"NM: {len({mode for _, mode, *_ in scored})}",
        "",
        "BEGIN DATA:",
    ]
    lines = [f"-1,{number},0,{int(present)}" for number, present in sorted(truth.items())]
    lines += [f"{reader},{number},{mode},{score:g}" for reader, mode, number, _, score in scored]
    return "\n".join([*header, *lines]) + "\n"


def long_table(readings: Readings) -> list[Mapping[str, Any]]:
    """Return the readings as MRMCaov wants them: one row for each reader, test and case."""
    return [
        {"reader": reader, "test": mode, "case": f"c{number}", "truth": int(present), "rating": score}
        for reader, mode, number, present, score in _scored(readings)
    ]


def r_script(readings: Readings) -> str:
    """Return a script that analyses the long table with MRMCaov."""
    figures = ["empirical_auc"] if readings.protocol.certainty else ["binary_sens", "binary_spec"]
    lines = [
        '# install.packages("MRMCaov")',
        "library(MRMCaov)",
        'readings <- read.csv("mrmc-long.csv", fileEncoding = "UTF-8-BOM")',
        *(
            f"print(summary(mrmc({figure}(truth, rating), test, reader, case, data = readings)))"
            for figure in figures
        ),
    ]
    return "\n".join(lines) + "\n"


def exchange_files(readings: Readings) -> dict[str, bytes | str]:
    """Return the readings for iMRMC, and the script for MRMCaov, whose table is among the tables."""
    return {"readings.imrmc": imrmc_file(readings), "mrmc.R": r_script(readings)}
