"""Give a run the answers of readers from a table, and report against the labels in the data and against theirs.

python examples/report_with_readings.py ANSWERS.csv [--run latest] [--workspace study] [--out report]

The table has the columns file, reader and answer: a class, "unsure" or "not diagnostic". Readings are only ever
added: giving the table twice adds every answer twice, and the last one of each reader counts.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from engine.pipeline import export_run, report_run
from engine.reading import Reader, open_store
from engine.records import Review, Verdict
from engine.runs import find_run
from engine.workspace import open_workspace

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("answers", type=Path)
parser.add_argument("--run", default="latest", help="a run's id, the start of one, or “latest”")
parser.add_argument("--workspace", type=Path, default=Path("study"))
parser.add_argument("--out", type=Path, default=Path("report"))
asked = parser.parse_args()

workspace = open_workspace(asked.workspace)
run = find_run(workspace, asked.run)
with open_store(workspace.database) as store, asked.answers.open(newline="", encoding="utf-8") as stream:
    cases = {case.path.name: case for case in store.predictions(run.run_id)}
    answers = list(csv.DictReader(stream))
    for name in dict.fromkeys(row["reader"] for row in answers):
        if store.find_reader(name) is None:
            store.add_reader(Reader(reader_id="", name=name))
    for row in answers:
        case, answer = cases.get(row["file"]), row["answer"]
        if case is None:
            raise SystemExit(f"{row['file']} is no image that this run has predicted; mend {asked.answers}.")
        if answer in (Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC):
            verdict, label = Verdict(answer), None
        else:
            verdict, label = Verdict.AGREE if answer == case.predicted else Verdict.OVERRULE, answer
        store.add_review(
            Review(
                run_id=run.run_id,
                image_id=case.image_id,
                reader=row["reader"],
                verdict=verdict,
                label=label,
                comment=f"from {asked.answers.name}",
            )
        )
    report = report_run(workspace, store, run, part="test")
    export_run(workspace, report, run, store.predictions(run.run_id, part="test"), asked.out)

for against in report.against:
    print(f"Against the {against.name}: {against.cases} of {against.of} images have one")
    for name in ("AUROC", "accuracy"):
        if name in against.estimates:
            figure = against.estimates[name]
            print(f"  {name}: {figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f})")
print(asked.out / "report.html")
