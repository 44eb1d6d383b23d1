"""Sentences in which a report prints numbers: each has an id, as a cell of a table has.

A sentence is S3.2: the second of section 3 that holds a number. Where report.json has the sentence, its id leads
there; where the page puts one together from counts, it leads to the counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.data import PatientsNamed, patients_words
from engine.language import _, counted, in_digits, isolated, ngettext, number
from engine.report.formatting import edge_words, figure, interval
from engine.report.named.names import reason_words
from engine.report.named.of_methods import method_words
from engine.report.passport_words import marked_in_words, passport_in_words
from engine.report.printed.further import CHECKLISTS, HEATMAPS, METHODS
from engine.report.printed.records import Basis, pointer
from engine.report.printed.sentences import (
    IN_WORDS,
    Passage,
    Sentence,
    as_kept,
    counted_from,
    of_checklists,
    with_ids,
)
from engine.report.records import GALLERY_SEED, Against, Report
from engine.retelling import retold


def passages_of(report: Report) -> dict[str, Passage]:
    """Return the sentences that a page prints, in its order, by the name by which the page asks for them.

    The name of a sentence that report.json has is the JSON Pointer to it.
    """
    return with_ids(_all(report))


def _all(report: Report) -> Iterator[Sentence]:
    yield from _heading(report)
    yield from _standards(report)
    yield from _further(report)
    for place, one in enumerate(report.against):
        yield _of_cases(5, place, one)
    for place, one in enumerate(report.against):
        yield _of_cases(6, place, one)
    yield from _robustness(report)
    yield from _readers(report)
    yield from _elsewhere(report)
    yield from _galleries(report)
    yield from _heatmaps(report)
    for place, search in enumerate(report.label_errors):
        for row, text in enumerate(search.sentences):
            yield as_kept(METHODS, text, "label_errors", place, "sentences", row)
    for place, text in enumerate(report.limitations):
        yield as_kept(METHODS, retold(text), "limitations", place)
    yield from of_checklists(CHECKLISTS, report.checklists)


def _heading(report: Report) -> Iterator[Sentence]:
    known = report.patients
    patients = (
        ["/patients"]
        if known.all
        else ["/cases_with_a_named_patient", "/against/0/of"]
        if known.named
        else []
    )
    yield counted_from(
        1,
        "images",
        _("{images}, {patients}").format(
            images=counted(len(report.cases), "image"), patients=patients_words(known)
        ),
        "/against/0/of",
        *patients,
    )
    for name in ("line", "banner", "endpoint", "why"):
        text = getattr(report.heading, name)
        yield as_kept(1, text[:1].upper() + text[1:], "heading", name)
    if report.positive:
        yield Sentence(
            section=1,
            name="edge",
            text=_("predicted {where}").format(where=edge_words(report.run)),
            basis=Basis(at=("/threshold",), method="operating point", decimals=4),
        )


def _standards(report: Report) -> Iterator[Sentence]:
    for place, text in enumerate(report.cautions):
        yield as_kept(3, text, "cautions", place)
    for place, one in enumerate(report.against):
        at = pointer("against", place)
        note = f" ({one.note})" if one.note else ""
        text = _("Based on {some} of {cases}{note}.").format(
            some=number(one.cases), cases=counted(one.of, "case"), note=note
        )
        yield counted_from(3, f"{at}/cases", text, f"{at}/cases", f"{at}/of")
        if one.excluded:
            out = _("; ").join(f"{number(count)} {reason_words(why)}" for why, count in one.excluded.items())
            counts = (at + pointer("excluded", why) for why in one.excluded)
            yield counted_from(3, f"{at}/excluded", _("Left out: {reasons}.").format(reasons=out), *counts)
        for row, (_name, text) in enumerate(one.defined):
            yield as_kept(3, text, "against", place, "defined", row, 1)
        cases = {pointer("reference", one.name): tuple(report.classes)}
        for row, text in enumerate(one.sentences):
            yield as_kept(3, text, "against", place, "sentences", row, cases=cases, n=one.cases)
        yield as_kept(3, one.sampling, "against", place, "sampling")
        yield as_kept(3, one.caution, "against", place, "caution")


def _further(report: Report) -> Iterator[Sentence]:
    for place, text in enumerate(marked_in_words(report.marked) if report.marked else ()):
        yield as_kept(3, text, "marked_in_words", place)
    if (found := report.pointing) is None:
        return
    if math.isnan(found.value):
        yield Sentence(
            section=3,
            name="/pointing_game",
            text=_("The pointing game {why}.").format(why=method_words(found.method)),
            basis=Basis(at=("/pointing_game/method",), method=IN_WORDS),
        )
        return
    yield Sentence(
        section=3,
        name="/pointing_game",
        text=_(
            "On {count} images with a marked finding, the heatmap's peak lay on the finding in a share of {value} "
            "(95% interval {interval})."
        ).format(count=number(found.n), value=figure(found.value), interval=interval(found)),
        basis=Basis(
            at=tuple(f"/pointing_game/{name}" for name in ("n", "value", "low", "high")), method=found.method
        ),
    )


def _of_cases(section: int, place: int, one: Against) -> Sentence:
    at = f"/against/{place}/cases"
    return counted_from(section, f"{section}{at}", f"({counted(one.cases, 'case')})", at)


def _heatmaps(report: Report) -> Iterator[Sentence]:
    if report.passport is None:
        return
    known = report.passport
    yield counted_from(
        HEATMAPS,
        "/heatmaps",
        _("Heatmaps by {method}, put to the test on {some} of {all} validation images.").format(
            method=isolated(known.method), some=number(known.images), all=number(known.of)
        ),
        "/heatmaps/images",
        "/heatmaps/of",
    )
    for place, check in enumerate(passport_in_words(known)):
        at = pointer("heatmaps", "checks", place, "sentence")
        yield Sentence(
            section=HEATMAPS,
            name=at,
            lead=f"{check.short}.",
            text=f" {check.details}",
            basis=Basis(at=(at,), method=IN_WORDS),
        )


def _robustness(report: Report) -> Iterator[Sentence]:
    if (measured := report.robustness) is None:
        return
    told = (
        _(
            "{some} of {all} labelled test images, drawn at random (seed {seed}), changed at the size that the "
            "model sees ({size} pixels a side)."
        )
        if measured.images < measured.of
        else _(
            "{some} of {all} labelled test images (seed {seed}), changed at the size that the model sees "
            "({size} pixels a side)."
        )
    )
    yield Sentence(
        section=8,
        name="/robustness",
        text=told.format(
            some=number(measured.images),
            all=number(measured.of),
            seed=in_digits(str(measured.seed)),
            size=in_digits(str(measured.size)),
        ),
        basis=Basis(
            at=tuple(f"/robustness/{name}" for name in ("images", "of", "seed", "size")),
            method="count",
            seed=measured.seed,
        ),
    )


def _readers(report: Report) -> Iterator[Sentence]:
    did = report.reviews
    if not did.cases:
        return
    said = ngettext(
        "{readers} read {some} of {cases}, in a median of {seconds} seconds a verdict.",
        "{readers} read {some} of {cases}, in a median of {seconds} seconds a verdict.",
        did.readers,
    ).format(
        readers=counted(did.readers, "reader"), some=number(did.cases),
        cases=counted(len(report.cases), "case"), seconds=number(did.seconds),
    )  # fmt: skip
    yield counted_from(
        7,
        "/reviews/readers",
        said,
        "/reviews/readers",
        "/reviews/cases",
        "/against/0/of",
        "/reviews/seconds",
    )
    if did.comparable:
        yield counted_from(
            7,
            "/reviews/differing",
            ngettext(
                "In {some} of {cases} that has both, the reviewed label differs from the one that came with the data.",
                "In {some} of {cases} that have both, the reviewed label differs from the one that came with the data.",
                did.comparable,
            ).format(some=number(did.differing), cases=counted(did.comparable, "case")),
            "/reviews/differing",
            "/reviews/comparable",
        )


def _elsewhere(report: Report) -> Iterator[Sentence]:
    for place, test in enumerate(report.elsewhere.tests):
        at = pointer("elsewhere", "tests", place)
        known = PatientsNamed(images=test.images, named=test.patients_named, patients=test.patients)
        text = _("{images}, {patients}").format(
            images=counted(test.images, "image"), patients=patients_words(known)
        )
        yield counted_from(9, at, text, f"{at}/images", *([f"{at}/patients"] if known.all else []))
        for row, text in enumerate(test.sentences):
            yield as_kept(9, f"{retold(text)}.", "elsewhere", "sentences", place, row)
        yield as_kept(9, retold(test.why_not), "elsewhere", "tests", place, "why_not")
    for place, of in enumerate(report.elsewhere.images):
        at = pointer("elsewhere", "images", place)
        text = _("{images}, {patients}").format(
            images=counted(of.cases, "image"), patients=patients_words(of.patients)
        )
        patients = [f"{at}/patients/patients"] if of.patients.all else []
        yield counted_from(9, at, text, f"{at}/cases", *patients)
        read = ngettext("{count} of them was read.", "{count} of them were read.", of.read)
        yield counted_from(9, f"{at}/read", read.format(count=number(of.read)), f"{at}/read")
        for row, text in enumerate(of.familiarity):
            yield as_kept(9, f"{retold(text)}.", "elsewhere", "images", place, "familiarity", row)


def _galleries(report: Report) -> Iterator[Sentence]:
    for place, one in enumerate(report.galleries):
        for name, shown, of in (("wrong", one.wrong, one.wrong_of), ("right", one.right, one.right_of)):
            at = pointer("shown", place, name)
            text, places = _("({some} of {all} shown)"), [f"{at}/shown", f"{at}/of"]
            if len(shown) < of:
                text = _("({some} of {all} shown, drawn at random with the seed {seed})")
                places.append("/shown_seed")
            text = text.format(some=number(len(shown)), all=number(of), seed=in_digits(str(GALLERY_SEED)))
            yield counted_from(10, at, text, *places)
