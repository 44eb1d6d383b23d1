"""Where the labels of a data set come from: what each version changed, and what studies would change next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import EngineError
from engine.labels.making import came_with, versions_of
from engine.labels.studied import dataset_of, draft_from_study
from engine.reading import Draft, Store, Study
from engine.records import FIRST_VERSION, Index, LabelVersion, Sample
from engine.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelChange:
    """One label that a version gives otherwise than its parent.

    Attributes:
        sample: The image, with the label that it came with.
        before: The parent's label; None where it had none.
        after: The version's label; None where it has none any more.
        answers: How many answers are behind it.
    """

    sample: Sample
    before: str | None
    after: str | None
    answers: int


def changes_of(store: Store, index: Index) -> dict[int, tuple[LabelChange, ...]]:
    """Return what each version of a data set's labels changes in its parent's, by the version's number."""
    labels: dict[int, Mapping[str, str | None]] = {FIRST_VERSION: came_with(index)}
    known = {sample.image_id: sample for sample in index.samples}
    found: dict[int, tuple[LabelChange, ...]] = {FIRST_VERSION: ()}
    for version in versions_of(store, index):
        if version.parent is None:
            continue
        before = labels[version.parent]
        rows = store.labels.rows(index.dataset_id, version.number)
        labels[version.number] = {**before, **{row.image_id: row.label for row in rows}}
        found[version.number] = tuple(
            LabelChange(
                sample=known[row.image_id],
                before=before.get(row.image_id),
                after=row.label,
                answers=len(row.answers),
            )
            for row in rows
            if row.label != before.get(row.image_id) and row.image_id in known
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyOffer:
    """A study of a data set's images, and what its consensus would change in the newest labels.

    Attributes:
        study: Of these images.
        read: Whether it is closed, or everybody has read everything: until then its consensus is nobody's to see.
        draft: What would change; None where it is not read yet.
        trouble: Why it cannot become labels; empty where it can.
        made: The version that holds all its answers already; None where there is none.
    """

    study: Study
    read: bool
    draft: Draft | None
    trouble: str = ""
    made: int | None = None

    @property
    def fits(self) -> bool:
        """Whether a version can be made of it that is not there yet."""
        return self.draft is not None and bool(self.draft.changed) and self.made is None


def studies_of(workspace: Workspace, store: Store, index: Index) -> list[StudyOffer]:
    """Return the studies of a data set's images with what each would change in its labels, the newest first."""
    found, known = [], versions_of(store, index)
    runs = set(store.run_ids())
    for study in reversed(store.studies.all()):
        protocol = study.protocol
        if not protocol.dataset_id and protocol.run_id not in runs:
            continue
        if dataset_of(store, study) != index.dataset_id:
            continue
        progress = store.studies.progress(study.study_id)
        read = study.state == "closed" or (bool(progress) and all(each.read >= each.of for each in progress))
        drafted, trouble, made = None, "", None
        if read:
            try:
                drafted = draft_from_study(workspace, store, study)
            except EngineError as error:
                trouble = str(error)
        if drafted is not None:
            last = max((answer for row in drafted.rows for answer in row.answers), default=0)
            of_it = (one for one in known if one.made_from == study.study_id and one.row > last)
            made = next((one.number for one in of_it), None)
        found.append(StudyOffer(study=study, read=read, draft=drafted, trouble=trouble, made=made))
    return found


def made_from_words(store: Store, version: LabelVersion) -> str:
    """Name the run or the study whose readings a version was made from; empty for the labels that came."""
    if version.parent is None:
        return ""
    try:
        return f"study “{store.studies.get(version.made_from).name}”"
    except EngineError:
        return f"run {version.made_from}"
