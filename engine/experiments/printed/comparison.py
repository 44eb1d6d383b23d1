"""All that the page of a comparison prints as numbers, with its place in comparison.json."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.data import patients_words
from engine.experiments.comparison import FIGURES, Contrast, Row, RunComparison
from engine.language import count_of, counted
from engine.records import PART_NAMES, Estimate
from engine.report import (
    MOST_CURVES,
    Basis,
    Cell,
    Figure,
    Line,
    Sentence,
    Sheet,
    Table,
    as_kept,
    counted_from,
    figure,
    of_estimate,
    p_value,
    pointer,
    renumbered,
    rests_on,
    with_ids,
)

NOTHING = Cell(text="–")
METRICS, PAIRED, SEEDS, CURVES, SETTINGS = range(1, 6)


def sheet_of(comparison: RunComparison, document: Mapping[str, Any]) -> Sheet:
    """Return what the page prints.

    Args:
        comparison: That it is of.
        document: What comparison.json says of it, without what is printed.
    """
    tables = {"metrics": renumbered(METRICS, [_metrics(comparison, document)])}
    if comparison.contrasts:
        tables["paired"] = renumbered(PAIRED, [_paired(comparison)])
    if comparison.spreads:
        tables["seeds"] = renumbered(SEEDS, [_seeds(comparison)])
    if document["settings_that_differ"]:
        tables["settings"] = renumbered(SETTINGS, [_settings(document)])
    return Sheet(
        tables=tables, said=with_ids(_sentences(comparison, document)), figures=_figures(comparison, document)
    )


def _table(caption: str, columns: Sequence[str], lines: Sequence[Line], words: tuple[int, ...] = ()) -> Table:
    return Table(number="", caption=caption, columns=tuple(columns), lines=tuple(lines), words=words)


def _told(text: str, *at: str | int) -> Cell:
    """Return a cell of words that the document has, with an id where a number is in it."""
    if not any(letter.isdigit() for letter in text):
        return Cell(text=text or "–")
    return Cell(text=text, basis=Basis(at=(pointer(*at),), method="in words"))


def _count(count: int, *at: str | int, what: str) -> Cell:
    return Cell(text=f"{count:,}", basis=Basis(at=(pointer(*at),), method=f"count of {what}"))


def _number(value: float, *at: str | int, method: str) -> Cell:
    if not math.isfinite(value):
        return NOTHING
    text = p_value(value) if method == "p-value" else figure(value)
    return Cell(text=text, basis=Basis(at=(pointer(*at),), method=method))


def _metric(one: Estimate, at: str) -> Cell:
    """Return the cell of a figure with its interval, and what it rests on."""
    made = of_estimate(one, at, {})
    if made.basis is None or not math.isfinite(one.value):
        return made
    rest = rests_on(one)
    names = ("n", *(("patients",) if " of " in rest else ()), *(("effective_n",) if "worth" in rest else ()))
    basis = Basis(
        at=(*made.basis.at, *(f"{at}/{name}" for name in names)),
        cases={},
        n=one.n,
        method=made.basis.method,
        seed=made.basis.seed,
    )
    return Cell(text=made.text, beside="; ".join(filter(None, (made.beside, rest))), basis=basis)


def _metrics(comparison: RunComparison, document: Mapping[str, Any]) -> Table:
    lines = []
    for place, (row, told) in enumerate(zip(comparison.rows, document["runs"], strict=True)):
        cells = [_told(told["differs_in_words"], "runs", place, "differs_in_words")]
        cells += [_metric(row.estimates[name], pointer("runs", place, "metrics", name)) for name in FIGURES]
        cells += _trained(row, place, told) if row.run.recipe else (Cell(text="supplied"), NOTHING, NOTHING)
        lines.append(Line(head=row.label, cells=tuple(cells)))
    return _table(
        "With 95% intervals. “Trained” counts the parameters that were trained.",
        ("run", "where it differs", "accuracy", "AUROC", "macro F1", "trained", "epochs", "time"),
        lines,
        (1,),
    )


def _trained(row: Row, place: int, told: Mapping[str, Any]) -> Iterator[Cell]:
    yield _count(row.run.trained_parameters, "runs", place, "trained_parameters", what="parameters")
    yield _count(row.epochs, "runs", place, "epochs", what="epochs")
    yield _told(told["time"], "runs", place, "time")


def _paired(comparison: RunComparison) -> Table:
    first, several = comparison.rows[0].name, bool(comparison.spreads)
    tests = sum(math.isfinite(p) for one in comparison.contrasts for p in (one.p_accuracy, one.p_area))
    methods = sorted({test.method for one in comparison.contrasts for test in (one.accuracy, one.area)})
    if tests > 1:
        made = (
            f"P-values are two-sided and adjusted by Holm's method for the {tests} tests that could be made; "
            "unadjusted ones are in the CSV."
        )
    else:
        made = "One test could be made; its p-value is two-sided." if tests else "No test could be made."
    return _table(
        f"This recipe minus {first}{', all seeds together' if several else ''}. b: images that it alone predicts "
        f"rightly; c: that {first} alone does{' (of several seeds, more often)' if several else ''}. Tests: "
        f"{'; '.join(methods)}. {made} The intervals, at 95%, are not adjusted.",
        ("recipe", "seeds", "b", "c", "accuracy", "p of accuracy", "AUROC", "p of AUROC"),
        [
            Line(head=one.name, cells=tuple(_contrast(one, place)))
            for place, one in enumerate(comparison.contrasts)
        ],
    )


def _contrast(one: Contrast, place: int) -> Iterator[Cell]:
    at = ("against_first", place)
    yield _count(one.seeds, *at, "seeds", what="runs")
    yield _count(one.right_alone, *at, "right_alone", what="images")
    yield _count(one.wrong_alone, *at, "wrong_alone", what="images")
    for name, test, p in (("accuracy", one.accuracy, one.p_accuracy), ("area", one.area, one.p_area)):
        yield of_estimate(test.difference, pointer(*at, name, "difference"), {})
        yield _number(p, *at, f"p_{name}", method="p-value")


def _seeds(comparison: RunComparison) -> Table:
    lines = []
    for place, one in enumerate(comparison.spreads):
        at = ("over_seeds", place)
        cells = [Cell(text=one.metric), _count(one.runs, *at, "runs", what="runs")]
        cells += [
            _number(getattr(one, name), *at, name, method=f"{said} over seeds")
            for name, said in (
                ("mean", "mean"),
                ("deviation", "standard deviation"),
                ("lowest", "lowest"),
                ("highest", "highest"),
            )
        ]
        lines.append(Line(head=one.name, cells=tuple(cells)))
    return _table(
        "The same recipe and split with different seeds: how much a metric varies by chance alone.",
        ("recipe", "metric", "runs", "mean", "standard deviation", "lowest", "highest"),
        lines,
        (1,),
    )


def _settings(document: Mapping[str, Any]) -> Table:
    runs = document["runs"]
    lines = [
        Line(
            head=name,
            cells=tuple(
                _told(one["settings"].get(name, "–"), "runs", place, "settings", name)
                for place, one in enumerate(runs)
            ),
        )
        for name in document["settings_that_differ"]
    ]
    columns = ("setting", *(one["label"] for one in runs))
    return _table("What differs between the runs.", columns, lines, tuple(range(1, len(columns))))


def _sentences(comparison: RunComparison, document: Mapping[str, Any]) -> Iterator[Sentence]:
    part = f"{PART_NAMES.get(comparison.part, comparison.part)} part: " if comparison.one_split else ""
    known = comparison.patients
    yield counted_from(
        METRICS,
        "images",
        f"{part}{counted(comparison.cases, 'image')}, {patients_words(known)}",
        "/cases",
        *(("/patients",) if known.all else ()),
    )
    yield as_kept(METRICS, comparison.reference, "reference")
    for why, count in comparison.left_out.items():
        at = pointer("left_out", why)
        yield counted_from(METRICS, at, f"{count_of(count, 'case was', 'cases were')} left out: {why}.", at)
    for place, one in enumerate(document["runs"]):
        told = one["settings"]
        text = " ".join(f"{name}: {said}{'' if said.endswith('.') else '.'}" for name, said in told.items())
        basis = Basis(at=tuple(pointer("runs", place, "settings", name) for name in told), method="in words")
        yield Sentence(section=SETTINGS, name=pointer("runs", place, "settings"), text=text, basis=basis)


def _figures(comparison: RunComparison, document: Mapping[str, Any]) -> dict[str, Figure]:
    told = {
        name: Figure(
            number=f"{METRICS}.{place}",
            caption=f"{name[:1].upper()}{name[1:]} of each run with its 95% interval; the dashed line is the first "
            "run's.",
            cells=(),
        )
        for place, name in enumerate(FIGURES[:2], 1)
    }
    if any(row.history for row in comparison.rows):
        more = document["curves_not_drawn"]
        basis = Basis(at=("/curves_not_drawn",), method="count of runs")
        told["curves"] = Figure(
            number=f"{CURVES}.1",
            caption="On validation data. A dot marks the epoch whose weights were kept.",
            cells=(Cell(text=f"and {more:,} more, not drawn", basis=basis),) if more else (),
        )
    return told


def curves_not_drawn(comparison: RunComparison) -> int:
    """Return how many runs with training curves find no room in the figure."""
    return max(0, sum(bool(row.history) for row in comparison.rows) - MOST_CURVES)
