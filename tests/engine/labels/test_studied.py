"""A study's consensus becomes labels, and the test part is corrected only by a blinded reading beside a control."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data import save_index
from engine.errors import ReviewError
from engine.labels import suspicion
from engine.labels.making import came_with, drafted_words, make, used
from engine.labels.parts import relabelled, splits_asked_for
from engine.labels.searching import keep_search, searches_of
from engine.labels.studied import begin_rereading, draft_from_study, result_of_rereading
from engine.labels.suspicion import Suspect
from engine.pipeline import report_run
from engine.reading import Drawn, Protocol, Reader, Store, StudyAnswer, open_store
from engine.records import Index, LabelsUsed, Review, Run, TrainingRequest, Verdict
from engine.report import export_report, verify
from engine.report.exports.bundle.apart import SEARCHES
from engine.runs import load_run, split_of
from engine.workspace import Workspace, open_workspace
from tests.engine.report.exports.bundle.test_bundle import files_in, packed
from tests.tiny import TINY_RECIPE

OTHER = {"normal": "opacity", "opacity": "normal"}


@pytest.fixture
def own(trained: tuple[Workspace, Run], tmp_path: Path) -> tuple[Workspace, Store, Run]:
    shutil.copytree(trained[0].root, tmp_path / "own", ignore=shutil.ignore_patterns("cache"))
    workspace = open_workspace(tmp_path / "own")
    store = open_store(workspace.database)
    for name in ("Ada", "Ben"):
        store.add_reader(Reader(reader_id="", name=name))
    return workspace, store, load_run(workspace.runs / trained[1].run_id)


def read_all(store: Store, study_id: str, reader: str, answers: dict[str, str | None]) -> list[str]:
    """Read every case as a page does, and return the ids in the order in which they came."""
    sitting, seen = store.studies.begin(study_id, reader), []
    while (task := store.studies.next(study_id, reader)) is not None:
        label = answers[task.image_id]
        answer = StudyAnswer(
            study_id=study_id,
            image_id=task.image_id,
            arm=task.arm,
            verdict="unsure" if label is None else "read",
            label=label,
            seconds=3.0,
        )
        store.studies.answer(answer, sitting, last=task.last)
        seen.append(task.image_id)
    return seen


def test_two_readers_label_a_folder_without_labels_and_a_model_can_be_trained_on_what_they_agree_on(
    workspace: Workspace, tiny_index: Index
) -> None:
    bare = relabelled(tiny_index, {})
    save_index(workspace, bare)
    store = open_store(workspace.database)
    for name in ("Ada", "Ben"):
        store.add_reader(Reader(reader_id="", name=name))
    study = store.studies.create(
        Protocol(
            name="from nothing",
            design="annotation",
            dataset_id=bare.dataset_id,
            classes=("normal", "opacity"),
            readers=("Ada", "Ben"),
        ),
        samples=bare.samples,
    )
    truth: dict[str, str | None] = dict(came_with(tiny_index))
    disputed, unclear = sorted(truth)[:2]
    ben = truth | {disputed: OTHER[str(truth[disputed])], unclear: None}
    read_all(store, study.study_id, "Ada", truth | {unclear: None})
    assert drafted_words(draft_from_study(workspace, store, study)) == "no case has been read"
    read_all(store, study.study_id, "Ben", ben)
    drafted = draft_from_study(workspace, store, study)
    assert len(drafted.changed) == 38 and sum(drafted.kept.values()) == 2
    version = make(workspace, store, bare.dataset_id, drafted)
    assert version.sentence == "v2: 38 of 40 labels changed from v1 by blinded consensus of Ada and Ben"
    answers = {row.image_id: row.answers for row in store.labels.rows(bare.dataset_id, 2)}
    given = {answer.seq: answer.image_id for answer in store.studies.answers(study.study_id)}
    assert all(len(rows) == 2 and {given[row] for row in rows} == {name} for name, rows in answers.items())
    asked = TrainingRequest(recipe=TINY_RECIPE, dataset_id=bare.dataset_id, labels=used(version))
    _, (split,) = splits_asked_for(workspace, asked)
    cases = [*split.train, *split.val, *split.test]
    assert {one.image_id for one in cases} == truth.keys() - {disputed, unclear}
    assert all(one.label == truth[one.image_id] for one in cases)
    assert store.audit().found == ()


@pytest.mark.parametrize(
    ("drawn", "listed", "design", "changes"),
    [
        (Drawn(rule="all", parts=("test",)), False, "blind", True),
        (Drawn(rule="random stratified", parts=("test",), n=4), False, "blind", True),
        (Drawn(rule="filter", parts=("test",)), True, "blind", False),  # who chose them, and by what?
        (Drawn(rule="filter", parts=("test",), predicted=("normal", "opacity")), False, "blind", False),
        (Drawn(rule="all", parts=("test",)), False, "assisted", False),
    ],
)
def test_a_test_label_changes_only_where_it_was_read_blind_and_no_model_drew_the_case(
    own: tuple[Workspace, Store, Run], drawn: Drawn, listed: bool, design: str, changes: bool
) -> None:
    workspace, store, run = own
    ids = [case.image_id for case in store.predictions(run.run_id, "test")][:4] if listed else None
    study = store.studies.create(
        Protocol(name="s", design=design, run_id=run.run_id, readers=("Ada",), drawn=drawn),  # type: ignore[arg-type]
        image_ids=ids,
    )
    cases = {case.image_id: case for case in store.predictions(run.run_id, "test")}
    read_all(store, study.study_id, "Ada", {name: OTHER[str(case.label)] for name, case in cases.items()})
    drafted = draft_from_study(workspace, store, study)
    assert drafted.locked == cases.keys() and len(drafted.rows) == len(store.studies.images(study.study_id))
    assert len(drafted.changed) == (len(drafted.rows) if changes else 0)


@pytest.fixture
def doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five of the test cases are doubted, whatever a regression would say of these drawn films."""

    def found(workspace: Workspace, store: Store, run: Run, **_: object) -> list[Suspect]:
        return [
            Suspect(
                image_id=one.image_id,
                path=one.path,
                patient_id=one.patient_id,
                part="test",
                label=str(one.label),
                likely=OTHER[str(one.label)] if place < 3 else str(one.label),
                suspicion=0.9 - place / 10,
            )
            for place, one in enumerate(split_of(run).test)
        ]

    monkeypatch.setattr("engine.labels.suspicion.suspects_of_run", found)


