"""Searches for labels that may be wrong, as a bundle keeps them: one line an image and search, and what each one is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from engine.kept_files import parse_json
from engine.records import PARTS, Part
from engine.report.pieces.label_errors import SearchedCase, SearchedLabels
from engine.spreadsheet import read_csv, write_csv

SEARCHES, SEARCHED = "data/label-searches.csv", "data/label-searches.json"
COLUMNS = {
    "search": "Its number in label-searches.json, from 1",
    "image": "As in images.csv",
    "part": "Of the split: train, val or test",
    "label": "That the image had",
    "likeliest": "Class that a model which never saw the image found likeliest; another than the label: suspected",
    "drawn": "suspect or control of a study in which both are read blind; empty: of no study",
    "answered": "Whether it was read by all who were to read it: yes or no",
    "read": "Class that readers gave it; empty: none",
}
ANSWERED = {True: "yes", False: "no"}


def write_searches(searches: Sequence[SearchedLabels]) -> dict[str, bytes | str]:
    """Return the files of searches; none where there are none."""
    if not searches:
        return {}
    rows = [
        {
            "search": f"s{number}",
            "image": case.image_id,
            "part": case.part or "",
            "label": case.label,
            "likeliest": case.likely,
            "drawn": case.drawn,
            "answered": ANSWERED[case.answered],
            "read": case.read or "",
        }
        for number, one in enumerate(searches, 1)
        for case in one.cases
    ]
    about = [
        {
            "run_id": one.run_id,
            "folds": one.folds,
            "at": one.at,
            "images": dict(one.images),
            "study": one.study,
            "finished": one.finished,
            "readers": one.readers,
            "versions": one.versions,
            "trained_after": one.trained_after,
        }
        for one in searches
    ]
    told = {"columns": COLUMNS, "searches": about}
    return {
        SEARCHES: write_csv(rows, list(COLUMNS)),
        SEARCHED: json.dumps(told, indent=1, ensure_ascii=False) + "\n",
    }


def read_searches(files: Mapping[str, bytes]) -> tuple[SearchedLabels, ...]:
    """Read what `write_searches` wrote; its errors are those of a damaged file.

    Raises:
        KeyError: Something is missing.
        ValueError: Something is what it cannot be.
    """
    if SEARCHED not in files:
        return ()
    about: list[dict[str, Any]] = dict(parse_json(files[SEARCHED]))["searches"]
    columns, lines = read_csv(files[SEARCHES])
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    return tuple(
        SearchedLabels(
            run_id=str(one["run_id"]),
            folds=bool(one["folds"]),
            at=str(one["at"]),
            images={str(part): int(count) for part, count in dict(one["images"]).items()},
            study=str(one["study"]),
            finished=bool(one["finished"]),
            readers=int(one["readers"]),
            cases=tuple(_case(row) for row in rows if row["search"] == f"s{number}"),
            versions=tuple(map(int, one["versions"])),
            trained_after=tuple(map(str, one["trained_after"])),
        )
        for number, one in enumerate(about, 1)
    )


def _case(row: Mapping[str, str]) -> SearchedCase:
    return SearchedCase(
        image_id=row["image"],
        part=PARTS[PARTS.index(cast("Part", row["part"]))] if row["part"] else None,
        label=row["label"],
        likely=row["likeliest"],
        drawn=row["drawn"],
        answered={said: value for value, said in ANSWERED.items()}[row["answered"]],
        read=row["read"] or None,
    )
