"""What the names that are keys of a report are called on a page, in the language that is spoken: in English, the same.

A name that is not listed stays as it is: a class, a study, a column of the data.
"""

from __future__ import annotations

import re

from engine.language import N_, _, in_digits, isolated, number, unitless

CAME, REVIEWED = "labels that came with the data", "reviewed labels"
LABELS = re.compile(r"labels v(\d+), corrected by readers")
CONSENSUS = re.compile(r"(.*consensus of readers.*) \(study (.*)\)", re.DOTALL)
AT_PREVALENCE = re.compile(r"((?:positive|negative) predictive value) at ([\d.e-]+)")
HELD = re.compile(r"conformal sets that contain (.*) where it is present", re.DOTALL)
BANDS = re.compile(r"pointwise 95% bands, percentiles of ([\d,]+) resamples of patients \(seed (\d+)\)")
CROSSED = " × "
"""What stands between the columns, and the groups, of two columns crossed."""
BANDS_OF_NUMBERS = (
    (re.compile(r"under ([-\d.e+]+)"), N_("under {value}")),
    (re.compile(r"([-\d.e+]+)–([-\d.e+]+)"), "{value}–{other}"),
    (re.compile(r"([-\d.e+]+) to under ([-\d.e+]+)"), N_("{value} to under {other}")),
    (re.compile(r"([-\d.e+]+) and over"), N_("{value} and over")),
)
"""Groups of a column of numbers, as `engine.report.subgroups` names them."""
KAPPA = re.compile(r"kappa of (.*) and (.*)", re.DOTALL)
SHARE = re.compile(r"share of (.+)")

REASONS = frozenset(
    {
        N_("no label came with the data"),
        N_("the label is not one of the model's classes"),
        N_("not reviewed"),
        N_("readers disagree, no majority"),
        N_("unsure"),
        N_("not diagnostic"),
        N_("unsure or not diagnostic"),
        N_("the readers' class is not one of the model's"),
        N_("not a case of the study"),
        N_("readers disagree, not settled"),
        N_("not read by all readers"),
        N_("every reading was left out for what had been seen before"),
        N_("could not be read"),
        N_("copies of another file, byte for byte"),
        N_("one image under several labels"),
        N_("without a label of one of the classes"),
        N_("left out of the split"),
        N_("without a prediction"),
    }
)
FIGURES = frozenset(
    {
        N_("sensitivity"),
        N_("specificity"),
        N_("positive predictive value"),
        N_("negative predictive value"),
        N_("PPV"),
        N_("NPV"),
        N_("LR+"),
        N_("LR−"),
        N_("F1"),
        N_("MCC"),
        N_("AUROC"),
        N_("positive likelihood ratio"),
        N_("negative likelihood ratio"),
        N_("weighted F1"),
        N_("macro precision"),
        N_("weighted precision"),
        N_("negative log-likelihood"),
        N_("top-2 accuracy"),
        N_("top-3 accuracy"),
        N_("top-5 accuracy"),
        N_("partial AUROC (specificity .9 to 1)"),
        N_("AUROC, mean over folds"),
        N_("average precision"),
        N_("accuracy"),
        N_("balanced accuracy"),
        N_("macro F1"),
        N_("Brier score"),
        N_("calibration error"),
        N_("calibration intercept"),
        N_("calibration slope"),
        N_("observed / expected"),
        N_("AUROC of entropy for errors"),
        N_("AUROC of nearness to the edge for errors"),
        N_("conformal sets of one class"),
        N_("kappa"),
        N_("Krippendorff's alpha"),
    }
)
PARTS = frozenset(
    {
        N_("training"),
        N_("training, in an epoch"),
        N_("validation"),
        N_("test"),
        N_("all, each tested once"),
        N_("supplied predictions"),
        N_("predicted"),
    }
)
NO_LABEL = frozenset(
    {
        N_("no label"),
    }
)
VERDICTS = frozenset(
    {
        N_("agree"),
        N_("overrule"),
        N_("unsure"),
        N_("not diagnostic"),
    }
)
GROUPS = frozenset(
    {
        N_("(not given)"),
        N_("(other)"),
        N_("any number"),
    }
)
CHANGES = frozenset(
    {
        N_("None"),
        N_("Brightness"),
        N_("Contrast"),
        N_("Noise"),
        N_("JPEG"),
        N_("Rotation"),
        N_("Resolution"),
    }
)
UNITS = frozenset(
    {
        N_("of full scale, added"),
        N_("times, about the image's mean"),
        N_("of full scale, standard deviation"),
        N_("quality"),
        N_("degrees"),
        N_("of the pixels of a side"),
    }
)


