"""What is said of one run, by its readers, in its study, is the same whatever is said of others before and behind it.

Three runs of the same images, each with people, answers, flags, a study and labels of its own, live in one database,
in turns; their ids lie on both sides of one another's. Each is then told exactly as if it were alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from engine.reading.answers import Given
from engine.reading.labelling.drafting import Said, draft
from engine.reading.people import Reader
from engine.reading.queues.catalogue import QUEUES, search
from engine.reading.sittings import Shown, Sitting
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import StudyAnswer
from engine.records import Prediction, Region, Review, Verdict
from tests.engine.reading.test_store import RUN, prediction

CASES = range(8)
NUMBERS = {
    "seq", "review_id", "supersedes", "row", "hash", "time", "created", "at", "flag_id", "prediction_seen",
}  # fmt: skip
"""What a place in the chain and the clock decide."""
EVERYWHERE = "Zoe"
"""Reads all of the runs, and in no study."""
PASSWORD = "correct horse battery"


def image(number: int) -> str:
    return f"{number:064x}"


class Life:
    """All that happens to one run.

    Args:
        store: Where.
        name: Begins every id, by which its neighbours lie before it or behind it.
        turn: In what it differs from the others.
    """

    def __init__(self, store: Store, name: str, turn: int) -> None:
        self.store, self.name, self.turn = store, name, turn
        self.run = replace(RUN, run_id=f"{name}-run", dataset_id=f"{name}-data")
        self.reader, self.second, self.judge = (f"{who} of {name}" for who in ("Ada", "Ben", "Cleo"))
        self.sittings: list[Sitting] = []
        self.made = 0

    def next_id(self) -> uuid.UUID:
        self.made += 1
        return uuid.UUID(f"{self.name}{uuid.uuid5(uuid.NAMESPACE_OID, f'{self.name} {self.made}').hex[1:]}")

    def cases(self, more: float = 0.0) -> list[Prediction]:
        labels = ("pneumonia", "normal", None, "pneumonia")
        return [
            replace(
                prediction(number, p=(0.15 + 0.1 * ((number + self.turn) % 8) + more) % 1, label=labels[number % 4],
                           part=("test", "val")[number % 2]),
                patient_id=f"patient {number // 3}", distance=(number * (self.turn + 1)) % 4 / 1.5 or None,
                meta={"view": ("PA", "AP", "LL")[(number + self.turn) % 3]},
            )
            for number in CASES
        ]  # fmt: skip

    def say(self, number: int, reader: str, label: str | None, **given: Any) -> None:
        predicted = self.store.case(self.run.run_id, image(number)).predicted
        verdict = (
            Verdict.UNSURE if label is None else Verdict.AGREE if label == predicted else Verdict.OVERRULE
        )
        drawn = Region(x=0.1, y=0.1, width=0.1 * (self.turn + 1), height=0.2, label="x")
        self.store.add_review(
            Review(
                run_id=self.run.run_id, image_id=image(number), reader=reader, verdict=verdict, label=label,
                regions=(drawn,) if number % 2 else (), seconds=1.0 + self.turn,
            ),
            Given(**given),
        )  # fmt: skip

    def begins(self) -> None:
        self.store.add_run(self.run)
        for name, role in ((self.reader, "reader"), (self.second, "reader"), (self.judge, "adjudicator")):
            self.store.add_reader(Reader(reader_id="", name=name, role=role))
        self.store.add_cases(self.run.run_id, self.cases())
        self.store.accounts.set_password(self.reader, PASSWORD)

    def is_read(self) -> None:
        self.sittings.append(self.store.begin_sitting(self.run.run_id, self.reader))
        self.store.expose(self.sittings[0], Shown(image_id=image(1), label=True, map=f"map {self.turn}"))
        self.store.expose(self.sittings[0], Shown(image_id=image(3), similar=True, prediction=False))
        for number in (1, 2, 3):
            self.say(
                number,
                self.reader,
                ("normal", "pneumonia")[(number + self.turn) % 2],
                sitting=self.sittings[0],
            )
        self.say(2, self.second, ("normal", "pneumonia")[(3 + self.turn) % 2])
        self.say(5, self.second, "normal")
        for number in (2, 4):
            self.store.flag(self.run.run_id, image(number), self.reader, self.sittings[0], comment=self.name)
        for queue in ("all", "not yet read"):
            self.store.bookmark(self.run.run_id, queue, self.reader, image(2 + self.turn))

        for number in range(self.turn, self.turn + 3):
            self.say(number, EVERYWHERE, ("normal", "pneumonia")[number % 2])
            self.store.flag(self.run.run_id, image(number), EVERYWHERE, comment=self.name)
        self.store.bookmark(self.run.run_id, "all", EVERYWHERE, image(5 - self.turn))

    def is_read_again(self) -> None:
        self.say(self.turn, EVERYWHERE, None)
        self.say(7 - self.turn, EVERYWHERE, "normal")
        self.store.take_back(self.run.run_id, EVERYWHERE)
        self.store.flag(self.run.run_id, image(self.turn + 1), EVERYWHERE, flagged=False)
        self.say(1, self.reader, None)
        self.say(6, self.reader, "normal")
        self.store.take_back(self.run.run_id, self.reader)
        self.store.flag(self.run.run_id, image(4), self.reader, flagged=False)
        self.store.add_cases(self.run.run_id, self.cases(0.03))
        scores = {image(number): (number + self.turn) % 5 / 5 for number in CASES if number != self.turn}
        self.store.labels.suspect(self.run.run_id, scores)
        self.store.move_cases([(self.run.run_id, image(7), Path(f"/{self.name}/moved.png"))])
        self.store.end_sitting(self.sittings[0])

    def is_studied(self) -> None:
        told = Protocol(
            name=f"study {self.name}", design="blind then assisted", run_id=self.run.run_id, consensus="adjudicated",
            readers=(self.reader, self.second), adjudicator=self.judge, wrong_advice=0.25, seed=self.turn,
        )  # fmt: skip
        self.store.studies.create(told, image_ids=[image(number) for number in CASES if number != 4])
        for place, reader in enumerate((self.reader, self.second)):
            sitting = self.store.studies.begin(told.name, reader)
            for number in range(8 + 2 * place + self.turn):
                task = self.store.studies.next(told.name, reader)
                assert task is not None
                if task.arm == "assisted":
                    self.store.expose(sitting, Shown(image_id=task.image_id, map="grad-cam"))
                answer = StudyAnswer(
                    study_id=task.study_id, image_id=task.image_id, arm=task.arm, verdict="read", seconds=number,
                    label=("normal", "pneumonia")[(int(task.image_id, 16) + place * number) % 2],
                )  # fmt: skip
                self.store.studies.answer(answer, sitting, last=task.last)
            self.store.studies.undo(sitting, task.image_id, task.arm)
            self.store.studies.end(sitting)

    def is_settled(self) -> None:
        name = f"study {self.name}"
        sitting = self.store.studies.begin(name, self.judge)
        task = self.store.studies.next(name, self.judge)
        if task is not None:
            self.store.studies.dispute(sitting, task.image_id)
            answer = StudyAnswer(
                study_id=task.study_id, image_id=task.image_id, arm="adjudication", verdict="read", label="normal",
                comment=self.name,
            )  # fmt: skip
            self.store.studies.answer(answer, sitting)
        came: dict[str, str | None] = {image(number): "normal" for number in CASES}
        said = [Said(image_id=image(self.turn), reader=self.reader, label="pneumonia", answer=1)]
        made = draft(came, said, parent=1, source="assisted", made_from=self.run.run_id)
        self.store.labels.add(self.run.dataset_id, came, made)
        assert self.store.accounts.sign_in(self.reader, PASSWORD)
        self.store.studies.close(name)


STAGES: tuple[Callable[[Life], None], ...] = (
    Life.begins, Life.is_read, Life.is_read_again, Life.is_studied, Life.is_settled,
)  # fmt: skip


EVIDENCE = {
    "shown": "SELECT e.session_id, e.image_id, e.map, p.run_id, p.image_id, p.probabilities FROM exposures e "
    "LEFT JOIN predictions p ON p.seq = e.prediction WHERE e.session_id LIKE ? ORDER BY e.seq",
    "sat": "SELECT session_id, study_id, reader_id, event FROM sessions WHERE session_id LIKE ? ORDER BY seq",
    "superseded": "SELECT a.image_id, a.verdict, b.study_id, b.image_id, b.reader_id, b.label FROM answers a "
    "JOIN answers b ON b.seq = a.supersedes WHERE a.study_id LIKE ? ORDER BY a.seq",
    "assigned": "SELECT a.reader_id, a.image_id, a.arm, a.position, a.wrong, p.run_id, p.probabilities "
    "FROM assignments a LEFT JOIN predictions p ON p.seq = a.prediction WHERE a.study_id LIKE ? ORDER BY a.seq",
    "read": "SELECT t.reader_id, t.image_id, t.arm, t.position, a.label, a.verdict FROM tasks t "
    "LEFT JOIN answers a ON a.seq = t.answer WHERE t.study_id LIKE ? ORDER BY t.reader_id, t.position",
    "last": "SELECT l.position, l.image_id, l.part, l.verdict, a.label FROM last_answers l "
    "JOIN answers a ON a.seq = l.answer WHERE l.run_id LIKE ? ORDER BY l.position, l.answer",
    "differ": "SELECT position, image_id, part FROM differences WHERE run_id LIKE ? ORDER BY position",
    "suspected": "SELECT image_id, suspicion, path FROM cases WHERE run_id LIKE ? ORDER BY image_id",
    "searched": "SELECT image_id, file, score, meta FROM searched WHERE run_id LIKE ? ORDER BY image_id",
}
"""What is kept of a life and told by nothing else, by the name that its ids begin with."""


def plain(told: Any) -> Any:
    """Return what is told without numbers of rows and moments."""
    if hasattr(told, "__dataclass_fields__"):
        return plain(asdict(told))
    if isinstance(told, dict):
        return {key: plain(value) for key, value in told.items() if key not in NUMBERS}
    return [plain(one) for one in told] if isinstance(told, list | tuple) else told


def walked(store: Store, run_id: str, queue: Any, reader: str, part: Any) -> list[object]:
    cases = store.upcoming(run_id, queue, reader, None, part, k=99)
    ids = [one.image_id for one in cases]
    back = [store.previous(run_id, queue, reader, one, part) for one in ids[1::3]]
    resumed = store.resume(run_id, queue, reader, part)
    places = [store.place(run_id, queue, reader, one, part) for one in ids[::3]]
    before = [one and one.image_id for one in back]
    return [ids, store.count(run_id, queue, reader, part), places, before, resumed and resumed.image_id]


ORDERS = ((1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0), (0, 1, 2))
"""Who comes first, second and third in each stage, so that each has newer rows of others on both sides."""


def told_of(life: Life) -> dict[str, Any]:
    """Return all that a store tells of a life."""
    store, run_id, study = life.store, life.run.run_id, f"study {life.name}"
    found: dict[str, Any] = {
        "run": store.run(run_id),
        "cases": store.predictions(run_id),
        "part": [one.image_id for one in store.predictions(run_id, "val")],
        "readers": store.readers(run_id),
        "rows": [dict(row) for row in store.readings(run_id)],
        "columns": store.lacks_columns(run_id),
        "places": [one for one in store.case_places([image(n) for n in CASES]) if one[0] == run_id],
        "patients": [store.of_patient(run_id, image(n)) for n in CASES],
        "study": store.studies.get(study).state,
        "images": store.studies.images(study),
        "progress": store.studies.progress(study),
        "answers": store.studies.answers(study, latest=False),
        "standing": store.studies.answers(study),
        "seen": [*store.studies.exposures(study).values()],
        "wanted": store.studies.wanted(study),
        "consensus": store.studies.consensus(study),
        "disagreements": store.studies.disagreements(study),
        "labels": [store.labels.of_version(life.run.dataset_id, number) for number in (1, 2)],
        "versions": [
            (one.number, one.images, one.changed) for one in store.labels.versions(life.run.dataset_id)
        ],
        "signed in": [one.signed_in for one in store.accounts.all() if one.reader.name == life.reader],
        "sitting": store.reviews(run_id, sitting=life.sittings[0]),
    }
    for latest in (True, False):
        for reader in (None, life.reader, EVERYWHERE):
            found[f"reviews {latest} {reader}"] = store.reviews(run_id, reader=reader, latest=latest)
            for number in (2, 3):
                found[f"reviews {latest} {reader} {number}"] = store.reviews(
                    run_id, reader=reader, latest=latest, image_id=image(number)
                )
    for reader in (life.reader, life.second, EVERYWHERE):
        found[f"read blind {reader}"] = sorted(store.studies.to_read_blind(reader))
        found[f"disclosed {reader}"] = store.studies.disclosure(study, reader)
        found[f"blind in {reader}"] = store.studies.blind_in(run_id, reader)
        found[f"own {reader}"] = [store.studies.own(study, reader, image(n)) for n in CASES]
        found[f"flags {reader}"] = [store.flag_of(run_id, image(n), reader) for n in CASES]
        found[f"done {reader}"] = store.progress(run_id, reader)
        for name in (*QUEUES, "view=pa", "score > .4"):
            for part in (None, "test") if reader == life.reader else (None,):
                queue = name if name in QUEUES else search(name)
                found[f"{name} {reader} {part}"] = walked(store, run_id, queue, reader, part)
    with store._database.read() as connection:
        for what, statement in EVIDENCE.items():
            rows = connection.exec_driver_sql(statement, (f"{life.name}%",)).all()
            found[what] = [tuple(row) for row in rows]
    told: dict[str, Any] = plain(found)
    return told


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Life]]:
    """Whose ids are made at the moment: the last one's."""
    whose: list[Life] = []
    made = uuid.uuid4
    monkeypatch.setattr(uuid, "uuid4", lambda: whose[-1].next_id() if whose else made())
    yield whose