@pytest.mark.usefixtures("doubted")
def test_suspects_are_read_again_blind_beside_as_many_others_and_no_reader_can_tell_them_apart(
    own: tuple[Workspace, Store, Run],
) -> None:
    workspace, store, run = own
    study = begin_rereading(workspace, store, run, readers=("Ada", "Ben"), n=3, name="second look")
    group = store.labels.drawn_as(study.study_id)
    suspects = {name for name, kind in group.items() if kind == "suspect"}
    assert len(group) == 6 and len(suspects) == 3
    assert suspects == {sample.image_id for sample in split_of(run).test[:3]}
    told = str(study.protocol) + study.name
    assert "suspect" not in told and "control" not in told and "doubt" not in told
    labels = {case.image_id: str(case.label) for case in store.predictions(run.run_id, "test")}
    first = sorted(suspects)[0]
    spare = sorted(group.keys() - suspects)[0]
    answers: dict[str, str | None] = {name: labels[name] for name in group} | {
        first: OTHER[labels[first]],
        spare: None,
    }
    orders = [read_all(store, study.study_id, reader, answers) for reader in ("Ada", "Ben")]
    for answer in store.studies.answers(study.study_id):
        assert answer.predicted is None and not answer.contaminated
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) == sorted(group)

    result = result_of_rereading(workspace, store, study)
    assert (result.changed["suspect"].n, result.changed["control"].n) == (3, 2)
    assert result.changed["suspect"].value == pytest.approx(1 / 3) and result.changed["control"].value == 0
    assert result.open == {"suspect": 0, "control": 1}
    assert result.difference.value == pytest.approx(1 / 3)
    words = " ".join(result.sentences)
    assert "Suspects: 1 of 3 labels changed" in words and "Controls: 0 of 2 labels changed" in words
    drafted = draft_from_study(workspace, store, study)
    assert drafted.changed == (first,)
    version = make(workspace, store, run.dataset_id, drafted)
    assert version.source == "blinded consensus" and version.locked == labels.keys()


