"""Training on a version of the labels: the parts stay as they were, and no locked test case is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine import data
from engine.data import k_folds, kept_together, load_index, order_classes, split_index
from engine.errors import RunError, SplitError
from engine.labels.making import labels_of, versions_of
from engine.reading import Store, lineage, open_store
from engine.records import (
    FIRST_VERSION,
    PARTS,
    Index,
    LabelsUsed,
    LabelVersion,
    Part,
    Run,
    Sample,
    Split,
    TrainingRequest,
)
from engine.runs import find_run, models_of, split_of
from engine.workspace import Workspace

Labels = Mapping[str, str | None]


def relabelled(index: Index, labels: Labels) -> Index:
    """Return a data set with other labels; an image that they do not name has none."""
    samples = data.relabelled(index.samples, labels)
    classes = order_classes({label for label in samples.labels.there() if label is not None})
    return replace(index, samples=samples, classes=classes)


def splits_asked_for(workspace: Workspace, request: TrainingRequest) -> tuple[Index, tuple[Split, ...]]:
    """Return the data set with the labels that a training is to use, and its split, or one split a fold.

    Args:
        workspace: Holds the data set, its labels, and the run whose parts are kept.
        request: What is to be trained.

    Raises:
        SplitError: It cannot be split so, a locked test case would be trained on, or the labels are not those that
            were asked for.
        RunError: The run whose parts are to be kept is gone, or of other data.
    """
    index = load_index(workspace, request.dataset_id)
    if request.labels is None:
        return index, _split(index, request)
    with open_store(workspace.database) as store:
        return _on_labels(workspace, store, index, request, request.labels)


def _on_labels(
    workspace: Workspace, store: Store, index: Index, request: TrainingRequest, asked: LabelsUsed
) -> tuple[Index, tuple[Split, ...]]:
    known = versions_of(store, index)
    version = next((one for one in known if one.number == asked.number), None)
    if version is None or version.sha256 != asked.sha256:
        raise SplitError(
            f"The labels v{asked.number} of {index.name} are not those that were asked for",
            "Choose the version again",
            option="overread labels list",
        )
    after = labels_of(store, index, version.number)
    if asked.base_run:
        run = find_run(workspace, asked.base_run)
        if run.dataset_id != index.dataset_id:
            raise RunError(
                f"Run {run.run_id} was trained on other data than {index.name}",
                "Name a run of the same data set",
            )
        bases = _of_run(run, request.folds)
        before = labels_of(store, index, run.labels.number if run.labels else FIRST_VERSION)
    else:
        bases, before = _first_that_can_be_split(store, index, lineage(known, version), request)
    splits = tuple(keep_parts(index, base, before, after, number=version.number) for base in bases)
    for split in splits:
        refuse_locked(split, version, index)
    used_here = {sample.image_id for split in splits for sample in (*split.test, *split.val, *split.train)}
    tested = {sample.image_id for split in splits for sample in split.test}
    of_report = tested if request.folds else used_here  # an image that no fold tests is in no report
    return relabelled(index, {name: after[name] for name in of_report}), splits


def _of_run(run: Run, folds: int) -> tuple[Split, ...]:
    if run.folds != folds:
        raise SplitError(
            f"Run {run.run_id} has {f'{run.folds} folds' if run.folds else 'one split'}, and "
            f"{f'{folds} folds' if folds else 'one split'} cannot keep its parts",
            "Train as that run was trained",
        )
    return tuple(split_of(model) for model in models_of(run))


def _first_that_can_be_split(
    store: Store, index: Index, versions: Sequence[LabelVersion], request: TrainingRequest
) -> tuple[tuple[Split, ...], Labels]:
    """Split by the oldest labels that can be split, so that every later version has the same parts.

    Raises:
        SplitError: None of them can.
    """
    for version in versions:
        labels = labels_of(store, index, version.number)
        try:
            return _split(relabelled(index, labels), request), labels
        except SplitError:  # images without labels, that were labelled later
            if version is versions[-1]:
                raise
    raise AssertionError("there is no version")


def _split(index: Index, request: TrainingRequest) -> tuple[Split, ...]:
    if request.folds:
        return tuple(k_folds(index, k=request.folds, seed=request.split_seed))
    split = split_index(index, ratios=request.ratios, seed=request.split_seed, use_given=request.use_given)
    return (split,)


def keep_parts(index: Index, base: Split, before: Labels, after: Labels, *, number: int) -> Split:
    """Give other labels to a split whose parts stay as they are.

    An image without a label is left out. One that had none before comes to the part of its patient (or near
    duplicate), else to training; of a patient in the test part it is left out, so that the test cases stay the same.

    Args:
        index: The data set.
        base: The split.
        before: The labels it was made with.
        after: The labels to give.
        number: Of the version, to be named.
    """
    part_of: dict[str, Part] = {sample.image_id: part for part in PARTS for sample in base.part(part)}
    known = {sample.image_id: sample for sample in index.samples}
    fresh = {
        name for name, label in after.items()
        if label is not None and before.get(name) is None and name not in part_of and name in known
    }  # fmt: skip
    added, left_out = _placed(index, part_of, fresh, {**before, **{name: after[name] for name in fresh}})
    order = {image_id: place for place, image_id in enumerate(data.ids_of(index.samples))}
    parts: dict[Part, tuple[Sample, ...]] = {}
    for part in PARTS:
        here = [known.get(sample.image_id, sample) for sample in base.part(part)]
        here += [known[name] for name in added if added[name] == part]
        here.sort(key=lambda sample: order.get(sample.image_id, len(order)))
        parts[part] = tuple(
            replace(sample, label=label)
            for sample in here
            if (label := after.get(sample.image_id)) is not None
        )
    labels = {sample.label for part in PARTS for sample in parts[part] if sample.label is not None}
    gone = sum(len(base.part(part)) for part in PARTS) + len(added) - sum(map(len, parts.values()))
    method = base.method if number == FIRST_VERSION else f"{base.method}; labels v{number}"
    method += f", {gone:,} images without a label left out" if gone else ""
    method += f", {len(added):,} newly labelled images added" if added else ""
    method += (
        f", {left_out:,} left out because their patients or near duplicates are tested" if left_out else ""
    )
    return replace(
        base,
        train=parts["train"],
        val=parts["val"],
        test=parts["test"],
        classes=order_classes(labels),
        method=method,
    )


def _placed(
    index: Index, part_of: Mapping[str, Part], fresh: set[str], labels: Labels
) -> tuple[dict[str, Part], int]:
    """Return where newly labelled images go, and how many go nowhere."""
    if not fresh:
        return {}, 0
    added: dict[str, Part] = {}
    for group in kept_together(relabelled(index, labels)):
        names = [sample.image_id for sample in group if sample.image_id in fresh]
        parts = [part_of[sample.image_id] for sample in group if sample.image_id in part_of]
        part: Part = max(parts, key=PARTS.index, default="train")
        if part != "test":
            added |= dict.fromkeys(names, part)
    return added, len(fresh) - len(added)


def refuse_locked(split: Split, version: LabelVersion, index: Index) -> None:
    """Refuse to train or tune on the test cases that a version's labels were corrected beside, or on their patients.

    Raises:
        SplitError: It would be.
    """
    patients = {sample.patient_id for sample in index.samples if sample.image_id in version.locked}
    met = sum(
        sample.image_id in version.locked or sample.patient_id in patients
        for sample in (*split.train, *split.val)
    )
    if met:
        of_run = version.source == "assisted"
        cases = f"test cases{f' of run {version.made_from}' if of_run else ''}"
        raise SplitError(
            f"1 image would be trained or tuned on that is one of the {cases}, or of their patients: beside them "
            f"labels v{version.number} were corrected, and they are locked"
            if met == 1
            else f"{met:,} images would be trained or tuned on that are {cases}, or of their patients: beside them "
            f"labels v{version.number} were corrected, and they are locked",
            "Keep the parts of that run: leave out seed, shares and folds",
            option="--like RUN",
        )
