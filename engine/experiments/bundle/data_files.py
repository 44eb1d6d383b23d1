"""The tables of a comparison's bundle: cases, and what each run predicts of them; with the runs' settings; and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.experiments.comparison import Contestant, RunComparison, compare_runs
from engine.kept_files import parse_json, typed
from engine.records import Epoch, Prediction
from engine.report import parquet_name, plain, pseudonyms, run_in, table_files, understood
from engine.runs import settings_of
from engine.spreadsheet import read_csv
from engine.storage import versioned

CASES, PREDICTIONS, RUNS = "data/cases.csv", "data/predictions.csv", "data/runs.json"
PROBABILITY = "probability of "
COLUMNS: Mapping[str, Mapping[str, str]] = {
    CASES: {
        "image": "SHA-256 of the image file, in hexadecimal digits",
        "patient": "“p” and a number drawn for this bundle, one a patient; empty: not named in the data",
        "label": "Class that all runs are held against",
    },
    PREDICTIONS: {
        "run": "Its place in the comparison, from 1",
        "image": "As in cases.csv",
        "predicted": "Class that the run predicts at its operating point",
        PROBABILITY: "The run's calibrated probability of the class",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRun:
    """A run as it takes part: what it is called, and its training; its settings stand in files of their own."""

    name: str
    history: tuple[Epoch, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRuns:
    """What the tables do not say of a comparison.

    Attributes:
        data: Name of the data.
        classes: Of all runs, in the order of the first's.
        part: That is compared.
        reference: What labels all are held against, as sentences.
        one_split: Whether all were trained on one training part.
        left_out: How many cases were left out, by the reason.
        made: When it was written.
        runs: In their order.
    """

    data: str
    classes: tuple[str, ...]
    part: str
    reference: str
    one_split: bool
    left_out: Mapping[str, int]
    made: datetime
    runs: tuple[ComparedRun, ...]


def write_data(comparison: RunComparison, made: datetime) -> dict[str, bytes | str]:
    """Return the files by name.

    Args:
        comparison: With the runs that it was computed from.
        made: When it is written.
    """
    about = ComparedRuns(
        data=comparison.dataset_name,
        classes=comparison.classes,
        part=comparison.part,
        reference=comparison.reference,
        one_split=comparison.one_split,
        left_out=comparison.left_out,
        made=made,
        runs=tuple(ComparedRun(name=one.name, history=tuple(one.history)) for one in comparison.contestants),
    )
    told = {**plain(about), "made": made.isoformat()}
    columns = columns_of(comparison)
    files = {
        **table_files(CASES, list(_case_rows(comparison)), columns[CASES]),
        **table_files(PREDICTIONS, list(_prediction_rows(comparison)), columns[PREDICTIONS]),
        RUNS: json.dumps(versioned(told), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for number, one in enumerate(comparison.contestants, 1):
        files |= {_folder(number) + name: text for name, text in settings_of(one.run).items()}
    return files


def files_of_data(comparison: RunComparison) -> set[str]:
    """Return the names of the files that `write_data` writes."""
    settings = {
        _folder(number) + name
        for number, one in enumerate(comparison.contestants, 1)
        for name in settings_of(one.run)
    }
    return {RUNS, *settings, *COLUMNS, *(parquet_name(name) for name in COLUMNS)}


def columns_of(comparison: RunComparison) -> dict[str, list[str]]:
    """Return the columns of each table: file → names."""
    several = {PROBABILITY: comparison.classes}
    return {
        file: [name + each for name in of for each in several.get(name, ("",))]
        for file, of in COLUMNS.items()
    }


def meaning_in(file: str, column: str) -> str:
    """Return what a column of one of these tables means."""
    return COLUMNS[file][PROBABILITY if column.startswith(PROBABILITY) else column]


def _case_rows(comparison: RunComparison) -> Iterator[dict[str, Any]]:
    first = comparison.contestants[0].predictions
    numbers = pseudonyms(first)
    for each in first:
        yield {
            "image": each.image_id,
            "patient": numbers.get(each.patient_id, ""),
            "label": each.label,
        }


def _prediction_rows(comparison: RunComparison) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(comparison.contestants, 1):
        for each in one.predictions:
            yield {
                "run": number,
                "image": each.image_id,
                "predicted": each.predicted,
                **{
                    PROBABILITY + name: p
                    for name, p in zip(comparison.classes, each.probabilities, strict=True)
                },
            }


def read_data(files: Mapping[str, bytes]) -> tuple[RunComparison, datetime]:
    """Read what `write_data` wrote, and compare the runs again.

    Returns:
        The comparison, and when the bundle was written.

    Raises:
        ReportError: A file is missing or says what it cannot.
    """
    about = understood(RUNS, lambda: _about(files))
    cases = understood(CASES, lambda: {row["image"]: row for row in _rows(files, CASES)})
    told: dict[str, list[Prediction]] = {str(number): [] for number, _ in enumerate(about.runs, 1)}

    def read_predictions() -> None:
        for row in _rows(files, PREDICTIONS):
            told[row["run"]].append(_prediction(row, cases, about))

    understood(PREDICTIONS, read_predictions)
    contestants = [
        Contestant(
            name=one.name,
            run=run_in(files, _folder(number)),
            predictions=told[str(number)],
            history=one.history,
        )
        for number, one in enumerate(about.runs, 1)
    ]
    understood(PREDICTIONS, lambda: _each_once(told, len(cases)))
    found = compare_runs(contestants, part=about.part)
    return replace(
        found,
        dataset_name=about.data,
        reference=about.reference,
        one_split=about.one_split,
        left_out=about.left_out,
    ), about.made


def _about(files: Mapping[str, bytes]) -> ComparedRuns:
    told = dict(parse_json(files[RUNS]))
    runs = [{**one, "history": [_with_nan(epoch) for epoch in one["history"]]} for one in told["runs"]]
    found = typed(ComparedRuns, {**told, "runs": runs})
    if not found.runs:
        raise ValueError("it names no run")
    return found


def _with_nan(epoch: Mapping[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in epoch.items()}


def _rows(files: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    columns, lines = read_csv(files[name])
    if missing := [one for one in COLUMNS[name] if one != PROBABILITY and one not in columns]:
        raise ValueError(f"it has no column “{missing[0]}”")
    return [dict(zip(columns, line, strict=True)) for line in lines]


def _prediction(
    row: Mapping[str, str], cases: Mapping[str, Mapping[str, str]], about: ComparedRuns
) -> Prediction:
    case = cases[row["image"]]
    found = tuple(float(row[PROBABILITY + name]) for name in about.classes)
    if not all(map(math.isfinite, found)):
        raise ValueError("a probability is no number")
    if row["predicted"] not in about.classes or case["label"] not in about.classes:
        raise ValueError("a class is none of the comparison's")
    return Prediction(
        image_id=row["image"],
        path=Path(row["image"]),
        label=case["label"],
        patient_id=case["patient"] or row["image"],
        part=None,
        probabilities=found,
        predicted=row["predicted"],
        entropy=0.0,  # nothing of a comparison rests on it
    )


def _each_once(told: Mapping[str, list[Prediction]], cases: int) -> None:
    for number, of in told.items():
        if len({each.image_id for each in of}) != len(of) or len(of) != cases:
            raise ValueError(f"run {number} does not predict each case once")


def _folder(number: int) -> str:
    return f"runs/{number}/"
