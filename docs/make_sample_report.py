"""Make the sample reports: the demonstration's run, and a study read by scripts whose error rate is known.

python docs/make_sample_report.py                    walks the demonstration first, in a workspace that is thrown away
python docs/make_sample_report.py --workspace DIR    in a copy of DIR, where `overread demo --no-gui -w DIR` has been

Films, labels and readers are made by programs, and every page says so: nothing in them is evidence of anything. The
readings go in as a page's do: what is shown is written down before it is shown, and an answer is given to a sitting.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine import pipeline, report, runs  # noqa: E402
from engine.reading import Drawn, Endpoint, Protocol, Reader, Shown, Store, StudyAnswer, Task, open_store  # noqa: E402
from engine.records import Run  # noqa: E402
from engine.workspace import Workspace, open_workspace  # noqa: E402

SAMPLE = ROOT / "docs" / "sample"
NAME = "Scripted verdicts of known error rate"
ERRORS = {"Script 1": 0.10, "Script 2": 0.15, "Script 3": 0.20, "Script 4": 0.25}
"""Reader → the share of cases that the script misreads without the model."""
FOLLOWS = (
    0.6  # of the cases on which a script differs from the model, it goes over to the model on this share
)


def make_study(workspace: Workspace, store: Store, run: Run) -> str:
    """Make the study, let the scripts read all of it, close it; return its id."""
    for name in ERRORS:
        store.add_reader(Reader(reader_id="", name=name, profession="script"))
    protocol = Protocol(
        name=NAME,
        design="blind then assisted",
        run_id=run.run_id,
        readers=tuple(ERRORS),
        positive=str(run.positive),
        drawn=Drawn(rule="filter", parts=("test",)),
        certainty="1-5",
        primary=Endpoint(figure="AUC"),
        endpoint="Readers are better with the model's answer than without it",
        seed=7,
    )
    study = store.studies.create(protocol)
    labels = {each.image_id: str(each.label) for each in store.predictions(run.run_id)}
    for name in ERRORS:
        read_all(store, study.study_id, name, labels, run.classes)
    store.studies.close(study.study_id)
    return study.study_id


def read_all(
    store: Store, study_id: str, name: str, labels: dict[str, str], classes: tuple[str, ...]
) -> None:
    """Let a script read all that it is given."""
    sitting, chance = store.studies.begin(study_id, name), random.Random(name)
    said: dict[str, tuple[str, float]] = {}
    while (task := store.studies.next(study_id, name, now=datetime.now(UTC))) is not None:
        if task.advice is not None:
            store.expose(sitting, Shown(image_id=task.image_id, prediction=True, map="grad-cam"))
        label, sure = answer_to(
            task, said.get(task.image_id), labels[task.image_id], classes, ERRORS[name], chance
        )
        said[task.image_id] = (label, sure)
        store.studies.answer(
            StudyAnswer(
                study_id=study_id,
                image_id=task.image_id,
                arm=task.arm,
                verdict="read",
                label=label,
                certainty=sure,
                seconds=round(chance.lognormvariate(1.9 if task.advice is None else 1.2, 0.4), 1),
            ),
            sitting,
            last=task.last,
        )
    store.studies.end(sitting)


def answer_to(
    task: Task,
    before: tuple[str, float] | None,
    label: str,
    classes: tuple[str, ...],
    errors: float,
    chance: random.Random,
) -> tuple[str, float]:
    """Return what a script says, and how sure it is from 1 to 5."""
    if task.advice is None or before is None:
        wrong = chance.random() < errors
        others = [name for name in classes if name != label]
        return (chance.choice(others) if wrong else label), float(
            chance.choice((1, 2, 3) if wrong else (2, 3, 4, 5))
        )
    if before[0] == task.advice.predicted:
        return before[0], min(5.0, before[1] + 1)
    return (task.advice.predicted, 2.0) if chance.random() < FOLLOWS else before


def make(workspace: Workspace, into: Path) -> None:
    """Write report.html of the run and study.html of the study."""
    run = runs.list_runs(workspace)[-1]
    with open_store(workspace.database) as store:
        study_id = make_study(workspace, store, run)
        predictions = store.predictions(run.run_id, part="test")
        built = pipeline.report_run(workspace, store, run, part="test")
        pipeline.export_run(workspace, built, run, predictions, into, formats=("html",))
        report.export_study(report.report_study(workspace, store, study_id), into, formats=("html",))


def main() -> None:
    """Walk, read and write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--workspace", type=Path, help="Where `overread demo` has been; it is copied.")
    asked.add_argument("--into", type=Path, default=SAMPLE, help="Default: docs/sample.")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "workspace"
        if told.workspace:
            shutil.copytree(told.workspace, place)
        workspace = open_workspace(place)
        if not told.workspace:
            from gui.cli.demo import walk

            walk(workspace)
        make(workspace, told.into)
    for file in sorted(told.into.glob("*.html")):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
