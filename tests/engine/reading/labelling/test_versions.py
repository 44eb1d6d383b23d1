"""Versions of labels: each found again with its parent, its labels and the answers behind them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from engine.errors import StoreError
from engine.reading.labelling import versions
from engine.reading.labelling.drafting import Said, draft
from engine.reading.labelling.versions import fingerprint, lineage
from engine.reading.store import Store, open_store
from engine.records import LabelRow, LabelVersion
from tests.engine.reading.test_store import RUN, prediction
from tests.readers import with_readers

DATA = "0123456789ab"
CAME: dict[str, str | None] = {
    f"{number:064x}": ("normal", "opacity", None)[number % 3] for number in range(9)
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return with_readers(open_store(tmp_path / "overread.db"))


def corrected(store: Store, parent: int, **labels: str | None) -> LabelVersion:
    """Change labels of images by number: i3="opacity"."""
    before = store.labels.of_version(DATA, parent) if store.labels.versions(DATA) else CAME
    said = [
        Said(image_id=f"{int(name[1:]):064x}", reader=reader, label=label, answer=int(name[1:]))
        for name, label in labels.items()
        for reader in ("Ben", "Ada")
    ]
    made = draft(before, said, parent=parent, source="blinded consensus", made_from="study", unlabel=True)
    return store.labels.add(DATA, CAME, made)


def test_before_anything_is_corrected_there_is_no_version_and_the_first_is_stored_with_the_second(
    store: Store,
) -> None:
    assert store.labels.versions(DATA) == []
    second = corrected(store, 1, i0="opacity")
    first, again = store.labels.versions(DATA)
    assert again == second and (first.number, first.parent, first.source) == (1, None, "came with data")
    assert store.labels.of_version(DATA, 1) == CAME
    assert first.sentence == "v1: 9 images, labelled as they came with the data"
    assert (
        second.sentence == "v2: 1 of 9 labels changed from v1 by blinded consensus of Ada and Ben, majority"
    )


def test_a_version_holds_what_its_ancestors_hold_but_for_what_it_changes(store: Store) -> None:
    corrected(store, 1, i0="opacity", i2="normal")
    third = corrected(store, 2, i0="normal", i1=None)
    beside = corrected(store, 1, i8="opacity")
    ids = list(CAME)
    assert store.labels.of_version(DATA, 2) == CAME | {ids[0]: "opacity", ids[2]: "normal"}
    assert store.labels.of_version(DATA, 3) == CAME | {ids[2]: "normal", ids[1]: None}
    assert store.labels.of_version(DATA, 4) == CAME | {ids[8]: "opacity"}
    known = store.labels.versions(DATA)
    assert [each.number for each in lineage(known, third)] == [1, 2, 3]
    assert [each.number for each in lineage(known, beside)] == [1, 4]
    assert third.sha256 == fingerprint(store.labels.of_version(DATA, 3))
    assert [(row.label, row.answers) for row in store.labels.rows(DATA, 3)] == [
        ("normal", (0, 0)),
        (None, (1, 1)),
    ]


def test_a_version_is_locked_wherever_an_ancestor_is(store: Store) -> None:
    ids = list(CAME)
    for parent, locked in ((1, ids[7:]), (2, ids[:1])):
        made = draft(CAME, [], parent=parent, source="assisted", made_from="run", locked=locked)
        store.labels.add(DATA, CAME, made)
    assert store.labels.version(DATA, 3).locked == {ids[0], ids[7], ids[8]}


def test_a_version_that_is_not_there_is_refused_in_words(store: Store) -> None:
    with pytest.raises(StoreError, match=r"no labels v7.*none but v1"):
        store.labels.of_version(DATA, 7)
    corrected(store, 1, i0="opacity")
    with pytest.raises(StoreError, match=r"no labels v7.*v1, v2"):
        corrected(store, 7, i0="opacity")
    assert len(store.labels.versions(DATA)) == 2


def test_nothing_of_a_version_can_be_changed_and_the_audit_covers_it(store: Store) -> None:
    corrected(store, 1, i0="opacity")
    assert store.audit().found == () and store.audit().rows == 2 + len(CAME) + 3
    for change in ("UPDATE labels SET label = 'normal'", "DELETE FROM label_versions"):
        with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
            connection.exec_driver_sql(change)


def test_a_fingerprint_tells_labels_apart_and_not_their_order_or_what_has_none() -> None:
    assert fingerprint(CAME) == fingerprint(dict(reversed(CAME.items())))
    assert fingerprint(CAME) == fingerprint({name: label for name, label in CAME.items() if label})
    assert fingerprint(CAME) != fingerprint(json.loads(json.dumps(CAME).replace("opacity", "effusion")))


def test_the_queue_of_suspects_holds_what_was_suspected_last_the_most_doubtful_first(store: Store) -> None:
    store.add_run(RUN)
    store.add_cases(RUN.run_id, [prediction(number, part="val") for number in range(6)])
    queue = (RUN.run_id, "likely mislabelled", "Ada")
    assert store.count(*queue) == 0
    assert store.labels.suspect(RUN.run_id, {f"{n:064x}": n / 10 for n in range(6)} | {"elsewhere": 1.0}) == 6
    assert store.labels.suspect(RUN.run_id, {f"{n:064x}": n / 10 for n in (1, 5, 3)}) == 3
    walked = store.upcoming(*queue, None, "val", k=9)
    assert [int(case.image_id, 16) for case in walked] == [5, 3, 1]
    store.add_cases(RUN.run_id, [prediction(3, p=0.9, part="val")])  # predicted again
    assert store.count(*queue) == 3
    assert store.audit().found == ()


def test_what_a_test_case_was_drawn_again_as_is_told_of_its_study_alone(store: Store) -> None:
    store.labels.drawn_again("one", RUN.run_id, {"b": ("suspect", 0.9), "a": ("control", 0.1)})
    store.labels.drawn_again("other", RUN.run_id, {"a": ("suspect", 0.5)})
    assert store.labels.drawn_as("one") == {"a": "control", "b": "suspect"}
    assert store.labels.drawn_as("other") == {"a": "suspect"} and store.labels.drawn_as("none") == {}


@pytest.mark.parametrize("at_once", [1, 4, 9, 5_000])
def test_a_version_is_kept_with_all_that_is_known_of_it(
    store: Store, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "BATCH", at_once)  # labels are written in pieces
    ids, began = list(CAME), datetime.now(UTC)
    said = [
        Said(image_id=ids[0], reader="Ben", label="opacity", answer=12),
        Said(image_id=ids[0], reader="Ada", label="opacity", answer=11),
        Said(image_id=ids[1], reader="Ada", label=None, answer=13),
    ]
    made = draft(
        CAME, said, parent=1, source="assisted", made_from="the run", rule="unanimous", locked=ids[8:]
    )
    ada = store.people()[0].reader_id
    second = store.labels.add(DATA, CAME, made, author=ada)
    first = store.labels.version(DATA, 1)
    assert first == LabelVersion(
        dataset_id=DATA, number=1, parent=None, source="came with data", made_from="", rule="", readers=(), images=9,
        changed=0, kept={}, locked=frozenset(), sha256=fingerprint(CAME), created=first.created, row=3,
    )  # fmt: skip
    assert second == LabelVersion(
        dataset_id=DATA, number=2, parent=1, source="assisted", made_from="the run", rule="unanimous",
        readers=("Ada", "Ben"), images=9, changed=1, kept={"unsure or not diagnostic": 1}, locked=frozenset(ids[8:]),
        sha256=fingerprint(CAME | {ids[0]: "opacity"}), created=second.created, row=13,
    )  # fmt: skip
    assert began <= first.created <= second.created <= datetime.now(UTC)
    assert store.labels.rows(DATA, 1) == [LabelRow(image_id=one, label=CAME[one]) for one in sorted(ids)]
    assert store.labels.rows(DATA, 2) == [
        LabelRow(image_id=ids[0], label="opacity", answers=(11, 12)),
        LabelRow(image_id=ids[1], label="opacity", answers=(13,), reason="unsure or not diagnostic"),
    ]
    with store._database.read() as connection:
        authors = [
            row[0]
            for table in ("label_versions", "labels")
            for row in connection.exec_driver_sql(f"SELECT author FROM {table} ORDER BY seq")
        ]
    assert authors == ["program", ada, *["program"] * 9, ada, ada]


def test_labels_of_another_data_set_are_its_own(store: Store) -> None:
    corrected(store, 1, i0="opacity")
    few: dict[str, str | None] = {"x": "normal"}
    made = draft(few, [], parent=1, source="assisted", made_from="run")
    store.labels.add("another", few, made)
    assert store.labels.of_version("another", 2) == few and store.labels.version("another", 2).images == 1
    assert store.labels.versions("another")[1].parent == 1 and len(store.labels.versions(DATA)) == 2
    assert store.labels.version(DATA, 2).images == len(CAME)