@pytest.mark.usefixtures("doubted")
def test_what_was_read_beside_its_prediction_before_has_no_vote(own: tuple[Workspace, Store, Run]) -> None:
    from engine.reading import Shown

    workspace, store, run = own
    study = begin_rereading(workspace, store, run, readers=("Ada",), n=2)
    image_id = store.studies.images(study.study_id)[0]
    before = store.begin_sitting(run.run_id, "Ada")
    store.expose(before, Shown(image_id=image_id, map="grad-cam"))
    labels = {case.image_id: OTHER[str(case.label)] for case in store.predictions(run.run_id, "test")}
    read_all(store, study.study_id, "Ada", dict(labels))
    drafted = draft_from_study(workspace, store, study)
    assert image_id not in drafted.changed and len(drafted.changed) == 3
    assert sum(result_of_rereading(workspace, store, study).open.values()) == 1


@pytest.mark.usefixtures("doubted")
def test_a_report_counts_what_became_of_suspects_and_nothing_before_all_have_read(
    own: tuple[Workspace, Store, Run], tmp_path: Path
) -> None:
    workspace, store, run = own
    before = report_run(workspace, store, run)
    assert (
        not before.label_errors
        and sum("No search for wrong labels" in one for one in before.limitations) == 1
    )
    study = begin_rereading(workspace, store, run, readers=("Ada", "Ben"), n=2, name="second look")
    first, second, third = (sample.image_id for sample in split_of(run).test[:3])
    group = store.labels.drawn_as(study.study_id)
    labels: dict[str, str | None] = {
        case.image_id: case.label for case in store.predictions(run.run_id, "test") if case.image_id in group
    }
    disputed = labels | {first: OTHER[str(labels[first])], second: None}
    read_all(store, study.study_id, "Ada", disputed)
    (open_yet,) = report_run(workspace, store, run).label_errors
    assert (open_yet.suspects.read, open_yet.suspects.open, open_yet.finished) == (0, 3, False)
    assert "None of the suspected labels has been read again yet: 3 open." in open_yet.sentences
    read_all(store, study.study_id, "Ben", disputed)
    version = make(workspace, store, run.dataset_id, draft_from_study(workspace, store, study))
    report = report_run(workspace, store, run)
    (found,) = report.label_errors
    told = found.suspects
    third_read = third in group  # it may be drawn into the control
    assert (told.images, told.changed, told.undecided) == (3, 1, 1)
    assert (told.read, told.upheld, told.open) == (2 + third_read, third_read, 1 - third_read)
    assert (
        any("1 of those drawn at random was suspected as well." in one for one in found.sentences)
        == third_read
    )
    assert found.control is not None and (found.control.read, found.control.upheld) == (2, 2)
    assert found.searched == len(split_of(run).test) and found.versions == (version.number,)
    assert "labels v2; this run was trained on labels v1, before them" in found.sentences[-1]
    assert any("1 suspected label has not" in one for one in report.limitations) == (not third_read)
    assert not any("No search for wrong labels" in one for one in report.limitations)

    bundle = export_report(
        report, tmp_path, picture=lambda _: None, heatmap=lambda _: None, formats=("bundle",)
    )["bundle"]["bundle"]
    held = verify(bundle)
    assert held.holds, (held.changed, held.differences)
    files = files_in(bundle)
    lines = files[SEARCHES].decode().splitlines()
    at = next(place for place, line in enumerate(lines) if first in line)
    lines[at] = lines[at].replace(f",{OTHER[str(labels[first])]},suspect,", f",{labels[first]},suspect,")
    lines[at] = lines[at].rpartition(",")[0] + f",{labels[first]}"
    files[SEARCHES] = ("\r\n".join(lines) + "\r\n").encode()
    wrong = verify(packed(files, tmp_path / "changed.zip"))
    assert any("label_errors[0].suspects.changed" in one.where for one in wrong.differences)
    assert any("T12" in one.where for one in wrong.differences)


