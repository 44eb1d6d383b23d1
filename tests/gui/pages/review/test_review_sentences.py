"""What the Review page says in odd situations, as text that a person has read (tests/snapshots.py).

These are the sentences that the server makes; viewer.html and case.js put them in their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.reading.store import open_store
from engine.records import Part, Prediction, Review, Run, Uncertainty, Verdict
from engine.workspace import open_workspace
from gui.pages.review import open_reading, show_case
from gui.pages.review.reading_session import Desk
from gui.web.session import AppSession
from tests.gui.conftest import make_run
from tests.readers import with_readers
from tests.snapshots import hold_against, one_text

KEPT = Path(__file__).parent / "snapshots" / "review.txt"
SAID = ("name", "predicted", "operating", "validated", "distance", "dropout", "conformal", "method", "remark")


def a_case(
    number: int, run: Run, *, sure: float = 0.8, part: Part | None = "test", **more: Any
) -> Prediction:
    rest = (1 - sure) / (len(run.classes) - 1)
    shares = tuple(sure if place == number % len(run.classes) else rest for place in range(len(run.classes)))
    return Prediction(
        image_id=f"{number:064x}", path=Path(f"/films/{number}.png"), label=run.classes[0],
        patient_id=f"P{number // 2}", part=part, probabilities=shares,
        predicted=run.classes[number % len(run.classes)], entropy=0.5, **more,
    )  # fmt: skip


def room_of(folder: Path, run: Run, cases: Sequence[Prediction], *, read_only: bool = False) -> Desk:
    workspace = open_workspace(folder)
    session = AppSession(
        workspace=workspace, store=open_store(workspace.database), reader="anna", read_only=read_only
    )
    session.store.add_run(run)
    session.store.add_cases(run.run_id, list(cases))
    return Desk(session)


def read(
    desk: Desk, cases: Sequence[Prediction], verdict: Verdict = Verdict.AGREE, label: str | None = None
) -> None:
    if desk.session.store.find_reader("anna") is None:
        with_readers(desk.session.store, "anna")
    for one in cases:
        desk.session.store.add_review(
            Review(
                run_id="20260101-120000-abcd", image_id=one.image_id, reader="anna", verdict=verdict,
                label=label or (one.predicted if verdict is Verdict.AGREE else None),
                created=datetime(2026, 1, 1, 12, tzinfo=UTC),
            )
        )  # fmt: skip


def spoken(answer: dict[str, Any]) -> Iterator[str]:
    yield f"place: {answer['place'] or 'none'}"
    if answer["case"] is None:
        yield answer["message"]
        yield f"other queues: {', '.join(answer['others']) or 'none'}"
        return
    for name in SAID:
        if answer["case"][name]:
            yield f"{name}: {answer['case'][name]}"
    if answer["case"]["before"]:
        yield re.sub(r"\d\d \w+ \d{4} \d\d:\d\d", "TODAY", answer["case"]["before"]["sentence"])


def test_the_review_page_says_what_a_person_has_read(tmp_path: Path) -> None:
    run = make_run(open_workspace(tmp_path / "runs"))
    three = make_run(open_workspace(tmp_path / "runs"), classes=("a", "b", "c"))
    four = [a_case(number, run) for number in range(4)]
    told: dict[str, list[str]] = {}

    def situation(
        name: str,
        cases: Sequence[Prediction],
        asked: dict[str, str] | None = None,
        before: Callable[[Desk], None] = lambda desk: None,
        of: Run = run,
        **more: Any,
    ) -> None:
        desk = room_of(tmp_path / name, of, cases, **more)
        before(desk)
        answer = open_reading(desk, asked or {})
        told[name] = list(spoken(answer))
        if answer["case"] is not None and len(cases) == 1:
            ask = {"reading": answer["reading"], "to": "next", "shown": answer["case"]["id"]}
            told[name] += ["-- after it", *spoken(show_case(desk, ask))]
        desk.session.store.close()

    bare = open_workspace(tmp_path / "bare")
    empty = AppSession(workspace=bare, store=open_store(bare.database), reader="anna")
    told["no run"] = list(spoken(open_reading(Desk(empty), {})))
    situation("nothing read", four)
    situation("one case", four[:1])
    situation("one read", four, before=lambda desk: read(desk, four[:1]))
    situation("one read, seen again", four, {"case": four[0].image_id}, lambda desk: read(desk, four[:1]))
    situation(
        "overruled, seen again", four, {"queue": "overruled"},
        lambda desk: read(desk, four[:1], Verdict.OVERRULE, "pneumonia"),
    )  # fmt: skip
    situation(
        "not diagnostic, seen again", four, {"queue": "unsure"},
        lambda desk: read(desk, four[:1], Verdict.NOT_DIAGNOSTIC),
    )  # fmt: skip
    situation("all read", four, before=lambda desk: read(desk, four))
    situation("the only case read", four[:1], before=lambda desk: read(desk, four[:1]))
    situation("all of all parts read", four, {"part": "all"}, lambda desk: read(desk, four))
    situation("a queue without cases", four, {"queue": "overruled"})
    situation(
        "no error", [a_case(number, run, part="val") for number in (0, 2)], {"queue": "errors", "part": "val"}
    )
    situation("no patient named", [replace(one, patient_id=one.image_id) for one in four])
    situation("images from elsewhere", [replace(one, part=None) for one in four])
    situation("a guest", four, read_only=True)
    situation("three classes", [a_case(number, three) for number in range(3)], of=three)
    situation(
        "three classes, predicted by balance",
        [replace(a_case(0, three), predicted="c", margin=0.3)],
        of=three,
    )
    uncertain = {
        "uncertainty": Uncertainty(passes=30, rate=0.1, variance=0.01, mutual_information=0.02, mean=0.7)
    }
    situation(
        "with dropout and sets",
        [a_case(0, run, conformal_set=("normal", "pneumonia"), **uncertain)],
    )
    situation("an operating point near 1", four[:1], of=replace(run, threshold=0.99996))
    found = [replace(four[0], predicted="pneumonia")]
    situation("an operating point near 0", found, of=replace(run, threshold=0.00002))
    hold_against(KEPT, one_text(told))
