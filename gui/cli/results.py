"""`overread predict`, `explain`, `passport` and `report`: what a finished run says, why, and how well it does."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import cluster, data, images, prediction, reading, runs, saliency
from engine.errors import DataError, ImageError
from engine.language import count_of, in_print
from engine.records import DataIssue, DataIssueKind, Sample, is_unlike, recipe_of
from engine.spreadsheet import read_csv, write_csv
from engine.storage import storage_error, write_atomic, write_together
from engine.workspace import open_workspace
from gui.cli.data import read_images, say_lost
from gui.cli.options import (
    LINE,
    ClassOption,
    DeviceOption,
    ImagesArgument,
    JsonOption,
    ListsMethods,
    MethodOption,
    OnOption,
    PredictionsOption,
    RunArgument,
    TopOption,
    WorkersOption,
    WorkspaceOption,
    place,
    whole,
)
from gui.cli.proposal import ColumnOption, FindingOption, RootOption, SameOption, TableOption, print_issue
from gui.cli.terminal import progress, say, say_error, show_json, show_table

if TYPE_CHECKING:
    from engine.records import Explanation, Prediction, Run

app = typer.Typer()

PICTURE_SIDE = 768  # pixels of an explained image
MANY, TOP = 5, 3  # so many classes have a column each; of more the most probable are shown
DISTANCE = "distance"  # a heading: above 1, the image differs from those of training


@app.command(rich_help_panel=LINE, cls=ListsMethods)
def predict(
    run: RunArgument,
    path: ImagesArgument,
    out: PredictionsOption = None,
    same: SameOption = None,
    column: ColumnOption = None,
    table: TableOption = None,
    images_root: RootOption = None,
    finding: FindingOption = None,
    review: Annotated[
        bool, typer.Option("--review", help="Put the images into the run's review queue.")
    ] = False,
    method: MethodOption = None,
    target: ClassOption = None,
    top: TopOption = None,
    on: OnOption = None,
    workers: WorkersOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict images that the run has not seen, and add them to its predictions.csv.

    Example: [bold]overread predict latest ~/new-images[/bold]
    """
    from engine import pipeline  # with it comes torch

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    written = out or trained.folder / "predictions.csv"
    make_folder(written.parent)
    lines_of(written, trained)  # what cannot be added to is said before anything is read
    prediction.check_choice(trained, method, target)
    reads = cluster.reads_on(on, workers)
    said = data.answers_from_options(
        same=same or (), columns=column or (), table=table, root=images_root, finding=finding
    )
    samples = read_images(workspace, path, said)
    say_foreign_labels(trained, samples)
    parts = prediction.parts_of(runs.split_of(trained))
    explanations: Mapping[str, Explanation] = {}
    with progress("Predicting") as bar:
        if review:
            predictions, explanations = pipeline.read_samples(
                workspace,
                trained,
                samples,
                parts=parts,
                progress=bar,
                method=method,
                target=target,
                reads=reads,
            )
        else:  # nobody would see a map
            told = reads(trained, samples, cache_dir=workspace.cache, parts=parts, progress=bar, method=None)
            predictions = [one for one, _ in told]
    add_to_table(written, trained, predictions, samples)
    if (seen := prediction.seen_before(predictions)) is not None:
        say(f"{seen}.")
    small = small_images(trained, samples)
    unlike = say_unlike(trained, predictions)
    if review:
        with reading.open_store(workspace.database) as store:
            prediction.keep_for_review(
                store, trained, samples, predictions, explanations, source=path.absolute().name
            )
    if as_json:
        found = {"run_id": trained.run_id, "table": written, "classes": trained.classes}
        far_smaller = [sample.path for sample in small]
        show_json(
            found
            | {"far_smaller_than_trained_on": far_smaller, "unlike_training": unlike, **_plain(predictions)}
        )
        return
    _show(trained, predictions, top or (len(trained.classes) if len(trained.classes) <= MANY else TOP))
    say(f"Added to {written}")


def _show(run: Run, predictions: Sequence[Prediction], top: int) -> None:
    ranks = [f"{rank}." for rank in range(1, min(top, len(run.classes)) + 1)]  # most probable first
    rows = []
    for p in predictions:
        shown = [in_print(value, ".3f") for value in p.probabilities]
        if top < len(run.classes):
            shown = [
                f"{name} {in_print(value, '.3f')}"
                for value, name in sorted(zip(p.probabilities, run.classes, strict=True), reverse=True)
            ]
        unlike = "differs from training" if is_unlike(p.distance) else ""
        rows.append((p.path.name, p.predicted, *shown[:top], unlike))
    show_table(("image", "predicted", *(ranks if top < len(run.classes) else run.classes), ""), rows)


