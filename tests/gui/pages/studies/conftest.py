"""A run whose every word and figure can be found again in what a browser received, and readers of a study of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine.reading import Drawn, Protocol, Study
from engine.reading.store import open_store
from engine.records import Prediction
from engine.runs import load_explanations
from engine.runs.heatmaps import save_explanations
from engine.workspace import open_workspace
from gui.web.session import AppSession
from tests.gui.conftest import fill, make_run
from tests.readers import with_readers

CLASSES = ("zebrosis", "okapitis")
SHARE = 0.7319284651


@dataclass
class Ward:
    """A session on six images that are all labelled and predicted alike, with three readers."""

    session: AppSession
    predictions: list[Prediction]

    def ids(self, *names: str) -> tuple[str, ...]:
        people = {each.name: each.reader_id for each in self.session.store.people()}
        return tuple(people[name] for name in names)

    def study(self, design: str = "blind then assisted", **more: Any) -> Study:
        (carl,) = self.ids("carl")
        run_id = self.session.store.run_ids()[0]
        said = {
            "name": "pilot",
            "design": design,
            "run_id": run_id,
            "readers": self.ids("anna", "ben"),
            "adjudicator": carl,
            "consensus": "adjudicated",
            "drawn": Drawn(rule="all"),
        }
        return self.session.store.studies.create(Protocol(**(said | more)))  # type: ignore[arg-type]


@pytest.fixture
def ward(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ward]:
    """In the file of a workspace; by `@pytest.mark.parametrize("ward", ["postgresql"], indirect=True)` on a server."""
    workspace = open_workspace(tmp_path / "workspace")
    if getattr(request, "param", "sqlite") == "postgresql":
        workspace = replace(workspace, server=request.getfixturevalue("postgresql").fresh())
    session = AppSession(
        workspace=workspace, store=open_store(workspace.database, busy_seconds=0.5), reader="anna"
    )
    with_readers(session.store, "anna", "ben", "carl")
    carl = session.store.find_reader("carl")
    assert carl is not None
    session.store.change_reader(replace(carl, role="adjudicator"))
    run = make_run(workspace, classes=CLASSES)
    drawn = fill(session, tmp_path / "images", [f"okapitis_{n}.png" for n in range(6)], run=run, side=96)
    told = [
        replace(
            one,
            label="okapitis",
            predicted="okapitis",
            probabilities=(1 - SHARE - n / 1000, SHARE + n / 1000),
        )
        for n, one in enumerate(drawn)
    ]
    session.store.add_cases(run.run_id, told)
    maps = [
        replace(one, target="okapitis") for one in load_explanations(run.folder).values()
    ]  # of two classes it argues for the positive one
    save_explanations(run.folder, maps)
    yield Ward(session=session, predictions=told)
    session.store.close()
