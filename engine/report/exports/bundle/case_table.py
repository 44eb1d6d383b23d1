"""The case table of a bundle: what the figures were computed from, without path and patient's name, and back.

A patient is a number that was drawn for the bundle and is kept nowhere: which images are of one patient, and so every
interval, can be computed again; who the patient is cannot.
"""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from engine.data import sizes_of
from engine.errors import ReportError
from engine.kept_files import parse_json, plain, typed
from engine.records import PARTS, LabelsUsed, Part, Prediction, Region, Review, Run, Sample, Split, Verdict
from engine.report.exports.bundle.apart import (
    SEARCHED,
    STANDARDS,
    read_searches,
    read_standards,
    write_searches,
    write_standards,
)
from engine.report.exports.bundle.regions import REGIONS, write_regions
from engine.report.exports.bundle.searching import names_of_images, numbers_of_nobody
from engine.report.exports.parquet import write_parquet
from engine.report.records import Evidence
from engine.spreadsheet import read_csv, write_csv

IMAGES, READINGS, CHOICES, DICTIONARY = (
    "data/images.csv",
    "data/readings.csv",
    "data/choices.json",
    "data/dictionary.csv",
)
CLASSES_IN_A_SET = " | "
MOST_PIXELS = 1 << 28  # of an image
PROBABILITY, COLUMN = "probability of ", "column: "

COLUMNS = {
    IMAGES: {
        "image": "SHA-256 of the image file, in hexadecimal digits",
        "patient": "A number drawn for this bundle, one a patient; empty: not named in the data",
        "part": "Of the split: train, val or test",
        "label": "That came with the data; empty: none",
        "fold": "Which model of a cross-validation tested it, from 0; empty: none",
        "predicted": "Class at the operating point; empty: not an image of this report",
        PROBABILITY: "Calibrated probability of the class",
        "entropy": "Of the probabilities, in nats",
        "margin": "Distance from another prediction, in log-odds; empty: not known",
        "conformal set": f"Classes that cannot be excluded, separated by “{CLASSES_IN_A_SET.strip()}”",
        "width": "Of the image in pixels; empty: not known",
        "height": "Likewise",
        COLUMN: "The group that a column of the data's table puts the image in",
    },
    READINGS: {
        "reading": "Its number: of two by one reader on one image the larger counts",
        "image": "As in images.csv",
        "reader": "Who read",
        "verdict": "agree, overrule, unsure or not diagnostic",
        "label": "The reader's class; empty: none",
        "comment": "As typed; those that named a file or a patient were left out",
        "regions": "Drawn: left, top, width and height as fractions of the image, and what it is, as JSON",
        "seconds": "From the image's appearing to the verdict",
        "queue": "Where the image came from",
        "drawn": "“in order” where the queue handed it out, “sought” where the reader went to it",
        "label seen": "Whether the label had been on the reader's screen before: yes, no; empty: not known",
    },
}
SAID = {True: "yes", False: "no", None: ""}

Value = TypeVar("Value")


def write_case_table(
    run: Run, part: Part | None, evidence: Evidence, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, bytes | str]:
    """Return the files of a case table by name.

    Args:
        run: Whose report it is.
        part: Of the report.
        evidence: What its figures were computed from.
        columns: Of the data's table whose subgroups the report shows: name → image id → group. Bands, not numbers:
            an age tells who somebody is.
    """
    choices: dict[str, Any] = {"run_id": run.run_id, "part": part, "prevalence": evidence.prevalence}
    choices["split"] = evidence.split is not None
    choices["labels"] = plain(evidence.labels)
    sizes = image_sizes(evidence)
    images = list(_image_rows(run, evidence, columns, sizes))
    readings = [_reading_row(review) for review in evidence.reviews]
    return {
        **table_files(IMAGES, images, _columns(IMAGES, run, [*columns])),
        **table_files(READINGS, readings, _columns(READINGS, run, [*columns])),
        REGIONS: write_regions(evidence.reviews, sizes),
        **write_standards(evidence.settled),
        **write_searches(evidence.searches),
        CHOICES: json.dumps(choices, indent=1) + "\n",
        DICTIONARY: dictionary_file(),
    }


def dictionary_file() -> bytes:
    """Return what says of each column of these tables what it means."""
    return write_csv(
        {"file": file, "column": f"{name}…" if name in (PROBABILITY, COLUMN) else name, "meaning": meaning}
        for file, of in COLUMNS.items()
        for name, meaning in of.items()
    )


def image_sizes(evidence: Evidence) -> dict[str, tuple[int, int]]:
    """Return width and height in pixels, by image id, of the images whose size is known."""
    split = evidence.split
    return sizes_of(sample for part in PARTS if split for sample in split.part(part))


