"""What the parts of a report, of its methods and of a paper are called on a page, in the language that is spoken."""

from __future__ import annotations

import re

from engine.language import N_, _, isolated
from engine.report.named.names import known_words, part_words, standard_words

PHASE = re.compile(r"Phase “(.*)”", re.DOTALL)
FACTS = frozenset(
    {
        N_("Data"),
        N_("Model"),
        N_("Training"),
        N_("Reading"),
        N_("Readings"),
        N_("Readers"),
        N_("Hashes (sha256)"),
        N_("Data set"),
        N_("Labels"),
        N_("Parts"),
        N_("Classes"),
        N_("Split"),
        N_("Version"),
        N_("Predictions"),
        N_("File"),
        N_("How it was read"),
        N_("Recipe"),
        N_("Source"),
        N_("Network"),
        N_("Starting weights"),
        N_("Starting weights: file"),
        N_("Starting weights: source"),
        N_("Starting weights: licence"),
        N_("Input"),
        N_("Test-time augmentation"),
        N_("Batch"),
        N_("Unequal classes"),
        N_("Augmentation"),
        N_("Epochs run"),
        N_("Seed"),
        N_("Device and time"),
        N_("Finished"),
        N_("Models"),
        N_("Calibration"),
        N_("Operating point"),
        N_("Operating point on validation"),
        N_("Predicted class"),
        N_("Uncertainty"),
        N_("Conformal sets"),
        N_("Heatmaps"),
        N_("Heatmaps put to the test"),
        N_("Software"),
        N_("Run"),
        N_("Images like those of training"),
        N_("Images, labels, patients and parts of the data set"),
        N_("Weights of the trained model"),
        N_("Split: image, label, patient and part"),
        N_("History of training"),
        N_("Anchor"),
    }
)
"""Groups of what was done, and what each line of a group is of."""
OF_PART = re.compile(r"images of the (.*) part")
HELD_AGAINST = re.compile(r"images with a result of the index test, against the (.*)", re.DOTALL)
ANALYSED = re.compile(r"images analysed against the (.*)", re.DOTALL)
STAGES = frozenset(
    {
        N_("files of images found"),
        N_("images indexed"),
        N_("images in the parts of the split"),
        N_("images with a result of the index test"),
        N_("images of the supplied predictions"),
        N_("images of the all parts"),
    }
)
SECTIONS = frozenset(
    {
        N_("Flow"),
        N_("Participants"),
        N_("Summary"),
        N_("Performance"),
        N_("Curves"),
        N_("Subgroups"),
        N_("Elsewhere"),
        N_("Heatmaps"),
        N_("Robustness"),
        N_("Readers"),
        N_("Cases"),
        N_("Methods"),
        N_("Limitations"),
        N_("Label errors"),
        N_("Protocol"),
        N_("All readers"),
        N_("Index test"),
        N_("Advice"),
        N_("Agreement"),
    }
)
OF_PAPER = frozenset(
    {
        N_("Title and abstract"),
        N_("Abstract"),
        N_("Introduction"),
        N_("Methods"),
        N_("Results"),
        N_("Test results"),
        N_("Discussion"),
        N_("Open science"),
        N_("Other information"),
        N_("Patient and public involvement"),
        N_("analysis"),
        N_("class imbalance"),
        N_("data"),
        N_("design"),
        N_("development"),
        N_("development against evaluation"),
        N_("ethics"),
        N_("evaluation"),
        N_("fairness"),
        N_("missing data"),
        N_("model output"),
        N_("model"),
        N_("outcome"),
        N_("participants"),
        N_("performance"),
        N_("predictors"),
        N_("reference standard"),
        N_("sample size"),
        N_("specification"),
        N_("split"),
        N_("test images"),
        N_("tests"),
        N_("training"),
        N_("updating"),
    }
)


def stage_words(name: str) -> str:
    """Return what enters or leaves a step of the flow of images."""
    if found := OF_PART.fullmatch(name):
        return _("images of the {part} part").format(part=part_words(found[1]))
    if found := HELD_AGAINST.fullmatch(name):
        told = _("images with a result of the index test, against the {standard}")
        return told.format(standard=standard_words(found[1]))
    if found := ANALYSED.fullmatch(name):
        return _("images analysed against the {standard}").format(standard=standard_words(found[1]))
    return known_words(name, STAGES)


def section_words(anchor: str) -> str:
    """Return what the section of a report is called, by its anchor."""
    return known_words(anchor.replace("-", " ").capitalize(), SECTIONS)


def paper_words(part: str) -> str:
    """Return what a checklist calls a part of a paper: “Methods: data”."""
    return ": ".join(known_words(one, OF_PAPER) for one in part.split(": "))


def fact_words(name: str) -> str:
    """Return what a group of what was done, or a line of it, is called."""
    if found := PHASE.fullmatch(name):
        return _("Phase “{name}”").format(name=isolated(found[1]))
    return known_words(name, FACTS)
