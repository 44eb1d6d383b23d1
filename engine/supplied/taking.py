"""A table of predictions held against a data set: predictions, and a sentence for everything that does not fit.

    read_predictions(index, table, claims) -> Taken

Rows of unknown images, images without a row and rows without a number are refused, and left out only where a person
said so; then they are counted in the report. What contradicts itself is always refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.data import Table, match_names, open_table, positive_of
from engine.errors import DataError
from engine.language import N_
from engine.records import Explanation, Index, Prediction, Sample, class_argued_for, margin_of
from engine.supplied.columns import IMAGE, ScoreColumns, image_column, score_columns
from engine.supplied.maps import Maps, read_maps
from engine.supplied.naming import ImageNames
from engine.supplied.probabilities import one_an_image, probabilities_of
from engine.supplied.scores import SCALES
from engine.supplied.troubles import Remark, Row, Troubles

HALF = 0.5
CALLS = (
    "predicted",
    "prediction",
    "call",
    "decision",
    "result",
    "predictedclass",
    "predictedlabel",
    "output",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a person says of predictions that another program made.

    Attributes:
        model: Its name.
        version: Its version.
        threshold: Probability of the finding from which it is predicted; two classes only; None was not stated.
        positive: The class that is the finding; None lets the data set say.
        columns: Column of the table by class, and by "image" the one that names the images.
        same: Class of the data set by the name that the columns use.
        scores: A key of `SCALES`; None recognises it.
        maps: A folder of maps.
        incomplete: Go on without rows and images that do not fit each other.
    """

    model: str
    version: str = ""
    threshold: float | None = None
    positive: str | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    same: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    scores: str | None = None
    maps: Path | None = None
    incomplete: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """What a table gives.

    Attributes:
        classes: In the order of the probabilities.
        positive: The finding.
        threshold: Probability from which it is predicted; NaN with more than two classes.
        predictions: In the order of the data set.
        samples: The images that they are of.
        explanations: Maps.
        said: How it was read, and what was left out.
        file: Name of the table.
        sha256: Of its bytes.
        content: sha256 of what was taken.
    """

    classes: tuple[str, ...]
    positive: str
    threshold: float
    predictions: tuple[Prediction, ...]
    samples: tuple[Sample, ...]
    explanations: tuple[Explanation, ...]
    said: tuple[Remark, ...]
    file: str
    sha256: str
    content: str


def read_predictions(
    index: Index, path: Path, claims: Claims, *, progress: Callable[[int, int], None] | None = None
) -> Taken:
    """Read a table of predictions for the images of a data set.

    Args:
        index: The data set.
        path: CSV, workbook or Parquet: see `engine.data.open_table`.
        claims: What a person says of it.
        progress: Called with maps read and maps in all; may raise to stop.

    Raises:
        DataError: Something does not fit, in a sentence for each kind of trouble with the rows counted and named.
    """
    _check(claims)
    table, names = open_table(path), ImageNames(index.samples)
    asked = {name: column for name, column in claims.columns.items() if name != IMAGE}
    image = image_column(table, names, claims.columns.get(IMAGE))
    scores = score_columns(
        table, image, index.classes, positive=claims.positive, asked=asked, same=claims.same
    )
    positive = _positive(scores.classes, claims.positive)
    threshold, said_of_threshold = _threshold(claims, scores.classes, positive)
    troubles = Troubles(incomplete=claims.incomplete)
    said = [*table.said, f"Images are named by column “{image}”", *map(_sentence, scores.said)]
    rows = _rows(table, image, names, troubles, said)
    told, more = probabilities_of(table, scores, rows, claims.scores, troubles)
    by_image = one_an_image(rows, told, troubles, said)
    missing = [sample.path.name for sample in index.samples if sample.image_id not in by_image]
    if missing:
        says = (
            N_("{n} image of the data set has no prediction{named}")
            if len(missing) == 1
            else N_("{n} images of the data set have no prediction{named}")
        )
        troubles.add(Remark(says.replace("{n}", f"{len(missing):,}"), tuple(missing)), may_pass=True)
    troubles.refuse()
    if not by_image:
        raise DataError(
            f"No prediction is left of {path.name}", "Choose the data set that the predictions are of"
        )
    samples = tuple(sample for sample in index.samples if sample.image_id in by_image)
    predictions = tuple(
        prediction_of(sample, by_image[sample.image_id], scores.classes, positive, threshold)
        for sample in samples
    )
    maps = _maps(claims.maps, names, predictions, scores.classes, positive, progress)
    calls = _calls(table, scores, rows, {one.image_id: one.predicted for one in predictions})
    if scores.unread:
        said.append(f"Columns of numbers that are not read: {', '.join(scores.unread)}")
    others = [name for name in table.header if name not in (image, *scores.columns, *scores.unread)]
    if meant := sorted(match_names(others, scores.classes)):  # a column of inf or words, say
        said.append(f"Columns named like a class that hold no numbers, and are not read: {', '.join(meant)}")
    return Taken(
        classes=scores.classes,
        positive=positive,
        threshold=threshold,
        predictions=predictions,
        samples=samples,
        explanations=maps.explanations,
        said=(*map(Remark, (*said, *more, *said_of_threshold, *calls)), *troubles.passed, *maps.said),
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        content=_content(index, claims, scores.classes, positive, threshold, predictions, maps),
    )


