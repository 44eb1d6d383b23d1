"""The numbers that figures print in their legends, cells and bars, and where they stand on a page.

A figure is F6.1: the first of section 6. A number in it is F6.1.2: its second, in the order in which it is drawn.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from engine.language import number
from engine.report.figures import CROWDED, MANY, MOST_CURVES, OF_RUN, OF_STANDARD, by_likeness
from engine.report.named.names import share_words
from engine.report.printed.records import SHARE, Basis, Cell, of_estimate, pointer
from engine.report.records import Against, Report

SECTION, OF_METHODS = 6, 12
SCALE = re.compile(r"[-−\u200e]*[\d.,\u066b\u066c]+")
"""What stands at the ticks of an axis, unless it is names."""
PIECES = re.compile(r"<g\b[^>]*(?<!/)>|</g>|(<text\b[^>]*>)([^<]*)</text>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure as far as it can be told without drawing it.

    Attributes:
        number: "6.1".
        caption: What can be seen in it.
        cells: The numbers printed in it, in the order in which they are drawn.
    """

    number: str
    caption: str
    cells: tuple[Cell, ...]

    @property
    def id(self) -> str:
        """ "F6.1"."""
        return f"F{self.number}"

    def numbers(self) -> Iterator[tuple[str, Cell]]:
        """Yield the id and the cell of every number, the caption's among them."""
        if any(letter.isdigit() for letter in self.caption):
            basis = Basis(at=(pointer("figures", self.id),), method="in words")
            yield f"{self.id}.c", Cell(text=self.caption, basis=basis)
        for place, cell in enumerate(self.cells, 1):
            yield f"{self.id}.{place}", cell

    def marked(self, svg: Markup) -> Markup:
        """Return the drawing with the ids of its numbers."""
        waiting = [(name, cell) for name, cell in self.numbers() if not name.endswith(".c")]
        depth: list[bool] = []

        def mark(found: re.Match[str]) -> str:
            piece = found[0]
            if piece.startswith("<g"):
                depth.append('class="scale"' in piece)
            elif piece == "</g>":
                depth.pop()
            elif (
                waiting
                and not (any(depth) and SCALE.fullmatch(found[2].strip()))
                and _holds(html.unescape(found[2]), waiting[0][1].printed)
            ):
                name, _ = waiting.pop(0)
                return f'<text id="{name}" data-number="data-number"{piece.removeprefix("<text")}'
            return piece

        return Markup(PIECES.sub(mark, svg))


def _holds(text: str, number: str) -> bool:
    """Return whether a number stands in a text, and not within another one."""
    return (
        re.search(rf"(?<![\w.,\u066b\u066c]){re.escape(number)}(?![\w%\u066a]|[.,\u066b\u066c]\d)", text)
        is not None
    )


def figures_told(report: Report) -> dict[tuple[str, str], Figure]:
    """Return every figure of a report by its reference standard and its name; of the run, the standard is empty."""
    told = {}
    place = 0
    for at, one in enumerate(report.against):
        for name, kind in OF_STANDARD.items():
            if one.cases and kind.there(report, one):
                place += 1
                told[one.name, name] = Figure(
                    number=f"{SECTION}.{place}",
                    caption=kind.caption(report, one),
                    cells=tuple(CELLS[name](report, at, one)) if name in CELLS else (),
                )
    place = 0
    for name, of_run in OF_RUN.items():
        if of_run.there(report):
            place += 1
            cells = tuple(_balance(report)) if name == "balance" else ()
            told["", name] = Figure(number=f"{OF_METHODS}.{place}", caption=of_run.caption(), cells=cells)
    return told


def _reference(one: Against, *names: str) -> Mapping[str, tuple[str, ...]]:
    return {pointer("reference", one.name): names}


def _areas(report: Report, at: int, one: Against) -> Iterator[Cell]:
    names = [name for name, curve in one.roc.items() if curve is not None][:MOST_CURVES]
    cases = _reference(one, *report.classes)
    for name in names:
        if report.positive is not None:
            place, estimate = pointer("against", at, "estimates", "AUROC"), one.estimates["AUROC"]
        else:
            row = report.classes.index(name)
            place, estimate = pointer("against", at, "rows", row, "auroc"), one.rows[row].auroc
        if math.isfinite(estimate.value):
            yield of_estimate(estimate, place, cases)


def _precision(report: Report, at: int, one: Against) -> Iterator[Cell]:
    estimate = one.estimates.get("average precision")
    if report.positive is not None and estimate is not None and math.isfinite(estimate.value):
        place = pointer("against", at, "estimates", "average precision")
        yield of_estimate(estimate, place, _reference(one, *report.classes))


def _scores(report: Report, at: int, one: Against) -> Iterator[Cell]:
    for name in one.curves.scores:
        row = report.classes.index(name)
        yield Cell(
            text=number(sum(one.curves.scores[name])),
            basis=Basis(
                at=(pointer("against", at, "rows", row, "support"),),
                cases=_reference(one, name),
                method="images",
            ),
        )


def _confusion(report: Report, at: int, one: Against) -> Iterator[Cell]:
    """Yield each count, and its share of the row, as the matrix has them."""
    classes = report.classes
    if len(classes) >= CROWDED:
        return
    order = by_likeness(one.confusion)
    for row in order:
        support = int(one.confusion[row].sum())
        for column in order:
            count = int(one.confusion[row, column])
            if len(classes) >= MANY and not count:
                continue
            there = pointer("against", at, "confusion", row, column)
            cases = {**_reference(one, classes[row]), "/predicted": (classes[column],)}
            yield Cell(text=number(count), basis=Basis(at=(there,), cases=cases, method="images"))
            if support and len(classes) < MANY:
                of = (there, pointer("against", at, "rows", row, "support"))
                share = share_words(float(np.float64(count) / support), 0)
                yield Cell(text=share, basis=Basis(at=of, method=SHARE))


def _balance(report: Report) -> Iterator[Cell]:
    """Yield the number at the end of each bar, part by part."""
    classes = list(dict.fromkeys(name for of in report.balance.values() for name in of))
    for part, counts in report.balance.items():
        for name in classes:
            if name in counts:
                yield _images(counts[name], pointer("images_by_part", part, name))
    for name in classes if report.rebalanced else ():
        if name in report.rebalanced:
            yield _images(report.rebalanced[name], pointer("images_in_an_epoch", name))


def _images(count: int, at: str) -> Cell:
    return Cell(text=number(count), basis=Basis(at=(at,), method="count of images"))


CELLS = {"confusion": _confusion, "roc": _areas, "precision_recall": _precision, "scores": _scores}
"""Name of a figure → the numbers that it prints; the others print none beside their scales."""
