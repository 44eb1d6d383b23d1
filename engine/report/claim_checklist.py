"""What a journal asks of a study of medical-imaging AI, after CLAIM 2024 (doi:10.1148/ryai.240300), in our words.

Some items follow from what the workspace holds and are answered; the others only a person can answer and stay open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.data import patient_overlap, patients_named
from engine.records import (
    PART_NAMES,
    PARTS,
    Estimate,
    ExternalTest,
    Part,
    Passport,
    Prediction,
    Run,
    Split,
    Supplied,
    recipe_of,
)
from engine.report.formatting import counted, images, in_brackets, without_paths
from engine.report.methods_section import balance_words, changes_words, fit_words, monitor_words
from engine.report.passport_words import passport_line
from engine.report.records import Item, ReviewSummary

SECTION_EVALUATION = "Methods: evaluation"
ASK_SUPPLIER = "Ask the supplier of the model, and state it."
EXTERNAL_QUESTION = "Was it tested on external data?"


def checklist(
    run: Run,
    *,
    part: Part | None,
    cases: Sequence[Prediction],
    split: Split | None,
    reviews: ReviewSummary,
    methods: Sequence[str],
    pointing: Estimate | None,
    passport: Passport | None = None,
    software: Mapping[str, str],
    subgroups: bool,
    wrong: bool,
) -> tuple[Item, ...]:
    """Answer what can be answered; arguments are those of a report, and whether it shows any wrong prediction."""
    items = (
        Item(
            "Title, abstract",
            "Is the use of AI, and its category, named in title and abstract?",
            "",
            "Write it.",
        ),
        Item(
            "Introduction",
            "What is the clinical background, the intended use and the hypothesis?",
            "",
            "Write it.",
        ),
        Item("Methods", "Is the study prospective or retrospective, and what is its goal?", "", "State it."),
        *of_data(run),
        *of_reference(reviews),
        *(of_split(split, run.folds) if run.supplied is None else of_no_split()),
        *of_model(run, software),
        *of_evaluation(methods, pointing, subgroups, passport),
        external_item(()) if run.supplied is None else external_throughout(run.supplied),
        *of_results(part, len(cases), wrong=wrong, supplied=run.supplied is not None),
        Item(
            "Discussion",
            "What are the limitations?",
            "See “What these results do not show”.",
            "Add the study's own.",
        ),
        Item("Discussion", "What does it mean for practice?", "", "Write it."),
        Item("Other", "Registration, protocol, code and data availability, funding?", "", "State each."),
    )
    return tuple(replace(item, answer=without_paths(item.answer)) for item in items)


def of_data(run: Run) -> tuple[Item, ...]:
    """Ask where the data come from and what was done to them."""
    section = "Methods: data"
    return (
        Item(
            section,
            "Where do the data come from?",
            f"Data set “{run.dataset_name}”, id {run.dataset_id}.",
            "Name hospitals, dates, scanners, licences and approvals.",
        ),
        Item(
            section,
            "Which patients were included and which left out?",
            "",
            "Give the criteria and a flow chart.",
        ),
        Item(
            section,
            "How were images prepared?",
            f"Whole image {fit_words(run.recipe)}; {counted(run.recipe.channels, 'channel')}."
            if run.recipe
            else "",
            "" if run.recipe else ASK_SUPPLIER,
        ),
        Item(
            section,
            "How was privacy kept?",
            "This report contains no file names, paths or patient identifiers; cases are named by a checksum.",
            "Say how the source data were de-identified; check images for burnt-in text.",
        ),
        Item(
            section,
            "How were missing data handled?",
            "Cases without a label in a reference standard are excluded from its results and counted by reason.",
            "",
        ),
    )


def of_reference(reviews: ReviewSummary) -> tuple[Item, ...]:
    """Ask what the predictions are held against, and who says so."""
    section, readers, agreement = "Methods: reference", reviews.readers, reviews.agreement
    return (
        Item(section, "How was the reference standard defined, and why this one?", "", "State it."),
        Item(
            section,
            "Who read the cases, with what training?",
            f"{counted(readers, 'reader')} read cases in Overread with the prediction in view."
            if readers
            else "",
            "Give readers' professions and years of experience, and who made the original labels.",
        ),
        Item(
            section,
            "How far do readers agree?",
            f"Between readers {in_brackets(agreement[0].name, agreement[0].estimate)}." if agreement else "",
            ""
            if agreement and math.isfinite(agreement[0].estimate.value)
            else "Have two readers read the same cases, more than one class among them.",
        ),
    )


def of_split(split: Split | None, folds: int = 0) -> tuple[Item, ...]:
    """Ask how cases were split into parts."""
    how = overlap = ""
    if split is not None:
        sizes = "; ".join(
            f"{PART_NAMES[part]} {images(known.images)}"
            + ("" if known.count is None else f" of {counted(known.count, 'patient')}")
            for part, known in ((part, patients_named(split.part(part))) for part in PARTS)
            if known.images or not folds
        )
        how = f"{split.method}, seed {split.seed}; {sizes}."
        overlap = f"{patient_overlap(split, 'folds' if folds else 'parts').capitalize()}."
    section, left = "Methods: split", "" if split else "State it."
    return (
        Item(section, "How were data split?", how, left),
        Item(section, "At what level do the parts not overlap?", overlap, left),
        Item(section, "How was the sample size chosen?", "", "Give the reasoning."),
    )


def of_no_split() -> tuple[Item, ...]:
    """Ask the same where no case was trained on here."""
    section = "Methods: split"
    none = "They were not: the model was not trained on these data in Overread, and every case tests it."
    return (
        Item(section, "How were data split?", none, ""),
        Item(section, "At what level do the parts not overlap?", "", ASK_SUPPLIER),
        Item(section, "How was the sample size chosen?", "", "Give the reasoning."),
    )


def of_model(run: Run, software: Mapping[str, str]) -> tuple[Item, ...]:
    """Ask what the model is and how it was trained."""
    if run.supplied is not None:
        return of_supplied(run.supplied, software)
    recipe = recipe_of(run)
    monitored = dict.fromkeys(monitor_words(phase) for phase in recipe.phases)
    answers = (
        (
            "Methods: model",
            "What is the model?",
            f"{recipe.backbone} with {run.parameters:,} parameters; recipe “{recipe.name}”.",
        ),
        (
            "Methods: model",
            "What software was used?",
            ", ".join(f"{name} {number}" for name, number in software.items()) + ".",
        ),
        ("Methods: model", "How were weights initialised?", f"{run.weights_source}."),
        (
            "Methods: training",
            "How was it trained?",
            f"{counted(len(recipe.phases), 'phase')}, batch {recipe.batch_size}, unequal classes: "
            f"{balance_words(recipe.balance)}; augmentation: {changes_words(recipe)}. Details are in "
            "“Methods”.",
        ),
        (
            "Methods: training",
            "How was the final model chosen?",
            f"The best epoch on validation data by {', '.join(monitored)}. A single model, no ensemble."
            if monitored
            else "",
        ),
    )
    return tuple(
        Item(section, question, answer, "" if answer else "State it.")
        for section, question, answer in answers
    )


def of_supplied(supplied: Supplied, software: Mapping[str, str]) -> tuple[Item, ...]:
    """Ask what a supplied model is and how it was trained: most of it only its supplier can answer."""
    versions = ", ".join(f"{name} {number}" for name, number in software.items())
    return (
        Item(
            "Methods: model",
            "What is the model?",
            f"{supplied.title}. Its predictions were supplied; Overread did not compute them.",
            ASK_SUPPLIER,
        ),
        Item("Methods: model", "What software was used?", f"For the figures: {versions}.", ASK_SUPPLIER),
        Item("Methods: model", "How were weights initialised?", "", ASK_SUPPLIER),
        Item("Methods: training", "How was it trained?", "", ASK_SUPPLIER),
        Item("Methods: training", "How was the final model chosen?", "", ASK_SUPPLIER),
    )


def of_evaluation(
    methods: Sequence[str], pointing: Estimate | None, subgroups: bool, passport: Passport | None = None
) -> tuple[Item, ...]:
    """Ask how the model was put to the test."""
    section = SECTION_EVALUATION
    explained = f"{', '.join(methods)}. " if methods else ""
    if pointing is not None:
        explained += f"The peak lay on the known finding {in_brackets('hit rate', pointing)}. "
    compared = pointing is not None
    if passport is not None:
        compared = compared or any(one.name == "pointing" for one in passport.figures)
        explained += f"On validation images: {passport_line(passport)}"
    return (
        Item(
            section,
            "Which metrics, and how certain are they?",
            "Listed in “Metrics”, each with its 95% interval and the name of the method, or why it has none.",
            "Name the primary metric.",
        ),
        Item(
            section,
            "How robust is the model?",
            "Figures by subgroup are given." if subgroups else "",
            "Test it on other scanners, sites and patient groups.",
        ),
        Item(
            section,
            "How are predictions explained, and was that validated?",
            explained.strip(),
            "" if compared else "Compare heatmaps with drawn findings.",
        ),
    )


def external_item(tests: Sequence[ExternalTest]) -> Item:
    """Ask whether the model was tested on images from elsewhere."""
    named = "; ".join(f"{test.dataset_name} ({images(test.images)})" for test in tests)
    return Item(
        SECTION_EVALUATION,
        EXTERNAL_QUESTION,
        f"Yes, see “Images from elsewhere”: {named}." if tests else "",
        "State where they come from." if tests else "Test it on external data, or state that it was not.",
    )


def external_throughout(supplied: Supplied) -> Item:
    """Answer the same of supplied predictions, all of which are on images from elsewhere."""
    return Item(
        SECTION_EVALUATION,
        EXTERNAL_QUESTION,
        f"Yes: every case is taken as external to {supplied.title}, which was not trained in Overread.",
        "Have the supplier state that the model had not seen these images.",
    )


def of_results(part: Part | None, cases: int, *, wrong: bool, supplied: bool = False) -> tuple[Item, ...]:
    """Ask what came out."""
    which = f" of the {PART_NAMES[part]} part" if part else ", whatever part of the split they are of"
    return (
        Item(
            "Results",
            "How many cases were evaluated?",
            f"{counted(cases, 'case')}{', all external testing' if supplied else which}.",
            "",
        ),
        Item("Results", "Who are the patients in each part?", "", "Give age, sex and severity by part."),
        Item(
            "Results",
            "What is the performance, with uncertainty?",
            "See “Metrics”, by reference standard.",
            "",
        ),
        Item(
            "Results",
            "Where does it fail?",
            "See the gallery of contradicted cases." if wrong else "",
            "Describe the patterns."
            if wrong
            else "No case is contradicted here: say on how many this rests.",
        ),
    )
