"""`overread index` and `split`: what data there is, what the checks found, how it is split."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from engine import data, labels as label_versions, reading, runs
from engine.errors import DataError, EngineError
from engine.language import typed_number
from engine.records import PARTS, Answers, DataIssue, Index, LabelsUsed, Sample
from engine.workspace import Workspace, open_workspace
from gui.cli.archives.sources import source_of
from gui.cli.options import (
    LINE,
    DatasetArgument,
    GivenOption,
    JsonOption,
    PositiveOption,
    RatiosOption,
    SplitSeedOption,
    WorkspaceOption,
    named,
    place,
)
from gui.cli.proposal import (
    OF_TRAINING,
    ColumnOption,
    FindingOption,
    ForgetOption,
    LevelOption,
    LevelsOption,
    PartNamesOption,
    RootOption,
    SameOption,
    SourceArgument,
    TableOption,
    answers_for,
    print_issue,
    say_parts,
)
from gui.cli.terminal import progress, say, show_json, show_table

app = typer.Typer()


@app.command(rich_help_panel=LINE)
def index(
    path: SourceArgument,
    levels: LevelsOption = None,
    level: LevelOption = None,
    part_names: PartNamesOption = None,
    same: SameOption = None,
    column: ColumnOption = None,
    table: TableOption = None,
    images_root: RootOption = None,
    finding: FindingOption = None,
    forget: ForgetOption = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read images and say what is there and what the checks found: unreadable files, duplicates.

    Example: [bold]overread index images.csv --column patient_id=subject[/bold]
    """
    workspace = open_workspace(root)
    source, table, left_out = source_of(workspace, path, table)
    said = data.answers_from_options(
        levels=levels,
        level=level or (),
        part_names=part_names or (),
        same=same or (),
        columns=column or (),
        table=table,
        root=images_root,
        finding=finding,
    )
    found = read_data(workspace, source, said, forget=forget, left_out=left_out)
    counts = Counter(sample.label or "(no label)" for sample in found.samples)
    parts = Counter(sample.part for sample in found.samples if sample.part is not None)
    known = data.patients_named(found.samples)
    if as_json:
        show_json(
            {
                "dataset_id": found.dataset_id,
                "name": found.name,
                "images": len(found.samples),
                "patients": known.count,
                "images_with_a_named_patient": known.named,
                "classes": {name: counts[name] for name in [*found.classes, "(no label)"] if counts[name]},
                "parts": {part: parts[part] for part in PARTS if parts[part]},
                "issues": [
                    {
                        "kind": issue.kind.value,
                        "message": issue.message,
                        "serious": issue.serious,
                        "paths": issue.paths,
                        "options": issue.options,
                    }
                    for issue in found.issues
                ],
            }
        )
        return
    show_table(("class", "images"), counts.most_common(), title=f"{found.name}, {data.patients_words(known)}")
    if parts:
        say_parts(parts, len(found.samples) - parts.total())
    print_issues(found)
    print(f"Data set {found.dataset_id}")
    dataset, learned = found.dataset_id, len(found.classes) > 1  # of one class nothing is learned
    study = "or a study of these images in overread gui, whose consensus labels them"
    say(f"Next: overread {f'train {dataset}' if learned else f'predict RUN {dataset}, {study}'}")


def read_data(
    workspace: Workspace,
    path: Path,
    said: Answers | None = None,
    *,
    forget: bool = False,
    left_out: Sequence[DataIssue] = (),
) -> Index:
    """Read a folder, table or archive with a progress bar, and keep its index in the workspace.

    Args:
        workspace: Where it is kept.
        path: What to read.
        said: How to read it; goes before what was said when it was read before.
        forget: Whether to forget that.
        left_out: What did not come on the way here.

    Raises:
        DataError: It cannot be read.
    """
    answers = answers_for(workspace, path, said or Answers(), forget=forget)
    with progress("Reading images") as bar:
        found = data.index_data(
            path,
            answers=answers,
            unpack_into=workspace.unpacked,
            progress=bar,
            comparing=partial(bar, what="Looking for changed copies"),
        )
    found = dataclasses.replace(found, issues=(*found.issues, *left_out))
    data.save_index(workspace, found)
    return found