def test_suspects_of_the_queue_are_reported_with_their_readings_beside_the_prediction(
    own: tuple[Workspace, Store, Run],
) -> None:
    workspace, store, run = own
    val = split_of(run).val[:3]
    found = [
        Suspect(
            image_id=one.image_id, path=one.path, patient_id=one.patient_id, part="val", label=str(one.label),
            likely=OTHER[str(one.label)], suspicion=0.9,
        )
        for one in val
    ]  # fmt: skip
    keep_search(run, found)
    for sample, label in zip(val, (str(val[0].label), OTHER[str(val[1].label)]), strict=False):
        verdict = (
            Verdict.OVERRULE if label != store.case(run.run_id, sample.image_id).predicted else Verdict.AGREE
        )
        store.add_review(
            Review(run_id=run.run_id, image_id=sample.image_id, reader="Ada", verdict=verdict, label=label)
        )
    report = report_run(workspace, store, run)
    told = report.label_errors[0].suspects
    assert (told.images, told.read, told.upheld, told.changed, told.open) == (3, 2, 1, 1, 1)
    words = " ".join(report.label_errors[0].sentences)
    assert "Read by 1 reader on the Review page" in words and "No version of the labels" in words
    keep_search(
        run, [replace(one, likely=one.label) for one in found]
    )  # again, and nothing is suspected any more
    (again,) = report_run(workspace, store, run).label_errors
    assert (again.searched, again.suspects.images, len(again.sentences)) == (3, 0, 1)
    # What is left of the run whose parts it keeps stands in nobody's way.
    other = workspace.runs / "20260101-000000-other"
    other.mkdir()
    for name in ("label-searches.json", "run.json"):
        (other / name).write_text("{")
    after = replace(run, labels=LabelsUsed(number=2, sha256="0" * 64, base_run=other.name))
    said: list[str] = []
    assert len(searches_of(workspace, store, after, said)) == 1 and other.name in said[0]
    shutil.rmtree(other)
    assert len(searches_of(workspace, store, after, said)) == 1 == len(said)
    (run.folder / "label-searches.json").write_text("{")
    damaged = report_run(workspace, store, run)
    assert not damaged.label_errors and any(
        "label-searches.json is damaged" in one for one in damaged.limitations
    )


def test_there_must_be_suspects_and_others(
    own: tuple[Workspace, Store, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, store, run = own
    test = suspicion.suspects_of_run(workspace, store, run, parts=("test",), device="cpu")
    monkeypatch.setattr("engine.labels.suspicion.suspects_of_run", lambda *_, **__: [])
    with pytest.raises(ReviewError, match="No label of the 0 test cases is doubted"):
        begin_rereading(workspace, store, run, readers=("Ada",))
    every = [replace(one, likely="another") for one in test]
    monkeypatch.setattr("engine.labels.suspicion.suspects_of_run", lambda *_, **__: every)
    with pytest.raises(ReviewError, match="Ask for fewer"):
        begin_rereading(workspace, store, run, readers=("Ada",), n=100)
    study = store.studies.create(Protocol(name="other", run_id=run.run_id, readers=("Ada",)))
    with pytest.raises(ReviewError, match="holds no suspects"):
        result_of_rereading(workspace, store, study)