def _check(claims: Claims) -> None:
    if not claims.model.strip():
        raise DataError(
            "The model has no name",
            "Say whose predictions these are",
            option="--name",
            fields=("Name of the model",),
        )
    if claims.scores is not None and claims.scores not in SCALES:
        raise DataError(f"There are no scores “{claims.scores}”", f"Choose one of: {', '.join(SCALES)}")


def _positive(classes: tuple[str, ...], asked: str | None) -> str:
    if asked is not None and asked not in classes:
        raise DataError(f"“{asked}” is none of the classes", f"Choose one of: {', '.join(classes)}")
    return positive_of(classes, asked)


def _threshold(claims: Claims, classes: Sequence[str], positive: str) -> tuple[float, list[str]]:
    """Return the operating point, and what is said of it."""
    asked = claims.threshold
    if len(classes) != 2:
        if asked is not None:
            raise DataError(
                f"A threshold is for two classes, and there are {len(classes)} ({', '.join(classes)})",
                "Leave it out: the most probable class is then the predicted one",
            )
        return float("nan"), ["The most probable class is taken as the predicted one"]
    if asked is None:
        return HALF, [
            f"No operating point was stated: {positive} is predicted at a probability of .5 or above"
        ]
    if not 0 < asked < 1:
        remedy = f"Write it as {asked / 100:g}" if 1 < asked < 100 else "Write one, such as .4"
        raise DataError(f"The threshold {asked:g} is no probability between 0 and 1", remedy)
    return asked, []


def _rows(table: Table, image: str, names: ImageNames, troubles: Troubles, said: list[str]) -> list[Row]:
    """Say of each row which image it names."""
    rows: list[Row] = []
    unknown: list[Row] = []
    unclear: list[Row] = []
    loose = 0
    for (line, _), cell in zip(table.lines, table.column(image), strict=True):
        meant = names.meant(cell)
        one = meant.images[0] if len(meant.images) == 1 else None
        rows.append(Row(line, cell, one))
        loose += meant.loosely and one is not None
        if one is None:
            (unclear if meant.images else unknown).append(rows[-1])
    troubles.of_rows(
        unknown,
        N_("{n} row{named} names no image of the data set"),
        N_("{n} rows{named} name no image of the data set"),
        may_pass=True,
    )
    troubles.of_rows(
        unclear,
        N_(
            "{n} row{named} names what several images are called: write the folder before the name, or the sha256"
        ),
        N_(
            "{n} rows{named} name what several images are called: write the folder before the name, or the sha256"
        ),
        may_pass=True,
    )
    if loose:
        said.append(
            f"{loose:,} of {len(rows):,} rows {'was' if loose == 1 else 'were'} found by file name alone, as the "
            "folder before it in the table is not there"
        )
    return rows


def prediction_of(
    sample: Sample, p: NDArray[np.float64], classes: Sequence[str], positive: str, threshold: float
) -> Prediction:
    """Return the record of one image from supplied probabilities (C,)."""
    at = classes.index(positive)
    place = (at if p[at] >= threshold else 1 - at) if len(classes) == 2 else int(np.argmax(p))
    logs = np.log(np.clip(p, 1e-300, 1))
    label = match_names([sample.label], classes).get(sample.label) if sample.label is not None else None
    return Prediction(
        image_id=sample.image_id,
        path=sample.path,
        label=label,
        patient_id=sample.patient_id,
        part="test",  # of these data nothing was trained on here
        probabilities=tuple(float(value) for value in p),
        predicted=classes[place],
        entropy=float(-(p * logs).sum()),
        margin=margin_of(p.tolist(), place, positive=at, threshold=threshold),
    )


def _calls(
    table: Table, scores: ScoreColumns, rows: Sequence[Row], predicted: Mapping[str, str]
) -> list[str]:
    """Say whether a column of the file's own calls says what the operating point does."""
    for column in table.header:
        if "".join(filter(str.isalpha, column.casefold())) not in CALLS or column in scores.columns:
            continue
        meant = match_names(set(table.column(column)), scores.classes)
        pairs = [
            (meant[call], predicted[row.image.image_id])
            for row, call in zip(rows, table.column(column), strict=True)
            if call in meant and row.image is not None and row.image.image_id in predicted
        ]
        if pairs:
            other = sum(call != ours for call, ours in pairs)
            return [
                f"The file's own column “{column}” says another class than the operating point in {other:,} of "
                f"{len(pairs):,} rows"
                if other
                else f"The file's own column “{column}” says what the operating point does"
            ]
    return []


def _maps(
    folder: Path | None,
    names: ImageNames,
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    positive: str,
    progress: Callable[[int, int], None] | None,
) -> Maps:
    if folder is None:
        return Maps()
    targets = {one.image_id: class_argued_for(classes, positive, one.predicted) for one in predictions}
    return read_maps(folder, names, targets, progress=progress)


def _content(
    index: Index,
    claims: Claims,
    classes: Sequence[str],
    positive: str,
    threshold: float,
    predictions: Sequence[Prediction],
    maps: Maps,
) -> str:
    """Return a hash by which equal imports are known, whatever their files look like."""
    told = sorted((one.image_id, [repr(p) for p in one.probabilities]) for one in predictions)
    whose = [index.dataset_id, claims.model.strip(), claims.version.strip()]
    facts = [*whose, list(classes), positive, repr(threshold), told, maps.digest]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
