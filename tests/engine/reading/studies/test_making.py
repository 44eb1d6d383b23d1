"""Studies are made in pieces that others need not wait for, and only of what is still so when all of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from engine.errors import ReviewError
from engine.reading.store import Store, open_store
from engine.reading.studies import making
from engine.reading.studies.planning import assigning, registry
from engine.reading.studies.planning.drawing import draw
from engine.reading.studies.planning.protocol import Drawn
from tests.engine.reading.studies.test_studies import RUN, filled, made, protocol, samples


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        yield filled(opened)


def test_pieces_are_as_large_as_fits_into_the_time_that_one_may_take(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = [0.1, 0.2, 1.0, 100.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.1, 0.2]
    sizes = [2000, 4000, 4000, 800, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 40_000]
    clock, breaths, given = [0.0], list[float](), list[list[int]]()
    monkeypatch.setattr(making, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(making, "sleep", breaths.append)

    def work(connection: Connection, some: list[int]) -> int:
        clock[0] += takes[len(given)]
        given.append(some)
        return len(some)

    items = range(sum(sizes) - 1)  # the last piece is one short
    assert store.studies._in_turns(items, work) == [*sizes[:-1], sizes[-1] - 1]
    assert [each for some in given for each in some] == list(items)
    assert breaths == [making.BREATH] * len(sizes) and making.BREATH == 0.02


def test_of_a_protocol_that_was_changed_meanwhile_nothing_is_added(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = store.studies.create(protocol("blind"), image_ids=[f"{n:064x}" for n in range(4)])
    assignments = assigning.assignments
    others = ["first"]

    def meanwhile(*told: object, **more: object) -> object:
        if others:
            endpoint = others.pop()
            now = store.studies.get(study.study_id).protocol
            store.studies.change(study.study_id, replace(now, endpoint=endpoint))
        return assignments(*told, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(assigning, "assignments", meanwhile)
    with pytest.raises(ReviewError, match=r"protocol of “.?films.?” was changed meanwhile"):
        store.studies.add_cases(study.study_id, [f"{5:064x}"])
    assert len(store.studies.images(study.study_id)) == 4
    others.append("second")
    with pytest.raises(ReviewError, match="was changed meanwhile"):
        store.studies.change(study.study_id, replace(study.protocol, readers=("Ada", "Ben", "Dan")))
    now = store.studies.get(study.study_id)
    assert now.protocol.endpoint == "second" and len(now.protocol.readers) == 2
    assert store.audit().found == ()


@pytest.mark.parametrize("design", ["blind", "annotation"])
def test_cases_that_were_added_are_told_as_if_all_had_been_listed_at_once(store: Store, design: str) -> None:
    few, more = [f"{n:064x}" for n in (1, 3, 8)], [f"{n:064x}" for n in (0, 5)]
    told = protocol(design)  # type: ignore[arg-type]
    images = [replace(one, label="effusion") for one in samples(12)] if design == "annotation" else []
    told = replace(told, positive="effusion" if design == "annotation" else "")
    first = store.studies.create(told, samples=images, image_ids=few)
    after = store.studies.add_cases(first.study_id, more, samples=images)
    with store._database.read() as connection:
        found = assigning.found(connection, first.protocol, images)
    wanted = draw(
        assigning.candidates(found),
        Drawn(),
        positive=first.protocol.positive,
        seed=0,
        listed=[*few, *more],
    )
    assert after.protocol.drawn == replace(wanted[1], rule=first.protocol.drawn.rule)
    assert store.studies.images(first.study_id) == sorted([*few, *more]) == wanted[0]
    assert after.protocol.drawn.positives == (5 if design == "annotation" else 3)


def test_a_protocol_that_is_as_it_was_is_no_change(store: Store) -> None:
    study = store.studies.get(made(store))
    store.studies.lock(study.study_id)
    before = store.head()
    same = store.studies.change(study.study_id, replace(study.protocol, readers=("Ada", "Ben")), "no reason")
    assert store.head() == before and same.deviations == () and same.protocol == study.protocol


def test_what_came_with_an_image_is_written_once_and_again_where_it_has_changed(store: Store) -> None:
    def rows() -> list[tuple[object, ...]]:
        with store._database.read() as connection:
            return [
                tuple(row)
                for row in connection.exec_driver_sql(
                    "SELECT image_id, patient_id, label, part, metadata, author FROM images ORDER BY seq"
                )
            ]

    first = [replace(one, meta={"view": "PA"} if n == 1 else {}) for n, one in enumerate(samples(3))]
    store.studies.create(protocol("annotation"), samples=first)
    came = [(one.image_id, one.patient_id, None, None, None, "program") for one in first]
    came[1] = (*came[1][:4], '{"view":"PA"}', "program")
    assert rows() == came
    moved = [replace(one, path=Path(f"/elsewhere/{n}.png")) for n, one in enumerate(first)]
    store.studies.create(protocol("annotation", name="second"), samples=moved)
    assert rows() == came and store.studies.path(first[2].image_id) == Path("/elsewhere/2.png")
    labelled = [
        replace(first[0], label="effusion"),
        replace(first[1], meta={}),
        replace(first[2], part="test"),
    ]
    store.studies.create(protocol("annotation", name="third"), samples=labelled)
    assert rows()[3:] == [
        (first[0].image_id, "p0", "effusion", None, None, "program"),
        (first[1].image_id, "p1", None, None, None, "program"),
        (first[2].image_id, "p2", None, "test", None, "program"),
    ]


def test_who_is_not_there_or_may_not_do_it_is_in_no_protocol(store: Store) -> None:
    with store._database.read() as connection:
        people = store._people(connection)
        told = replace(protocol(), classes=RUN.classes, positive=RUN.positive)
        ids = {name: people.find(name) for name in ("Ada", "Ben", "Cleo", "Gus")}
        sound = replace(told, readers=(ids["Ada"], ids["Ben"]), adjudicator=ids["Cleo"])
        registry.check(connection, people, sound)
        registry.check(connection, people, replace(sound, readers=(ids["Cleo"],), adjudicator=None))
        for changes, sentence in (
            ({"readers": ("nobody",)}, "no such reader"), ({"adjudicator": "nobody"}, "no such reader"),
            ({"readers": (ids["Gus"],)}, "Gus.? is a guest and may not read"),
            ({"adjudicator": ids["Gus"]}, "Gus.? is a guest and may not adjudicate"),
            ({"readers": (ids["Ada"],), "adjudicator": ids["Ben"]}, "Ben.? is a reader and may not adjudicate"),
        ):  # fmt: skip
            with pytest.raises(ReviewError, match=sentence):
                registry.check(connection, people, replace(sound, **changes))  # type: ignore[arg-type]
