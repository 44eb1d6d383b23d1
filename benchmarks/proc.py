"""Areas under ROC curves beside R's pROC, on the patients with aneurysmal haemorrhage that pROC brings.

    apt-get install r-cran-proc && python -m benchmarks.proc

DeLong's variance and paired test must agree to the last digits. pROC knows no patients with several images: of those
only the area itself can be held against it (every patient copied: the same area, and a variance that counts patients).
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from engine.statistics import areas, auroc
from engine.statistics.clusters import Clusters
from engine.statistics.ranking import area_covariance, area_of

MARKERS = ("s100b", "ndka", "wfns")
SCRIPT = """
suppressMessages(library(pROC))
data(aSAH)
markers <- c("s100b", "ndka", "wfns")
roc_of <- function(name) roc(aSAH$outcome, as.numeric(aSAH[[name]]), levels = c("Good", "Poor"), direction = "<")
say <- function(...) cat(sprintf("%.17g", c(...)), sep = ",", fill = FALSE)
for (name in markers) {
  one <- roc_of(name)
  cat("area,", name, ",", sep = ""); say(as.numeric(auc(one)), var(one, method = "delong")); cat("\\n")
}
for (pair in combn(markers, 2, simplify = FALSE)) {
  test <- roc.test(roc_of(pair[1]), roc_of(pair[2]), method = "delong", paired = TRUE)
  cat("test,", pair[1], "-", pair[2], ",", sep = ""); say(test$statistic, test$p.value); cat("\\n")
}
for (row in seq_len(nrow(aSAH))) {
  cat("case,", aSAH$outcome[row] == "Poor", ",", sep = "")
  say(aSAH$s100b[row], aSAH$ndka[row], as.numeric(aSAH$wfns[row])); cat("\\n")
}
"""


def missing() -> str:
    """Say what this computer lacks; empty when nothing."""
    if shutil.which("Rscript") is None:
        return "R is not installed"
    tried = subprocess.run(["Rscript", "-e", "library(pROC)"], capture_output=True)
    return "R has no pROC (Debian: r-cran-proc)" if tried.returncode else ""


def _printed() -> list[list[str]]:
    printed = subprocess.run(
        ["Rscript", "-"], input=SCRIPT, capture_output=True, text=True, check=True
    ).stdout
    return list(csv.reader(io.StringIO(printed)))


def _cases(lines: list[list[str]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    cases = [line for line in lines if line[0] == "case"]
    y = np.array([line[1] == "TRUE" for line in cases])
    return y, {
        name: np.array([float(line[2 + place]) for line in cases]) for place, name in enumerate(MARKERS)
    }


def asah_cases() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return who had a poor outcome, (N,) bool, and each marker, (N,)."""
    return _cases(_printed())


def beside_proc() -> Iterator[tuple[str, float, float]]:
    """Yield (figure, ours, pROC's), and last the area of copied patients."""
    lines = _printed()
    y, scores = _cases(lines)
    alone = Clusters.by(None, len(y))
    theirs = {line[1]: (float(line[2]), float(line[3])) for line in lines if line[0] != "case"}
    for name, score in scores.items():
        area = area_of(y, score, alone)
        yield f"AUROC {name}", area.value, theirs[name][0]
        yield f"DeLong's variance {name}", area_covariance(area, area, alone), theirs[name][1]
    for one, other in combinations(MARKERS, 2):
        found = areas(y, scores[one], scores[other])
        yield f"paired z {one}-{other}", found.z, theirs[f"{one}-{other}"][0]
        yield f"paired p {one}-{other}", found.p_value, theirs[f"{one}-{other}"][1]
    for name, score in scores.items():
        copied = auroc(np.repeat(y, 3), np.repeat(score, 3), np.repeat(np.arange(len(y)), 3))
        yield f"AUROC {name}, every patient three times", copied.value, theirs[name][0]


def main() -> int:
    """Print a line a figure."""
    if lacking := missing():
        print(lacking, file=sys.stderr)
        return 1
    print(f"{'figure':40} {'ours':>20} {'pROC':>20} {'difference':>11}")
    for figure, ours, theirs in beside_proc():
        print(f"{figure:40} {ours:20.15f} {theirs:20.15f} {abs(ours - theirs):11.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