def read_images(workspace: Workspace, path: Path, said: Answers | None = None) -> Sequence[Sample]:
    """Read images to look at: one file, or whatever `read_data` reads.

    Raises:
        DataError: There is nothing to be read.
    """
    if not path.is_file() or data.is_table(path) or data.is_archive(path):
        found = read_data(workspace, path, said)
        print_issues(found, to_train=False)
        return found.samples
    scanned = data.scan(path.absolute(), look=False)
    if scanned.problem is not None:
        raise scanned.problem
    return (
        Sample(
            path=scanned.path,
            image_id=scanned.image_id,
            label=None,
            patient_id=scanned.patient_id or scanned.image_id,
            width=scanned.width,
            height=scanned.height,
            meta=scanned.meta,
        ),
    )


def print_issues(found: Index, *, to_train: bool = True) -> None:
    """Say on stderr what the checks found; of images that are no training's without what concerns that alone."""
    for issue in data.group_equal(found.issues, apart=()):
        if to_train or issue.kind not in OF_TRAINING:
            print_issue(issue)


def on_labels(
    workspace: Workspace, found: Index, name: str | None, *, like: str | None = None, own_split: bool = False
) -> tuple[Index, LabelsUsed | None]:
    """Return a data set with the labels of a version, and what runs keep of it; None for those it came with.

    Args:
        workspace: Holds the versions.
        found: The data set.
        name: The version's name; None means the one in use.
        like: The run whose parts are kept.
        own_split: Whether it was said how to split, so that no run's parts are kept unless one is named.

    Raises:
        ReviewError: There is no such version.
        RunError: There is no such run.
    """
    with reading.open_store(workspace.database) as store:
        version = (
            label_versions.version_in_use(workspace, store, found)
            if name is None
            else label_versions.version_named(store, found, name)
        )
        newest = label_versions.versions_of(store, found)[-1]
        labelled, used = label_versions.on_version(
            workspace, store, found, version, like=like, own_split=own_split
        )
    if newest.parent is not None or used is not None:
        parts = f"; parts of run {used.base_run}" if used and used.base_run else ""
        say(f"Labels {version.sentence}{parts}")
    return labelled, used


def dataset_of(workspace: Workspace, id_or_path: str, *, to_train: bool = True) -> Index:
    """Return a saved index by id or the start of one, or read a path.

    Raises:
        DataError: It is neither.
    """
    folders = [path.parent.name for path in sorted(workspace.datasets.glob("*/index.json"))]
    matching = [name for name in folders if len(id_or_path) >= 4 and name.startswith(id_or_path)]
    if len(matching) == 1:
        return data.load_index(workspace, matching[0])
    source, _, left_out = source_of(workspace, id_or_path)
    path = data.from_home(source)
    if path.exists():
        found = read_data(workspace, path, left_out=left_out)
        print_issues(found, to_train=to_train)
        return found
    known = ", ".join(folders) or "none yet"
    raise DataError(
        f"“{id_or_path}” is neither a data set of this workspace nor a path",
        f"Give a folder or table of images, or one of the data sets there are ({known})",
    )


