"""`overread labels`: versions of a data set's labels, made from readings; labels that may be wrong."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import data, experiments, labels as label_versions, reading, report, runs
from engine.errors import ReviewError
from engine.records import LABEL_RULES
from engine.workspace import open_workspace
from gui.cli.data import dataset_of
from gui.cli.options import (
    LOOK,
    ComparedFormatOption,
    DatasetArgument,
    DeviceOption,
    JsonOption,
    LabelsOption,
    OutOption,
    RunArgument,
    WorkspaceOption,
    named,
    place,
    whole,
)
from gui.cli.terminal import progress, say, show_json, show_table

if TYPE_CHECKING:
    from engine.records import LabelVersion

app = typer.Typer()
labels = typer.Typer(no_args_is_help=True)
app.add_typer(
    labels,
    name="labels",
    rich_help_panel=LOOK,
    help="Versions of a data set's labels, made from readings, to train on; and labels that may be wrong.\n\n"
    "Example: [bold]overread labels list ~/images[/bold]",
)


def facts_of(version: LabelVersion) -> dict[str, Any]:
    """Return a version as JSON has it; how many test cases are locked, not which."""
    facts = {**asdict(version), "created": version.created and version.created.isoformat()}
    return {**facts, "locked": len(version.locked), "sentence": version.sentence}


@labels.command("list")
def list_versions(
    dataset: DatasetArgument, root: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the versions of a data set's labels, and what each changed.

    Example: [bold]overread labels list ~/images[/bold]
    """
    workspace = open_workspace(root)
    found = dataset_of(workspace, dataset)
    with reading.open_store(workspace.database) as store:
        known = label_versions.versions_of(store, found)
        used = label_versions.version_in_use(workspace, store, found).number
    if as_json:
        versions = [facts_of(version) for version in known]
        show_json({"dataset_id": found.dataset_id, "in_use": used, "versions": versions})
        return
    rows = [
        (
            f"v{version.number}, in use" if version.number == used else f"v{version.number}",
            version.sentence.partition(": ")[2],
            "; ".join(label_versions.kept_words(version.kept)),
            version.created and f"{version.created.astimezone():%d %b %Y %H:%M}",
        )
        for version in known
    ]
    show_table(("version", "labels", "not settled", "made"), rows)


@labels.command("use")
def use_version(
    dataset: DatasetArgument,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="v1 came with the data; “latest” is the newest.")
    ],
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the version of the labels that trainings of a data set use unless told otherwise.

    Example: [bold]overread labels use ~/images latest[/bold]
    """
    workspace = open_workspace(root)
    found = dataset_of(workspace, dataset)
    with reading.open_store(workspace.database) as store:
        chosen = label_versions.use_version(workspace, store, found, version)
    if as_json:
        show_json(facts_of(chosen))
    else:
        print(f"In use: labels {chosen.sentence}")


@labels.command("make")
def make_version(
    run: Annotated[
        str | None,
        typer.Argument(
            parser=named, metavar="[RUN]", help="A run whose cases were read.", show_default=False
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(metavar="STUDY", help="A study by id or name, whose consensus is taken instead."),
    ] = None,
    rule: Annotated[
        str, typer.Option(help=f"How several readers of a run become one label: {' or '.join(LABEL_RULES)}.")
    ] = "majority",
    parent: Annotated[
        str, typer.Option("--from", metavar="VERSION", help="The version that is changed.")
    ] = "latest",
    unlabel: Annotated[
        bool,
        typer.Option("--unlabel", help="What readers did not settle loses its label and is not trained on."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and store nothing.")
    ] = False,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version of the labels from what was read of a run's cases, or from a study's consensus.

    Labels of a run's test cases stay, unless they were read blind in a study that no model drew.

    Example: [bold]overread labels make latest[/bold]
    """
    workspace = open_workspace(root)
    if (run is None) == (study is None):
        said = (
            "It is not said whose readings are meant" if run is None else "A run and a study are both named"
        )
        raise ReviewError(said, "Name a run, or a study with --study")
    if rule not in LABEL_RULES:
        raise ReviewError(f"There is no rule “{rule}”", f"Choose one of: {', '.join(LABEL_RULES)}")
    with reading.open_store(workspace.database) as store:
        read = None if study is None else store.studies.get(study)
        found = None if run is None else runs.find_run(workspace, run)
        dataset_id = found.dataset_id if found else label_versions.dataset_of(store, read) if read else ""
        index = data.load_index(workspace, dataset_id)
        number = label_versions.version_named(store, index, parent).number
        if read is not None:
            drafted = label_versions.draft_from_study(workspace, store, read, parent=number, unlabel=unlabel)
        elif found is not None:
            drafted = label_versions.draft_from_run(
                workspace, store, found, rule=rule, parent=number, unlabel=unlabel
            )
        if dry_run:
            print(label_versions.drafted_words(drafted))
            return
        made = label_versions.make(workspace, store, dataset_id, drafted)
    if as_json:
        show_json(facts_of(made))
        return
    print(made.sentence)
    say(label_versions.drafted_words(drafted))
    say(f"Train on it: overread train {made.dataset_id} --labels v{made.number}")


