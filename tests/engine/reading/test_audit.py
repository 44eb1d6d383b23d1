"""Tampering with any row of evidence, or removing one, is found and named; what was written honestly is not."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import JSON

from engine.reading import row_mapping
from engine.reading.answers import Given, latest_reviews
from engine.reading.audit import Audit
from engine.reading.ledger import chain
from engine.reading.ledger.anchors import Anchor, read_anchors, write_anchor
from engine.reading.ledger.chain import Head, seal
from engine.reading.ledger.guards import guards
from engine.reading.migrations.schema import CHAINED, METADATA
from engine.reading.people import Reader
from engine.reading.sittings import Shown
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import StudyAnswer
from engine.records import Region, Uncertainty, Verdict
from tests.engine.reading.test_store import RUN, agree, correct_labels, prediction
from tests.snapshots import hold_against

TABLES = {table.name: table for table in CHAINED}
COLUMNS = [(table.name, column.name) for table in CHAINED for column in table.columns]
WITH_KEYS = {
    "prediction": "predictions",
    "answer": "answers",
    "supersedes": "answers",
    "parent": "label_versions",
    "version": "label_versions",
}
"""Columns that name a row → of which table."""
BOX = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="consolidation")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with at least two rows in each table of evidence, none of them tampered with."""
    path = tmp_path_factory.mktemp("honest") / "overread.db"
    with open_store(path) as store:
        store.add_run(RUN)
        store.add_run(replace(RUN, run_id="second"))
        unsure_of = Uncertainty(variance=0.01, mutual_information=0.2, passes=20, rate=0.1)
        store.add_cases(RUN.run_id, [replace(prediction(n), uncertainty=unsure_of) for n in range(4)])
        store.add_cases("second", [prediction(1)])
        ada = store.add_reader(Reader(reader_id="", name="Ada", profession="radiologist", years=7))
        store.add_reader(Reader(reader_id="", name="Ben"))
        store.add_reader(Reader(reader_id="", name="ada", profession="radiologist"), another=True)
        store.join_readers("ada", "Ada")
        sitting = store.begin_sitting(RUN.run_id, ada.name)
        for number in (1, 2):
            store.expose(sitting, Shown(image_id=f"{number:064x}", map="grad-cam", label=number == 2))
            store.add_review(agree(number, regions=(BOX,), seconds=2.5, comment="c"), Given(sitting=sitting))
        store.add_review(agree(1, verdict=Verdict.OVERRULE, label="normal"), Given(sitting=sitting))
        for flagged in (True, False, True):
            store.flag(RUN.run_id, f"{2:064x}", "Ada", sitting, flagged=flagged, comment="again")
        store.add_review(agree(3), Given(sitting=sitting))
        store.take_back(RUN.run_id, "Ada", sitting)  # which leaves none
        store.add_review(agree(2, verdict=Verdict.UNSURE, label=None), Given(sitting=sitting))
        store.take_back(RUN.run_id, "Ada", sitting)  # after which the one before it stands
        store.end_sitting(sitting)
        store.add_review(agree(1, reader="Ben", run_id="second"))
        correct_labels(store)
        read_a_study(store)
    return path


def read_a_study(store: Store) -> None:
    """Add a study in which one of two readers has read two cases, and taken one answer back."""
    told = Protocol(
        name="films", design="blind then assisted", run_id=RUN.run_id, readers=("Ada", "Ben"), certainty="1-5"
    )
    study = store.studies.create(told)
    store.studies.change(study.study_id, replace(study.protocol, endpoint="sensitivity"), "it was forgotten")
    sitting = store.studies.begin(study.study_id, "Ada")
    for _ in range(3):
        task = store.studies.next(study.study_id, "Ada")
        assert task is not None
        if task.arm == "assisted":
            store.expose(sitting, Shown(image_id=task.image_id, similar=True))
        answer = StudyAnswer(
            study_id=study.study_id,
            image_id=task.image_id,
            arm=task.arm,
            verdict="read",
            label="normal",
            certainty=4,
        )
        store.studies.answer(answer, sitting)
    store.studies.undo(sitting, task.image_id, task.arm)


