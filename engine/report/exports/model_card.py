"""A model card: what a model is, for what it is meant, and how well it did, under the headings of Model Cards.

The headings are those of Mitchell and others (doi:10.1145/3287560.3287596). Everything is taken from the run's report:
there is no second place where a number of it could come from.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.language import count_of
from engine.records import PART_NAMES, Estimate
from engine.report.computed import Computed
from engine.report.exports.numbers import plain
from engine.report.formatting import figure, interval, rests_on
from engine.report.records import Against, Report
from engine.storage import versioned

NOT_FOR_DIAGNOSIS = (
    "Research use: not a medical device, and not for diagnosis. Every prediction is to be read over by a "
    "clinician."
)
TRAINED_ON = (PART_NAMES["train"], PART_NAMES["val"])


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the card: sentences, then tables."""

    heading: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A model card; `report` is where it is taken from."""

    title: str
    sections: tuple[Section, ...]
    report: Report


def card_of(report: Report) -> Card:
    """Return the model card of a run.

    Args:
        report: On the run's test part.
    """
    run = report.run
    return Card(
        title=f"{run.title}: {', '.join(run.classes)}",
        sections=(
            _details(report),
            _intended_use(report),
            _factors(report),
            _metrics(report),
            _evaluation_data(report),
            _training_data(report),
            Section("Quantitative analyses", *_analyses(report)),
            _ethics(report),
            Section("Caveats and recommendations", report.limitations),
        ),
        report=report,
    )


def _details(report: Report) -> Section:
    rows = (
        _facts(report, "Model")
        + [row for row in _facts(report, "Reading") if row[0] in ("Software", "Run", "Heatmaps")]
        + _facts(report, "Hashes (sha256)")
    )
    return Section("Model details", (), (Table(("", ""), tuple(rows)),))


def _intended_use(report: Report) -> Section:
    run = report.run
    return Section(
        "Intended use",
        (
            f"Distinguishes {_listed(run.classes)} on images like those of “{run.dataset_name}”, for research on how "
            "such images can be read, with every prediction read over by a clinician.",
            NOT_FOR_DIAGNOSIS,
            "Out of scope: decisions about a patient, images of other kinds or body parts, other classes than these, "
            "and any use without a person who looks at the images.",
        ),
    )


def _factors(report: Report) -> Section:
    columns = list(dict.fromkeys(name for row in report.subgroups for name in row.columns))
    said = (
        f"Results are given by {_listed(columns)}: the columns of the data's table that make two to eight groups."
        if columns
        else "The data name no group (age, sex, device, site) by which results could be given, so how they differ "
        "between groups is not known."
    )
    return Section("Factors", (said,))


def _metrics(report: Report) -> Section:
    methods: dict[str, list[str]] = {}
    for one in report.against:
        for name, estimate in one.estimates.items():
            if math.isfinite(estimate.low) and name not in methods.setdefault(estimate.method, []):
                methods[estimate.method].append(name)
    how = tuple(f"95% interval by {method}: {', '.join(names)}." for method, names in methods.items())
    chosen = [row for row in _facts(report, "Reading") if row[0] not in ("Software", "Run", "Heatmaps")]
    return Section("Metrics", how, (Table(("", ""), tuple(chosen)),) if chosen else ())


def _evaluation_data(report: Report) -> Section:
    tested = [part for part in report.balance if part not in TRAINED_ON]
    return Section("Evaluation data", (), (_counts(report, tested),))


def _training_data(report: Report) -> Section:
    trained = [part for part in report.balance if part in TRAINED_ON]
    rows = (*_facts(report, "Data"), *_facts(report, "Training"))
    return Section("Training data", (), (_counts(report, trained), Table(("", ""), tuple(rows))))


def _counts(report: Report, parts: Sequence[str]) -> Table:
    labels = list(dict.fromkeys(label for of in report.balance.values() for label in of))

    def patients(part: str) -> str:
        count = report.patients_by_part.get(part)
        return "not named" if count is None else f"{count:,}"

    return Table(
        ("part", *labels, "patients"),
        tuple(
            (part, *(f"{report.balance[part].get(label, 0):,}" for label in labels), patients(part))
            for part in parts
        ),
    )


def _analyses(report: Report) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    said: list[str] = []
    tables: list[Table] = []
    for one in report.against:
        about = [f"Against the {one.name}: {one.cases:,} of {one.of:,} test images."]
        said.append(" ".join([*about, one.sampling, one.caution, *one.sentences]).replace("  ", " ").strip())
        if one.cases:
            tables += tables_against(one)
    if report.subgroups:
        names = list(report.subgroups[0].estimates)
        tables.append(
            Table(
                ("group", "images", *names),
                tuple(
                    (f"{row.column}: {row.value}", f"{row.cases:,}", *map(_in_words, row.estimates.values()))
                    for row in report.subgroups
                ),
            )
        )
    if report.pointing is not None:
        said.append(
            f"The heatmap's peak lies on the known finding: {_in_words(report.pointing)}, {rests_on(report.pointing)}."
        )
    return tuple(said), tuple(tables)


def tables_against(one: Against) -> Iterable[Table]:
    """Yield the tables of figures against one reference standard."""
    yield Table(
        (f"metric, against the {one.name}", "value (95% interval)", "based on"),
        tuple((name, _in_words(each), rests_on(each)) for name, each in one.estimates.items()),
    )
    yield Table(
        ("class", "images", "precision", "recall", "F1", "AUROC"),
        tuple(
            (row.name, f"{row.support:,}", *map(_in_words, (row.precision, row.recall, row.f1, row.auroc)))
            for row in one.rows
        ),
    )


def _ethics(report: Report) -> Section:
    return Section(
        "Ethical considerations",
        (
            "The model learned from the labels of one collection, with whatever is wrong or one-sided in them.",
            "A trained network may hold traces of the images it was trained on: share it under the terms under which "
            "those images may be shared.",
            f"{report.reviews.cases:,} of the {len(report.cases):,} test images "
            f"{'was' if report.reviews.cases == 1 else 'were'} read over by "
            f"{count_of(report.reviews.readers, 'reader')} in Overread."
            if report.reviews.cases
            else "None of the test images has been read over in Overread yet.",
        ),
        (Table(("", ""), tuple(read)),) if (read := _facts(report, "Readings")) else (),
    )


def _facts(report: Report, group: str) -> list[tuple[str, str]]:
    return [(fact.name, fact.value) for fact in report.facts if fact.group == group]


def _in_words(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return estimate.method
    return figure(estimate.value) + (f" ({interval(estimate)})" if math.isfinite(estimate.low) else "")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ------------------------------------------------------------------------------------------------ as files


def card_markdown(card: Card) -> str:
    """Return the card as Markdown, with the head that model hubs read; what somebody typed is escaped."""
    run = card.report.run
    head = {
        "pipeline_tag": "image-classification",
        "library_name": "overread",
        "tags": ["image-classification", "medical-imaging", "research"],
        "model_name": f"overread-{run.run_id}",
    }
    lines = [
        "---",
        *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()),
        "---",
        "",
    ]
    lines += [
        f"# Model card: {_escaped(card.title)}",
        "",
        f"Run {_escaped(run.run_id)}, written by Overread.",
        "",
    ]
    for section in card.sections:
        lines += [f"## {section.heading}", ""]
        said = [f"- {_escaped(sentence)}" for sentence in section.sentences]
        for block in (said, *map(markdown_table, section.tables)):
            lines += [*block, ""] if block else []
    return "\n".join(lines)


def markdown_table(table: Table) -> list[str]:
    """Return a table as lines of Markdown."""
    rows = [table.headings, ("---",) * len(table.headings), *table.rows]
    return [f"| {' | '.join(cell if cell == '---' else _escaped(cell) for cell in row)} |" for row in rows]


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", " ".join(text.split()))


def card_figures(found: Report | Computed) -> dict[str, Any]:
    """Return the figures of a card, which whoever has a report's evidence can compute again."""
    return {
        "images_by_part": found.balance,
        "patients_by_part": found.patients_by_part,
        "metrics": {one.name: one.estimates for one in found.against},
        "classification": {one.name: one.rows for one in found.against},
    }


def card_json(card: Card) -> str:
    """Return the card as JSON: its sections in words, and the numbers of the report behind them."""
    report = card.report
    run = report.run
    document = {
        "run_id": run.run_id,
        "title": card.title,
        "classes": run.classes,
        "positive": report.positive,
        "threshold": run.threshold if report.positive else None,
        "calibration": run.calibration,
        **card_figures(report),
        "sections": card.sections,
    }
    return json.dumps(versioned(plain(document)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
