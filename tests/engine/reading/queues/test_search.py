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
from engine.reading.queues.search import Term, terms_of
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


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("score .85-.5", [Term(column="score", least=0.5, most=0.85)]),
        ("Score: 5 – 20%", [Term(column="score", least=0.2, most=5.0)]),
        ("confidence=.4..6", [Term(column="confidence", least=0.4, most=6.0)]),
        ("CONFIDENCE ≤ 20%", [Term(column="confidence", most=0.2)]),
        ("score<.2", [Term(column="score", most=0.2, beyond="<")]),
        ("score ≥ ,8; a", [Term(column="score", least=0.8), Term(text="a")]),
        (
            "score > .8, view=PA",
            [Term(column="score", least=0.8, beyond=">"), Term(column="meta", text="\nview=pa\n")],
        ),
        (
            "score 1-2, score < 1,",
            [Term(column="score", least=1.0, most=2.0), Term(column="score", beyond="<")],
        ),
        ("score > .8x", [Term(text="score"), Term(text=">"), Term(text=".8x")]),
        ("ID: ABC", [Term(column="image_id", text="abc")]),
        ("Class “Two Words”", [Term(column="label", text="two words")]),
        ('patient "P 3", film', [Term(column="patient", text="p 3"), Term(text="film")]),
        ('"Body Part" = "Chest, AP"', [Term(column="meta", text="\nbody part=chest, ap\n")]),
        ("View=PA,site=A;x", [Term(column="meta", text="\nview=pa,site=a;x\n")]),
        ("a,b; c", [Term(text="a,b"), Term(text="c")]),
        ('"', [Term(text='"')]),
        ("“ward 7”", [Term(text="ward 7")]),
        (",;", [Term(text=",;")]),
    ],
)
def test_what_is_typed_is_read_term_by_term(typed: str, terms: list[Term]) -> None:
    found = terms_of(typed)
    assert [(one.column, one.text, one.beyond) for one in found] == [
        (one.column, one.text, one.beyond) for one in terms
    ]
    for one, wanted in zip(found, terms, strict=True):
        assert (one.least, one.most) == pytest.approx((wanted.least, wanted.most))


@pytest.mark.parametrize(
    ("typed", "cases"),
    [
        ("score = .8104", {2}), ("score = .8106", set()), ("score = .8096", {2}), ("score = .8094", set()),
        ("score .81-.81", {2}), ("score .2-.5", {1, 3}), ("score .201 - .499", set()),
        ("c2abc2fff", {2}), ("id c2abc2fff", {2}), ("file c2abc2fff", set()), ("c2abc2ff", set()),
        ("cabc2ffff", set()),  # as a report prints it, from its start, eight digits or more
        ("abc2ffff", set()), ("id abc2ffff", {2}),
    ],
)  # fmt: skip
def test_a_number_is_found_as_it_is_printed_and_so_is_an_id(
    store: Store, typed: str, cases: set[int]
) -> None:
    assert found(store, typed) == cases


def test_a_column_tells_no_label_where_the_run_has_but_one_and_cases_without(tmp_path: Path) -> None:
    with open_store(tmp_path / "overread.db") as store:
        with_readers(store).add_run(RUN)
        labels = ("pneumonia", "pneumonia", None, None)
        cases = [
            replace(prediction(n, label=label), meta={"dx": str(n // 2)}) for n, label in enumerate(labels)
        ]
        store.add_cases(RUN.run_id, cases)
        other = replace(RUN, run_id="another")
        store.add_run(other)
        store.add_cases("another", [prediction(9, label="normal")])
        assert not store.searched(RUN.run_id, "dx=0").tells_label
        store.add_cases(RUN.run_id, [prediction(7, label="normal")])
        assert (
            store.searched(RUN.run_id, "dx=0").tells_label
            and not store.searched(RUN.run_id, "dx=1").tells_label
        )


def test_after_a_case_that_has_no_value_none_comes_in_a_queue_from_the_largest_down(store: Store) -> None:
    ids = [case.image_id for case in store.upcoming(RUN.run_id, "all", "Ada", None, k=4)]
    store.labels.suspect(RUN.run_id, {ids[0]: 0.25, ids[1]: 0.0, ids[2]: 1.0})
    queue = (RUN.run_id, "likely mislabelled", "Ada")
    walked = [case.image_id for case in store.upcoming(*queue, None, k=9)]
    assert walked == [ids[2], ids[0], ids[1]]
    assert store.next(*queue, ids[3]) is None and store.place(*queue, ids[3]) == 3
    assert store.previous(*queue, ids[3]) == store.case(RUN.run_id, ids[1])
    assert [store.place(*queue, one) for one in walked] == [1, 2, 3]
