"""What the names that are keys of a report are called on a page, in the language that is spoken: in English, the same.

A name that is not listed stays as it is: a class, a study, a column of the data.
"""

from __future__ import annotations

import re

from engine.language import _, number

CAME, REVIEWED = "labels that came with the data", "reviewed labels"
LABELS = re.compile(r"labels v(\d+), corrected by readers")
CONSENSUS = re.compile(r"(.*consensus of readers.*) \(study (.*)\)", re.DOTALL)
AT_PREVALENCE = re.compile(r"((?:positive|negative) predictive value) at ([\d.e-]+)")
HELD = re.compile(r"conformal sets that contain (.*) where it is present", re.DOTALL)
BANDS = re.compile(r"pointwise 95% bands, percentiles of ([\d,]+) resamples of patients \(seed (\d+)\)")
KAPPA = re.compile(r"kappa of (.*) and (.*)", re.DOTALL)


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
        return kinds[found[1]].format(study=found[2]) if found[1] in kinds else name
    return {CAME: _("labels that came with the data"), REVIEWED: _("reviewed labels")}.get(name, name)


def reason_words(why: str) -> str:
    """Return why a case has no class by a reference standard."""
    return {
        "no label came with the data": _("no label came with the data"),
        "the label is not one of the model's classes": _("the label is not one of the model's classes"),
        "not reviewed": _("not reviewed"),
        "readers disagree, no majority": _("readers disagree, no majority"),
        "unsure": _("unsure"),
        "not diagnostic": _("not diagnostic"),
        "unsure or not diagnostic": _("unsure or not diagnostic"),
        "the readers' class is not one of the model's": _("the readers' class is not one of the model's"),
        "not a case of the study": _("not a case of the study"),
        "readers disagree, not settled": _("readers disagree, not settled"),
        "not read by all readers": _("not read by all readers"),
        "every reading was left out for what had been seen before": _(
            "every reading was left out for what had been seen before"
        ),
    }.get(why, why)


def figure_words(name: str) -> str:
    """Return what a figure is called."""
    if found := AT_PREVALENCE.fullmatch(name):
        return _("{figure} at {prevalence}").format(figure=figure_words(found[1]), prevalence=found[2])
    if found := HELD.fullmatch(name):
        return _("conformal sets that contain {finding} where it is present").format(finding=found[1])
    if found := KAPPA.fullmatch(name):
        return _("kappa of {first} and {second}").format(first=found[1], second=found[2])
    return {
        "sensitivity": _("sensitivity"),
        "specificity": _("specificity"),
        "positive predictive value": _("positive predictive value"),
        "negative predictive value": _("negative predictive value"),
        "PPV": _("PPV"),
        "NPV": _("NPV"),
        "LR+": _("LR+"),
        "LR−": _("LR−"),
        "F1": _("F1"),
        "MCC": _("MCC"),
        "AUROC": _("AUROC"),
        "positive likelihood ratio": _("positive likelihood ratio"),
        "negative likelihood ratio": _("negative likelihood ratio"),
        "weighted F1": _("weighted F1"),
        "macro precision": _("macro precision"),
        "weighted precision": _("weighted precision"),
        "negative log-likelihood": _("negative log-likelihood"),
        "top-2 accuracy": _("top-2 accuracy"),
        "top-3 accuracy": _("top-3 accuracy"),
        "top-5 accuracy": _("top-5 accuracy"),
        "partial AUROC (specificity .9 to 1)": _("partial AUROC (specificity .9 to 1)"),
        "AUROC, mean over folds": _("AUROC, mean over folds"),
        "average precision": _("average precision"),
        "accuracy": _("accuracy"),
        "balanced accuracy": _("balanced accuracy"),
        "macro F1": _("macro F1"),
        "Brier score": _("Brier score"),
        "calibration error": _("calibration error"),
        "calibration intercept": _("calibration intercept"),
        "calibration slope": _("calibration slope"),
        "observed / expected": _("observed / expected"),
        "AUROC of entropy for errors": _("AUROC of entropy for errors"),
        "AUROC of nearness to the edge for errors": _("AUROC of nearness to the edge for errors"),
        "conformal sets of one class": _("conformal sets of one class"),
        "kappa": _("kappa"),
        "Krippendorff's alpha": _("Krippendorff's alpha"),
    }.get(name, name)


def capitalized(words: str) -> str:
    """Return words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def part_words(name: str) -> str:
    """Return what a part of the data is called."""
    return {
        "training": _("training"),
        "training, in an epoch": _("training, in an epoch"),
        "validation": _("validation"),
        "test": _("test"),
        "all, each tested once": _("all, each tested once"),
        "supplied predictions": _("supplied predictions"),
        "predicted": _("predicted"),
    }.get(name, name)


def label_words(name: str) -> str:
    """Return a label; in words where there is none."""
    return {"no label": _("no label")}.get(name, name)


def verdict_words(name: str) -> str:
    """Return what a verdict is called."""
    return {
        "agree": _("agree"),
        "overrule": _("overrule"),
        "unsure": _("unsure"),
        "not diagnostic": _("not diagnostic"),
    }.get(name, name)


def group_words(name: str) -> str:
    """Return what a group of cases is called."""
    return {"(not given)": _("(not given)"), "(other)": _("(other)")}.get(name, name)


def change_words(name: str) -> str:
    """Return what a change of the test images is called."""
    return {
        "None": _("None"),
        "Brightness": _("Brightness"),
        "Contrast": _("Contrast"),
        "Noise": _("Noise"),
        "JPEG": _("JPEG"),
        "Rotation": _("Rotation"),
        "Resolution": _("Resolution"),
    }.get(name, name)


def unit_words(name: str) -> str:
    """Return what the size of a change of the test images is measured in."""
    return {
        "of full scale, added": _("of full scale, added"),
        "times, about the image's mean": _("times, about the image's mean"),
        "of full scale, standard deviation": _("of full scale, standard deviation"),
        "quality": _("quality"),
        "degrees": _("degrees"),
        "of the pixels of a side": _("of the pixels of a side"),
    }.get(name, name)


def bands_words(method: str) -> str:
    """Return how the bands of curves were found."""
    if found := BANDS.fullmatch(method):
        return _("pointwise 95% bands, percentiles of {count} resamples of patients (seed {seed})").format(
            count=number(float(found[1].replace(",", ""))), seed=found[2]
        )
    return method


def share_words(share: float, decimals: int = 1) -> str:
    """Return a share in percent."""
    return _("{percent}%").format(percent=number(100 * share, decimals))
