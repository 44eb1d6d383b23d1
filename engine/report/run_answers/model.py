"""What a report says of the model, its training and its use, for checklists."""

from __future__ import annotations

from engine.data import patient_overlap, patients_named
from engine.records import PART_NAMES, PARTS, recipe_of
from engine.report.formatting import counted, images, operating_words
from engine.report.methods_section import balance_words, changes_words, monitor_words
from engine.report.records import Report


def split(report: Report) -> str:
    """Say how cases were assigned to parts."""
    if report.run.supplied is not None:
        return "They were not: the model was not trained on these data in Overread, and every case tests it."
    known = report.evidence.split
    if known is None:
        return ""
    parts = ((part, patients_named(known.part(part))) for part in PARTS)
    sizes = "; ".join(
        f"{PART_NAMES[part]} {images(of.images)}"
        + ("" if of.count is None else f" of {counted(of.count, 'patient')}")
        for part, of in parts
        if of.images or not report.run.folds
    )
    return f"{known.method}, seed {known.seed}; {sizes}."


def overlap(report: Report) -> str:
    """Say at which level parts are apart."""
    known = report.evidence.split
    if known is None or report.run.supplied is not None:
        return ""
    return f"{patient_overlap(known, 'folds' if report.run.folds else 'parts').capitalize()}."


def model(report: Report) -> str:
    """Say what the model is."""
    run = report.run
    if run.supplied is not None:
        return ""
    return f"{recipe_of(run).backbone} with {run.parameters:,} parameters; recipe “{recipe_of(run).name}”."


def software(report: Report) -> str:
    """Name what computed, with versions."""
    return next((f"{fact.value}." for fact in report.facts if fact.name == "Software"), "")


def weights(report: Report) -> str:
    """Say what training began with."""
    return f"{report.run.weights_source}." if report.run.recipe and report.run.weights_source else ""


def training(report: Report) -> str:
    """Say how it was trained."""
    if report.run.supplied is not None:
        return ""
    recipe = recipe_of(report.run)
    return (
        f"{counted(len(recipe.phases), 'phase')}, batch {recipe.batch_size}, unequal classes: "
        f"{balance_words(recipe.balance)}; augmentation: {changes_words(recipe)}."
    )


def chosen(report: Report) -> str:
    """Say how the epoch was chosen that was kept."""
    if report.run.supplied is not None:
        return ""
    monitored = dict.fromkeys(monitor_words(phase) for phase in recipe_of(report.run).phases)
    return f"The best epoch on validation data by {', '.join(monitored)}." if monitored else ""


def single(report: Report) -> str:
    """Say whether several models speak together."""
    if report.run.supplied is not None:
        return ""
    if report.run.folds:
        return f"{report.run.folds} models of a cross-validation; each case is tested by one of them."
    return "A single model, no ensemble."


def balance(report: Report) -> str:
    """Say what was done about unequal classes."""
    recipe = report.run.recipe
    return f"Unequal classes in training: {balance_words(recipe.balance)}." if recipe else ""


def operating(report: Report) -> str:
    """Say from where on a case is positive, and where that was chosen."""
    facts = {fact.name: fact.value for fact in report.facts}
    said = [facts[name] for name in ("Operating point", "Predicted class") if name in facts]
    return " ".join(
        f"{one[:1].upper()}{one[1:]}."
        for one in [*said, *filter(None, [operating_words(report.run).rstrip(".")])]
    )


def inputs(report: Report) -> str:
    """Say what the model knows of a case."""
    return (
        ""
        if report.run.supplied
        else "The image is all that the model is given; no clinical fact and no label."
    )


def outputs(report: Report) -> str:
    """Say what the model gives."""
    return f"A probability for each of: {', '.join(report.classes)}."


def applied(report: Report) -> str:
    """Say how predictions came about."""
    if report.run.supplied is not None:
        return f"The predictions of {report.run.supplied.title} were supplied."
    return (
        "The kept weights were applied to every image as it was prepared in training, without augmentation."
    )


def stored(report: Report) -> str:
    """Say whether what was put out can be audited."""
    anchor = next((fact.value for fact in report.facts if fact.name == "Anchor"), "")
    return (
        f"Predictions and readings are kept; readings are chained by hash, newest row {anchor}."
        if anchor
        else ""
    )
