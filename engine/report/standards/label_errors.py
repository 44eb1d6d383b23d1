"""What searches for labels that may be wrong found, and what readers made of it: counted, and in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.data import cases_of
from engine.language import _, counted, in_digits, isolated, listed, ngettext, number
from engine.records import FIRST_VERSION, PART_NAMES, Estimate, Run
from engine.report.formatting import figure
from engine.report.named.names import part_words
from engine.report.pieces.label_errors import LabelCounts, LabelErrors, SearchedCase, SearchedLabels
from engine.report.records import Evidence
from engine.statistics import proportion

SUSPECT, CONTROL = "suspect", "control"


def label_errors_of(run: Run, evidence: Evidence) -> tuple[LabelErrors, ...]:
    """Return what came of each search among a run's images, in their order."""
    split = evidence.split
    known = (*evidence.predictions, *(cases_of(split) if split is not None else ()))
    patients = {one.image_id: one.patient_id for one in known}
    return tuple(_found(run, one, patients) for one in evidence.searches)


def _found(run: Run, search: SearchedLabels, patients: Mapping[str, str]) -> LabelErrors:
    suspects = [one for one in search.cases if one.suspected]
    pairs: dict[tuple[str, str], list[SearchedCase]] = {}
    for each in suspects:
        pairs.setdefault((each.label, each.likely), []).append(each)
    by_class = [
        _counts(label, likely, cases)
        for (label, likely), cases in sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    control = [one for one in search.cases if one.drawn == CONTROL]
    total, beside = _counts("", "", suspects), _counts("", "", control) if control else None
    changed = {
        group: _changed([one for one in search.cases if one.drawn == group], patients)
        for group in (SUSPECT, CONTROL)
        if beside is not None
    }
    return LabelErrors(
        run_id=search.run_id,
        folds=search.folds,
        at=search.at,
        study=search.study,
        finished=search.finished,
        readers=search.readers,
        images=search.images,
        searched=sum(search.images.values()),
        by_class=tuple(by_class),
        suspects=total,
        control=beside,
        changed=changed,
        versions=search.versions,
        trained_after=search.trained_after,
        sentences=tuple(_sentences(run, search, total, beside, changed)),
    )


def _counts(label: str, likely: str, cases: Sequence[SearchedCase]) -> LabelCounts:
    became = Counter(one.outcome for one in cases)
    return LabelCounts(
        label=label,
        likely=likely,
        images=len(cases),
        read=len(cases) - became["open"],
        upheld=became["upheld"],
        changed=became["changed"],
        undecided=became["undecided"],
        open=became["open"],
    )


def _changed(cases: Sequence[SearchedCase], patients: Mapping[str, str]) -> Estimate:
    settled = sorted((one for one in cases if one.read is not None), key=lambda one: one.image_id)
    return proportion(
        [one.outcome == "changed" for one in settled],
        [patients.get(one.image_id, one.image_id) for one in settled],
    )


# ------------------------------------------------------------------------------------------------------- in words


def _sentences(
    run: Run,
    search: SearchedLabels,
    suspects: LabelCounts,
    control: LabelCounts | None,
    changed: Mapping[str, Estimate],
) -> Iterator[str]:
    yield _searched(run, search, suspects)
    if not suspects.images:
        return
    yield _reading(search, suspects, control)
    if not suspects.read:
        yield _("None of the suspected labels has been read again yet: {open} open.").format(
            open=number(suspects.open)
        )
        return
    yield _(
        "Of the suspected labels {read} of {all} were read again: {upheld} upheld, {changed} changed, {undecided} "
        "undecided. Open, because not read yet: {open}."
    ).format(
        read=number(suspects.read),
        all=number(suspects.images),
        upheld=number(suspects.upheld),
        changed=number(suspects.changed),
        undecided=number(suspects.undecided),
        open=number(suspects.open),
    )
    told = changed.get(CONTROL)
    if told is not None and math.isfinite(told.low):
        yield _(
            "Of the labels drawn at random, readers changed a share of {value} (95% interval {low} to {high}): so many "
            "of the labels that were not read again would change as well, as far as these tell, and correcting the "
            "suspects alone leaves them."
        ).format(value=figure(told.value), low=figure(told.low), high=figure(told.high))
    if suspects.changed:
        yield from _made(run, search)


def _searched(run: Run, search: SearchedLabels, suspects: LabelCounts) -> str:
    """Say what was searched, by what, and how many labels were suspected."""
    if search.folds:
        told = _(
            "The labels of {images} were held against the model of the cross-validation that had not seen the image. "
            "Suspected, because another class was likelier than the label: {some}."
        )
    elif "test" in search.images:
        told = _(
            "The labels of {images} ({parts}) were held against a logistic regression on features of ImageNet "
            "weights, which was fitted on training and validation images alone. Suspected, because another class was "
            "likelier than the label: {some}."
        )
    else:
        told = _(
            "The labels of {images} ({parts}) were held against a logistic regression on features of ImageNet "
            "weights, each image against one that was fitted without its patient. Suspected, because another class was "
            "likelier than the label: {some}."
        )
    parts = _(", ").join(
        f"{part_words(PART_NAMES[part]) if part in PART_NAMES else part} {number(count)}"
        for part, count in search.images.items()
    )
    said = told.format(
        images=counted(sum(search.images.values()), "image"), parts=parts, some=number(suspects.images)
    )
    if search.run_id != run.run_id:
        said += " " + _("This was done with run {run}, whose parts this run keeps.").format(
            run=isolated(search.run_id)
        )
    return said


def _reading(search: SearchedLabels, suspects: LabelCounts, control: LabelCounts | None) -> str:
    """Say how suspects are read again, and by how many."""
    readers = counted(search.readers, "reader")
    if search.study:
        drawn = sum(one.drawn == SUSPECT for one in search.cases)
        told = _(
            "Given to {readers} to be read again blind: {suspects} suspects and {control} test images drawn at random, "
            "mixed so that no reader could tell which is which (study “{study}”)."
        ).format(
            readers=readers,
            suspects=number(drawn),
            control=number(control.images if control else 0),
            study=isolated(search.study),
        )
        if both := sum(one.suspected for one in search.cases if one.drawn == CONTROL):
            told += " " + ngettext(
                "{count} of those drawn at random was suspected as well.",
                "{count} of those drawn at random were suspected as well.",
                both,
            ).format(count=number(both))
        if search.finished:
            return told
        return told + " " + _("It is not finished, and nothing of its answers is counted before it is.")
    if not suspects.read:
        return _("They are in the queue “likely mislabelled” of the Review page.")
    return _(
        "Read by {readers} on the Review page, with the model's prediction beside the image, which biases readers "
        "towards it; the majority counts."
    ).format(readers=readers)


def _made(run: Run, search: SearchedLabels) -> Iterator[str]:
    """Say which version of the labels holds the changes, and whether this run was trained before or after it."""
    own = run.labels.number if run.labels else FIRST_VERSION
    if not search.versions:
        yield _(
            "No version of the labels holds these changes: this run was trained on labels v{own}, with the labels as "
            "they were."
        ).format(own=number(own))
        return
    names = listed(f"v{in_digits(str(one))}" for one in search.versions)
    told = (
        _("The changes are in labels {versions}; this run was trained on labels v{own}, after them.")
        if own >= search.versions[0]
        else _("The changes are in labels {versions}; this run was trained on labels v{own}, before them.")
    )
    yield told.format(versions=names, own=number(own))
    if search.trained_after:
        yield _("Trained again on such labels, with the same parts: {runs}.").format(
            runs=listed(search.trained_after)
        )
