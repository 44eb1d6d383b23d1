"""What a bundle keeps of an image beside its case table: what studies settled, searches for labels that may be wrong.

Each is a table of one line an image, and a JSON that says what the columns are and what each list of lines is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from engine.kept_files import parse_json
from engine.records import PARTS, Part
from engine.report.pieces.label_errors import SearchedCase, SearchedLabels
from engine.report.records import Settled
from engine.spreadsheet import read_csv, write_csv

Lines = Iterable[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Apart:
    """A table and the JSON beside it.

    Attributes:
        lines: Name of the table.
        about: Name of the JSON.
        name: Of the list in it.
        told: What the list says of each of its records, by their own names.
        columns: Of the table with their meaning; the first says to which of the list a line belongs: s1, s2 and so on.
    """

    lines: str
    about: str
    name: str
    told: tuple[str, ...]
    columns: Mapping[str, str]

    def write(self, kept: Iterable[tuple[object, Lines]]) -> dict[str, bytes | str]:
        """Return the files of records with their lines; none where there are none."""
        told, rows = [], []
        for number, (one, lines) in enumerate(kept, 1):
            told.append({name: getattr(one, name) for name in self.told})
            rows += [{next(iter(self.columns)): f"s{number}", **line} for line in lines]
        if not told:
            return {}
        document = {"columns": self.columns, self.name: told}
        return {
            self.lines: write_csv(rows, list(self.columns)),
            self.about: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        }

    def read(self, files: Mapping[str, bytes]) -> Iterator[tuple[dict[str, Any], list[dict[str, str]]]]:
        """Yield what `write` wrote; its errors are those of a damaged file.

        Raises:
            KeyError: Something is missing.
            ValueError: Something is what it cannot be.
        """
        if self.about not in files:
            return
        headings, lines = read_csv(files[self.lines])
        rows = [dict(zip(headings, line, strict=True)) for line in lines]
        for number, about in enumerate(dict(parse_json(files[self.about]))[self.name], 1):
            yield about, [row for row in rows if row[next(iter(self.columns))] == f"s{number}"]


# ---------------------------------------------------------------------------------------- what studies settled

STANDARDS, DEFINED = "data/standards.csv", "data/standards.json"
RULES = ("excluded", "positive", "negative")
_SETTLED = _Apart(
    STANDARDS,
    DEFINED,
    "standards",
    ("name", "defined", "caution", "drawn_by_model"),
    {
        "standard": "Its number in standards.json, from 1",
        "image": "As in images.csv",
        "class": "By this standard; empty: none",
        "why not": "Why it has none",
        "excluded": "The class where indeterminate readings are excluded",
        "positive": "Where they count as positive",
        "negative": "Where they count as negative",
    },
)


def write_standards(standards: Iterable[Settled]) -> dict[str, bytes | str]:
    """Return the files of the standards that studies made; none where there are none."""
    return _SETTLED.write((one, _lines_of_standard(one)) for one in standards)


def _lines_of_standard(one: Settled) -> Lines:
    for image_id in (*one.answers, *one.without):
        yield {
            "image": image_id,
            "class": one.answers.get(image_id, ""),
            "why not": one.without.get(image_id, ""),
            **{rule: one.by_rule.get(rule, {}).get(image_id, "") for rule in RULES},
        }


def read_standards(files: Mapping[str, bytes]) -> tuple[Settled, ...]:
    """Read what `write_standards` wrote; errors as of `_Apart.read`."""
    return tuple(
        Settled(
            name=str(one["name"]),
            defined=tuple((str(name), str(said)) for name, said in one["defined"]),
            answers={row["image"]: row["class"] for row in rows if row["class"]},
            without={row["image"]: row["why not"] for row in rows if row["why not"]},
            caution=str(one["caution"]),
            drawn_by_model=bool(one["drawn_by_model"]),
            by_rule={rule: {row["image"]: row[rule] for row in rows if row[rule]} for rule in RULES},
        )
        for one, rows in _SETTLED.read(files)
    )


# ------------------------------------------------------------------------------- searches for labels that may be wrong

SEARCHES, SEARCHED = "data/label-searches.csv", "data/label-searches.json"
ANSWERED = {True: "yes", False: "no"}
_SEARCHED = _Apart(
    SEARCHES,
    SEARCHED,
    "searches",
    ("run_id", "folds", "at", "images", "study", "finished", "readers", "versions", "trained_after"),
    {
        "search": "Its number in label-searches.json, from 1",
        "image": "As in images.csv",
        "part": "Of the split: train, val or test",
        "label": "That the image had",
        "likeliest": "Class that a model which never saw the image found likeliest; another than the label: suspected",
        "drawn": "suspect or control of a study in which both are read blind; empty: of no study",
        "answered": "Whether it was read by all who were to read it: yes or no",
        "read": "Class that readers gave it; empty: none",
    },
)


def write_searches(searches: Iterable[SearchedLabels]) -> dict[str, bytes | str]:
    """Return the files of searches; none where there are none."""
    return _SEARCHED.write((one, map(_line_of_case, one.cases)) for one in searches)


def _line_of_case(case: SearchedCase) -> dict[str, str]:
    return {
        "image": case.image_id,
        "part": case.part or "",
        "label": case.label,
        "likeliest": case.likely,
        "drawn": case.drawn,
        "answered": ANSWERED[case.answered],
        "read": case.read or "",
    }


def read_searches(files: Mapping[str, bytes]) -> tuple[SearchedLabels, ...]:
    """Read what `write_searches` wrote; errors as of `_Apart.read`."""
    return tuple(
        SearchedLabels(
            run_id=str(one["run_id"]),
            folds=bool(one["folds"]),
            at=str(one["at"]),
            images={str(part): int(count) for part, count in dict(one["images"]).items()},
            study=str(one["study"]),
            finished=bool(one["finished"]),
            readers=int(one["readers"]),
            cases=tuple(map(_case, rows)),
            versions=tuple(map(int, one["versions"])),
            trained_after=tuple(map(str, one["trained_after"])),
        )
        for one, rows in _SEARCHED.read(files)
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