def known_words(name: str, known: frozenset[str]) -> str:
    """Return a name that is one of ours in the language; any other as it is."""
    return _(name) if name in known else name


def standard_words(name: str) -> str:
    """Return what a reference standard is called."""
    if found := LABELS.fullmatch(name):
        return _("labels v{version}, corrected by readers").format(version=found[1])
    if found := CONSENSUS.fullmatch(name):
        kinds = {
            "blinded consensus of readers": _("blinded consensus of readers (study {study})"),
            "blinded consensus of readers, adjudicated": _(
                "blinded consensus of readers, adjudicated (study {study})"
            ),
            "consensus of readers with the model": _("consensus of readers with the model (study {study})"),
            "consensus of readers with the model, adjudicated": _(
                "consensus of readers with the model, adjudicated (study {study})"
            ),
        }
        return kinds[found[1]].format(study=isolated(found[2])) if found[1] in kinds else name
    return {CAME: _("labels that came with the data"), REVIEWED: _("reviewed labels")}.get(name, name)


def reason_words(why: str) -> str:
    """Return why a case has no class by a reference standard."""
    return known_words(why, REASONS)


def figure_words(name: str) -> str:
    """Return what a figure is called."""
    if found := AT_PREVALENCE.fullmatch(name):
        return _("{figure} at {prevalence}").format(
            figure=figure_words(found[1]), prevalence=unitless(float(found[2]))
        )
    if found := HELD.fullmatch(name):
        return _("conformal sets that contain {finding} where it is present").format(
            finding=isolated(found[1])
        )
    if found := SHARE.fullmatch(name):
        return _("share of {finding}").format(finding=isolated(found[1]))
    if found := KAPPA.fullmatch(name):
        return _("kappa of {first} and {second}").format(first=isolated(found[1]), second=isolated(found[2]))
    return known_words(name, FIGURES)


def capitalized(words: str) -> str:
    """Return words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def part_words(name: str) -> str:
    """Return what a part of the data is called."""
    return known_words(name, PARTS)


def label_words(name: str) -> str:
    """Return a label; in words where there is none."""
    return known_words(name, NO_LABEL)


def verdict_words(name: str) -> str:
    """Return what a verdict is called."""
    return known_words(name, VERDICTS)


def group_words(name: str) -> str:
    """Return what a group of cases is called; of two columns crossed, what both are."""
    return CROSSED.join(map(_group_words, name.split(CROSSED)))


def _group_words(name: str) -> str:
    if name in GROUPS:
        return _(name)
    for pattern, told in BANDS_OF_NUMBERS:
        if found := pattern.fullmatch(name):
            values = dict(
                zip(("value", "other"), (unitless(float(one)) for one in found.groups()), strict=False)
            )
            return isolated((_(told) if told != "{value}–{other}" else told).format(**values))
    return isolated(name)


def change_words(name: str) -> str:
    """Return what a change of the test images is called."""
    return known_words(name, CHANGES)


def unit_words(name: str) -> str:
    """Return what the size of a change of the test images is measured in."""
    return known_words(name, UNITS)


def bands_words(method: str) -> str:
    """Return how the bands of curves were found."""
    if found := BANDS.fullmatch(method):
        return _("pointwise 95% bands, percentiles of {count} resamples of patients (seed {seed})").format(
            count=number(float(found[1].replace(",", ""))), seed=in_digits(found[2])
        )
    return method


def share_words(share: float, decimals: int = 1) -> str:
    """Return a share in percent."""
    return _("{percent}%").format(percent=number(100 * share, decimals))
