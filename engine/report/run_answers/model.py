"""What a report says of the model, its training and its use, for checklists."""

from __future__ import annotations

from engine.data import patient_overlap, patients_named
from engine.language import _, counted, isolated, listed, ngettext, number
from engine.records import PART_NAMES, PARTS, recipe_of
from engine.report.formatting import operating_words
from engine.report.methods_section import balance_words, changes_words, monitor_words
from engine.report.named.names import capitalized, part_words
from engine.report.named.of_facts import fact_value_words
from engine.report.records import Report
from engine.retelling import retold


def split(report: Report) -> str:
    """Say how cases were assigned to parts."""
    if report.run.supplied is not None:
        return _(
            "They were not: the model was not trained on these data in Overread, and every case tests it."
        )
    known = report.evidence.split
    if known is None:
        return ""
    sizes = []
    for part in PARTS:
        of = patients_named(known.part(part))
        if not of.images and report.run.folds:
            continue
        said = counted(of.images, "image")
        if of.count is not None:
            said = _("{images} of {patients}").format(images=said, patients=counted(of.count, "patient"))
        sizes.append(f"{part_words(PART_NAMES[part])} {said}")
    return _("{method}, seed {seed}; {sizes}.").format(
        method=retold(known.method), seed=number(known.seed), sizes=_("; ").join(sizes)
    )


def overlap(report: Report) -> str:
    """Say at which level parts are apart."""
    known = report.evidence.split
    if known is None or report.run.supplied is not None:
        return ""
    return f"{capitalized(retold(patient_overlap(known, 'folds' if report.run.folds else 'parts')))}."


def model(report: Report) -> str:
    """Say what the model is."""
    run = report.run
    if run.supplied is not None:
        return ""
    return _("{network} with {count} parameters; recipe “{recipe}”.").format(
        network=isolated(recipe_of(run).backbone),
        count=number(run.parameters),
        recipe=isolated(recipe_of(run).name),
    )


def software(report: Report) -> str:
    """Name what computed, with versions."""
    return next((f"{isolated(fact.value)}." for fact in report.facts if fact.name == "Software"), "")


def weights(report: Report) -> str:
    """Say what training began with."""
    source = report.run.weights_source if report.run.recipe else ""
    return f"{fact_value_words('Starting weights', source)}." if source else ""


def training(report: Report) -> str:
    """Say how it was trained."""
    if report.run.supplied is not None:
        return ""
    recipe = recipe_of(report.run)
    told = ngettext(
        "{count} phase, batch {size}, unequal classes: {balance}; augmentation: {changes}.",
        "{count} phases, batch {size}, unequal classes: {balance}; augmentation: {changes}.",
        len(recipe.phases),
    )
    return told.format(
        count=number(len(recipe.phases)),
        size=number(recipe.batch_size),
        balance=retold(balance_words(recipe.balance)),
        changes=retold(changes_words(recipe)),
    )


def chosen(report: Report) -> str:
    """Say how the epoch was chosen that was kept."""
    if report.run.supplied is not None:
        return ""
    monitored = dict.fromkeys(retold(monitor_words(phase)) for phase in recipe_of(report.run).phases)
    told = _("The best epoch on validation data by {figures}.")
    return told.format(figures=_(", ").join(monitored)) if monitored else ""


def single(report: Report) -> str:
    """Say whether several models speak together."""
    if report.run.supplied is not None:
        return ""
    if report.run.folds:
        told = _("{count} models of a cross-validation; each case is tested by one of them.")
        return told.format(count=number(report.run.folds))
    return _("A single model, no ensemble.")


def balance(report: Report) -> str:
    """Say what was done about unequal classes."""
    recipe = report.run.recipe
    told = _("Unequal classes in training: {balance}.")
    return told.format(balance=retold(balance_words(recipe.balance))) if recipe else ""


def operating(report: Report) -> str:
    """Say from where on a case is positive, and where that was chosen."""
    facts = {fact.name: fact.value for fact in report.facts}
    said = [
        fact_value_words(name, facts[name])
        for name in ("Operating point", "Predicted class")
        if name in facts
    ]
    return " ".join(
        f"{capitalized(one)}." for one in [*said, *filter(None, [operating_words(report.run).rstrip(".")])]
    )


def inputs(report: Report) -> str:
    """Say what the model knows of a case."""
    return (
        ""
        if report.run.supplied
        else _("The image is all that the model is given; no clinical fact and no label.")
    )


def outputs(report: Report) -> str:
    """Say what the model gives."""
    return _("A probability for each of: {names}.").format(names=listed(report.classes))


def applied(report: Report) -> str:
    """Say how predictions came about."""
    if report.run.supplied is not None:
        told = _("The predictions of {model} were supplied.")
        return told.format(model=isolated(report.run.supplied.title))
    return _(
        "The kept weights were applied to every image as it was prepared in training, without augmentation."
    )


def stored(report: Report) -> str:
    """Say whether what was put out can be audited."""
    anchor = next((fact.value for fact in report.facts if fact.name == "Anchor"), "")
    told = _("Predictions and readings are kept; readings are chained by hash, newest row {anchor}.")
    return told.format(anchor=isolated(anchor)) if anchor else ""