def table_files(
    name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> dict[str, bytes | str]:
    """Return a table as CSV under its name, and as Parquet beside it."""
    return {name: write_csv(rows, columns), parquet_name(name): write_parquet(rows, columns)}


def parquet_name(csv_name: str) -> str:
    """Return what the Parquet beside a CSV is called."""
    return csv_name.removesuffix(".csv") + ".parquet"


def _columns(file: str, run: Run, columns: Sequence[str]) -> list[str]:
    several = {PROBABILITY: run.classes, COLUMN: columns}
    return [name + each for name in COLUMNS[file] for each in several.get(name, ("",))]


def _image_rows(
    run: Run,
    evidence: Evidence,
    columns: Mapping[str, Mapping[str, str]],
    sizes: Mapping[str, tuple[int, int]],
) -> Iterator[dict[str, Any]]:
    """Yield one row an image: those of the report first, in their order, then all others of the split."""
    samples = {
        each.image_id: (part, each)
        for part in PARTS
        for each in (evidence.split.part(part) if evidence.split else ())
    }
    reported = {each.image_id: each for each in evidence.predictions}
    numbers = pseudonyms([*evidence.predictions, *(sample for _, sample in samples.values())])
    for case in evidence.predictions:
        yield {
            "image": case.image_id,
            "patient": numbers.get(case.patient_id, ""),
            "part": case.part or "",
            "label": case.label or "",
            "fold": evidence.fold_of.get(case.image_id),
            "predicted": case.predicted,
            **{PROBABILITY + name: p for name, p in zip(run.classes, case.probabilities, strict=True)},
            "entropy": case.entropy,
            "margin": case.margin,
            "conformal set": CLASSES_IN_A_SET.join(case.conformal_set),
            **dict(zip(("width", "height"), sizes.get(case.image_id, (None, None)), strict=True)),
            **{COLUMN + name: group.get(case.image_id, "") for name, group in columns.items()},
        }
    for image_id, (part, sample) in samples.items():
        if image_id not in reported:
            yield {
                "image": image_id,
                "patient": numbers.get(sample.patient_id, ""),
                "part": part,
                "label": sample.label or "",
                **dict(zip(("width", "height"), sizes.get(image_id, (None, None)), strict=True)),
            }


def pseudonyms(images: Iterable[Prediction | Sample]) -> dict[str, str]:
    """Draw a number for each patient that is named; an image without one is its own patient."""
    images = list(images)
    named = sorted({each.patient_id for each in images if each.patient_id != each.image_id})
    drawn = list(islice(numbers_of_nobody(names_of_images(images)), len(named)))
    random.SystemRandom().shuffle(drawn)
    return {patient: f"p{number}" for patient, number in zip(named, drawn, strict=True)}


def _reading_row(review: Review) -> dict[str, Any]:
    regions = [region_row(one) for one in review.regions]
    return {
        "reading": review.review_id,
        "image": review.image_id,
        "reader": review.reader,
        "verdict": review.verdict.value,
        "label": review.label or "",
        "comment": review.comment,
        "regions": json.dumps(regions, ensure_ascii=False) if regions else "",
        "seconds": review.seconds,
        "queue": review.queue,
        "drawn": review.drawn,
        "label seen": SAID[review.label_seen],
    }


def region_row(region: Region) -> list[Any]:
    """Return the four sides and the label of a region; of another shape than a box also that, and its points."""
    box = [region.x, region.y, region.width, region.height, region.label]
    return box if region.shape == "box" else [*box, region.shape, region.points]


def read_case_table(files: Mapping[str, bytes], run: Run) -> tuple[Evidence, Part | None]:
    """Read what `write_case_table` wrote.

    Args:
        files: By name.
        run: Whose report it is.

    Returns:
        The evidence, and the part of the report.

    Raises:
        ReportError: A file is missing or says what it cannot.
    """
    choices = understood(CHOICES, lambda: dict(parse_json(files[CHOICES])))
    images = _rows(files, IMAGES)
    predictions, parts = [], cast("dict[Part, list[Sample]]", {part: [] for part in PARTS})
    fold_of: dict[str, int] = {}
    for row in images:
        case, sample = understood(IMAGES, lambda row=row: _image(row, run))  # type: ignore[misc]
        if case is not None:
            predictions.append(case)
            if row["fold"]:
                fold_of[case.image_id] = understood(IMAGES, lambda row=row: int(row["fold"]))  # type: ignore[misc]
        if sample.part is not None:
            parts[sample.part].append(sample)
    reviews = [
        understood(READINGS, lambda row=row: _reading(row, run))  # type: ignore[misc]
        for row in _rows(files, READINGS)
    ]
    known = {each.image_id for each in predictions}
    if not known or len(known) < len(predictions):
        raise damaged(IMAGES, "no image was predicted" if not known else "an image stands in it twice")
    if any(review.image_id not in known for review in reviews):
        raise damaged(READINGS, "a reading is of no image")
    split = Split(
        train=tuple(parts["train"]),
        val=tuple(parts["val"]),
        test=tuple(parts["test"]),
        classes=run.classes,
        seed=0,
        method="",
    )
    part, prevalence = choices.get("part"), choices.get("prevalence")
    if not (prevalence is None or (isinstance(prevalence, float) and 0 < prevalence < 1)):
        raise damaged(CHOICES, "the prevalence")
    evidence = Evidence(
        predictions=tuple(predictions),
        reviews=tuple(reviews),
        split=split if choices.get("split") else None,
        prevalence=prevalence,
        fold_of=fold_of,
        settled=understood(STANDARDS, lambda: read_standards(files)),
        labels=understood(CHOICES, lambda: _labels(choices.get("labels"))),
        searches=understood(SEARCHED, lambda: read_searches(files)),
    )
    return evidence, understood(CHOICES, lambda: None if part is None else PARTS[PARTS.index(part)])


def _labels(told: Any) -> LabelsUsed | None:
    return None if told is None else typed(LabelsUsed, told)


def understood(file: str, read: Callable[[], Value]) -> Value:
    """Read something in a file of the table, or say that the file cannot be read."""
    try:
        return read()
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise damaged(file, error) from error


def damaged(file: str, why: object) -> ReportError:
    """Return what is said of a file that cannot be used."""
    return ReportError(
        f"{file} in the bundle is damaged ({str(why) or type(why).__name__})",
        "Ask the authors for the bundle again",
    )


def _rows(files: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    columns, rows = understood(name, lambda: read_csv(files[name]))
    return [dict(zip(columns, row, strict=False)) for row in rows]


def _image(row: Mapping[str, str], run: Run) -> tuple[Prediction | None, Sample]:
    image_id = row["image"]
    path = Path(image_id)
    part = PARTS[PARTS.index(cast("Part", row["part"]))] if row["part"] else None
    label, patient = row["label"] or None, row["patient"] or image_id
    meta = {name.removeprefix(COLUMN): value for name, value in row.items() if name.startswith(COLUMN)}
    width, height = size_in(row) or (0, 0)
    sample = Sample(
        path=path,
        image_id=image_id,
        label=label,
        patient_id=patient,
        part=part,
        meta=meta,
        width=width,
        height=height,
    )
    if not row["predicted"]:
        return None, sample
    found = tuple(float(row[PROBABILITY + name]) for name in run.classes)
    margin = float(row["margin"]) if row["margin"] else None
    entropy = float(row["entropy"])
    if row["predicted"] not in run.classes or not all(map(math.isfinite, (*found, entropy, margin or 0))):
        raise ValueError(f"what is predicted of image {image_id[:8]}")
    return (
        Prediction(
            image_id=image_id,
            path=path,
            label=label,
            patient_id=patient,
            part=part,
            probabilities=found,
            predicted=row["predicted"],
            entropy=entropy,
            margin=margin,
            conformal_set=tuple(filter(None, row["conformal set"].split(CLASSES_IN_A_SET))),
        ),
        sample,
    )


def size_in(row: Mapping[str, str]) -> tuple[int, int] | None:
    """Return width and height of a row's image; None where they are not known.

    Raises:
        ValueError: No image is of that size: a mask of it would fill the memory.
    """
    if not row.get("width"):
        return None
    width, height = int(row["width"]), int(row["height"])
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"an image of {width} × {height} pixels")
    return width, height


def _reading(row: Mapping[str, str], run: Run) -> Review:
    regions = parse_json(row["regions"]) if row["regions"] else []
    seconds = float(row["seconds"])
    if not math.isfinite(seconds):
        raise ValueError("seconds")
    return Review(
        run_id=run.run_id,
        image_id=row["image"],
        reader=row["reader"],
        verdict=Verdict(row["verdict"]),
        label=row["label"] or None,
        comment=row["comment"],
        regions=tuple(map(region_from, regions)),
        seconds=seconds,
        review_id=int(row["reading"]) if row["reading"] else None,
        queue=row["queue"],
        drawn=row["drawn"],
        label_seen={said: value for value, said in SAID.items()}[row["label seen"]],
    )


def region_from(told: Sequence[Any]) -> Region:
    """Return a region from what `region_row` made of it."""
    x, y, width, height, label, *rest = told
    shape, points = rest or ("box", ())
    corners = tuple((float(across), float(down)) for across, down in points)
    return Region(x=x, y=y, width=width, height=height, label=label, shape=shape, points=corners)