def _plain(predictions: Sequence[Prediction]) -> dict[str, Any]:
    fields = ("path", "image_id", "predicted", "probabilities", "label", "distance")
    return {"predictions": [{name: getattr(one, name) for name in fields} for one in predictions]}


def small_images(run: Run, samples: Sequence[Sample]) -> list[Sample]:
    """Return the images that are far smaller than what a run was trained on, having said so."""
    detail = data.detail_of(recipe_of(run).image_size, runs.split_of(run).trained_on)
    sizes = data.sizes_of(samples)
    said = detail.of_several([sizes.get(sample.image_id) for sample in samples])
    if said is not None:
        say(f"{said}.")
    return [sample for sample in samples if detail.lacks(sizes.get(sample.image_id))]


def say_unlike(run: Run, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Say whether images differ from those of training, or why that is not known; return it for JSON."""
    from engine import uncertainty  # with it comes torch

    fitted = runs.load_uncertainty(run.folder)
    coverage = fitted.conformal.coverage if fitted else None
    shift, said = uncertainty.shift_told(runs.load_known(run), run, predictions, coverage=coverage)
    for sentence in said:
        say(f"{sentence}.")
    if shift is None:
        return {"why_not_known": said[0] if said else None}
    return {
        "images": [one.path for one in predictions if is_unlike(one.distance)],
        "of": shift.images,
        "set_differs": shift.differs,
        "p_value": shift.p_value,
    }


def say_foreign_labels(run: Run, samples: Sequence[Sample]) -> None:
    """Ask what labels mean that are none of a run's classes."""
    foreign = prediction.foreign_labels(run, samples)
    if foreign:
        names = ", ".join(f"“{name}” ({count:,})" for name, count in foreign.items())
        message = (
            f"The labels {names} are not classes of this run ({', '.join(run.classes)}): they are kept in the table "
            "but not compared with predictions until you say which class each is"
        )
        option = " ".join(shlex.join(["--same", f"{name}=CLASS"]) for name in foreign)
        print_issue(
            DataIssue(kind=DataIssueKind.CLASS_UNCLEAR, message=message, serious=True, options=(option,))
        )


def add_to_table(table: Path, run: Run, predictions: Sequence[Prediction], samples: Sequence[Sample]) -> None:
    """Add predictions to a CSV; an image that is in it already gets its new line in place of the old one.

    Args:
        table: The CSV.
        run: That predicted.
        predictions: What to add.
        samples: The images: a label that is none of the run's classes is written as it came.

    Raises:
        DataError: The file is not such a table.
        WorkspaceError: It cannot be written.
    """
    headings, lines = _headings(run), lines_of(table, run)
    labels = {sample.image_id: sample.label for sample in samples}
    for one in predictions:
        values = (
            one.image_id,
            str(one.path),
            one.label or labels.get(one.image_id) or "",
            one.predicted,
            *(f"{value:.6f}" for value in one.probabilities),
            "" if one.distance is None else f"{one.distance:.3f}",
        )
        lines[one.image_id] = dict(zip(headings, values, strict=True))
    write_atomic(table, write_csv(lines.values(), headings))


def _headings(run: Run) -> list[str]:
    return ["image_id", "path", "label", "predicted", *(f"p({name})" for name in run.classes), DISTANCE]


def lines_of(table: Path, run: Run) -> dict[str, dict[str, str]]:
    """Return what a table of predictions holds, by image id; nothing where there is none yet.

    Raises:
        DataError: The file is not such a table.
    """
    if not table.exists():
        return {}
    try:
        names, lines = read_csv(table.read_bytes())
        wanted = _headings(run)
        # Before distances were measured the last column was not there.
        if names in (wanted, wanted[:-1]) and all(len(cells) == len(names) for cells in lines):
            return {cells[0]: {DISTANCE: "", **dict(zip(names, cells, strict=True))} for cells in lines}
    except (OSError, csv.Error):
        pass  # whatever it is, nothing may be added to it
    raise DataError(f"{table} is not a table of this run's predictions", "Choose another file with --out")


@app.command(rich_help_panel=LINE, cls=ListsMethods)
def explain(
    run: RunArgument,
    out: Annotated[Path, typer.Option(parser=place, metavar="DIR", help="Where the pictures go.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=place, metavar="IMAGES", help="Images or folders; default: the run's test images."
        ),
    ] = None,
    method: MethodOption = None,
    target: ClassOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write images with their heatmaps and the colour bar, one PNG a case.

    Example: [bold]overread explain latest film1.png film2.dcm --out why[/bold]
    """
    from engine import pipeline

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    prediction.check_choice(trained, method, target)
    samples: list[Sample] = []
    for path in paths or []:
        samples += read_images(workspace, path)
    chosen = samples if paths else list(runs.split_of(trained).test)
    say_lost(trained.run_id, [sample.path for sample in chosen])
    with progress("Explaining") as bar:
        predictions, explanations = pipeline.read_samples(
            workspace, trained, chosen, progress=bar, method=method, target=target
        )
    say_if_off(trained, explanations)
    make_folder(out)
    written = write_together(_overlays(out, predictions, explanations))
    if as_json:
        show_json({"run_id": trained.run_id, "pictures": written})
    else:
        print(f"{count_of(len(written), 'picture')} in {out}")


def say_if_off(run: Run, explanations: Mapping[str, Explanation]) -> None:
    """Say of maps that do not pass what they are put to why they are off by default on the Review page."""
    from engine.report import why_off

    for method in sorted({each.method for each in explanations.values()}):
        passport, _ = runs.passport_of(run.folder, method)
        if passport is not None and (why := why_off(passport)):
            say(f"These heatmaps are off by default on the Review page. {why}")


def _overlays(
    out: Path, predictions: Sequence[Prediction], explanations: Mapping[str, Explanation]
) -> Iterator[tuple[Path, bytes]]:
    """Yield each picture with its place; an image that is gone or changed is said and left out."""
    for one in predictions:
        try:
            image = images.image_png(one.path, max_side=PICTURE_SIDE)
        except ImageError as error:
            say_error(error)
            continue
        drawn = saliency.picture_with_map(image, explanations[one.image_id])
        yield out / f"{one.path.stem}-{one.image_id[:8]}.png", drawn


def make_folder(folder: Path) -> None:
    """Make the folder that was asked for.

    Raises:
        WorkspaceError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error


@app.command(rich_help_panel=LINE)
def passport(
    run: RunArgument,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure on validation images how far a run's heatmaps can be believed, as training does.

    Where an image has no mask, the finding lies where readers of closed studies marked it without the model.

    Example: [bold]overread passport latest[/bold]
    """
    from engine.report import (  # with them comes numpy
        drawn_blind,
        passport_document,
        passport_in_words,
        why_off,
    )

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    images = runs.validated_on(trained)
    say_lost(trained.run_id, [sample.path for sample in images])
    unmarked = [each for each in images if each.mask_path is None]
    with reading.open_store(workspace.database) as store:
        drawn = drawn_blind(store, unmarked, {each.image_id: each.label for each in unmarked if each.label})
    with progress("Explaining") as bar:
        made = prediction.passport_anew(
            trained, cache_dir=workspace.cache, device=device, regions=drawn.masks, progress=bar
        )
    if as_json:
        show_json({"run_id": trained.run_id, **passport_document(made)})
        return
    print(f"{made.method}, on {made.images:,} of {made.of:,} validation images")
    for check in passport_in_words(made):
        print(f"{check.short}. {check.details}")
    if why_off(made):
        print("These heatmaps are off by default on the Review page.")


@app.command(rich_help_panel=LINE)
def robustness(
    run: RunArgument,
    images: Annotated[
        int, typer.Option(parser=whole(1, 100_000), metavar="N", help="Test images at most, drawn at random.")
    ] = 200,
    seed: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Of the drawing and of the noise.")
    ] = 0,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what becomes of a run's predictions when its test images are changed a little; its report shows it.

    Example: [bold]overread robustness latest[/bold]
    """
    from engine.report import figure, interval, plain

    workspace = open_workspace(root)
    trained = runs.find_trained(workspace, run)
    say_lost(trained.run_id, [sample.path for sample in runs.split_of(trained).test])
    with progress("Predicting changed images") as bar:
        made = prediction.measure_robustness(
            trained, cache_dir=workspace.cache, images=images, seed=seed, device=device, progress=bar
        )
    if as_json:
        show_json({"run_id": trained.run_id, **plain(made)})
        return
    print(f"{made.images:,} of {made.of:,} labelled test images, seed {made.seed}")
    for step in made.steps:
        kept = f"{figure(step.kept.value)} ({interval(step.kept)})"
        print(f"{step.title} {in_print(step.step)} {step.unit}: {kept} of the predicted classes stayed")
