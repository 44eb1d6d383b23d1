"""A search takes plain words; every one must fit; a plain word never looks at the label that came with the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import create_engine, select, text

from engine.errors import ReviewError
from engine.reading.migrations.schema import SEARCHED
from engine.reading.queues.catalogue import search
from engine.reading.queues.search import terms_of
from engine.reading.store import Store, open_store
from tests.engine.reading.test_store import RUN, prediction
from tests.readers import with_readers

FILMS = ["/a/Ward 7_lateral.png", "/a/frontal.dcm", "/b/ODD_%_name.png", "/b/Pneumonia-old.png"]
META = [{"view": "PA", "site": "St Mary's"}, {"view": "AP"}, {"View": "pa", "age": "63"}, {}]
CHANCES = [0.9, 0.2, 0.81, 0.5]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "overread.db")
    with_readers(opened).add_run(RUN)
    cases = [
        replace(
            prediction(
                0xABC0 + number, p, "pneumonia" if number == 1 else "normal", "val" if number == 3 else "test"
            ),
            image_id=f"{number}abc{number}".ljust(64, "f"),
            path=Path(path),
            patient_id=f"P00{number // 2}",
            meta=meta,
        )
        for number, (path, meta, p) in enumerate(zip(FILMS, META, CHANCES, strict=True))
    ]
    opened.add_cases(RUN.run_id, cases)
    return opened


def found(store: Store, typed: str, part: str | None = None) -> set[int]:
    queue = search(typed)
    cases = store.upcoming(RUN.run_id, queue, "Ada", None, part, k=99)  # type: ignore[arg-type]
    assert store.count(RUN.run_id, queue, "Ada", part) == len(cases)  # type: ignore[arg-type]
    return {int(case.image_id[0]) for case in cases}


@pytest.mark.parametrize(
    ("typed", "cases"),
    [
        ("ward", {0}),
        ('"ward 7"', {0}),
        ("file lateral", {0}),
        ("ODD_%_", {2}),
        ("%", {2}),
        ("p001", {2, 3}),
        ("patient P000", {0, 1}),
        ("patient: p000", {0, 1}),
        ("1abc", {1}),  # the start of an id
        ("abc2", set()),  # which only a part of one is
        ("id abc2", {2}),
        ("predicted pneumonia", {0, 2, 3}),
        ("pneumonia", {0, 2, 3}),  # predicted, or in the file's name; not case 1, whose label it is
        ("label pneumonia", {1}),
        ("class=pneumonia", {1}),
        ("score > .8", {0, 2}),
        ("score >= 81%", {0, 2}),
        ("score>0,81", {0}),
        ("score < .5", {1}),
        ("score .5-.85", {2, 3}),
        ("score 50% to 85%", {2, 3}),
        ("score = .5", {3}),
        ("confidence > .85", {0}),
        ("view=PA", {0, 2}),
        ('site="st mary\'s"', {0}),
        ("view=P", set()),  # a column's value is given whole
        ("view=PA score < .85", {2}),
        ("frontal, view=AP", {1}),
        ("score", set()),
        ("nothing of this", set()),
    ],
)
def test_words_find_the_cases_that_fit_all_of_them(store: Store, typed: str, cases: set[int]) -> None:
    assert found(store, typed) == cases


@pytest.mark.parametrize("column", ["score", "confidence"])
@pytest.mark.parametrize("bound", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize(
    ("signs", "fits"),
    [
        (">", lambda value, bound: value > bound),
        ("<", lambda value, bound: value < bound),
        (">=≥", lambda value, bound: value >= bound),
        ("<=≤", lambda value, bound: value <= bound),
        ("=", lambda value, bound: value == bound),
    ],
)
def test_a_number_is_compared_as_its_sign_says_also_with_nought_and_one(
    column: str, bound: float, signs: str, fits: Callable[[float, float], bool]
) -> None:
    engine = create_engine("sqlite://")
    values = [0.0, 0.2, 0.25, 0.5, 0.9, 1.0]
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE searched ({column} FLOAT)"))
        connection.execute(text(f"INSERT INTO searched VALUES {', '.join(f'({each})' for each in values)}"))
        for sign in {signs[:2], signs[2:], signs} & {">", "<", ">=", "≥", "<=", "≤", "="}:
            (term,) = terms_of(f"{column} {sign} {bound}")
            kept = connection.execute(select(SEARCHED.c[column]).where(term.condition())).scalars()
            assert set(kept) == {each for each in values if fits(each, bound)}, sign
    engine.dispose()


def test_a_search_keeps_to_the_part_that_is_read(store: Store) -> None:
    assert found(store, "predicted pneumonia", "test") == {0, 2}


def test_only_a_search_that_looks_at_labels_gives_them_away() -> None:
    assert search("label normal view=PA").tells_label and not search("normal view=PA").tells_label
    assert search("normal").sought and not search("normal").random


def test_a_moved_file_is_found_by_its_new_name(store: Store) -> None:
    case = store.upcoming(RUN.run_id, search("frontal"), "Ada", None, k=1)[0]
    store.move_cases([(RUN.run_id, case.image_id, Path("/c/renamed.dcm"))])
    assert found(store, "renamed") == {1} and found(store, "frontal") == set()


def test_columns_of_runs_of_earlier_versions_are_added_once(store: Store) -> None:
    plain = replace(RUN, run_id="second")
    store.add_run(plain)
    store.add_cases("second", [prediction(7)])
    assert not store.lacks_columns("second")
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE searched SET meta = ''")  # as the migration leaves them
    assert store.lacks_columns("second")
    store.add_columns("second", {f"{7:064x}": 1.5}, {f"{7:064x}": {"view": "LL"}})
    assert not store.lacks_columns("second") and store.lacks_columns(RUN.run_id)
    assert store.count("second", search("view=ll"), "Ada") == 1
    assert store.count("second", "unlike training", "Ada") == 1


@pytest.mark.parametrize(
    ("typed", "said"), [("", "nothing to"), ("   ", "nothing to"), ("x" * 201, "up to 200 characters")]
)
def test_nothing_or_too_much_is_refused_with_examples(typed: str, said: str) -> None:
    with pytest.raises(ReviewError, match=rf"{said}.*score > \.8, view=PA"):
        terms_of(typed)
    assert terms_of("x" * 200)


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_whatever_is_typed_is_read(typed: str) -> None:
    assert search(typed).terms


def test_a_column_that_holds_the_label_in_other_words_gives_it_away_and_one_that_does_not_gives_nothing(
    tmp_path: Path,
) -> None:
    metas = [{"diagnosis": "J18", "sex": "F", "no": "1"}, {"diagnosis": "J18", "sex": "M", "no": "2"}]
    metas += [{"diagnosis": "Z00", "sex": "F", "no": "3"}, {"diagnosis": "Z00", "sex": "M", "no": "4"}]
    with open_store(tmp_path / "overread.db") as store:
        with_readers(store).add_run(RUN)
        labels = ("pneumonia", "pneumonia", "normal", "normal")
        store.add_cases(
            RUN.run_id,
            [
                replace(prediction(number, label=label), meta=meta)
                for number, (label, meta) in enumerate(zip(labels, metas, strict=True))
            ],
        )
        tells = {typed for typed in TYPED if store.searched(RUN.run_id, typed).tells_label}
    assert tells == {"diagnosis=J18", "diagnosis=Z00 sex=F", "label normal"}


TYPED = ("diagnosis=J18", "diagnosis=Z00 sex=F", "sex=F", "no=3", "pneumonia", "label normal", "diagnosis=X")