def with_everywhere(store: Store, ids: list[Life], life: Life) -> Life:
    """Add whom all runs know, by an id that is always the same; return the life."""
    ids.append(Life(store, "3", 0))
    store.add_reader(Reader(reader_id="", name=EVERYWHERE))
    return life


def test_each_of_three_is_told_as_if_it_were_alone(tmp_path: Path, ids: list[Life]) -> None:
    turns = {"1": 0, "5": 1, "9": 2}
    alone = {}
    for name, turn in turns.items():
        with open_store(tmp_path / f"{name}.db") as store:
            life = with_everywhere(store, ids, Life(store, name, turn))
            for stage in STAGES:
                ids.append(life)
                stage(life)
            alone[name] = told_of(life)
    with open_store(tmp_path / "together.db") as store:
        lives = [Life(store, name, turn) for name, turn in turns.items()]
        with_everywhere(store, ids, lives[0])
        for number, stage in enumerate(STAGES):
            for life in [lives[place] for place in ORDERS[number]]:
                ids.append(life)
                stage(life)
        assert store.audit().found == () and len(store.runs()) == len(store.studies.all()) == 3
        together = {life.name: told_of(life) for life in lives}
    for name, told in alone.items():
        for what, one in told.items():
            assert together[name][what] == one, f"{name}: {what}"
    assert alone["1"] != alone["5"] != alone["9"]