@app.command(rich_help_panel=LINE)
def split(
    dataset: DatasetArgument,
    ratios: RatiosOption = None,
    seed: SplitSeedOption = None,
    use_given: GivenOption = None,
    positive: PositiveOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split into training, validation and test, by patient where patients are named, and keep that choice.

    Example: [bold]overread split 3f2a90c1d4e5 --ratios 70/15/15 --seed 7[/bold]
    """
    workspace = open_workspace(root)
    found = dataset_of(workspace, dataset)
    try:
        data.load_choices(workspace, found.dataset_id)
    except DataError as damaged:  # what is said now takes its place
        say(f"{damaged.problem}. The choice of now replaces it.")
        data.save_choices(workspace, found.dataset_id, data.Choices())
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    made = data.split_as_chosen(found, choices)
    data.save_choices(workspace, found.dataset_id, choices)
    table = workspace.datasets / found.dataset_id / "split.csv"
    data.save_split(made, table)
    counts = {part: Counter(sample.label for sample in made.part(part)) for part in PARTS}
    if as_json:
        show_json(
            {
                "dataset_id": found.dataset_id,
                "method": made.method,
                "seed": made.seed,
                "images": {part: {name: counts[part][name] for name in made.classes} for part in PARTS},
                "patients": {part: data.patients_named(made.part(part)).count for part in PARTS},
                "table": table,
            }
        )
        return
    rows = [
        (
            part,
            *(counts[part][name] for name in made.classes),
            data.patients_named(made.part(part)).count,
        )
        for part in PARTS
    ]
    show_table(("", *made.classes, "patients"), rows, title=f"{found.name}: {made.method}, seed {made.seed}")
    say(f"{data.patient_overlap(made)}.".capitalize())
    print(table)
    say("Training will use this split unless told otherwise.")


@app.command(rich_help_panel=LINE)
def relocate(
    moved: Annotated[
        str,
        typer.Argument(
            parser=named,
            metavar="DATASET|RUN",
            help="A data set's or run's id, the start of one, or “latest”.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(parser=place, metavar="FOLDER", help="Where its images are now.")],
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the images of a data set or run in the folder that they were moved to, by the hashes of their contents.

    Example: [bold]overread relocate 3f2a90c1d4e5 /media/archive/images[/bold]
    """
    from engine import relocation

    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store, progress("Looking for images") as bar:
        done = relocation.relocate(workspace, store, _known(workspace, moved), folder, progress=bar)
    if as_json:
        show_json(dataclasses.asdict(done))
    else:
        for sentence in done.sentences():
            print(sentence)
    if not done.found:
        raise DataError(
            f"None of the images of {moved} is in {done.folder}",
            "Name the folder that holds the unchanged files: they are known by their contents alone",
        )


def _known(workspace: Workspace, name: str) -> str:
    """Return the id of the one data set or run that is meant."""
    known = [path.parent.name for path in sorted(workspace.datasets.glob("*/index.json"))]
    matching = [one for one in known if len(name) >= 4 and one.startswith(name)]
    return matching[0] if len(matching) == 1 else runs.find_run(workspace, name).run_id


def say_lost(workspace_id: str, paths: Sequence[Path]) -> None:
    """Say how many images are no longer where they were, and how they are found again.

    Args:
        workspace_id: Of their data set or run.
        paths: Where they were.
    """
    from engine import relocation

    missed = relocation.lost(paths)
    if missed is not None:
        say(f"{missed}. Say where they are now: overread relocate {workspace_id} FOLDER")


def choices_of(
    workspace: Workspace,
    found: Index,
    *,
    ratios: str | None,
    seed: int | None,
    use_given: bool | None,
    positive: str | None,
) -> data.Choices:
    """Return what is kept for this data set, with what was said on the command line instead."""
    kept = data.load_choices(workspace, found.dataset_id)
    mode: data.SplitMode = kept.mode if use_given is None else ("given" if use_given else "new")
    if ratios and use_given is None:
        mode = "new"
    # Where no image has a label, splitting says so.
    if positive is not None and found.classes and positive not in found.classes:
        raise DataError(
            f"The data has no class “{positive}”", f"Choose one of its classes: {', '.join(found.classes)}"
        )
    return dataclasses.replace(
        kept,
        mode=mode,
        ratios=data.ratios_of(*_shares(ratios)) if ratios else kept.ratios,
        seed=kept.seed if seed is None else seed,
        positive=positive or kept.positive,
    )


def _shares(text: str) -> tuple[float, float, float]:
    try:
        # A share that is no number is NaN, which `ratios_of` refuses.
        train_share, val_share, test_share = (typed_number(part, percent=1) for part in text.split("/"))
    except ValueError as error:
        raise DataError(
            f"“{text}” are not three shares", "Write them as 60/20/20: training, validation, test"
        ) from error
    return train_share, val_share, test_share


def pairs_of(texts: Sequence[str], option: str) -> dict[str, str]:
    """Read NAME=VALUE arguments.

    Raises:
        EngineError: One of them is not so.
    """
    pairs = dict(text.partition("=")[::2] for text in texts)
    if not all(name and "=" in text for name, text in zip(pairs, texts, strict=False)):
        raise EngineError(f"{option} needs NAME=VALUE", f"Write it as {option} name=value")
    return pairs
