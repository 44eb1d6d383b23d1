"""Searches for labels that may be wrong: kept with the run when one is asked for, and what readers made of them.

The class that was the likeliest is in no reading and in no version of the labels, and neither is how many images were
searched: so what was found is kept when it is found, and a report tells searches that were asked for, and no others.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError, RunError
from engine.kept_files import MIB, JsonFile, read_json
from engine.labels.making import said_of_run
from engine.labels.retraining import trained_after
from engine.reading import Store, Study, draft
from engine.records import FIRST_VERSION, DoubtedLabel, LabelSearch, LabelSearches, LabelVersion, Run
from engine.report import SearchedCase, SearchedLabels
from engine.runs import load_run
from engine.storage import versioned, write_atomic
from engine.workspace import Workspace

if TYPE_CHECKING:  # torch, which no report waits for
    from engine.labels.suspicion import Suspect

SEARCHES_FILE = "label-searches.json"


def keep_search(run: Run, found: Sequence[Suspect], *, study_id: str = "") -> None:
    """Keep a search with its run; one for the queue takes the place of the last one for the queue.

    Args:
        run: Whose images were searched.
        found: All of them, suspected or not.
        study_id: Of the study that was made of it.

    Raises:
        RunError: What is kept already is damaged.
        WorkspaceError: The run's folder cannot be written to.
    """
    search = LabelSearch(
        folds=bool(run.folds),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        images=dict(Counter(one.part or "" for one in found)),
        suspects=tuple(
            DoubtedLabel(
                image_id=one.image_id,
                part=one.part,
                label=one.label,
                likely=one.likely,
                suspicion=one.suspicion,
            )
            for one in found
            if one.suspected
        ),
        study_id=study_id,
    )
    others = [one for one in load_searches(run.folder) if one.study_id != study_id]
    facts = versioned(dataclasses.asdict(LabelSearches(searches=(*others, search))))
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(run.folder / SEARCHES_FILE, text)


def load_searches(folder: Path) -> tuple[LabelSearch, ...]:
    """Read a run's searches; none where none was asked for, or an earlier version did it and kept nothing of it.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return read_json(folder / SEARCHES_FILE, SEARCHES).searches
    except FileNotFoundError:
        return ()


SEARCHES = JsonFile(
    record=LabelSearches,
    error=RunError,
    remedy="Delete {file} in {folder} and search again",
    option="overread labels suspects {folder}",
    fields=("Report", "Labels"),
    largest=64 * MIB,
)


def searches_of(workspace: Workspace, store: Store, run: Run, said: list[str]) -> tuple[SearchedLabels, ...]:
    """Return the searches among a run's images, its own and those of the run whose parts it keeps.

    Args:
        workspace: Holds both runs.
        store: Holds the readings, the studies and the versions of the labels.
        run: A finished run.
        said: Gets a sentence where what is kept of a search is damaged, and left out.
    """
    base = run.labels.base_run if run.labels else ""
    folders = [workspace.runs / base, run.folder] if base else [run.folder]
    after, kept = trained_after(workspace, run), list[tuple[Run, LabelSearch]]()
    for folder in folders:
        try:
            if (folder / SEARCHES_FILE).is_file():  # the other run may have been deleted
                owner = run if folder == run.folder else load_run(folder)
                kept += [(owner, search) for search in load_searches(folder)]
        except RunError as error:
            said.append(str(error))
    return tuple(_searched(store, owner, search, after) for owner, search in kept)


def _searched(store: Store, owner: Run, search: LabelSearch, after: Sequence[Run]) -> SearchedLabels:
    study = _study(store, search.study_id)
    cases = tuple(_read_blind(store, owner, search, study) if study else _read_beside(store, owner, search))
    versions = tuple(
        one.number
        for one in store.labels.versions(owner.dataset_id)
        if one.made_from == (search.study_id or owner.run_id) and _later(one, search)
    )
    known = {one.image_id for one in cases}
    beside = [] if search.study_id else [one for one in said_of_run(store, owner) if one.image_id in known]
    readers = study.protocol.readers if study else {one.reader for one in beside}
    return SearchedLabels(
        run_id=owner.run_id,
        folds=search.folds,
        at=search.at,
        images=search.images,
        study=study.name if study else search.study_id,
        finished=study is None or _finished(store, study),
        readers=len(readers),
        cases=cases,
        versions=versions,
        trained_after=tuple(
            one.run_id for one in after if versions and one.labels and one.labels.number >= versions[0]
        ),
    )


def _later(version: LabelVersion, search: LabelSearch) -> bool:
    """Tell whether a version was made after a search, so that what the search led to can be in it."""
    return version.number > FIRST_VERSION and (
        version.created is None or version.created >= datetime.fromisoformat(search.at)
    )


def _study(store: Store, study_id: str) -> Study | None:
    try:
        return store.studies.get(study_id) if study_id else None
    except EngineError:  # its answers are gone with it: all suspects are open
        return None


def _finished(store: Store, study: Study) -> bool:
    """Tell whether a study is read; before, its consensus is nobody's to see."""
    progress = store.studies.progress(study.study_id)
    return study.state == "closed" or (bool(progress) and all(each.read >= each.of for each in progress))


def _read_beside(store: Store, owner: Run, search: LabelSearch) -> Iterator[SearchedCase]:
    """Yield suspects as they were read on the Review page, beside the prediction, by the majority of readers."""
    labels: Mapping[str, str | None] = {one.image_id: one.label for one in search.suspects}
    said = [] if search.study_id else said_of_run(store, owner)
    drafted = draft(labels, said, parent=FIRST_VERSION, source="assisted", made_from=owner.run_id)
    read = {row.image_id: None if row.reason else row.label for row in drafted.rows}
    for one in search.suspects:
        yield _case(one, "", read)


def _read_blind(store: Store, owner: Run, search: LabelSearch, study: Study) -> Iterator[SearchedCase]:
    """Yield suspects and their control as they were read in a study; nothing of it before it is finished."""
    drawn = store.labels.drawn_as(study.study_id)
    read = store.studies.consensus(study.study_id) if _finished(store, study) else {}
    suspects = {one.image_id: one for one in search.suspects}
    for one in search.suspects:
        yield _case(one, drawn.get(one.image_id, ""), read)
    for case in store.predictions(owner.run_id, part="test"):
        if case.image_id in drawn and case.image_id not in suspects and case.label is not None:
            unsuspected = DoubtedLabel(
                image_id=case.image_id, part=case.part, label=case.label, likely=case.label, suspicion=0
            )
            yield _case(unsuspected, drawn[case.image_id], read)


def _case(one: DoubtedLabel, drawn: str, read: Mapping[str, str | None]) -> SearchedCase:
    return SearchedCase(
        image_id=one.image_id,
        part=one.part,
        label=one.label,
        likely=one.likely,
        drawn=drawn,
        answered=one.image_id in read,
        read=read.get(one.image_id),
    )
