"""A study read by scripts whose errors are known, through the interface that pages and commands use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.reading import DESIGNS, Endpoint, Protocol, Reader, Store, StudyAnswer, Task
from engine.reading.sittings import Shown
from engine.records import Prediction
from tests.engine.reading.test_store import RUN, prediction

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
CASES, POSITIVES = 60, 24
MACHINE_WRONG = {0, 1, 2, 3, 30, 31, 32, 33, 34}  # four positives missed, five negatives called

Script = Callable[[int, Task], tuple[str, str | None, float | None]]
"""Case number and task → verdict, label and certainty."""


def label_of(number: int) -> str:
    return "pneumonia" if number < POSITIVES else "normal"


def other(label: str) -> str:
    return "normal" if label == "pneumonia" else "pneumonia"


def films(n: int = CASES, *, labelled: bool = True) -> list[Prediction]:
    """Predictions of a machine that is wrong on `MACHINE_WRONG`; two films a patient."""
    found = []
    for number in range(n):
        says = label_of(number) if number not in MACHINE_WRONG else other(label_of(number))
        p = 0.9 - number / 1000 if says == "pneumonia" else 0.1 + number / 1000
        found.append(prediction(number, p=p, label=label_of(number) if labelled else None))
    return found


def scripted_store(store: Store, readers: int = 2, *, cases: int = CASES, labelled: bool = True) -> list[str]:
    """Add run, predictions and readers that are scripts; return the readers' names."""
    store.add_run(RUN)
    store.add_cases(RUN.run_id, films(labelled=labelled)[:: CASES // cases])
    names = [f"Script {number}" for number in range(1, readers + 1)]
    for name in names:
        store.add_reader(Reader(reader_id="", name=name, profession="script"))
    store.add_reader(Reader(reader_id="", name="Cleo", role="adjudicator"))
    return names


def script(reader: int) -> Script:
    """Return a reader who errs blind on every tenth case, other ones than other readers, and goes over to the machine
    on every case whose number is not divisible by three."""

    def read(number: int, task: Task) -> tuple[str, str | None, float | None]:
        wrong = number % 10 == reader
        label = other(label_of(number)) if wrong else label_of(number)
        if task.advice is not None and number % 3:
            label = task.advice.predicted
        return "read", label, 2.0 if wrong else 4.0

    return read


def read_all(store: Store, study_id: str, name: str, read: Script) -> None:
    """Read all that a reader is given, as a page does: what is shown is written down before it is shown."""
    sitting, now = store.studies.begin(study_id, name), NOW
    scale = store.studies.get(study_id).protocol.certainty
    while (task := store.studies.next(study_id, name, now=now)) is not None:
        verdict, label, sure = read(int(task.image_id, 16), task)
        if task.arm == "assisted":
            store.expose(sitting, Shown(image_id=task.image_id, map="grad-cam"))
        answer = StudyAnswer(
            study_id=study_id,
            image_id=task.image_id,
            arm=task.arm,
            verdict=verdict,
            label=label,
            certainty=sure if scale and label else None,
            seconds=6.0 if task.arm == "blind" else 3.0,
        )
        store.studies.answer(answer, sitting, last=task.last, now=now)
        now += timedelta(seconds=5)
    store.studies.end(sitting)


def protocol(names: list[str], **changes: object) -> Protocol:
    told: dict[str, object] = {
        "name": "Scripted verdicts of known error rate",
        "design": "blind then assisted",
        "run_id": RUN.run_id,
        "readers": tuple(names),
        "positive": "pneumonia",
        "certainty": "1-5",
        "endpoint": "readers are better with the model",
        "margin": 0.05,
        "seed": 7,
    }
    told |= changes
    if "primary" not in told:
        both = any(" minus " in each for each in DESIGNS[told["design"]].compares)  # type: ignore[index]
        figure = "AUC" if told["certainty"] else "sensitivity"
        told["primary"] = Endpoint(figure=figure, aim="superior" if both else "estimate")
    return Protocol(**told)  # type: ignore[arg-type]
