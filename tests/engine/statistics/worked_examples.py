"""Data of worked examples in print, which are not part of this repository: a test that needs them says which."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.proc import asah_cases, missing


def _rows(variable: str) -> list[dict[str, str]] | None:
    table = os.environ.get(variable)
    if not table:
        return None
    with Path(table).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def asah() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return outcome, s100b, ndka and wfns of pROC's patients, from a table or from pROC itself."""
    rows = _rows("OVERREAD_ASAH_CSV")
    if rows is not None:
        y = np.array([row["outcome"] == "Poor" for row in rows])
        s100b, ndka, wfns = (
            np.array([float(row[name]) for row in rows]) for name in ("s100b", "ndka", "wfns")
        )
        return y, s100b, ndka, wfns
    if lacking := missing():
        pytest.skip(f"set OVERREAD_ASAH_CSV to pROC's aSAH table ({lacking})")
    y, scores = asah_cases()
    return y, scores["s100b"], scores["ndka"], scores["wfns"]


def van_dyke() -> tuple[np.ndarray, np.ndarray]:
    """Return truth (N,) and ratings (2, 5, N) of Van Dyke and others: cine against spin-echo MRI of the aorta."""
    rows = _rows("OVERREAD_VANDYKE_CSV")
    if rows is None:
        pytest.skip(
            "set OVERREAD_VANDYKE_CSV to the table of Van Dyke's readings (reader, modality, case, truth, rating)"
        )
    truth, ratings = np.zeros(114, dtype=bool), np.full((2, 5, 114), np.nan)
    for row in rows:
        case = int(row["case"]) - 1
        truth[case] = row["truth"] == "1"
        ratings[int(row["modality"]) - 1, int(row["reader"]) - 1, case] = float(row["rating"])
    return truth, ratings
