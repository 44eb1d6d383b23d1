"""A version of a data set's labels, made from what was read of a run's cases."""

from __future__ import annotations

from collections.abc import Mapping

from engine.data import labels_by_id, load_index
from engine.errors import ReviewError
from engine.language import count_of
from engine.reading import Draft, Said, Store, draft, fingerprint, lineage
from engine.records import (
    FIRST_VERSION,
    Index,
    LabelRule,
    LabelsUsed,
    LabelVersion,
    Run,
    Verdict,
)
from engine.runs import split_of
from engine.workspace import Workspace


def came_with(index: Index) -> dict[str, str | None]:
    """Return the labels that came with a data set, by image id."""
    return labels_by_id(index.samples)


def versions_of(store: Store, index: Index) -> list[LabelVersion]:
    """Return the versions of a data set's labels, the first one first: it is there before anything is stored."""
    known = store.labels.versions(index.dataset_id)
    if known:
        return known
    came = came_with(index)
    return [
        LabelVersion(
            dataset_id=index.dataset_id,
            number=FIRST_VERSION,
            parent=None,
            source="came with data",
            images=len(came),
            sha256=fingerprint(came),
        )
    ]


def version_named(store: Store, index: Index, name: str) -> LabelVersion:
    """Return the version of a name: v3 or 3, or the newest by "latest".

    Raises:
        ReviewError: There is none.
    """
    known = versions_of(store, index)
    if name == "latest":
        return known[-1]
    for version in known:
        if name.removeprefix("v") == str(version.number):
            return version
    there = ", ".join(f"v{version.number}" for version in known)
    raise ReviewError(f"{index.name} has no labels “{name}”", f"Choose one of {there}, or “latest”")


def labels_of(store: Store, index: Index, number: int) -> Mapping[str, str | None]:
    """Return the labels of a version, by image id.

    Raises:
        StoreError: There is none of that number.
    """
    if number == FIRST_VERSION:
        return came_with(index)
    return store.labels.of_version(index.dataset_id, number)


def base_run_of(workspace: Workspace, store: Store, version: LabelVersion) -> str:
    """Return the newest run, still there, whose readings a version or one before it is from; empty where there is none.

    To train on the version with the parts of that run is to be tested on the same cases.
    """
    known = store.labels.versions(version.dataset_id)
    for one in reversed(lineage(known, version) if known else []):
        if one.source == "assisted" and (workspace.runs / one.made_from / "run.json").is_file():
            return one.made_from
    return ""


def used(version: LabelVersion, *, base_run: str = "") -> LabelsUsed:
    """Return what a run keeps of the version that it is trained on, the first one too: it may keep a run's parts."""
    return LabelsUsed(
        number=version.number, sha256=version.sha256, sentence=version.without_names, base_run=base_run
    )


def said_of_run(store: Store, run: Run) -> list[Said]:
    """Return the last word of each reader on each case of a run."""
    return [
        Said(
            image_id=review.image_id,
            reader=review.reader,
            label=review.label if review.verdict in (Verdict.AGREE, Verdict.OVERRULE) else None,
            answer=review.review_id or 0,
        )
        for review in store.reviews(run.run_id, latest=True)
    ]


def draft_from_run(
    workspace: Workspace,
    store: Store,
    run: Run,
    *,
    rule: LabelRule = "majority",
    parent: int | None = None,
    unlabel: bool = False,
) -> Draft:
    """Work out what the readings of a run's cases change; its test cases keep their labels.

    They were read beside the prediction: to correct the labels of the test part by them would move the test towards
    the model.

    Args:
        workspace: Holds the data set.
        store: With the readings.
        run: Whose cases were read.
        rule: How several readers become one label: see `engine.reading.draft`.
        parent: The version that is changed; None means the newest.
        unlabel: Whether an image whose readings do not become a label loses the one that it has.

    Raises:
        ReviewError: The run is a cross-validation.
        DataError: The data set is gone.
    """
    if run.folds:
        raise ReviewError(
            f"Run {run.run_id} is a cross-validation, in which every case is a test case, and the label of a test case "
            "is corrected by a blinded reading alone",
            "Read the cases of a run that was trained without folds",
        )
    index = load_index(workspace, run.dataset_id)
    number = versions_of(store, index)[-1].number if parent is None else parent
    return draft(
        labels_of(store, index, number),
        said_of_run(store, run),
        parent=number,
        source="assisted",
        made_from=run.run_id,
        rule=rule,
        locked=[sample.image_id for sample in split_of(run).test],
        unlabel=unlabel,
    )


def make(workspace: Workspace, store: Store, dataset_id: str, drafted: Draft) -> LabelVersion:
    """Store a version.

    Raises:
        ReviewError: Nothing was read, or no label would change.
    """
    if not drafted.changed:
        raise ReviewError(f"No label would change: {drafted_words(drafted)}", "Read cases, then try again")
    return store.labels.add(dataset_id, came_with(load_index(workspace, dataset_id)), drafted)


def drafted_words(drafted: Draft) -> str:
    """Say what readings make of the labels: what changes, what is confirmed, and what stays and why."""
    if not drafted.rows:
        return "no case has been read"
    kept = sum(drafted.kept.values())
    parts = [
        f"{count_of(len(drafted.rows), 'image')} read",
        f"{count_of(len(drafted.changed), 'label')} changed",
        f"{len(drafted.rows) - kept - _settled(drafted):,} confirmed",
        *kept_words(drafted.kept),
    ]
    return ", ".join(parts)


def _settled(drafted: Draft) -> int:
    """Count the labels that changed because readings said so, not because they said nothing."""
    why = {row.image_id: row.reason for row in drafted.rows}
    return sum(not why[image_id] for image_id in drafted.changed)


def kept_words(kept: Mapping[str, int]) -> list[str]:
    """Say of how many images the readings did not become a label, and why."""
    return [f"{count:,} not settled ({reason})" for reason, count in kept.items()]
