"""Tables of sections 4, 7 to 10, 12, 14: index test, readers, subgroups, robustness, elsewhere, heatmaps, methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.language import _, isolated, ngettext, number, unitless
from engine.records import Estimate, Passport, Robustness, Run
from engine.report.formatting import BALANCED, figure, p_value
from engine.report.named.names import (
    CROSSED,
    capitalized,
    change_words,
    figure_words,
    group_words,
    part_words,
    standard_words,
    unit_words,
    verdict_words,
)
from engine.report.named.of_facts import fact_value_words
from engine.report.named.of_page import fact_words
from engine.report.passport_words import passport_in_words
from engine.report.printed.external import external_tables
from engine.report.printed.records import (
    LISTED,
    Basis,
    Cell,
    Line,
    Table,
    based_on,
    of_estimate,
    pointer,
    renumbered,
    turned,
    words,
)
from engine.report.records import (
    Against,
    Fact,
    FromElsewhere,
    LabelCounts,
    LabelErrors,
    Report,
    ReviewSummary,
    SubgroupRow,
    SubgroupTest,
)

READERS, SUBGROUPS, ELSEWHERE, HEATMAPS, METHODS, CHECKLISTS = 7, 8, 9, 10, 12, 13
INDEX_TEST, TRACED = 4, 14
FACTS = "facts "
OF_GROUP = {"Model": INDEX_TEST, "Training": INDEX_TEST, "Reading": INDEX_TEST, "Hashes (sha256)": TRACED}
"""Group of facts → the section that has its table; all others are in that of the methods."""


def readers_tables(did: ReviewSummary) -> tuple[Table, ...]:
    """Return the tables of what readers did; none where nobody has read."""
    if not did.cases:
        return ()
    verdicts = tuple(
        Line(
            head=verdict_words(verdict),
            cells=(_count(count, pointer("reviews", "verdicts", verdict), "verdicts"),),
        )
        for verdict, count in did.verdicts.items()
    )
    tables = [_table(_("Each reader's latest verdict on each case."), (_("verdict"), _("cases")), verdicts)]
    if did.agreement:
        lines = []
        for place, one in enumerate(did.agreement):
            at = pointer("reviews", "agreement", place, "estimate")
            lines.append(
                Line(
                    head=figure_words(one.name),
                    cells=(of_estimate(one.estimate, at, None), based_on(one.estimate, at)),
                )
            )
        caption = _("Agreement between readers, 95% intervals by patient below the figures.")
        tables.append(_table(caption, (_("figure"), _("value"), _("based on")), tuple(lines)))
    return renumbered(READERS, tables)


def subgroup_tables(rows: Sequence[SubgroupRow], tests: Sequence[SubgroupTest]) -> tuple[Table, ...]:
    """Return the tables of subgroups; none where no column makes any."""
    numbered = list(enumerate(rows))
    single = [each for each in numbered if each[1].single]
    crossed = [each for each in numbered if not each[1].single]
    tables = []
    if single:
        tables.append(
            _groups(
                single,
                _(
                    "By columns of the data's table, against the labels that came with the data; many numbers in "
                    "bands, rare words together; groups of fewer than five cases are not shown."
                ),
            )
        )
    if tests:
        tables.append(_tests(tests))
    if crossed:
        tables.append(
            _groups(
                crossed,
                _("Two columns crossed. Exploratory: differences between these groups were not tested."),
            )
        )
    return renumbered(SUBGROUPS, tables)


def _groups(rows: Sequence[tuple[int, SubgroupRow]], caption: str) -> Table:
    names = list(dict.fromkeys(name for _, row in rows for name in row.estimates))
    positives = any(row.positives is not None for _, row in rows)
    lines = []
    for place, row in rows:
        at = pointer("subgroups", place)
        cells = [_count(row.cases, f"{at}/cases")]
        if positives:
            cells.append(words("–") if row.positives is None else _count(row.positives, f"{at}/positives"))
        cells += [
            of_estimate(row.estimates[name], at + pointer("estimates", name), None)
            if name in row.estimates
            else words("–")
            for name in names
        ]
        lines.append(
            Line(
                head=f"{_columns(row.column)}: {group_words(row.value)}{' *' if row.small else ''}",
                cells=tuple(cells),
            )
        )
    if any(row.small for _, row in rows):
        caption += " " + _("* fewer than ten cases, or than ten with or without the finding.")
    columns = (_("group"), _("cases"), *((_("positive"),) if positives else ()), *map(figure_words, names))
    return _table(f"{caption} {_below()}", columns, tuple(lines))


def _columns(name: str) -> str:
    return CROSSED.join(map(isolated, name.split(CROSSED)))


def _tests(tests: Sequence[SubgroupTest]) -> Table:
    lines = []
    for place, one in enumerate(tests):
        at = pointer("subgroup_tests", place)
        cells = (
            words(figure_words(one.figure)),
            _p(one.p_value, f"{at}/p_value", "Wald, Hotelling's T²"),
            _p(one.adjusted, f"{at}/adjusted", "Holm"),
        )
        lines.append(Line(head=_columns(one.column), cells=cells))
    caption = ngettext(
        "Whether the groups of a column differ, by patient (Wald, Hotelling's T²). Adjusted by Holm's method for "
        "{count} test. No test was planned for this report: a small p-value is a reason to look, not a result.",
        "Whether the groups of a column differ, by patient (Wald, Hotelling's T²). Adjusted by Holm's method for "
        "{count} tests. No test was planned for this report: a small p-value is a reason to look, not a result.",
        len(tests),
    ).format(count=number(len(tests)))
    columns = (_("column"), _("figure"), _("p"), _("p, adjusted"))
    return _table(caption, columns, tuple(lines), in_words=(1,))


def measured_tables(report: Report, after: int) -> dict[str, Table]:
    """Return the tables of heatmaps and robustness by name, that of robustness numbered after those of subgroups, of
    which there are `after`.
    """
    made = {}
    if report.robustness is not None:
        made["robustness"] = renumbered(SUBGROUPS, [_robustness(report.robustness)], after)[0]
    if report.passport is not None:
        made["heatmaps"] = renumbered(HEATMAPS, [_heatmaps(report.passport)])[0]
    return made


def _heatmaps(passport: Passport) -> Table:
    lines = []
    for place, check in enumerate(passport_in_words(passport)):
        for row, (title, one) in enumerate(check.figures):
            at = pointer("heatmaps", "checks", place, "figures", row)
            limit = Cell(
                text=figure(one.limit),
                basis=Basis(at=(f"{at}/limit",), method="what the figure is held against"),
            )
            estimate = of_estimate(one.estimate, f"{at}/estimate", None)
            lines.append(Line(head=title, cells=(estimate, limit, based_on(one.estimate, f"{at}/estimate"))))
    columns = (_("figure"), _("value"), _("held against"), _("based on"))
    return _table(_("What the answers follow from, 95% intervals below the figures."), columns, tuple(lines))


def _robustness(measured: Robustness) -> Table:
    whole = "/robustness/figures"
    lines = [
        Line(
            head=change_words("None"),
            cells=(
                words("–"),
                words("–"),
                *(of_estimate(one, whole + pointer(name), None) for name, one in measured.figures.items()),
            ),
        )
    ]
    for place, step in enumerate(measured.steps):
        at = pointer("robustness", "steps", place)
        found: Mapping[str, Estimate] = step.figures
        by = Cell(
            text=f"{unitless(step.step)} {unit_words(step.unit)}",
            basis=Basis(at=(f"{at}/step",), method="size of the change"),
        )
        cells = [by, of_estimate(step.kept, f"{at}/kept", None)]
        cells += [
            of_estimate(found[name], at + pointer("figures", name), None) if name in found else words("–")
            for name in measured.figures
        ]
        lines.append(Line(head=change_words(step.title), cells=tuple(cells)))
    caption = _(
        "How many predicted classes stayed when the images were changed, and the figures then. 95% intervals by "
        "patient; differences were not tested."
    )
    columns = (_("change"), _("by"), _("predictions kept"), *map(figure_words, measured.figures))
    return _table(caption, columns, tuple(lines), in_words=(1,))


def elsewhere_tables(report: Report) -> dict[str, tuple[Table, ...]]:
    """Return the tables of images from elsewhere: JSON Pointer to a test or a source → its tables."""
    made: dict[str, list[Table]] = {}
    for place, test in enumerate(report.elsewhere.tests):
        at = pointer("elsewhere", "tests", place)
        made[at] = list(external_tables(test, at))
    for place, of in enumerate(report.elsewhere.images):
        at = pointer("elsewhere", "images", place)
        made[at] = list(_of_source(of, at))
    flat = iter(renumbered(ELSEWHERE, [table for tables in made.values() for table in tables]))
    return {at: tuple(next(flat) for _ in tables) for at, tables in made.items()}


def _of_source(of: FromElsewhere, at: str) -> Iterator[Table]:
    for place, one in enumerate(of.against):
        yield _against(one, at + pointer("against", place))


def _against(one: Against, at: str) -> Table:
    lines = []
    for name, estimate in one.estimates.items():
        here = at + pointer("estimates", name)
        cells = of_estimate(estimate, here, None), based_on(estimate, here)
        lines.append(Line(head=figure_words(name), cells=cells))
    caption = _("Against the {standard}: {some} of {all} images{note}.").format(
        standard=standard_words(one.name),
        some=number(one.cases),
        all=number(one.of),
        note=f" ({one.note})" if one.note else "",
    )
    columns = (_("figure"), _("value"), _("based on"))
    return _table(" ".join(filter(None, (caption, one.sampling, _below()))), columns, tuple(lines))


def methods_tables(
    facts: Sequence[Fact],
    balance: Mapping[str, Mapping[str, int]],
    rebalanced: Mapping[str, int],
    patients: Mapping[str, int | None],
    run: Run,
) -> dict[str, tuple[Table, ...]]:
    """Return the tables of what was done, by group of facts, and that of images and patients, as `balance`."""
    made: dict[str, Table] = {}
    groups: dict[str, list[tuple[int, Fact]]] = {}
    for place, fact in enumerate(facts):
        groups.setdefault(fact.group, []).append((place, fact))
    for group, of in groups.items():
        lines = tuple(
            Line(head=fact_words(fact.name), cells=(_told(fact, pointer("facts", place, "value")),))
            for place, fact in of
        )
        made[f"{FACTS}{group}"] = _table(
            f"{fact_words(group)}.", ("", _("as it was done")), lines, in_words=(1,)
        )
    if balance:
        made["balance"] = _balance(balance, rebalanced, patients, run)
    numbered: dict[str, tuple[Table, ...]] = {}
    for section in (INDEX_TEST, METHODS, TRACED):
        here = [name for name in made if OF_GROUP.get(name.removeprefix(FACTS), METHODS) == section]
        tables = renumbered(section, [made[name] for name in here])
        numbered |= {name: (table,) for name, table in zip(here, tables, strict=True)}
    return numbered


def label_tables(searches: Sequence[LabelErrors], after: int) -> tuple[Table | None, ...]:
    """Return a table for each search that suspected a label, numbered after those of section 12 before them."""
    made = {
        place: _suspects(one, pointer("label_errors", place))
        for place, one in enumerate(searches)
        if one.suspects.images
    }
    numbered = dict(zip(made, renumbered(METHODS, [*made.values()], after), strict=True))
    return tuple(numbered.get(place) for place in range(len(searches)))


def _suspects(one: LabelErrors, at: str) -> Table:
    lines = [
        _became(isolated(row.label), row, f"{at}/by_class/{place}") for place, row in enumerate(one.by_class)
    ]
    lines.append(_became(_("all suspects"), one.suspects, f"{at}/suspects"))
    if one.control is not None:
        lines.append(_became(_("drawn at random beside them"), one.control, f"{at}/control"))
    columns = (
        _("label"), _("likelier class"), _("images"), _("read again"), _("upheld"), _("changed"), _("undecided"),
        _("not read yet"),
    )  # fmt: skip
    caption = (
        _("Suspected labels read again blind (study “{study}”), in images.").format(study=isolated(one.study))
        if one.study
        else _("Suspected labels, and what readers made of them, in images.")
    )
    return _table(caption, columns, tuple(lines), in_words=(1,))


def _became(head: str, row: LabelCounts, at: str) -> Line:
    names = ("images", "read", "upheld", "changed", "undecided", "open")
    counts = (_count(getattr(row, name), f"{at}/{name}") for name in names)
    return Line(head=head, cells=(words(isolated(row.likely)), *counts))


def _balance(
    balance: Mapping[str, Mapping[str, int]],
    rebalanced: Mapping[str, int],
    patients: Mapping[str, int | None],
    run: Run,
) -> Table:
    lines, classes = [], run.classes
    for part, counts in balance.items():
        at = pointer("images_by_part", part)
        cells = [
            _count(counts[name], at + pointer(name)) if name in counts else words("–") for name in classes
        ]
        total = Basis(at=tuple(at + pointer(name) for name in counts), method="sum of images")
        cells.append(Cell(text=number(sum(counts.values())), basis=total))
        known = patients.get(part)
        cells.append(
            words("–") if known is None else _count(known, pointer("patients_by_part", part), "patients")
        )
        lines.append(Line(head=part_words(part), cells=tuple(cells)))
    caption = [_("Images and patients by part.")]
    if rebalanced and run.recipe is not None:
        method = run.recipe.balance.method
        lines.append(_epoch(rebalanced))
        caption.append(
            _("{row}: what one epoch shows after balancing ({method}), copies counted.").format(
                row=capitalized(part_words(BALANCED)), method=isolated(method)
            )
        )
        if method == "weighted-sampling":
            caption.append(_("Each epoch is drawn again; this is one of them."))
    columns = (_("part"), *map(isolated, classes), _("images"), _("patients"))
    made = _table(" ".join(caption), columns, tuple(lines))
    return turned(made, _("class")) if len(classes) > LISTED else made


def _epoch(rebalanced: Mapping[str, int]) -> Line:
    places = tuple(pointer("images_in_an_epoch", name) for name in rebalanced)
    counts = (_count(count, at) for count, at in zip(rebalanced.values(), places, strict=True))
    total = Cell(text=number(sum(rebalanced.values())), basis=Basis(at=places, method="sum of images"))
    return Line(head=part_words(BALANCED), cells=(*counts, total, words("–")))


def _told(fact: Fact, at: str) -> Cell:
    """Return a cell of words, with an id where a number is in it."""
    told = fact_value_words(fact.name, fact.value)
    if not any(letter.isdigit() for letter in fact.value):
        return words(told)
    return Cell(text=told, basis=Basis(at=(at,), method="in words"))


def _below() -> str:
    return _("95% intervals below the figures.")


def _table(
    caption: str, columns: Sequence[str], lines: tuple[Line, ...], *, in_words: tuple[int, ...] = ()
) -> Table:
    return Table(number="", caption=caption, columns=tuple(columns), lines=lines, words=in_words)


def _count(count: int, at: str, what: str = "images") -> Cell:
    return Cell(text=number(count), basis=Basis(at=(at,), method=f"count of {what}"))


def _p(value: float, at: str, method: str) -> Cell:
    return Cell(text=p_value(value), basis=Basis(at=(at,), method=method))
