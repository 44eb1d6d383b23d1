"""Train on a folder of images, print the figures of the test part with their 95% intervals, write the report.

python examples/train_and_measure.py IMAGES [--recipe head-only] [--workspace study] [--out report]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.data import index_data, save_index
from engine.pipeline import export_run, read_run, report_run, train_run
from engine.reading import open_store
from engine.recipes import find_recipe
from engine.records import TrainingRequest
from engine.runs import load_run, new_run_id
from engine.workspace import open_workspace

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("images", type=Path, help="a folder a class, a table or an archive")
parser.add_argument("--recipe", default="default", help="a name of `overread recipes`, or a JSON file")
parser.add_argument("--workspace", type=Path, default=Path("study"))
parser.add_argument("--out", type=Path, default=Path("report"))
asked = parser.parse_args()

workspace = open_workspace(asked.workspace)
index = index_data(asked.images)
save_index(workspace, index)
print(f"{index.name}: {len(index.samples)} images of {', '.join(index.classes)}")
for issue in index.issues:
    print(f"  {issue.kind.value}: {issue.message}")

folder = workspace.runs / new_run_id(workspace.runs)
request = TrainingRequest(recipe=find_recipe(asked.recipe), dataset_id=index.dataset_id)
for epoch in train_run(workspace, folder, request):  # splits by patient, trains, calibrates on validation
    print(f"epoch {epoch.number} ({epoch.phase}): validation AUROC {epoch.val_auc:.3f}")

run = load_run(folder)
with open_store(workspace.database) as store:
    read_run(workspace, store, run)  # predicts and explains validation and test
    report = report_run(workspace, store, run, part="test")
    against = report.against[0]  # the labels that came with the data
    print(f"{against.cases} test images, against the {against.name}:")
    for name, figure in against.estimates.items():
        print(f"  {name}: {figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f}), {figure.method}")
    export_run(workspace, report, run, store.predictions(run.run_id, part="test"), asked.out)
print(asked.out / "report.html")
