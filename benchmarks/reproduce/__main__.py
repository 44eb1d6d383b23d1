"""`python -m benchmarks.reproduce NAME… --data DIR`: train published systems again and print what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.reproduce import measure, table
from benchmarks.reproduce.packs import index_pack
from benchmarks.reproduce.studies import STUDIES, Study
from engine.data import split_index
from engine.errors import EngineError
from engine.records import Epoch, Recipe
from engine.workspace import Workspace, open_workspace


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.reproduce", description=__doc__)
    made.add_argument("names", metavar="NAME", nargs="*", help=f"one of: {', '.join(STUDIES)}")
    made.add_argument("--data", type=Path, help="the folder of data packs")
    made.add_argument(
        "--workspace", type=Path, help="where images, runs and caches are kept; outside the repository"
    )
    made.add_argument(
        "--only", metavar="RECIPE", action="append", help="only this recipe of the study; repeatable"
    )
    made.add_argument("--quick", action="store_true", help="a trial: few epochs, few images")
    made.add_argument("--seed", type=int, default=0, help="of the split")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    made.add_argument("--results", type=Path, default=table.RESULTS, help="where the JSON files are kept")
    made.add_argument("--table", action="store_true", help="print the table of all results and train nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return its exit code."""
    asked = parser().parse_args(arguments)
    unknown = [name for name in asked.names if name not in STUDIES]
    if unknown or not (asked.table or (asked.names and asked.data)):
        wrong = f"there is no study {unknown[0]}" if unknown else "name a study, and the packs by --data"
        parser().error(f"{wrong}; studies: {', '.join(STUDIES)}")
    try:
        if not asked.table:
            workspace = open_workspace(asked.workspace or Path(tempfile.gettempdir()) / "overread-reproduce")
            for name in asked.names:
                reproduce(name, STUDIES[name], workspace, asked)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    print(table.markdown(asked.results, asked.names, quick=asked.quick))
    return 0


def reproduce(name: str, study: Study, workspace: Workspace, asked: argparse.Namespace) -> None:
    """Train every recipe of a study on one split; each result is written as soon as it is there."""
    index = index_pack(study.prepare, asked.data, workspace, look_alikes=study.look_alikes)
    if study.by_image:
        index = replace(
            index, samples=tuple(replace(sample, patient_id=sample.image_id) for sample in index.samples)
        )
    split = split_index(index, ratios=study.ratios, seed=asked.seed, use_given=study.given)
    say(f"{name}: {len(split.train):,} / {len(split.val):,} / {len(split.test):,} images, {split.method}")
    for published in study.recipes:
        if asked.only and published.name not in asked.only:
            continue
        recipe: Recipe = study.quick(published) if asked.quick else published
        say(f"{recipe.name}: {recipe.title}")

        def tell(epoch: Epoch) -> None:
            say(
                f"  {epoch.number:3d} {epoch.phase}: loss {epoch.train_loss:.4f}, validation {epoch.val_loss:.4f}, "
                f"accuracy {epoch.val_accuracy:.4f}, AUROC {epoch.val_auc:.4f}, {epoch.seconds:.1f} s"
            )

        run = measure.trained(workspace, name, recipe, index, split, device=asked.device, tell=tell)
        row = measure.row_of(
            run,
            measure.predictions_of(workspace, run, device=asked.device),
            published=measure.published_of(published, study.published_on),
            quick=asked.quick,
        )
        path = table.keep(asked.results, name, study.data, row)
        accuracy = table.measured(row["figures"]["accuracy"])
        say(f"  test accuracy {accuracy}, {row['epochs']} epochs, {row['seconds']:.0f} s → {path.name}")


def say(line: str) -> None:
    """Print a line of progress at once."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
