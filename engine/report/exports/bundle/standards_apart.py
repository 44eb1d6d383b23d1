"""What readers settled in studies, as a bundle keeps it: one line an image and standard, and what each standard is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.kept_files import parse_json
from engine.report.records import Settled
from engine.spreadsheet import read_csv, write_csv

STANDARDS, DEFINED = "data/standards.csv", "data/standards.json"
COLUMNS = {
    "standard": "Its number in standards.json, from 1",
    "image": "As in images.csv",
    "class": "By this standard; empty: none",
    "why not": "Why it has none",
    "excluded": "The class where indeterminate readings are excluded",
    "positive": "Where they count as positive",
    "negative": "Where they count as negative",
}
RULES = ("excluded", "positive", "negative")


def write_standards(standards: Sequence[Settled]) -> dict[str, bytes | str]:
    """Return the files of the standards that studies made; none where there are none."""
    if not standards:
        return {}
    rows = [
        {
            "standard": f"s{number}",
            "image": image_id,
            "class": one.answers.get(image_id, ""),
            "why not": one.without.get(image_id, ""),
            **{rule: one.by_rule.get(rule, {}).get(image_id, "") for rule in RULES},
        }
        for number, one in enumerate(standards, 1)
        for image_id in (*one.answers, *one.without)
    ]
    about = [
        {
            "name": one.name,
            "defined": one.defined,
            "caution": one.caution,
            "drawn_by_model": one.drawn_by_model,
        }
        for one in standards
    ]
    return {
        STANDARDS: write_csv(rows, list(COLUMNS)),
        DEFINED: json.dumps({"columns": COLUMNS, "standards": about}, indent=1, ensure_ascii=False) + "\n",
    }


def read_standards(files: Mapping[str, bytes]) -> tuple[Settled, ...]:
    """Read what `write_standards` wrote; its errors are those of a damaged file.

    Raises:
        KeyError: Something is missing.
        ValueError: Something is what it cannot be.
    """
    if DEFINED not in files:
        return ()
    about: list[dict[str, Any]] = dict(parse_json(files[DEFINED]))["standards"]
    columns, lines = read_csv(files[STANDARDS])
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    found = []
    for number, one in enumerate(about, 1):
        own = [row for row in rows if row["standard"] == f"s{number}"]
        found.append(
            Settled(
                name=str(one["name"]),
                defined=tuple((str(name), str(said)) for name, said in one["defined"]),
                answers={row["image"]: row["class"] for row in own if row["class"]},
                without={row["image"]: row["why not"] for row in own if row["why not"]},
                caution=str(one["caution"]),
                drawn_by_model=bool(one["drawn_by_model"]),
                by_rule={rule: {row["image"]: row[rule] for row in own if row[rule]} for rule in RULES},
            )
        )
    return tuple(found)
