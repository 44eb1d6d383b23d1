"""Sentences in which a report prints numbers: each has an id, as a cell of a table has.

A sentence is S3.2: the second of section 3 that holds a number. Where report.json has the sentence, its id leads
there; where the page puts one together from counts, it leads to the counts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.data import PatientsNamed, patients_words
from engine.report.formatting import counted, edge_words, figure, interval
from engine.report.passport_words import marked_in_words, passport_in_words
from engine.report.printed.records import Basis, Where, pointer
from engine.report.records import GALLERY_SEED, Against, Report

IN_WORDS = "in words"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A sentence, or a few.

    Attributes:
        id: "S3.2"; empty where no number is in it.
        lead: Its first words, which a page prints in bold.
        rest: What follows them.
        basis: Of the numbers in it.
    """

    id: str
    lead: str
    rest: str
    basis: Basis

    @property
    def of_figures(self) -> bool:
        """Whether it says the main figures against a reference standard."""
        return any(re.fullmatch(r"/against/\d+/sentences/\d+", at) for at in self.basis.at)

    @property
    def text(self) -> str:
        """All of it."""
        return self.lead + self.rest


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """A sentence before it has an id: the section and name by which a page asks for it."""

    section: int
    name: str
    text: str
    basis: Basis
    lead: str = ""


def passages_of(report: Report) -> dict[str, Passage]:
    """Return the sentences that a page prints, in its order, by the name by which the page asks for them.

    The name of a sentence that report.json has is the JSON Pointer to it.
    """
    count: Counter[int] = Counter()
    found = {}
    for one in _all(report):
        numbered = any(letter.isdigit() for letter in one.lead + one.text)
        count[one.section] += numbered
        found[one.name] = Passage(
            id=f"S{one.section}.{count[one.section]}" if numbered else "",
            lead=one.lead,
            rest=one.text,
            basis=one.basis,
        )
    return found


def _all(report: Report) -> Iterator[_Said]:
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
        yield _kept(13, text, "limitations", place)
    yield from _checklists(report)


def _kept(section: int, text: str, *at: str | int, cases: Where | None = None, n: int | None = None) -> _Said:
    """Return a sentence that report.json has."""
    where = pointer(*at)
    basis = Basis(at=(where,), cases=cases, n=n, method=IN_WORDS)
    return _Said(section=section, name=where, text=text, basis=basis)


def _counted(section: int, name: str, text: str, *at: str) -> _Said:
    """Return a sentence that is put together from numbers of report.json, in the order in which it prints them."""
    return _Said(section=section, name=name, text=text, basis=Basis(at=at, method="count"))


def _heading(report: Report) -> Iterator[_Said]:
    known = report.patients
    patients = (
        ["/patients"]
        if known.all
        else ["/cases_with_a_named_patient", "/against/0/of"]
        if known.named
        else []
    )
    yield _counted(
        1,
        "images",
        f"{counted(len(report.cases), 'image')}, {patients_words(known)}",
        "/against/0/of",
        *patients,
    )
    for name in ("line", "banner", "endpoint", "why"):
        text = getattr(report.heading, name)
        yield _kept(1, text[:1].upper() + text[1:], "heading", name)
    if report.positive:
        yield _Said(
            section=1,
            name="edge",
            text=f"predicted {edge_words(report.run)}",
            basis=Basis(at=("/threshold",), method="operating point", decimals=4),
        )


def _standards(report: Report) -> Iterator[_Said]:
    for place, text in enumerate(report.cautions):
        yield _kept(3, text, "cautions", place)
    for place, one in enumerate(report.against):
        at = pointer("against", place)
        note = f" ({one.note})" if one.note else ""
        text = f"Based on {one.cases:,} of {counted(one.of, 'case')}{note}."
        yield _counted(3, f"{at}/cases", text, f"{at}/cases", f"{at}/of")
        if one.excluded:
            out = "; ".join(f"{count:,} {why}" for why, count in one.excluded.items())
            counts = (at + pointer("excluded", why) for why in one.excluded)
            yield _counted(3, f"{at}/excluded", f"Left out: {out}.", *counts)
        for row, (_, text) in enumerate(one.defined):
            yield _kept(3, text, "against", place, "defined", row, 1)
        cases = {pointer("reference", one.name): tuple(report.classes)}
        for row, text in enumerate(one.sentences):
            yield _kept(3, text, "against", place, "sentences", row, cases=cases, n=one.cases)
        yield _kept(3, one.sampling, "against", place, "sampling")
        yield _kept(3, one.caution, "against", place, "caution")


