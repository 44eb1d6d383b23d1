"""Other labels, the same parts: what was tested before is tested again, and is never trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from engine.data import save_index, split_index
from engine.errors import SplitError
from engine.labels.making import (
    base_run_of,
    came_with,
    draft_from_run,
    drafted_words,
    make,
    used,
    version_named,
)
from engine.labels.parts import keep_parts, relabelled, splits_asked_for
from engine.reading import Reader, Store, open_store
from engine.records import PARTS, Index, LabelsUsed, Review, Run, Sample, Split, TrainingRequest, Verdict
from engine.runs import save_run
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE

OTHER = {"normal": "opacity", "opacity": "normal"}


def ids(split: Split) -> dict[str, set[str]]:
    return {part: {sample.image_id for sample in split.part(part)} for part in PARTS}


def request_for(index: Index, used_labels: LabelsUsed | None, **more: object) -> TrainingRequest:
    asked = TrainingRequest(recipe=TINY_RECIPE, dataset_id=index.dataset_id, labels=used_labels)
    return replace(asked, **more)  # type: ignore[arg-type]


@pytest.fixture
def read(trained: tuple[Workspace, Run], tiny_index: Index, tmp_path: Path) -> tuple[Workspace, Store, Run]:
    """The run of the tests, whose first four validation and four test cases somebody overrules."""
    import shutil

    from engine.workspace import open_workspace

    root = tmp_path / "read"
    shutil.copytree(trained[0].root, root, ignore=shutil.ignore_patterns("cache"))
    workspace = open_workspace(root)
    run = replace(trained[1], folder=workspace.runs / trained[1].run_id)
    store = open_store(workspace.database)
    store.add_reader(Reader(reader_id="", name="Ada"))
    for part in ("val", "test"):
        for case in store.predictions(run.run_id, part)[:4]:  # type: ignore[arg-type]
            wanted = OTHER[str(case.label)]
            verdict = Verdict.AGREE if wanted == case.predicted else Verdict.OVERRULE
            store.add_review(
                Review(run_id=run.run_id, image_id=case.image_id, reader="Ada", verdict=verdict, label=wanted)
            )
    return workspace, store, run


def test_training_on_a_version_keeps_every_image_in_its_part_with_the_label_of_the_version(
    read: tuple[Workspace, Store, Run], tiny_index: Index, tiny_split: Split
) -> None:
    workspace, store, run = read
    version = make(workspace, store, tiny_index.dataset_id, draft_from_run(workspace, store, run))
    assert version.changed == 4 and version.locked == ids(tiny_split)["test"]
    assert base_run_of(workspace, store, version) == run.run_id
    _, (split,) = splits_asked_for(workspace, request_for(tiny_index, used(version, base_run=run.run_id)))
    assert ids(split) == ids(tiny_split)
    labels = store.labels.of_version(tiny_index.dataset_id, 2)
    assert all(sample.label == labels[sample.image_id] for part in PARTS for sample in split.part(part))
    before = came_with(tiny_index)
    assert sum(sample.label != before[sample.image_id] for sample in split.val) == 4
    assert all(sample.label == before[sample.image_id] for sample in split.test)


def test_what_was_read_of_test_cases_is_counted_and_does_not_become_their_label(
    read: tuple[Workspace, Store, Run],
) -> None:
    workspace, store, run = read
    assert drafted_words(draft_from_run(workspace, store, run)) == (
        "8 images read, 4 labels changed, 0 confirmed, 4 not settled "
        "(test case: its label is corrected by a blinded reading alone)"
    )


@pytest.mark.parametrize("more", [{"split_seed": 5}, {"folds": 4}, {"ratios": (0.8, 0.1, 0.1)}])
def test_a_locked_test_case_is_never_trained_on_however_the_data_are_split(
    read: tuple[Workspace, Store, Run], tiny_index: Index, more: dict[str, object]
) -> None:
    workspace, store, run = read
    version = make(workspace, store, tiny_index.dataset_id, draft_from_run(workspace, store, run))
    with pytest.raises(SplitError, match=r"test cases of run .* they are locked"):
        splits_asked_for(workspace, request_for(tiny_index, used(version), **more))


def test_labels_that_are_not_those_that_were_asked_for_are_not_trained_on(
    read: tuple[Workspace, Store, Run], tiny_index: Index
) -> None:
    workspace, store, run = read
    version = make(workspace, store, tiny_index.dataset_id, draft_from_run(workspace, store, run))
    for other in (replace(used(version), sha256="0" * 64), replace(used(version), number=3)):
        with pytest.raises(SplitError, match="not those that were asked for"):
            splits_asked_for(workspace, request_for(tiny_index, other))


def test_the_readings_of_a_cross_validation_correct_nothing(read: tuple[Workspace, Store, Run]) -> None:
    from engine.errors import ReviewError

    workspace, store, run = read
    with pytest.raises(ReviewError, match="every case is a test case"):
        draft_from_run(workspace, store, replace(run, folds=5))
    save_run(run)


def test_a_version_is_named_by_its_number_or_as_the_latest(
    read: tuple[Workspace, Store, Run], tiny_index: Index
) -> None:
    workspace, store, run = read
    assert version_named(store, tiny_index, "latest").number == 1
    make(workspace, store, tiny_index.dataset_id, draft_from_run(workspace, store, run))
    assert [version_named(store, tiny_index, name).number for name in ("v1", "2", "latest")] == [1, 2, 2]


# ------------------------------------------------------------------------------------ annotated from nothing


def test_images_without_labels_are_split_by_the_labels_that_they_get_and_then_keep_their_parts(
    workspace: Workspace, tiny_index: Index
) -> None:
    from engine.reading import Said, draft

    bare = relabelled(tiny_index, {})
    save_index(workspace, bare)
    store = open_store(workspace.database)
    store.add_reader(Reader(reader_id="", name="Ada"))
    before: dict[str, str | None] = dict.fromkeys(came_with(bare))
    some, more = list(tiny_index.samples), list(tiny_index.samples)[:3]
    said = [Said(image_id=one.image_id, reader="Ada", label=one.label, answer=1) for one in some[3:]]
    made = draft(before, said, parent=1, source="blinded consensus", made_from="study")
    second = store.labels.add(bare.dataset_id, before, made)
    _, (split,) = splits_asked_for(workspace, request_for(bare, used(second)))
    assert split.classes == ("normal", "opacity") and sum(map(len, ids(split).values())) == len(said)
    labelled = store.labels.of_version(bare.dataset_id, 2)
    rest = [Said(image_id=one.image_id, reader="Ada", label=one.label, answer=2) for one in more]
    third = store.labels.add(
        bare.dataset_id,
        before,
        draft(labelled, rest, parent=2, source="blinded consensus", made_from="study"),
    )
    _, (later,) = splits_asked_for(workspace, request_for(bare, used(third)))
    assert all(ids(split)[part] <= ids(later)[part] for part in PARTS)
    assert ids(later)["test"] == ids(split)["test"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_labels_change_no_part_gains_a_patient_of_another_and_the_test_part_gains_nobody(
    data: st.DataObject,
) -> None:
    count = 24
    labels: dict[str, str | None] = {
        f"{n:064x}": data.draw(st.sampled_from(["normal", "opacity", None]))
        if n >= 12
        else ("normal", "opacity")[n % 2]
        for n in range(count)
    }
    samples = tuple(
        Sample(
            path=Path(f"/{n}.png"),
            image_id=f"{n:064x}",
            label=labels[f"{n:064x}"],
            patient_id=f"p{n}" if n < 12 else f"p{data.draw(st.integers(0, 15))}",
        )
        for n in range(count)
    )
    index = Index(
        dataset_id="0" * 12, name="x", root=Path("/"), samples=samples, classes=("normal", "opacity")
    )
    try:
        base = split_index(index, seed=data.draw(st.integers(0, 3)))
    except SplitError:
        return
    after = labels | {
        name: data.draw(st.sampled_from(["normal", "opacity", None]))
        for name in data.draw(st.sets(st.sampled_from(sorted(labels)), max_size=10))
    }
    done = keep_parts(index, base, labels, after, number=2)
    patients = {part: {sample.patient_id for sample in done.part(part)} for part in PARTS}
    assert not patients["train"] & patients["test"] and not patients["val"] & patients["test"]
    assert not patients["train"] & patients["val"]
    assert ids(done)["test"] <= ids(base)["test"]
    for part in PARTS:
        assert all(sample.label == after[sample.image_id] for sample in done.part(part))
        stayed = {name for name in ids(base)[part] if after[name] is not None}
        assert stayed <= ids(done)[part]
    twice = [sample.image_id for part in PARTS for sample in done.part(part)]
    assert len(twice) == len(set(twice))