@labels.command("export")
def export_version(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Option("--out", parser=place, metavar="FILE", help="A CSV file.")],
    version: LabelsOption = "latest",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a version as CSV: each image with its label, the label it came with, and the answers behind it.

    Example: [bold]overread labels export ~/images --version v2 --out labels.csv[/bold]
    """
    workspace = open_workspace(root)
    found = dataset_of(workspace, dataset)
    with reading.open_store(workspace.database) as store:
        chosen = label_versions.version_named(store, found, version)
        written = label_versions.write_labels(store, found, chosen, out)
    if as_json:
        show_json({**facts_of(chosen), "file": written})
    else:
        print(written)


@labels.command("suspects")
def list_suspects(
    what: Annotated[
        str,
        typer.Argument(
            parser=named,
            metavar="RUN|DATASET",
            help="A run, or a data set by id or path.",
            show_default=False,
        ),
    ],
    top: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="How many to list.")] = 50,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List training and validation images whose label may be wrong, by a model that never saw the image.

    Of a run they also come into the queue “likely mislabelled” of the Review page.

    Example: [bold]overread labels suspects latest --top 20[/bold]
    """
    workspace = open_workspace(root)
    asked = any(folder.name.startswith(what) for folder in workspace.runs.iterdir())
    with reading.open_store(workspace.database) as store, progress("images") as bar:
        if what == "latest" or asked:
            run = runs.find_run(workspace, what)
            found = label_versions.suspects_of_run(workspace, store, run, device=device, progress=bar)
            if run.folds:
                label_versions.keep_search(run, found)
            else:
                queued = label_versions.to_be_read(workspace, store, run, found, device=device)
                verb = "is" if queued == 1 else "are"
                say(f"{queued:,} of them {verb} in the queue “likely mislabelled” of run {run.run_id}")
        else:
            index = dataset_of(workspace, what)
            split = data.split_as_chosen(index, data.load_choices(workspace, index.dataset_id))
            found = label_versions.suspects(workspace, index, split, device=device, progress=bar)
    doubted = sum(one.suspected for one in found)
    if as_json:
        show_json(
            {"images": len(found), "suspected": doubted, "suspects": [asdict(one) for one in found[:top]]}
        )
        return
    say(f"Another class is likelier than the label of {doubted:,} of {len(found):,} images")
    rows = [
        (one.path.name, one.part, one.label, one.likely, report.figure(one.suspicion), one.image_id[:12])
        for one in found[:top]
    ]
    show_table(("image", "part", "label", "likely", "1 − p of the label", "id"), rows)


@labels.command("compare")
def compare_with_before(
    run: RunArgument,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Labels that both are held against; default: the run's."),
    ] = None,
    out: OutOption = None,
    formats: ComparedFormatOption = None,
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a run trained on corrected labels with the run before it, on the same test cases and the same labels.

    Example: [bold]overread labels compare latest[/bold]
    """
    from gui.cli.compare import show_comparison

    workspace = open_workspace(root)
    found = runs.find_run(workspace, run)
    with reading.open_store(workspace.database) as store:
        reference = None
        if against is not None:
            index = data.load_index(workspace, found.dataset_id)
            reference = label_versions.version_named(store, index, against).number
        comparison = experiments.compare_before_after(workspace, store, found, reference=reference)
    folder = out or workspace.root / "comparisons" / f"{found.run_id}-before-and-after"
    written = experiments.export_comparison(comparison, folder, formats or ())
    if as_json:
        show_json({**experiments.document(comparison), **written})
        return
    say(comparison.reference)
    show_comparison(comparison)
    print(next(iter(written.values())))


@labels.command("reread")
def reread_test_cases(
    run: RunArgument,
    readers: Annotated[
        list[str],
        typer.Option("--reader", metavar="NAME", help="Who reads; once for each.", show_default=False),
    ],
    n: Annotated[
        int,
        typer.Option(
            "--n", parser=whole(1), metavar="N", help="Suspects; as many others are drawn at random."
        ),
    ] = 20,
    name: Annotated[
        str, typer.Option(help="Of the study; readers see it, so it must not say what the cases are.")
    ] = "",
    seed: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Of the control and of each reader's order.")
    ] = 0,
    device: DeviceOption = "auto",
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have test cases whose label is doubted read again blind, beside as many others drawn at random.

    No reader can tell which is which. Afterwards: overread labels result, and overread labels make --study.

    Example: [bold]overread labels reread latest --reader "Ada Byron" --reader Ben[/bold]
    """
    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store:
        study = label_versions.begin_rereading(
            workspace,
            store,
            runs.find_run(workspace, run),
            readers=tuple(readers),
            n=n,
            name=name,
            seed=seed,
            device=device,
        )
    cases = study.protocol.drawn.n
    if as_json:
        show_json({"study_id": study.study_id, "name": study.name, "cases": cases})
        return
    print(f"Study “{study.name}”: {cases:,} test cases, half of them suspected, half of them their control")


@labels.command("result")
def result_of_study(
    study: Annotated[
        str, typer.Argument(parser=named, metavar="STUDY", help="A study by id or name.", show_default=False)
    ],
    root: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many labels a blind re-reading changes among the suspects and among their control.

    Example: [bold]overread labels result "second look"[/bold]
    """
    workspace = open_workspace(root)
    with reading.open_store(workspace.database) as store:
        found = label_versions.result_of_rereading(workspace, store, store.studies.get(study))
    if as_json:
        show_json({"result": report.plain(found)})
        return
    for sentence in found.sentences:
        print(sentence)
