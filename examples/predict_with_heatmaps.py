"""Predict images that a run has not seen; write each with its heatmap laid over it, and a table of probabilities.

python examples/predict_with_heatmaps.py IMAGES [--run latest] [--workspace study] [--out why]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from engine.data import index_data
from engine.images import image_png
from engine.pipeline import read_samples
from engine.runs import find_run
from engine.saliency import picture_with_map
from engine.workspace import open_workspace

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("images", type=Path, help="a folder of images, with or without classes")
parser.add_argument("--run", default="latest", help="a run's id, the start of one, or “latest”")
parser.add_argument("--workspace", type=Path, default=Path("study"))
parser.add_argument("--out", type=Path, default=Path("why"))
asked = parser.parse_args()

workspace = open_workspace(asked.workspace)
run = find_run(workspace, asked.run)
predictions, explanations = read_samples(workspace, run, index_data(asked.images).samples)

asked.out.mkdir(parents=True, exist_ok=True)
with (asked.out / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
    table = csv.writer(stream)
    table.writerow(["case", "predicted", *run.classes])
    for prediction in predictions:
        case = prediction.image_id[:12]  # a file name may be a patient's
        table.writerow([case, prediction.predicted, *(f"{p:.4f}" for p in prediction.probabilities)])
        picture = picture_with_map(image_png(prediction.path), explanations[prediction.image_id])
        (asked.out / f"{case}-{prediction.predicted}.png").write_bytes(picture)
print(f"{len(predictions)} images in {asked.out}")
