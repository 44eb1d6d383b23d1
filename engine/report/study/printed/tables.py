"""The tables of a study's report, section by section."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from engine.records import Estimate
from engine.report.formatting import counted, figure, p_value
from engine.report.printed.records import (
    Basis,
    Cell,
    Line,
    Table,
    Where,
    of_estimate,
    pointer,
    renumbered,
    words,
)
from engine.report.study.building import IN_WORDS
from engine.report.study.gathered import INDETERMINATE
from engine.report.study.records import Compared, ReaderLine, StudyReport
from engine.statistics import Analysis, Contrast, Mrmc

FIGURES = ("sensitivity", "specificity", "accuracy", "AUC")
OF_MODEL = ("sensitivity", "specificity", "AUC")
GENERALISED = {
    "readers and cases": "Readers and cases like these",
    "cases": "Cases like these, these readers",
    "readers": "Readers like these, these cases",
}
COUNTS = (
    ("Readings", "readings"),
    ("Helped: wrong without, right with it", "helped"),
    ("Harmed: right without, wrong with it", "harmed"),
    ("Right both times", "stayed_right"),
    ("Wrong both times", "stayed_wrong"),
)
SHARES = (
    ("Of wrong readings, made right", "helped_share"),
    ("Of right readings, made wrong", "harmed_share"),
    ("Of readings that differed from the model, gone over to it", "followed"),
    ("Of readings with the model, agreeing with it", "agreed"),
    ("Accuracy with minus without", "gain"),
)
OF_PEOPLE = ("Adjudicator",)
"""Facts that name a person; the JSON, which is without names, lacks them."""


def tables_of(report: StudyReport) -> dict[str, tuple[Table, ...]]:
    """Return every table by the name by which the page asks for it, numbered by its section."""
    made: dict[str, tuple[Table, ...]] = {}
    sections: tuple[Mapping[str, Table | None], ...] = (
        {"protocol": _facts(report), "people": _people(report)},
        {},
        {"readers": _readers(report), "times": _times(report)},
        {
            **{f"compared {one.figure}": _compared(report, at) for at, one in enumerate(report.compared)},
            "power": _power(report),
        },
        {"advice": _advice(report)},
        {"agreement": _agreement(report)},
        {"three ways": _three_ways(report)},
        {"learning": _learning(report)},
        {"model": _model(report)},
    )
    for section, named in enumerate(sections, 1):
        found = {name: table for name, table in named.items() if table is not None and table.lines}
        numbered = renumbered(section, list(found.values()))
        made |= {name: (table,) for name, table in zip(found, numbered, strict=True)}
    return made


def _table(
    caption: str,
    columns: Sequence[str],
    lines: Sequence[Line],
    *,
    in_words: tuple[int, ...] = (),
    notes: tuple[str, ...] = (),
) -> Table:
    return Table(
        number="", caption=caption, columns=tuple(columns), lines=tuple(lines), words=in_words, notes=notes
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(text: str, *at: str | int) -> Cell:
    """Return a cell of words that the document has, with an id where a number is in it."""
    if not any(letter.isdigit() for letter in text):
        return words(text)
    return Cell(text=text, basis=Basis(at=(pointer(*at),), method="in words"))


def _count(count: int, at: str, cases: Where | None = None, what: str = "answers") -> Cell:
    return Cell(text=f"{count:,}", basis=Basis(at=(at,), cases=cases, method=f"count of {what}"))


def _number(value: float, at: str, method: str, decimals: int = 3, cases: Where | None = None) -> Cell:
    if not math.isfinite(value):
        return words(figure(value))
    return Cell(
        text=figure(value, decimals), basis=Basis(at=(at,), method=method, decimals=decimals, cases=cases)
    )


def _figure(one: Estimate | None, at: str, cases: Where | None = None) -> Cell:
    return words("–") if one is None else of_estimate(one, at, cases)


def _facts(report: StudyReport) -> Table:
    lines = [
        Line(head=name, cells=(words(said) if name in OF_PEOPLE else _said(said, "facts", name),))
        for name, said in report.facts.items()
    ]
    return _table("The protocol.", ("", "as it is"), lines, in_words=(1,))


def _people(report: StudyReport) -> Table:
    lines = [
        Line(
            head=one.reader,
            cells=(_said(one.told, "people", place, "told") if one.told else words(one.name),),
        )
        for place, one in enumerate(report.people)
    ]
    return _table("Readers.", ("reader", "who it is"), lines, in_words=(1,))


def _read_so(line: ReaderLine, **more: tuple[str, ...]) -> Where:
    """Return the answers of a reader in one way of reading."""
    return {"/reader": (line.reader,), "/reading": (line.mode,)} | {
        f"/{name}": of for name, of in more.items()
    }


def _readers(report: StudyReport) -> Table:
    protocol = report.readings.protocol
    names = [name for name in FIGURES if any(name in line.figures for line in report.lines)]
    classes, positive = tuple(protocol.classes), protocol.positive
    others = tuple(name for name in classes if name != positive)
    by_figure = {"sensitivity": (positive,), "specificity": others}
    lines = []
    for place, line in enumerate(report.lines):
        at = pointer("lines", place)
        cells = [
            words(IN_WORDS[line.mode]),
            _count(line.answers, f"{at}/answers", _read_so(line)),
            _count(line.indeterminate, f"{at}/indeterminate", _read_so(line, answer=INDETERMINATE)),
        ]
        for name in names:
            of = {} if name == "AUC" else {"answer": classes}
            cases = _read_so(line, label=by_figure.get(name, classes), **of)
            cells.append(_figure(line.figures.get(name), at + pointer("figures", name), cases))
        if protocol.certainty:
            sure = (line.sure_right, line.sure_wrong)
            known = tuple(math.isfinite(one) for one in sure)
            basis = Basis(
                at=tuple(f"{at}/{name}" for name, is_known in zip(SURE, known, strict=True) if is_known),
                method="mean certainty of right and of wrong answers",
                decimals=1,
            )
            text = " / ".join(figure(one, 1) for one in sure)
            cells.append(Cell(text=text, basis=basis if any(known) else None))
        lines.append(Line(head=line.reader, cells=tuple(cells)))
    asked = f"on the scale {protocol.certainty}" if protocol.certainty else "is not asked"
    columns = ["reader", "reading", "answers", "unsure, not diagnostic", *map(_upper, names)]
    return _table(
        f"Against the labels that came with the data; 95% intervals by patient. Certainty {asked}.",
        [*columns, *(["certainty right / wrong"] if protocol.certainty else [])],
        lines,
        in_words=(1,),
    )


SURE = ("sure_right", "sure_wrong")


def _times(report: StudyReport) -> Table:
    lines = []
    for place, line in enumerate(report.lines):
        at, so = pointer("lines", place), _read_so(line)
        median, first, third = line.seconds
        quartiles = Cell(
            text=f"{figure(first, 1)} to {figure(third, 1)}",
            basis=Basis(at=(f"{at}/seconds/1", f"{at}/seconds/2"), cases=so, method="quartiles", decimals=1),
        )
        cells = (
            words(IN_WORDS[line.mode]),
            _number(median, f"{at}/seconds/0", "median of seconds", 1, so),
            quartiles if math.isfinite(first + third) else words("–"),
            _count(line.fast, f"{at}/fast"),
        )
        lines.append(Line(head=line.reader, cells=cells))
    return _table(
        "Seconds from a case's appearing to the answer: median, and first to third quartile.",
        ("reader", "reading", "median", "quartiles", "within 1 s"),
        lines,
        in_words=(1,),
    )


def _compared(report: StudyReport, place: int) -> Table | None:
    one = report.compared[place]
    found = one.analysis
    if found is None:
        return None
    at = pointer("compared", place, "analysis")
    tested = len(found.modalities) > 1
    lines = [
        Line(
            head=GENERALISED[analysis.to],
            cells=tuple(_analysed(analysis, found.modalities, f"{at}/analyses/{row}", tested=tested)),
        )
        for row, analysis in enumerate(found.analyses)
    ]
    for row, reader in enumerate(found.readers):
        if own := found.by_reader[row]:
            cells = (
                *(
                    _number(
                        found.figures[column][row],
                        f"{at}/figures/{column}/{row}",
                        found.figure,
                        cases={"/reader": (reader,), "/reading": (mode,)},
                    )
                    for column, mode in enumerate(found.modalities)
                ),
                *_alone(own, f"{at}/by_reader/{row}", reader, tested=tested),
            )
            lines.append(Line(head=f"{reader} alone", cells=cells))
    contrasts = found.analyses[0].contrasts
    pairs = (f"{each.first} minus {each.second}" for each in contrasts)
    columns = [*found.modalities]
    for pair in pairs:
        columns += [pair, f"SE, {pair}" if len(contrasts) > 1 else "SE"]
    return _table(
        _of_readers(one, found),
        ("for", *columns, *(("test", "p") if tested else ())),
        lines,
        notes=(_variances(found),),
    )


def _of_readers(one: Compared, found: Mrmc) -> str:
    rule = one.rule if one.rule == "excluded" else f"count as {one.rule}"
    by = " by patient" if found.analyses[0].means[0].patients != found.cases else ""
    return (
        f"{_upper(found.figure)}: mean over {counted(len(found.readers), 'reader')}, {found.cases:,} cases with a "
        f"label, {found.positives:,} positive, {found.crossed:,} read by all in every way; unsure and not diagnostic "
        f"{rule}. 95% intervals, Obuchowski and Rockette with Hillis' degrees of freedom and jackknife covariances "
        f"(blind: without the model; assisted: with it){by}; they may pass 0 and 1. SE: standard error of the "
        "difference."
    )


def _analysed(analysis: Analysis, modes: Sequence[str], at: str, *, tested: bool) -> Iterator[Cell]:
    for column, (mode, mean) in enumerate(zip(modes, analysis.means, strict=True)):
        yield of_estimate(mean, f"{at}/means/{column}", {"/reading": (mode,)})
    for column, each in enumerate(analysis.contrasts):
        yield from _difference(each, f"{at}/contrasts/{column}", {})
    if not tested:
        return
    if math.isfinite(analysis.statistic):
        below = math.isfinite(analysis.freedom[1])
        name = "χ²" if analysis.to == "cases" else "F"
        degrees = f"{analysis.freedom[0]:g}" + (f", {figure(analysis.freedom[1], 2)}" if below else "")
        places = ("statistic", "freedom/0", *(("freedom/1",) if below else ()))
        basis = Basis(at=tuple(f"{at}/{each}" for each in places), method=f"{name} test", decimals=2)
        yield Cell(text=f"{name} = {figure(analysis.statistic, 2)}", beside=f"df {degrees}", basis=basis)
    else:
        yield words("–")
    yield _p(analysis.p_value, f"{at}/p_value")


def _difference(each: Contrast, at: str, whose: Where) -> Iterator[Cell]:
    yield of_estimate(each.difference, f"{at}/difference", {**whose, "/reading": (each.first, each.second)})
    known = math.isfinite(each.error) and each.error > 0
    yield _number(each.error, f"{at}/error", "standard error", 4) if known else words("–")


def _alone(own: Sequence[Contrast], at: str, reader: str, *, tested: bool) -> Iterator[Cell]:
    for column, each in enumerate(own):
        yield from _difference(each, f"{at}/{column}", {"/reader": (reader,)})
    if not tested:
        return
    if len(own) == 1 and math.isfinite(own[0].statistic):
        basis = Basis(at=(f"{at}/0/statistic",), method="z test", decimals=2)
        yield Cell(text=f"z = {figure(own[0].statistic, 2)}", basis=basis)
    else:
        yield words("–")
    yield _p(own[0].p_value, f"{at}/0/p_value") if len(own) == 1 else words("–")


def _p(value: float, at: str) -> Cell:
    if not math.isfinite(value):
        return words("–")
    return Cell(text=p_value(value), basis=Basis(at=(at,), method="two-sided, that there is no difference"))


def _variances(found: Mrmc) -> str:
    part = found.components
    squares = dict(zip(("modality", "reader", "modality × reader"), found.mean_squares, strict=True))
    parts = {
        "reader": part.reader,
        "modality × reader": part.modality_by_reader,
        "error": part.error,
        "Cov1": part.cov1,
        "Cov2": part.cov2,
        "Cov3": part.cov3,
    }
    return f"Mean squares: {_small(squares)}. Variances: {_small(parts)}."


def _small(values: Mapping[str, float]) -> str:
    """Write small numbers that are known, each by its name."""
    said = (f"{name} {value:.3g}" for name, value in values.items() if math.isfinite(value))
    return "; ".join(said) or "none can be had"


def _power(report: StudyReport) -> Table | None:
    power = report.power
    if report.planned is None or power is None:
        return None
    lines = []
    for head, ending in (("readers and cases", ""), ("cases", "_these")):
        cells = (
            _number(getattr(power, f"{name}{ending}"), f"/power/{name}{ending}", method)
            for name, method in (("planned", "as planned"), ("achieved", "by the variances seen"))
        )
        lines.append(Line(head=GENERALISED[head], cells=tuple(cells)))
    return _table(
        f"The smallest difference in {power.figure} that is seen with a power of .8 (two-sided level .05): "
        f"{counted(power.readers, 'reader')}, {power.positives:,} positive and {power.negatives:,} negative cases.",
        ("for", "as planned", "by the variances seen"),
        lines,
    )


def _advice(report: StudyReport) -> Table:
    rows: list[Line] = []
    for name, key in COUNTS:
        counts = (
            _count(getattr(one, key), pointer("advice", place, key), what="readings")
            for place, one in enumerate(report.advice)
        )
        rows.append(Line(head=name, cells=tuple(counts)))
    for name, key in SHARES:
        shares = (
            _share(getattr(one, key), pointer("advice", place, key))
            for place, one in enumerate(report.advice)
        )
        rows.append(Line(head=name, cells=tuple(shares)))
    return _table(
        "By whether the model was right or wrong. Counts of readings; shares with 95% intervals for readers and cases "
        "like these (of one reader, for cases like these).",
        ("", *(f"the model {one.advice}" for one in report.advice)),
        rows if report.advice else (),
    )


def _share(one: Estimate, at: str) -> Cell:
    """Return the cell of a share, with how many readings it is of."""
    made = of_estimate(one, at, None)
    if not math.isfinite(one.value) or made.basis is None:
        return made
    basis = Basis(at=(*made.basis.at, f"{at}/n"), n=one.n, method=made.basis.method, seed=made.basis.seed)
    beside = "; ".join(filter(None, (made.beside, f"of {one.n:,}")))
    return Cell(text=made.text, beside=beside, basis=basis)


def _agreement(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.agreement):
        at = pointer("agreement", place, "estimate")
        cells = (
            words(IN_WORDS[one.mode]),
            _count(one.estimate.n, f"{at}/n", what="cases"),
            of_estimate(one.estimate, at, {"/reading": (one.mode,)}),
        )
        lines.append(Line(head=one.name, cells=cells))
    return _table(
        "n: cases with a class by both, or by two readers or more. 95% intervals by patient.",
        ("figure", "reading", "n", "value"),
        lines,
        in_words=(1,),
    )


def _three_ways(report: StudyReport) -> Table:
    modes = report.readings.modes
    pairs = list(combinations(modes, 2))
    lines = []
    for place, one in enumerate(report.three_ways):
        at = pointer("three_ways", place, "analysis", "analyses", 0)
        cells: list[Cell] = [words(one.rule)]
        if one.analysis is None:
            why = _said(one.why, "three_ways", place, "why")
            cells += [why, *(words("–") for _ in range(len(modes) + len(pairs) - 1))]
        else:
            first = one.analysis.analyses[0]
            cells += [
                of_estimate(mean, f"{at}/means/{column}", {"/reading": (mode,)})
                for column, (mode, mean) in enumerate(zip(one.analysis.modalities, first.means, strict=True))
            ]
            cells += [
                of_estimate(
                    each.difference,
                    f"{at}/contrasts/{column}/difference",
                    {"/reading": (each.first, each.second)},
                )
                for column, each in enumerate(first.contrasts)
            ]
        lines.append(Line(head=one.figure, cells=tuple(cells)))
    return _table(
        "Mean over readers, for readers and cases like these (of one reader, for cases like these).",
        ("figure", "they are", *modes, *(f"{first} minus {second}" for first, second in pairs)),
        lines,
        in_words=(1,),
    )


def _learning(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.changed):
        for row, third in enumerate(one.learning.thirds):
            at = pointer("changed", place, "learning", "thirds", row)
            cells = (
                words(third.name),
                _count(third.readings, f"{at}/readings", what="readings"),
                of_estimate(third.right, f"{at}/right", None),
                _number(third.seconds, f"{at}/seconds", "median of seconds", 1),
            )
            lines.append(Line(head=IN_WORDS[one.mode], cells=cells))
    return _table(
        "The first, middle and last third of each reader's cases in the order in which they were read.",
        ("reading", "third", "readings", "right", "median seconds"),
        lines,
        in_words=(1,),
    )


def _model(report: StudyReport) -> Table:
    lines = []
    for place, one in enumerate(report.model):
        at = pointer("model", place)
        cells = (
            _count(one.cases, f"{at}/cases", what="cases"),
            *(_figure(one.figures.get(name), at + pointer("figures", name)) for name in OF_MODEL),
        )
        lines.append(Line(head=one.standard, cells=cells))
    return _table(
        "At its operating point; 95% intervals by patient. What it predicted counts, not what was shown on purpose.",
        ("against", "cases", *map(_upper, OF_MODEL)),
        lines,
    )
