"""The scores of a table as probabilities: (C,) of each row, one answer of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.data import Table
from engine.errors import DataError
from engine.language import N_, count_of
from engine.supplied.columns import NAMES, ScoreColumns
from engine.supplied.scores import ROUNDING, SCALES, SUM_TOLERANCE, Numbers, parse, recognised
from engine.supplied.troubles import Remark, Row, Troubles


def probabilities_of(
    table: Table, scores: ScoreColumns, rows: Sequence[Row], asked: str | None, troubles: Troubles
) -> tuple[dict[int, NDArray[np.float64]], list[str]]:
    """Return the probabilities (C,) of each row that has them, by its place, and how the numbers were taken."""
    parsed = parse([table.column(column) for column in scores.columns])
    whole = np.isfinite(parsed.numbers).all(axis=1)
    empty = [rows[int(place)] for place in np.flatnonzero(~whole)]
    troubles.of_rows(
        empty,
        N_("{n} row{named} has no number for a score"),
        N_("{n} rows{named} have no number for a score"),
        may_pass=True,
    )
    if not whole.any():
        return {}, []
    numbers = parsed.numbers[whole]
    name = asked or recognised(
        replace(parsed, numbers=numbers, percent_signs=parsed.percent_signs[whole]), scores.columns
    )
    scale = SCALES[name]
    places = np.flatnonzero(whole)
    fits = scale.fit(numbers)
    if not fits.all():
        odd = [rows[int(place)] for place in places[~fits]]
        troubles.of_rows(
            odd,
            N_("{n} row{named} has scores that are no {words}").replace("{words}", scale.title),
            N_("{n} rows{named} have scores that are no {words}").replace("{words}", scale.title),
            may_pass=False,
        )
        return {}, []
    if name == "logit" and scores.extra:
        raise DataError(
            f"{', '.join(scores.extra)}: scores of no class of the data set ({', '.join(scores.classes)}), "
            "without which logits cannot be turned into probabilities",
            "Say which class each means; scores of one class add up",
            option="--same NAME=CLASS",
            fields=(NAMES,),
        )
    p = _by_class(scale.probabilities(numbers), scores)
    said = [f"{scale.says[:1].upper()}{scale.says[1:]}"] if name != "probability" or asked else []
    if parsed.commas:
        said.append("A comma in a number is taken as the decimal point")
    if np.isin(numbers, (0, 1, 100)).all():
        said.append(
            "All scores are 0 or 1: they are decisions, and curves and calibration rest on these alone"
        )
    if not scores.single:
        said += _to_one(p, [rows[int(place)] for place in places], scores, troubles)
        p = p / np.maximum(p.sum(axis=1, keepdims=True), 1e-300)
    return {int(place): p[at] for at, place in enumerate(places)}, said


def _by_class(p: Numbers, scores: ScoreColumns) -> Numbers:
    """Return probabilities (N, C) from those of the columns (N, K): those of one class add up."""
    whole = np.zeros((len(p), len(scores.classes)))
    for at, name in enumerate(scores.of):
        whole[:, scores.classes.index(name)] += p[:, at]
    if scores.single:
        known = scores.classes.index(scores.of[0])
        whole[:, known] = np.clip(whole[:, known], 0, 1)
        whole[:, 1 - known] = 1 - whole[:, known]
    return whole


def _to_one(p: Numbers, rows: Sequence[Row], scores: ScoreColumns, troubles: Troubles) -> list[str]:
    """Hold probabilities (N, C) against the rule that they are 1 in all."""
    off = np.abs(p.sum(axis=1) - 1)
    beyond = off > max(SUM_TOLERANCE, 0.005 * len(scores.columns))
    if beyond.any():
        odd = [row for row, is_odd in zip(rows, beyond, strict=True) if is_odd]
        worst = float(p.sum(axis=1)[int(off.argmax())])
        one = N_("{n} row{named} has probabilities that are not 1 in all (the farthest {worst})")
        many = N_("{n} rows{named} have probabilities that are not 1 in all (the farthest {worst})")
        far = f"{worst:.3g}"
        troubles.of_rows(odd, one.replace("{worst}", far), many.replace("{worst}", far), may_pass=False)
        if scores.unread:
            troubles.add(
                Remark(f"Columns of numbers that are not read: {', '.join(scores.unread)}"), may_pass=False
            )
        return []
    if off.max() > ROUNDING:
        return [
            f"Each image's probabilities were scaled to 1 by their sum, which missed 1 by up to {off.max():.2g}"
        ]
    return []


def one_an_image(
    rows: Sequence[Row], told: Mapping[int, NDArray[np.float64]], troubles: Troubles, said: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Return the probabilities of each image; rows that say the same of it count once."""
    found: dict[str, NDArray[np.float64]] = {}
    again, differing = 0, []
    for place, row in enumerate(rows):
        if row.image is None or place not in told:
            continue
        first = found.setdefault(row.image.image_id, told[place])
        if first is told[place]:
            continue
        again += 1
        if np.abs(first - told[place]).max() > ROUNDING:
            differing.append(row)
    troubles.of_rows(
        differing,
        N_("{n} row{named} says something else of an image than an earlier row"),
        N_("{n} rows{named} say something else of an image than an earlier row"),
        may_pass=False,
    )
    if again and not differing:
        said.append(f"{count_of(again, 'row')} said again what an earlier one says of the same image")
    return found
