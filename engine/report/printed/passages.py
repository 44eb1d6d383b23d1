"""Sentences in which a report prints numbers: each has an id, as a cell of a table has.

A sentence is S3.2: the second of section 3 that holds a number. Where report.json has the sentence, its id leads
there; where the page puts one together from counts, it leads to the counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.data import PatientsNamed, patients_words
from engine.report.formatting import counted, edge_words, figure, interval
from engine.report.passport_words import marked_in_words, passport_in_words
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
    yield from _heatmaps(report)
    yield from _robustness(report)
    yield from _readers(report)
    yield from _elsewhere(report)
    yield from _galleries(report)
    for place, text in enumerate(report.limitations):
        yield as_kept(13, text, "limitations", place)
    yield from of_checklists(14, report.checklists)


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
        f"{counted(len(report.cases), 'image')}, {patients_words(known)}",
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
            text=f"predicted {edge_words(report.run)}",
            basis=Basis(at=("/threshold",), method="operating point", decimals=4),
        )


def _standards(report: Report) -> Iterator[Sentence]:
    for place, text in enumerate(report.cautions):
        yield as_kept(3, text, "cautions", place)
    for place, one in enumerate(report.against):
        at = pointer("against", place)
        note = f" ({one.note})" if one.note else ""
        text = f"Based on {one.cases:,} of {counted(one.of, 'case')}{note}."
        yield counted_from(3, f"{at}/cases", text, f"{at}/cases", f"{at}/of")
        if one.excluded:
            out = "; ".join(f"{count:,} {why}" for why, count in one.excluded.items())
            counts = (at + pointer("excluded", why) for why in one.excluded)
            yield counted_from(3, f"{at}/excluded", f"Left out: {out}.", *counts)
        for row, (_, text) in enumerate(one.defined):
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
            text=f"The pointing game {found.method}.",
            basis=Basis(at=("/pointing_game/method",), method=IN_WORDS),
        )
        return
    yield Sentence(
        section=3,
        name="/pointing_game",
        text=f"On {found.n:,} images with a marked finding, the heatmap's peak lay on the finding in a share of "
        f"{figure(found.value)} (95% interval {interval(found)}).",
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
        8,
        "/heatmaps",
        f"Heatmaps by {known.method}, put to the test on {known.images:,} of {known.of:,} validation images.",
        "/heatmaps/images",
        "/heatmaps/of",
    )
    for place, check in enumerate(passport_in_words(known)):
        at = pointer("heatmaps", "checks", place, "sentence")
        yield Sentence(
            section=8,
            name=at,
            lead=f"{check.short}.",
            text=f" {check.details}",
            basis=Basis(at=(at,), method=IN_WORDS),
        )


def _robustness(report: Report) -> Iterator[Sentence]:
    if (measured := report.robustness) is None:
        return
    drawn = ", drawn at random" if measured.images < measured.of else ""
    yield Sentence(
        section=8,
        name="/robustness",
        text=f"{measured.images:,} of {measured.of:,} labelled test images{drawn} (seed {measured.seed}), changed at "
        f"the size that the model sees ({measured.size} pixels a side).",
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
    verbs = f"{counted(did.readers, 'reader')} read {did.cases:,} of {counted(len(report.cases), 'case')}"
    yield counted_from(
        7,
        "/reviews/readers",
        f"{verbs}, in a median of {did.seconds:.0f} seconds a verdict.",
        "/reviews/readers",
        "/reviews/cases",
        "/against/0/of",
        "/reviews/seconds",
    )
    if did.comparable:
        yield counted_from(
            7,
            "/reviews/differing",
            f"In {did.differing:,} of {counted(did.comparable, 'case')} that "
            f"{'has' if did.comparable == 1 else 'have'} both, the reviewed label differs from the one that came with "
            "the data.",
            "/reviews/differing",
            "/reviews/comparable",
        )


def _elsewhere(report: Report) -> Iterator[Sentence]:
    for place, test in enumerate(report.elsewhere.tests):
        at = pointer("elsewhere", "tests", place)
        known = PatientsNamed(images=test.images, named=test.patients_named, patients=test.patients)
        text = f"{counted(test.images, 'image')}, {patients_words(known)}"
        yield counted_from(9, at, text, f"{at}/images", *([f"{at}/patients"] if known.all else []))
        for row, text in enumerate(test.sentences):
            yield as_kept(9, f"{text}.", "elsewhere", "sentences", place, row)
        yield as_kept(9, test.why_not, "elsewhere", "tests", place, "why_not")
    for place, of in enumerate(report.elsewhere.images):
        at = pointer("elsewhere", "images", place)
        text = f"{counted(of.cases, 'image')}, {patients_words(of.patients)}"
        patients = [f"{at}/patients/patients"] if of.patients.all else []
        yield counted_from(9, at, text, f"{at}/cases", *patients)
        verb = "was" if of.read == 1 else "were"
        yield counted_from(9, f"{at}/read", f"{of.read:,} of them {verb} read.", f"{at}/read")
        for row, text in enumerate(of.familiarity):
            yield as_kept(9, f"{text}.", "elsewhere", "images", place, "familiarity", row)


def _galleries(report: Report) -> Iterator[Sentence]:
    for place, one in enumerate(report.galleries):
        for name, shown, of in (("wrong", one.wrong, one.wrong_of), ("right", one.right, one.right_of)):
            at = pointer("shown", place, name)
            text, places = f"{len(shown):,} of {of:,} shown", [f"{at}/shown", f"{at}/of"]
            if len(shown) < of:
                text += f", drawn at random with the seed {GALLERY_SEED}"
                places.append("/shown_seed")
            yield counted_from(10, at, f"({text})", *places)
