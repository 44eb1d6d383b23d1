"""A passport in words: each answer with the figures that it was computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.language import _, counted, isolated, ngettext, number, short_number
from engine.records import Estimate, MapFigure, Passport
from engine.report.formatting import figure, interval
from engine.retelling import retell
from engine.saliency import CHECKS, FEWEST, FIGURES, Answer, failed, figures_of, verdict

if TYPE_CHECKING:
    from engine.report.drawn_records import MarkedByReaders


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckInWords:
    """One question of a passport, answered.

    Attributes:
        question: As it is asked.
        answer: yes, no or cannot be said.
        short: Statement and answer.
        details: The figures that it follows from, or why there are none; a sentence.
        figures: Title and figure of each.
    """

    question: str
    answer: str
    short: str
    details: str
    figures: tuple[tuple[str, MapFigure], ...]


def passport_in_words(passport: Passport) -> tuple[CheckInWords, ...]:
    """Answer every question of a passport in words."""
    return tuple(_in_words(passport, check) for check in CHECKS)


def passport_line(passport: Passport) -> str:
    """Answer every question of a passport in one line."""
    return " ".join(f"{each.short}." for each in passport_in_words(passport))


def why_off(passport: Passport) -> str:
    """Say why a run's maps are off by default; empty where they are not."""
    wrong = failed(passport)
    said = [each for check, each in zip(CHECKS, passport_in_words(passport), strict=True) if check in wrong]
    return " ".join(f"{each.short}. {each.details}" for each in said)


def tests_of_maps(passport: Passport, folds: int = 0) -> str:
    """Say how a run's maps were put to the test, only what was: in English, for the methods section.

    `folds`: models of a cross-validation, each of which was asked of validation images of its own; 0 for one model.
    """
    whose = "each image's model" if folds else "the model"
    named = {one.name for one in passport.figures}
    tests = [
        words
        for names, words in (
            ({"head", "half", "network"}, f"maps of {whose} with shuffled weights, from the head down (cascading "
             "randomisation, arXiv:1810.03292)"),
            ({"deletion", "insertion"}, "log-odds as the hottest places are blurred or given back, and random ones of "
             "the same image (deletion and insertion, arXiv:1806.07421)"),
            ({"pointing"}, "the place of the peak (pointing game, doi:10.1007/s11263-017-1059-x)"),
            ({"inside"}, "the share of heat on the finding (arXiv:1910.01279)"),
            ({"outside"}, "the share of heat outside the body, which is told from air by Otsu's threshold "
             "(doi:10.1109/TSMC.1979.4310076)"),
        )
        if named & names
    ]  # fmt: skip
    asked = f", each asked of one of the {folds} models, which never learned from it" if folds else ""
    return (
        f"on {passport.images:,} of {passport.of:,} validation images, drawn by class and patient with seed "
        f"{passport.seed}{asked}, made by {passport.method}: {'; '.join(tests)}"
    )


def marked_in_words(found: MarkedByReaders) -> tuple[str, ...]:
    """Say how heatmaps lie to what readers drew who had not seen the model's answer, as sentences."""
    said = (
        _(
            "On {images}, {readers} had marked the finding without the model: the heatmap's peak lay there {hits}; at "
            "random it would in {chance}."
        ).format(
            images=counted(found.pointing.n, "image"),
            readers=counted(found.readers, "reader"),
            hits=_of(found.pointing),
            chance=_share(found.chance),
        ),
        _("Of the heat, {share} lay there; spread evenly it would be {even}.").format(
            share=_at(found.inside), even=_share(found.even)
        ),
    )
    if not found.left_out:
        return said
    left_out = ngettext(
        "{count} answer with regions left out: given when more had been seen.",
        "{count} answers with regions left out: given when more had been seen.",
        found.left_out,
    )
    return *said, left_out.format(count=number(found.left_out))