def _further(report: Report) -> Iterator[_Said]:
    for place, text in enumerate(marked_in_words(report.marked) if report.marked else ()):
        yield _kept(3, text, "marked_in_words", place)
    if (found := report.pointing) is None:
        return
    if math.isnan(found.value):
        yield _Said(
            section=3,
            name="/pointing_game",
            text=f"The pointing game {found.method}.",
            basis=Basis(at=("/pointing_game/method",), method=IN_WORDS),
        )
        return
    yield _Said(
        section=3,
        name="/pointing_game",
        text=f"On {found.n:,} images with a marked finding, the heatmap's peak lay on the finding in a share of "
        f"{figure(found.value)} (95% interval {interval(found)}).",
        basis=Basis(
            at=tuple(f"/pointing_game/{name}" for name in ("n", "value", "low", "high")), method=found.method
        ),
    )


def _of_cases(section: int, place: int, one: Against) -> _Said:
    at = f"/against/{place}/cases"
    return _counted(section, f"{section}{at}", f"({counted(one.cases, 'case')})", at)


def _heatmaps(report: Report) -> Iterator[_Said]:
    if report.passport is None:
        return
    known = report.passport
    yield _counted(
        8,
        "/heatmaps",
        f"Heatmaps by {known.method}, put to the test on {known.images:,} of {known.of:,} validation images.",
        "/heatmaps/images",
        "/heatmaps/of",
    )
    for place, check in enumerate(passport_in_words(known)):
        at = pointer("heatmaps", "checks", place, "sentence")
        yield _Said(
            section=8,
            name=at,
            lead=f"{check.short}.",
            text=f" {check.details}",
            basis=Basis(at=(at,), method=IN_WORDS),
        )


def _robustness(report: Report) -> Iterator[_Said]:
    if (measured := report.robustness) is None:
        return
    drawn = ", drawn at random" if measured.images < measured.of else ""
    yield _Said(
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


def _readers(report: Report) -> Iterator[_Said]:
    did = report.reviews
    if not did.cases:
        return
    verbs = f"{counted(did.readers, 'reader')} read {did.cases:,} of {counted(len(report.cases), 'case')}"
    yield _counted(
        7,
        "/reviews/readers",
        f"{verbs}, in a median of {did.seconds:.0f} seconds a verdict.",
        "/reviews/readers",
        "/reviews/cases",
        "/against/0/of",
        "/reviews/seconds",
    )
    if did.comparable:
        yield _counted(
            7,
            "/reviews/differing",
            f"In {did.differing:,} of {counted(did.comparable, 'case')} that "
            f"{'has' if did.comparable == 1 else 'have'} both, the reviewed label differs from the one that came with "
            "the data.",
            "/reviews/differing",
            "/reviews/comparable",
        )


def _elsewhere(report: Report) -> Iterator[_Said]:
    for place, test in enumerate(report.elsewhere.tests):
        at = pointer("elsewhere", "tests", place)
        known = PatientsNamed(images=test.images, named=test.patients_named, patients=test.patients)
        text = f"{counted(test.images, 'image')}, {patients_words(known)}"
        yield _counted(9, at, text, f"{at}/images", *([f"{at}/patients"] if known.all else []))
        for row, text in enumerate(test.sentences):
            yield _kept(9, f"{text}.", "elsewhere", "sentences", place, row)
        yield _kept(9, test.why_not, "elsewhere", "tests", place, "why_not")
    for place, of in enumerate(report.elsewhere.images):
        at = pointer("elsewhere", "images", place)
        text = f"{counted(of.cases, 'image')}, {patients_words(of.patients)}"
        patients = [f"{at}/patients/patients"] if of.patients.all else []
        yield _counted(9, at, text, f"{at}/cases", *patients)
        verb = "was" if of.read == 1 else "were"
        yield _counted(9, f"{at}/read", f"{of.read:,} of them {verb} read.", f"{at}/read")
        for row, text in enumerate(of.familiarity):
            yield _kept(9, f"{text}.", "elsewhere", "images", place, "familiarity", row)


def _galleries(report: Report) -> Iterator[_Said]:
    for place, one in enumerate(report.galleries):
        for name, shown, of in (("wrong", one.wrong, one.wrong_of), ("right", one.right, one.right_of)):
            at = pointer("shown", place, name)
            text, places = f"{len(shown):,} of {of:,} shown", [f"{at}/shown", f"{at}/of"]
            if len(shown) < of:
                text += f", drawn at random with the seed {GALLERY_SEED}"
                places.append("/shown_seed")
            yield _counted(10, at, f"({text})", *places)


def _checklists(report: Report) -> Iterator[_Said]:
    for place, one in enumerate(report.checklists):
        of = ("checklists", "answered", place)
        answered = len(one.items) - len(one.open)
        text = f"({answered} of {len(one.items)} answered)"
        at = pointer(*of)
        yield _counted(14, f"{at}/open", text, f"{at}/closed", f"{at}/of")
        for row, each in enumerate(one.items):
            for number, said in enumerate(each.said):
                yield _kept(14, said.text, *of, "items", row, "answers", number, "text")
            if each.open and not each.last:
                yield _kept(14, each.left, *of, "items", row, "left")
