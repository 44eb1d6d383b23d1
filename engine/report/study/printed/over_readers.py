"""Section 4 of a study's report: figures over all readers, and the power of such a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from engine.language import N_, _, counted, isolated, ngettext, number, short_number
from engine.report.formatting import figure, p_value
from engine.report.named.names import figure_words
from engine.report.printed.records import Basis, Cell, Line, Table, Where, of_estimate, pointer, words
from engine.report.study.printed.cells import minus_words, number_at, table_of, upper
from engine.report.study.records import Compared, StudyReport
from engine.statistics import ROUNDING, Analysis, Contrast, Mrmc

GENERALISED = {
    "readers and cases": N_("Readers and cases like these"),
    "cases": N_("Cases like these, these readers"),
    "readers": N_("Readers like these, these cases"),
}


def compared_table(report: StudyReport, place: int) -> Table | None:
    """Return the table of one figure, by its place among `compared`; None where it cannot be had."""
    one = report.compared[place]
    found = one.analysis
    if found is None:
        return None
    at = pointer("compared", place, "analysis")
    tested = len(found.modalities) > 1
    lines = [
        Line(
            head=_(GENERALISED[analysis.to]),
            cells=tuple(_analysed(analysis, found.modalities, f"{at}/analyses/{row}", tested=tested)),
        )
        for row, analysis in enumerate(found.analyses)
    ]
    for row, reader in enumerate(found.readers):
        if own := found.by_reader[row]:
            cells = (
                *(
                    number_at(
                        found.figures[column][row],
                        f"{at}/figures/{column}/{row}",
                        found.figure,
                        cases={"/reader": (reader,), "/reading": (mode,)},
                    )
                    for column, mode in enumerate(found.modalities)
                ),
                *_alone(own, f"{at}/by_reader/{row}", reader, tested=tested),
            )
            lines.append(Line(head=_("{reader} alone").format(reader=isolated(reader)), cells=cells))
    contrasts = found.analyses[0].contrasts
    pairs = (minus_words(each.first, each.second) for each in contrasts)
    columns = [*map(_, found.modalities)]
    for pair in pairs:
        columns += [pair, _("SE, {difference}").format(difference=pair) if len(contrasts) > 1 else _("SE")]
    return table_of(
        _of_readers(one, found),
        (_("for"), *columns, *((_("test"), _("p")) if tested else ())),
        lines,
        notes=(_variances(found),),
    )


def _of_readers(one: Compared, found: Mrmc) -> str:
    ways = {
        False: _(
            "95% intervals, Obuchowski and Rockette with Hillis' degrees of freedom and jackknife covariances (blind: "
            "without the model; assisted: with it); they may pass 0 and 1. SE: standard error of the difference."
        ),
        True: _(
            "95% intervals, Obuchowski and Rockette with Hillis' degrees of freedom and jackknife covariances (blind: "
            "without the model; assisted: with it) by patient; they may pass 0 and 1. SE: standard error of the "
            "difference."
        ),
    }
    said = _(
        "{figure}: mean over {readers}, {cases} cases with a label, {positives} positive, {crossed} read by all in "
        "every way; unsure and not diagnostic {rule}."
    ).format(
        figure=isolated(upper(figure_words(found.figure))),
        readers=counted(len(found.readers), "reader"),
        cases=number(found.cases),
        positives=number(found.positives),
        crossed=number(found.crossed),
        rule=_(COUNT_AS[one.rule]),
    )
    return f"{said} {ways[found.analyses[0].means[0].patients != found.cases]}"


COUNT_AS = {
    "excluded": N_("excluded"),
    "positive": N_("count as positive"),
    "negative": N_("count as negative"),
}
"""What becomes of an answer that names no class."""


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
        degrees = short_number(analysis.freedom[0])
        if below:
            degrees = _(", ").join((degrees, figure(analysis.freedom[1], 2)))
        places = ("statistic", "freedom/0", *(("freedom/1",) if below else ()))
        basis = Basis(at=tuple(f"{at}/{each}" for each in places), method=f"{name} test", decimals=2)
        yield Cell(
            text=f"{name} = {figure(analysis.statistic, 2)}",
            beside=_("df {degrees}").format(degrees=degrees),
            basis=basis,
        )
    else:
        yield words("–")
    yield _p(analysis.p_value, f"{at}/p_value")


def _difference(each: Contrast, at: str, whose: Where) -> Iterator[Cell]:
    yield of_estimate(each.difference, f"{at}/difference", {**whose, "/reading": (each.first, each.second)})
    known = math.isfinite(each.error) and each.error > 0
    yield number_at(each.error, f"{at}/error", "standard error", 4) if known else words("–")


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
    names = (_("modality"), ngettext("reader", "readers", 1), _("modality × reader"))
    squares = dict(zip(names, found.mean_squares, strict=True))
    parts = {
        ngettext("reader", "readers", 1): part.reader,
        _("modality × reader"): part.modality_by_reader,
        _("error"): part.error,
        "Cov1": part.cov1,
        "Cov2": part.cov2,
        "Cov3": part.cov3,
    }
    return _("Mean squares: {squares}. Variances: {variances}.").format(
        squares=_small(squares), variances=_small(parts)
    )


def _small(values: Mapping[str, float]) -> str:
    """Write small numbers that are known, each by its name."""
    said = (isolated(f"{name} {_short(value)}") for name, value in values.items() if math.isfinite(value))
    return _("; ").join(said) or _("none can be had")


def _short(value: float) -> str:
    """Write three digits of a number, or its power of ten where it is very small; what rounding left of 0 is 0."""
    text = f"{0 if abs(value) < ROUNDING else value:.3g}"
    return text if "e" in text else figure(float(text), len(text.partition(".")[2]))


def power_table(report: StudyReport) -> Table | None:
    """Return the smallest differences that such a study sees; None where nothing was planned."""
    power = report.power
    if report.planned is None or power is None:
        return None
    lines = []
    for head, ending in (("readers and cases", ""), ("cases", "_these")):
        cells = (
            number_at(getattr(power, f"{name}{ending}"), f"/power/{name}{ending}", method)
            for name, method in (("planned", "as planned"), ("achieved", "by the variances seen"))
        )
        lines.append(Line(head=_(GENERALISED[head]), cells=tuple(cells)))
    return table_of(
        _(
            "The smallest difference in {figure} that is seen with a power of {power} (two-sided level {level}): "
            "{readers}, {positives} positive and {negatives} negative cases."
        ).format(
            figure=isolated(figure_words(power.figure)),
            power=figure(0.8, 1),
            level=figure(0.05, 2),
            readers=counted(power.readers, "reader"),
            positives=number(power.positives),
            negatives=number(power.negatives),
        ),
        (_("for"), _("as planned"), _("by the variances seen")),
        lines,
    )