def _in_words(passport: Passport, check: str) -> CheckInWords:
    found = figures_of(passport, check)
    answer = verdict(passport, check)
    details = _DETAILS[check]({one.name: one for one in found}) if found else _reason(passport, check)
    if found and check == "finds" and passport.marked:
        marked = _("On {images} it is where readers had marked it without the model.")
        details += " " + marked.format(images=counted(passport.marked, "image"))
    few = min((one.estimate.n for one in found), default=FEWEST)
    if few < FEWEST:
        too_few = _("{images} are too few to say more: {needed} are needed.")
        details += " " + too_few.format(images=counted(few, "image"), needed=number(FEWEST))
    return CheckInWords(
        question=CHECKS[check],
        answer=answer.value,
        short=_short(answer, check, found),
        details=details,
        figures=tuple((_(FIGURES[one.name].title), one) for one in found),
    )


def _statement(check: str) -> str:
    return {
        "follows": _("This map follows its model"),
        "matters": _("What it shows matters for the prediction"),
        "finds": _("It finds the finding"),
        "body": _("It stays on the body"),
    }[check]


def _short(answer: Answer, check: str, found: Sequence[MapFigure]) -> str:
    if check != "finds" or not found:
        said = {
            Answer.YES: _("{statement}: yes"),
            Answer.NO: _("{statement}: no"),
            Answer.UNKNOWN: _("{statement}: cannot be said"),
        }
        return said[answer].format(statement=_statement(check))
    said = {
        Answer.YES: _("{statement}: in {hits} of {total} ({interval})"),
        Answer.NO: _("{statement}: no, in {hits} of {total} ({interval})"),
        Answer.UNKNOWN: _("{statement}: cannot be said, in {hits} of {total} ({interval})"),
    }
    one = found[0].estimate
    return said[answer].format(
        statement=_statement(check),
        hits=short_number(float(f"{one.value * one.n:.3g}")),
        total=number(one.n),
        interval=interval(one, 2),
    )


def _reason(passport: Passport, check: str) -> str:
    reasons = dict.fromkeys(
        passport.reasons[name]
        for name, kind in FIGURES.items()
        if kind.check == check and name in passport.reasons
    )
    unknown = _("this version asks more than the one that made the passport")
    return _("Not measured: {reasons}.").format(
        reasons=_("; ").join(retell(one) or isolated(one) for one in reasons) or unknown
    )


def _of(one: Estimate) -> str:
    return _("in {hits} of {total} ({interval})").format(
        hits=short_number(float(f"{one.value * one.n:.3g}")), total=number(one.n), interval=interval(one, 2)
    )


def _share(of: float) -> str:
    return figure(of, 2)


def _at(one: Estimate) -> str:
    return f"{figure(one.value, 2)} ({interval(one, 2)})"


def _follows(of: dict[str, MapFigure]) -> str:
    parts = {"head": _("head"), "half": _("head and deeper half"), "network": _("whole model")}
    said = _(", ").join(f"{_at(of[name].estimate)} ({what})" for name, what in parts.items() if name in of)
    limit = next(iter(of.values())).limit
    return _(
        "Rank correlation with the maps of its model with shuffled weights: {said}; the limit is {limit}."
    ).format(said=said, limit=figure(limit, 2))


def _matters(of: dict[str, MapFigure]) -> str:
    said = {
        "deletion": _(
            "Blurring its hottest places lowered the log-odds more than blurring random ones {hits}."
        ),
        "insertion": _(
            "Putting them back into a blurred image raised the log-odds more than random ones did {hits}."
        ),
    }
    return " ".join(said[name].format(hits=_of(one.estimate)) for name, one in of.items())


def _finds(of: dict[str, MapFigure]) -> str:
    said = []
    if "pointing" in of:
        said.append(_("The peak lay on the finding {hits}.").format(hits=_of(of["pointing"].estimate)))
    if "inside" in of:
        share, even = of["inside"].estimate, _share(of["inside"].limit)
        lay = _("Of its heat, {share} lay there; spread evenly it would be {even}.")
        said.append(lay.format(share=_at(share), even=even))
    return " ".join(said)


def _body(of: dict[str, MapFigure]) -> str:
    share, even = of["outside"].estimate, _share(of["outside"].limit)
    return _("Of its heat, {share} lay outside the body; spread evenly it would be {even}.").format(
        share=_at(share), even=even
    )


_DETAILS: dict[str, Callable[[dict[str, MapFigure]], str]] = {
    "follows": _follows,
    "matters": _matters,
    "finds": _finds,
    "body": _body,
}
