"""Sentences on what the records of a study hold: English where they are kept, the language spoken on a page."""

from __future__ import annotations

from engine.language import N_, _, number
from engine.report.study.gathered import Excluded

NOTHING_READ = {
    "blind": N_("Without the model: nothing has been read."),
    "assisted": N_("With the model: nothing has been read."),
    "annotation": N_("Annotation: nothing has been read."),
}


def certified(one: Excluded) -> str:
    """Say what had been seen before the answers of an arm."""
    if not one.answers:
        return _(NOTHING_READ[one.arm])
    clean = {"n1": number(one.answers - one.left_out), "n2": number(one.answers)}
    if one.arm != "assisted" and not one.left_out:
        told = (
            _(
                "No blind answer followed a score, map or label: {n1} of {n2}, by what the chain of evidence says was "
                "on each screen before."
            )
            if one.arm == "blind"
            else _(
                "No answer followed a score, map or label: {n1} of {n2}, by what the chain of evidence says was on "
                "each screen before."
            )
        )
        return told.format(**clean)
    nothing = (
        _(
            "{n1} of {n2} answers with the model followed nothing else than it, by what the chain of evidence says "
            "was on each screen before"
        )
        if one.arm == "assisted"
        else _(
            "{n1} of {n2} answers without the model followed no score, map or label, by what the chain of evidence "
            "says was on each screen before"
        )
    ).format(**clean)
    return f"{nothing}{_('; ')}{_left_out(one)}." if one.left_out else f"{nothing}."


def _left_out(one: Excluded) -> str:
    seen = {
        "prediction": _("the model's answer in {n}"),
        "map": _("its map in {n}"),
        "label": _("the label in {n}"),
        "others": _("others' readings in {n}"),
        "similar": _("similar cases in {n}"),
    }
    told = (
        _("{n} followed {words}, and is left out")
        if one.left_out == 1
        else _("{n} followed {words}, and are left out")
    )
    words = _(", ").join(seen[kind].format(n=number(count)) for kind, count in one.seen.items())
    return told.format(n=number(one.left_out), words=words)
