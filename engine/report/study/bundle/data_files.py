"""The tables of a study's bundle: cases, answers, readers, how much was to be read, and the protocol; and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.kept_files import parse_json, plain, typed
from engine.reading import (
    Anchor,
    Certificate,
    Progress,
    Reader,
    RunSummary,
    SetBack,
    Study,
    StudyAnswer,
    consensus_by_case,
)
from engine.records import Prediction
from engine.report.exports.bundle.case_masks import mask_files
from engine.report.exports.bundle.case_table import (
    PROBABILITY,
    region_from,
    region_row,
    size_in,
    table_files,
    understood,
)
from engine.report.exports.bundle.regions import REGIONS, Drawn, write_coco
from engine.report.study.gathered import Case
from engine.report.study.told.evidence import StudyEvidence
from engine.spreadsheet import read_csv
from engine.storage import versioned

CASES, ANSWERS, READERS, TO_READ, PROTOCOL = (
    "data/cases.csv",
    "data/answers.csv",
    "data/readers.csv",
    "data/to-read.csv",
    "data/protocol.json",
)
SEEN = ("prediction", "map", "label", "others", "similar")
YES = {"1": True, "0": False}
NO_IMAGE = "file_name is the number of the case, as in cases.csv: the images are not in the bundle."

COLUMNS: Mapping[str, Mapping[str, str]] = {
    CASES: {
        "case": "“c” and a number drawn for the study with a salt that stays with its authors",
        "patient": "“p” and a number drawn likewise: cases of one patient have the same",
        "part": "Of the run's split: train, val or test; empty: of none, or there is no run",
        "label": "That came with the data, where it is one of the study's classes; empty: none",
        "readers wanted": "How many readers were to read it in the arm of the consensus",
        "consensus": "Class that the readers agree on by the protocol's rule, or that was settled; empty: none",
        "predicted": "Class that the run's model predicts at its operating point; empty: there is no model",
        PROBABILITY: "The model's calibrated probability of the class",
        "width": "Of the image in pixels; empty: not known",
        "height": "Likewise",
    },
    ANSWERS: {
        "answer": "In the order in which the answers were given, from 1",
        "reader": "“R” and a number drawn likewise; “A1” the adjudicator; “X…” of the protocol no longer",
        "case": "As in cases.csv",
        "arm": "How the case was read: blind, assisted, annotation or adjudication",
        "verdict": "read (blind), agree or overrule (assisted), unsure or not diagnostic",
        "label": "The class that the reader named; empty: none",
        "certainty": "How sure of it, on the protocol's scale; empty: not asked",
        "seconds": "From the case's appearing to the answer",
        "shown": "The class that was on the screen as predicted; empty: none",
        "left out": "1 where more had been on the reader's screen of the case than its arm shows",
        **{f"seen {kind}": "" for kind in SEEN},
        "comment": "As typed; those that named somebody or a file were left out",
        "regions": "Drawn: left, top, width and height as fractions of the image, what it is, and its shape, as JSON",
    },
    READERS: {
        "reader": "As in answers.csv",
        "role": "reader, adjudicator or administrator",
        "profession": "As the reader stated it; empty: not stated",
        "years": "Of experience; empty: not stated",
    },
    TO_READ: {
        "reader": "As in answers.csv",
        "arm": "As in answers.csv",
        "read": "Cases with an answer that stands",
        "of": "Cases that were assigned",
    },
}  # fmt: skip
SEEN_MEANS = {
    "prediction": "1 where a prediction had been on this reader's screen of this case before",
    "map": "1 where a saliency map had been",
    "label": "1 where the label that came with the data had been",
    "others": "1 where readings of others had been",
    "similar": "1 where similar cases had been",
}


def meaning_in(file: str, column: str) -> str:
    """Return what a column of one of these tables means."""
    if column.startswith("seen "):
        return SEEN_MEANS[column.removeprefix("seen ")]
    return COLUMNS[file][PROBABILITY if column.startswith(PROBABILITY) else column]


def columns_of(evidence: StudyEvidence) -> dict[str, list[str]]:
    """Return the columns of each table: file → names."""
    return {
        file: [one + each for one in of for each in (_classes(evidence) if one == PROBABILITY else ("",))]
        for file, of in COLUMNS.items()
    }


def write_data(evidence: StudyEvidence, made: datetime) -> dict[str, bytes | str]:
    """Return the files by name.

    Args:
        evidence: Without names.
        made: When the report was built.
    """
    columns = columns_of(evidence)
    rows: Mapping[str, Iterable[Mapping[str, Any]]] = {
        CASES: _case_rows(evidence),
        ANSWERS: (_answer_row(one, evidence.certificates.get(one.seq or 0)) for one in evidence.answers),
        READERS: (
            {"reader": one.reader_id, "role": one.role, "profession": one.profession, "years": one.years}
            for one in evidence.people
        ),
        TO_READ: (
            {"reader": one.reader, "arm": one.arm, "read": one.read, "of": one.of}
            for one in evidence.progress
        ),
    }
    files: dict[str, bytes | str] = {}
    for file, of in rows.items():
        files |= table_files(file, list(of), columns[file])
    drawn = drawn_in(evidence)
    about = {
        "study": plain(evidence.study),
        "hashed": evidence.hashed,
        "run": evidence.run and _without_nan(plain(evidence.run)),
        "anchor": evidence.anchor,
        "anchors": [plain(one) for one in evidence.anchors],
        "set_back": [plain(one) for one in evidence.set_back],
        "notes": list(evidence.notes),
        "made": made.isoformat(),
    }
    return files | {
        **mask_files(drawn, evidence.sizes),
        REGIONS: write_coco(drawn, evidence.sizes, NO_IMAGE),
        PROTOCOL: json.dumps(versioned(about), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }


def drawn_in(evidence: StudyEvidence) -> Drawn:
    """Return what readers drew in answers that stand."""
    return [(one.image_id, one.reader, region) for one in evidence.answers for region in one.regions]


def read_data(files: Mapping[str, bytes]) -> tuple[StudyEvidence, datetime]:
    """Read what `write_data` wrote.

    Returns:
        The evidence, and when the report was built.

    Raises:
        ReportError: A file is missing or says what it cannot.
    """
    about = understood(PROTOCOL, lambda: dict(parse_json(files[PROTOCOL])))

    def told(read: Any) -> Any:
        return understood(PROTOCOL, read)

    run = told(lambda: _run(about["run"]))
    study = told(lambda: typed(Study, about["study"]))
    cases = understood(CASES, lambda: [_case(row, run) for row in _rows(files, CASES)])
    answers = understood(ANSWERS, lambda: [_answer(row, study) for row in _rows(files, ANSWERS)])
    case_ids = {case.image_id for case, _, _, _ in cases}
    understood(CASES, lambda: _once(case_ids, len(cases)))
    understood(ANSWERS, lambda: _once({answer.seq for answer, _ in answers}, len(answers)))
    understood(ANSWERS, lambda: _known((answer.image_id for answer, _ in answers), case_ids))
    evidence = StudyEvidence(
        study=study,
        cases=tuple(case for case, _, _, _ in cases),
        answers=tuple(answer for answer, _ in answers),
        certificates={answer.seq or 0: seen for answer, seen in answers if seen is not None},
        people=understood(READERS, lambda: tuple(map(_reader, _rows(files, READERS)))),
        progress=understood(TO_READ, lambda: tuple(map(_progress, _rows(files, TO_READ)))),
        predictions={case.image_id: each for case, each, _, _ in cases if each is not None},
        wanted={case.image_id: count for case, _, count, _ in cases if count},
        run=run,
        hashed=told(lambda: dict(about["hashed"])),
        anchor=told(lambda: str(about["anchor"])),
        anchors=told(lambda: tuple(typed(Anchor, one) for one in about["anchors"])),
        sizes={case.image_id: size for case, _, _, size in cases if size is not None},
        set_back=told(lambda: tuple(typed(SetBack, one) for one in about.get("set_back", ()))),
        notes=told(lambda: tuple(map(str, about["notes"]))),
    )
    return evidence, told(lambda: datetime.fromisoformat(about["made"]))


def _classes(evidence: StudyEvidence) -> Sequence[str]:
    return evidence.run.classes if evidence.run else ()


def _case_rows(evidence: StudyEvidence) -> Iterator[dict[str, Any]]:
    agreed = consensus_by_case(evidence.study, evidence.answers, evidence.wanted)
    for case in evidence.cases:
        model = evidence.predictions.get(case.image_id)
        width, height = evidence.sizes.get(case.image_id, (None, None))
        yield {
            "case": case.image_id,
            "patient": f"p{case.patient}",
            "part": model and model.part,
            "label": case.label,
            "readers wanted": evidence.wanted.get(case.image_id, 0),
            "consensus": agreed.get(case.image_id),
            "predicted": model and model.predicted,
            **{
                PROBABILITY + name: p
                for name, p in zip(_classes(evidence), model.probabilities if model else (), strict=False)
            },
            "width": width,
            "height": height,
        }


def _answer_row(one: StudyAnswer, seen: Certificate | None) -> dict[str, Any]:
    return {
        "answer": one.seq,
        "reader": one.reader,
        "case": one.image_id,
        "arm": one.arm,
        "verdict": one.verdict,
        "label": one.label,
        "certainty": one.certainty,
        "seconds": one.seconds,
        "shown": one.predicted,
        "left out": int(one.contaminated),
        **{f"seen {kind}": seen and int(getattr(seen, kind)) for kind in SEEN},
        "comment": one.comment,
        "regions": json.dumps([region_row(each) for each in one.regions], ensure_ascii=False)
        if one.regions
        else "",
    }


def _rows(files: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    columns, lines = read_csv(files[name])
    if missing := [one for one in COLUMNS[name] if one != PROBABILITY and one not in columns]:
        raise ValueError(f"it has no column “{missing[0]}”")
    return [dict(zip(columns, line, strict=True)) for line in lines]


def _case(
    row: Mapping[str, str], run: RunSummary | None
) -> tuple[Case, Prediction | None, int, tuple[int, int] | None]:
    case_id = row["case"]
    case = Case(
        image_id=case_id,
        number=_number(case_id, "c"),
        patient=_number(row["patient"], "p"),
        label=row["label"] or None,
    )
    size = size_in(row)
    if not row["predicted"] or run is None:
        return case, None, int(row["readers wanted"]), size
    model = typed(
        Prediction,
        {
            "image_id": case_id,
            "path": Path(case_id),
            "label": case.label,
            "patient_id": row["patient"],
            "part": row["part"] or None,
            "probabilities": tuple(_finite(row[PROBABILITY + name]) for name in run.classes),
            "predicted": run.classes[run.classes.index(row["predicted"])],
            "entropy": 0.0,  # nothing of a study rests on it
        },
    )
    return case, model, int(row["readers wanted"]), size


def _answer(row: Mapping[str, str], study: Study) -> tuple[StudyAnswer, Certificate | None]:
    label = row["label"] or None
    if label is not None and label not in study.protocol.classes:
        raise ValueError(f"answer {row['answer']} names a class that the study does not have")
    contaminated = YES[row["left out"]]
    answer = typed(
        StudyAnswer,
        {
            "study_id": study.study_id,
            "seq": int(row["answer"]),
            "reader": row["reader"],
            "image_id": row["case"],
            "arm": row["arm"],
            "verdict": row["verdict"],
            "label": label,
            "certainty": _finite(row["certainty"]) if row["certainty"] else None,
            "seconds": _finite(row["seconds"]),
            "predicted": row["shown"] or None,
            "contaminated": contaminated,
            "comment": row["comment"],
        },
    )
    drawn = parse_json(row["regions"]) if row["regions"] else []
    seen = None
    if row["seen prediction"]:
        seen = Certificate(**{kind: YES[row[f"seen {kind}"]] for kind in SEEN}, contaminated=contaminated)
    return replace(answer, regions=tuple(map(region_from, drawn))), seen


def _reader(row: Mapping[str, str]) -> Reader:
    return Reader(
        reader_id=row["reader"],
        name=row["reader"],
        role=row["role"],
        profession=row["profession"],
        years=_finite(row["years"]) if row["years"] else None,
    )


def _progress(row: Mapping[str, str]) -> Progress:
    return typed(
        Progress,
        {
            **{name: row[name] for name in ("reader", "arm")},
            "name": row["reader"],
            "read": int(row["read"]),
            "of": int(row["of"]),
            "median_seconds": None,
        },
    )


def _run(told: Mapping[str, Any] | None) -> RunSummary | None:
    if told is None:
        return None
    threshold = math.nan if told["threshold"] is None else told["threshold"]
    return typed(RunSummary, {**told, "threshold": threshold})


def _without_nan(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in told.items()
    }


def _number(name: str, letter: str) -> int:
    if not name.startswith(letter):
        raise ValueError(f"“{name}” is no number of ours")
    return int(name.removeprefix(letter))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"“{text}” is no number")
    return value


def _once(names: set[Any], count: int) -> None:
    if len(names) < count:
        raise ValueError("something stands in it twice")


def _known(names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"an answer is of “{name}”, which is no case")