@pytest.fixture
def taken(honest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(honest, tmp_path / "overread.db"))


def tamper(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Do what somebody may do who has the file and switches every guard off, and on again afterwards."""
    with closing(sqlite3.connect(path)) as other:
        for table in TABLES:
            for name in guards(table, "sqlite"):
                other.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            other.execute(statement, values if "?" in statement else ())
        for table in TABLES:
            for made in guards(table, "sqlite").values():
                other.execute(made)
        other.commit()


def audited(path: Path) -> Audit:
    with open_store(path) as store:
        return store.audit(read_anchors(path.with_name("anchors.csv")))


def anchored(path: Path) -> Head:
    with open_store(path) as store:
        head = store.head()
    write_anchor(path.with_name("anchors.csv"), head, "a session ended")
    return head


def test_what_was_written_honestly_is_found_whole(taken: Path) -> None:
    head = anchored(taken)
    told = audited(taken)
    assert told.found == () and told.head == head and told.rows == head.seq == told.anchored > 20


def test_a_clock_that_was_set_back_is_told_and_takes_nothing_from_the_chain_or_the_last_word(
    taken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = datetime(2026, 11, 27, 12, tzinfo=UTC)
    hours = {
        1: 0.0,
        2: -2.0,
        3: -1.9,
        4: 9600.0,
        5: 0.0,
        6: -0.05,
    }  # it ran on, was set back, jumped ahead, was put right

    class Clock(datetime):
        now_is = begun

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromisoformat(cls.now_is.isoformat())

    monkeypatch.setattr(chain, "datetime", Clock)
    monkeypatch.setattr(row_mapping, "datetime", Clock)
    with open_store(taken) as store:
        sitting = store.begin_sitting(RUN.run_id, "Ben")
        rows = {}
        for turn, hour in hours.items():
            Clock.now_is = begun + timedelta(hours=hour)
            store.expose(sitting, Shown(image_id=f"{3:064x}"))
            rows[turn] = store.head().seq
            said = Verdict.UNSURE if turn == 6 else Verdict.AGREE
            label = None if turn == 6 else "pneumonia"
            store.add_review(agree(3, reader="Ben", verdict=said, label=label), Given(sitting=sitting))
        told = store.audit()
        reviews = store.reviews(RUN.run_id, reader="Ben", image_id=f"{3:064x}")
    assert told.found == ()
    assert [(one.row, one.seconds) for one in told.set_back if one.row > rows[1]] == [
        (rows[2], 2 * 3600),
        (rows[5], 9600 * 3600),
    ]
    assert latest_reviews(reviews)[f"{3:064x}"]["Ben"].verdict is Verdict.UNSURE


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda value: str(value))
def test_every_column_of_every_table_of_evidence_is_guarded_by_the_chain(
    taken: Path, table: str, column: str
) -> None:
    with closing(sqlite3.connect(taken)) as other:
        (seq, before), *_ = other.execute(f"SELECT seq, {column} FROM {table} ORDER BY seq DESC").fetchall()
    # of the same kind where it can be, and never what it was
    after: object = before + 1000 if isinstance(before, int | float) else f"{before or ''}x"
    if isinstance(TABLES[table].c[column].type, JSON):
        after = '{"changed":1}'
    if column in WITH_KEYS:
        with closing(sqlite3.connect(taken)) as other:
            target = WITH_KEYS[column]
            others = [
                row[0] for row in other.execute(f"SELECT seq FROM {target}") if row[0] not in (before, seq)
            ]
        after = others[0]
    tamper(taken, f"UPDATE {table} SET {column} = ? WHERE seq = {seq}", values=(after,))
    assert any(table in each.sentence for each in audited(taken).found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_value_in_any_cell_is_found_and_its_row_is_named(
    honest: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = Path(shutil.copy(honest, tmp_path_factory.mktemp("cell") / "overread.db"))
    table, column = data.draw(
        st.sampled_from([pair for pair in COLUMNS if pair[1] not in ("seq", *WITH_KEYS)])
    )
    with closing(sqlite3.connect(path)) as other:
        rows = other.execute(f"SELECT seq, {column}, typeof({column}) FROM {table}").fetchall()
        needed = {row[1]: row[3] for row in other.execute(f"PRAGMA table_info({table})")}[column]
    seq, before, kind = data.draw(st.sampled_from(rows))
    values = {
        "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        "real": st.floats(allow_nan=False, allow_infinity=False),
        "integer": st.integers(-(2**40), 2**40),
        "null": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    }[kind]
    after = data.draw(values if needed else st.one_of(values, st.none()))
    if after == before or (after == "" and before is None):
        return
    tamper(path, f"UPDATE {table} SET {column} = ? WHERE seq = {seq}", values=(after,))
    found = audited(path).found
    assert any(each.row in (seq, seq + 1) and each.table in (*TABLES, "chain_head") for each in found) or any(
        each.table == "chain_head" for each in found
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_a_row_that_was_removed_is_named_by_its_number(taken: Path, table: str, which: str) -> None:
    anchored(taken)
    with closing(sqlite3.connect(taken)) as other:
        rows = [row[0] for row in other.execute(f"SELECT seq FROM {table} ORDER BY seq")]
    seq = {"first": rows[0], "middle": rows[len(rows) // 2], "last": rows[-1]}[which]
    tamper(taken, f"DELETE FROM {table} WHERE seq = {seq}")
    assert any(f"Row {seq} is missing" in each.sentence for each in audited(taken).found)


def test_a_row_that_was_rewritten_with_its_own_hash_breaks_with_the_one_behind_it(taken: Path) -> None:
    with closing(sqlite3.connect(taken)) as other:
        other.row_factory = sqlite3.Row
        row = dict(other.execute("SELECT * FROM answers ORDER BY seq").fetchone())
    forged = seal("answers", row | {"comment": "forged"})
    tamper(
        taken,
        f"UPDATE answers SET comment = 'forged', hash = ? WHERE seq = {row['seq']}",
        values=(forged,),
    )
    found = {each.row: each.sentence for each in audited(taken).found}
    assert "does not follow the row before it: one of them was rewritten" in found[row["seq"] + 1]
    assert row["seq"] not in found and len(found) == 1


def test_a_row_that_is_there_twice_is_named_with_the_table_of_the_second(taken: Path) -> None:
    names = [column.name for column in TABLES["flags"].columns]
    with closing(sqlite3.connect(taken)) as other:
        ((seq,),) = other.execute("SELECT MIN(seq) FROM answers").fetchall()
    told = ", ".join({"seq": str(seq), "id": "'another'"}.get(name, name) for name in names)
    tamper(taken, f"INSERT INTO flags ({', '.join(names)}) SELECT {told} FROM flags LIMIT 1")
    found = [each.sentence for each in audited(taken).found]
    assert any(sentence.startswith(f"Row {seq} is there twice: the second is in ") for sentence in found)


def cut_off(path: Path, from_row: int) -> None:
    """Remove the last rows and write the head down anew, so that the chain that is left is whole."""
    with closing(sqlite3.connect(path)) as other:
        rows = [
            (seq, digest)
            for table in TABLES
            for seq, digest in other.execute(f"SELECT seq, hash FROM {table}")
        ]
    digest = dict(rows)[from_row - 1]
    tamper(
        path,
        "DELETE FROM last_answers",
        "DELETE FROM tasks",
        *(f"DELETE FROM {table} WHERE seq >= {from_row}" for table in reversed(TABLES)),
        f"UPDATE chain_head SET seq = {from_row - 1}, hash = '{digest}'",
    )


def test_the_last_rows_are_missed_by_an_anchor_though_the_chain_that_is_left_is_whole(taken: Path) -> None:
    head = anchored(taken)
    cut_off(taken, head.seq - 2)
    sentences = [each.sentence for each in audited(taken).found]
    assert any(
        f"Rows {head.seq - 2} to {head.seq} are missing at the end" in one and "a session ended" in one
        for one in sentences
    )


def test_a_chain_that_was_rewritten_whole_is_found_by_an_anchor(taken: Path) -> None:
    anchored(taken)
    with closing(sqlite3.connect(taken)) as other:
        other.row_factory = sqlite3.Row
        rows = sorted(
            (
                (row["seq"], table, dict(row))
                for table in TABLES
                for row in other.execute(f"SELECT * FROM {table}")
            ),
            key=lambda each: each[0],
        )
    statements, before = [], ""
    for seq, table, row in rows:
        row["previous"] = before
        if table == "answers":
            row["comment"] = "somebody else's words"
        before = row["hash"] = seal(table, row)
        statements.append(
            f"UPDATE {table} SET hash = '{before}', previous = '{row['previous']}'"
            + (", comment = 'somebody else''s words'" if table == "answers" else "")
            + f" WHERE seq = {seq}"
        )
    tamper(taken, *statements, f"UPDATE chain_head SET hash = '{before}'")
    (one,) = audited(taken).found
    assert "rewritten after the anchor" in one.sentence
    taken.with_name("anchors.csv").unlink()
    assert audited(taken).found == ()  # which is why there are anchors


def test_two_rows_that_were_exchanged_are_both_named(taken: Path) -> None:
    with closing(sqlite3.connect(taken)) as other:
        first, second = (row[0] for row in other.execute("SELECT seq FROM regions ORDER BY seq"))
    swap = "UPDATE regions SET seq = {} WHERE seq = {}"
    tamper(taken, swap.format(-1, first), swap.format(first, second), swap.format(second, -1))
    assert {each.row for each in audited(taken).found} >= {first, second}


def test_a_row_that_was_put_in_is_found(taken: Path) -> None:
    head = anchored(taken)
    tamper(
        taken,
        f"INSERT INTO readers SELECT {head.seq + 1}, 'new', at, author, '{head.hash}', hash, reader_id, name, role,"
        " profession, years, same_as FROM readers LIMIT 1",
    )
    assert any(each.row == head.seq + 1 for each in audited(taken).found)


@pytest.mark.parametrize("table", TABLES)
def test_a_guard_that_was_switched_off_is_named_though_nothing_was_changed(taken: Path, table: str) -> None:
    for name in guards(table, "sqlite"):
        with closing(sqlite3.connect(taken)) as other:
            made = other.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
            other.execute(f"DROP TRIGGER {name}")
            other.commit()
            assert any(name in each.sentence for each in audited(taken).found)
            other.execute(made)
            other.commit()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET author = 'x'",
        "DELETE FROM {}",
        "INSERT OR REPLACE INTO {0} SELECT * FROM {0} LIMIT 1",
        "REPLACE INTO {0} SELECT * FROM {0} LIMIT 1",
    ],
)
def test_another_program_can_neither_change_nor_delete_nor_replace_a_row(
    taken: Path, table: str, change: str
) -> None:
    with closing(sqlite3.connect(taken)) as other:
        rows = other.execute(f"SELECT * FROM {table}").fetchall()
        assert len(rows) >= 2
        with pytest.raises(sqlite3.Error, match="append-only"):
            other.execute(change.format(table))
        assert other.execute(f"SELECT * FROM {table}").fetchall() == rows


KEPT_BESIDE = [
    ("cases", "UPDATE cases SET label = 'pneumonia'"),
    ("cases", "UPDATE cases SET probabilities = '[0.5,0.5]'"),
    ("cases", "UPDATE cases SET margin = 0"),
    ("cases", "DELETE FROM cases WHERE image_id NOT IN (SELECT image_id FROM last_answers)"),
    ("last_answers", "UPDATE last_answers SET verdict = 'unsure'"),
    ("last_answers", "DELETE FROM last_answers"),
    ("last_answers", "UPDATE last_answers SET answer = (SELECT MIN(seq) FROM answers)"),
    ("tasks", "UPDATE tasks SET answer = NULL"),
    ("tasks", "UPDATE tasks SET answer = (SELECT MAX(seq) FROM answers) WHERE position = 0"),
    ("tasks", "UPDATE tasks SET arm = 'assisted'"),
    ("tasks", "UPDATE tasks SET position = position + 100"),
    ("tasks", "DELETE FROM tasks WHERE answer IS NULL"),
    ("flagged", "DELETE FROM flagged"),
    ("flagged", "UPDATE flagged SET flag = (SELECT MIN(seq) FROM flags)"),
    (
        "differences",
        "INSERT INTO differences SELECT run_id, position, image_id, part FROM cases LIMIT 1",
    ),
    ("chain", "DELETE FROM exposures WHERE seq = (SELECT MIN(seq) FROM exposures)"),
    ("chain", "DELETE FROM predictions WHERE run_id <> 'second'"),
    ("chain", "DELETE FROM assignments"),
    ("chain", "DELETE FROM readers WHERE seq = (SELECT MIN(seq) FROM readers)"),
    ("answers", "UPDATE answers SET comment = 'x' WHERE seq IN (SELECT MIN(seq) FROM answers)"),
    ("regions", "UPDATE regions SET place = '[0]'"),
    ("flags", "UPDATE flags SET previous = 'x', hash = 'x' WHERE seq IN (SELECT MAX(seq) FROM flags)"),
    ("chain_head", "UPDATE chain_head SET hash = 'x'"),
    ("chain", "UPDATE chain_head SET seq = seq + 1"),
]


def test_what_is_worked_out_from_the_chain_is_worked_out_again_and_what_differs_is_named(
    honest: Path, tmp_path: Path
) -> None:
    lines = []
    for number, (table, change) in enumerate(KEPT_BESIDE):
        (tmp_path / str(number)).mkdir()
        taken = Path(shutil.copy(honest, tmp_path / str(number) / "overread.db"))
        tamper(taken, change)
        found = audited(taken).found
        assert table in {each.table for each in found}
        told = Counter(f"{each.table} {each.row}: {each.sentence}" for each in found)
        lines += [f"[{change}]", *(f"{count} × {sentence}" for sentence, count in sorted(told.items()))]
    hold_against(Path(__file__).parent / "snapshots" / "kept_beside.txt", lines)


def test_an_audit_says_how_much_it_looked_at_and_by_which_anchor(honest: Path) -> None:
    with open_store(honest) as store:
        head = store.head()
        plain = store.audit()
        assert plain == Audit(rows=head.seq, head=head, anchors=0, anchored=0, found=())
        with closing(sqlite3.connect(honest)) as other:
            ((early,),) = other.execute("SELECT hash FROM predictions WHERE seq = 3").fetchall()
        anchors = [
            Anchor(head.seq, head.hash, "now"),
            Anchor(3, early, "early"),
            Anchor(0, "", "at the start"),
        ]
        assert store.audit(anchors) == replace(plain, anchors=3, anchored=head.seq)
        (wrong,) = store.audit([Anchor(3, "f" * 64, "early"), *anchors]).found
        assert (wrong.table, wrong.row) == ("chain", 3) and "after the anchor (early)" in wrong.sentence
        (gone,) = store.audit([Anchor(head.seq + 2, "f" * 64, "later")]).found
        assert gone.sentence == (
            f"Rows {head.seq + 1} to {head.seq + 2} are missing at the end (anchor: later)"
        )


def test_every_table_is_evidence_or_worked_out_from_it_or_said_to_be_neither() -> None:
    # run folders tell the first and much of the last; the second is a convenience; where a file lies may change
    neither = {"runs", "places", "image_places", "schema_version", "searched", "accounts", "web_sessions"}
    beside = {"cases", "last_answers", "tasks", "chain_head", "flagged", "differences"}
    assert set(METADATA.tables) | {"schema_version"} == set(TABLES) | beside | neither


def test_anchors_survive_a_line_that_a_power_failure_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "anchors.csv"
    write_anchor(path, Head(1, "a" * 64), "one")
    with path.open("ab") as stream:
        stream.write(b"2026-01-01T00:00:00+00:00,2,abc")
    write_anchor(path, Head(3, "c" * 64), "two")
    write_anchor(path, Head(3, "c" * 64), "two")
    assert [(each.seq, each.hash) for each in read_anchors(path)] == [(1, "a" * 64), (3, "c" * 64)]
    assert path.stat().st_mode & 0o077 == 0
