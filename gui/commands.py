"""What each command does: the steps of the engine's line in order, and what is printed of them.

Imported only when a command runs. `gui.cli` has the words and the options; errors pass through to it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from engine.split import save_split, split_index

from engine import jobs
from engine.dataset import index_data, list_indexes, load_index, save_index
from engine.errors import DataError, EngineError, RecipeError, ReportError, RunError, TrainingError
from engine.recipe import RECIPES, change_recipe, find_recipe, recipe_to_json
from engine.records import PARTS, Index, Part, Prediction, Recipe, Run, Sample, Split
from engine.run import find_run, load_explanations, load_history, load_run, save_explanations, split_of
from engine.workspace import Workspace, open_workspace, write_atomic
from gui.choices import Choices, choices_from_percent, load_choices, positive_of, save_choices
from gui.terminal import duration, progress, remarks, say, show_json, show_table, watch_job

PICTURE_SIDE = 768  # pixels of an explained film


# ----------------------------------------------------------------------------------------------------- data


def index(path: Path, *, columns: Sequence[str], workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.index`."""
    workspace = open_workspace(workspace_root)
    found = read_data(workspace, path, columns=_pairs(columns, "--column"))
    counts = Counter(sample.label or "(no label)" for sample in found.samples)
    patients = len({sample.patient_id for sample in found.samples})
    if as_json:
        show_json(
            {
                "dataset_id": found.dataset_id,
                "name": found.name,
                "images": len(found.samples),
                "patients": patients,
                "classes": {name: counts[name] for name in [*found.classes, "(no label)"] if counts[name]},
                "findings": [
                    {
                        "kind": finding.kind.value,
                        "message": finding.message,
                        "serious": finding.serious,
                        "paths": finding.paths,
                    }
                    for finding in found.findings
                ],
            }
        )
        return
    show_table(("class", "images"), counts.most_common(), title=f"{found.name}, {patients:,} patients")
    print_findings(found)
    print(f"Data set {found.dataset_id}")
    say(f"Next: overread train {found.dataset_id}")


def read_data(workspace: Workspace, path: Path, *, columns: Mapping[str, str] | None = None) -> Index:
    """Read a folder, table or archive with a progress bar, and keep its index in the workspace.

    Raises:
        DataError: It cannot be read.
    """
    with progress("Reading images") as bar:
        found = index_data(
            path, columns=columns or None, unpack_into=workspace.root / "unpacked", progress=bar
        )
    save_index(workspace, found)
    return found


def print_findings(found: Index) -> None:
    """Say on stderr what the checks found."""
    console = remarks()
    for finding in found.findings:
        style = "bold red" if finding.serious else "yellow"
        console.print(f"[{style}]{finding.kind.value}[/]: ", end="")
        console.print(finding.message, markup=False)


def dataset_of(workspace: Workspace, id_or_path: str) -> Index:
    """Return a saved index by id or the start of one, or read a path.

    Raises:
        DataError: It is neither.
    """
    matching = [
        entry.dataset_id
        for entry in list_indexes(workspace)
        if len(id_or_path) >= 4 and entry.dataset_id.startswith(id_or_path)
    ]
    if len(matching) == 1:
        return load_index(workspace, matching[0])
    path = Path(id_or_path).expanduser()
    if path.exists():
        found = read_data(workspace, path)
        print_findings(found)
        return found
    known = ", ".join(entry.dataset_id for entry in list_indexes(workspace)) or "none yet"
    raise DataError(
        f"“{id_or_path}” is neither a data set of this workspace nor a path",
        f"Give a folder or table of images, or one of the data sets there are ({known})",
    )


def split(
    dataset: str,
    *,
    ratios: str | None,
    seed: int | None,
    use_given: bool | None,
    positive: str | None,
    workspace_root: Path | None,
    as_json: bool,
) -> None:
    """See `gui.cli.split`."""
    workspace = open_workspace(workspace_root)
    found = dataset_of(workspace, dataset)
    choices = _choices(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    divided = _divide(found, choices)
    save_choices(workspace, found.dataset_id, choices)
    table = workspace.datasets / found.dataset_id / "split.csv"
    save_split(divided, table)
    counts = {part: Counter(sample.label for sample in divided.part(part)) for part in PARTS}
    if as_json:
        show_json(
            {
                "dataset_id": found.dataset_id,
                "method": divided.method,
                "seed": divided.seed,
                "images": {part: {name: counts[part][name] for name in divided.classes} for part in PARTS},
                "patients": {part: _patients(divided, part) for part in PARTS},
                "table": table,
            }
        )
        return
    rows = [
        (part, *(counts[part][name] for name in divided.classes), _patients(divided, part)) for part in PARTS
    ]
    show_table(("", *divided.classes, "patients"), rows, title=f"{found.name}, divided {choices.sentence}")
    print(table)
    say("Training will divide it so, unless told otherwise.")


def _divide(found: Index, choices: Choices) -> Split:
    return split_index(found, ratios=choices.ratios, seed=choices.seed, use_given=choices.use_given)


def _patients(divided: Split, part: Part) -> int:
    return len({sample.patient_id for sample in divided.part(part)})


def _choices(
    workspace: Workspace,
    found: Index,
    *,
    ratios: str | None,
    seed: int | None,
    use_given: bool | None,
    positive: str | None,
) -> Choices:
    """Return what is kept for this data set, with what was said on the command line instead."""
    kept = load_choices(workspace, found.dataset_id)
    division = kept.division if use_given is None else ("given" if use_given else "anew")
    shares = _shares(ratios) if ratios else tuple(100 * share for share in kept.ratios)
    if ratios and use_given is None:
        division = "anew"
    if positive is not None and positive not in found.classes:
        raise DataError(
            f"The data has no class “{positive}”", f"Choose one of its classes: {', '.join(found.classes)}"
        )
    return choices_from_percent(
        division, *shares, kept.seed if seed is None else seed, positive or positive_of(found, kept)
    )


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train_share, val_share, test_share = (float(part) for part in text.split("/"))
    except ValueError as error:
        raise DataError(
            f"“{text}” are not three shares", "Write them as 60/20/20: training, validation, test"
        ) from error
    return train_share, val_share, test_share


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if not all(name and "=" in text for name, text in zip(pairs, texts, strict=False)):
        raise RecipeError(f"{option} needs NAME=VALUE", f"Write it as {option} name=value")
    return pairs


# ----------------------------------------------------------------------------------------------------- runs


def train(
    dataset: str,
    *,
    recipe: str,
    changes: Sequence[str],
    epochs: str | None,
    ratios: str | None,
    seed: int | None,
    use_given: bool | None,
    positive: str | None,
    device: str,
    allow_downloads: bool,
    background: bool,
    workspace_root: Path | None,
    as_json: bool,
) -> None:
    """See `gui.cli.train`."""
    workspace = open_workspace(workspace_root)
    chosen = find_recipe(recipe)
    chosen = change_recipe(chosen, {**_epochs(chosen, epochs), **_pairs(changes, "--set")})
    found = dataset_of(workspace, dataset)
    choices = _choices(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    _divide(found, choices)  # what cannot be divided is said now, not by another process
    job = jobs.submit(
        workspace,
        recipe=chosen,
        dataset_id=found.dataset_id,
        ratios=choices.ratios,
        split_seed=choices.seed,
        use_given=choices.use_given,
        positive=choices.positive,
        device=device,
        allow_downloads=allow_downloads,
    )
    say(f"Run {job.job_id}: {chosen.title} on {found.name}")
    if background:
        _say_status(jobs.status(job.folder), as_json=as_json)
        say(f"Watch it with: overread watch {job.job_id}")
        return
    _finish(workspace, job.folder, as_json=as_json)


def _epochs(recipe: Recipe, text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    counts = text.split(",")
    if len(counts) == 1:
        counts *= len(recipe.phases)
    if len(counts) != len(recipe.phases):
        raise RecipeError(
            f"{recipe.name} has {len(recipe.phases)} phases, and --epochs names {len(counts)}",
            "Give one number for all phases, or one a phase: --epochs 20,2",
        )
    return {f"phases.{number}.epochs": count for number, count in enumerate(counts)}


def _finish(workspace: Workspace, folder: Path, *, as_json: bool) -> None:
    """Follow a run to its end and say how it went.

    Raises:
        TrainingError: It did not end well.
    """
    end = watch_job(folder)
    if end.state != "done":
        problem, _, remedy = end.message.partition(". ")
        raise TrainingError(problem, remedy or f"Resume it with: overread resume {end.job_id}")
    run = load_run(folder)
    epochs = load_history(folder)
    best = max((epoch.val_auc for epoch in epochs if epoch.best), default=float("nan"))
    facts: dict[str, Any] = {
        "run_id": run.run_id,
        "folder": run.folder,
        "recipe": run.recipe.name,
        "classes": run.classes,
        "positive": run.positive,
        "epochs": len(epochs),
        "val_auc": best,
        "threshold": run.threshold,
        "seconds": run.seconds,
        "device": run.device,
        "weights": run.weights_source,
        "parameters": run.parameters,
        "trained_parameters": run.trained_parameters,
    }
    if as_json:
        show_json(facts)
        return
    print(f"Run {run.run_id}: {len(epochs)} epochs in {duration(run.seconds)} on {run.device}")
    print(f"Best AUC on validation data {best:.3f}; test data wait for the report")
    say(f"Next: overread gui, or overread report {run.run_id} --out report")


def _job_folder(workspace: Workspace, run: str) -> Path:
    """Return the folder of a run that may still be working."""
    names = [now.job_id for now in jobs.list_jobs(workspace)]
    matching = names[:1] if run == "latest" else [name for name in names if name.startswith(run)]
    if len(matching) != 1:
        raise RunError(f"There is no single run “{run}”", "Choose one of those that `overread runs` lists")
    return workspace.runs / matching[0]


def runs(workspace_root: Path | None, *, as_json: bool) -> None:
    """See `gui.cli.runs`."""
    found = jobs.list_jobs(open_workspace(workspace_root))
    if as_json:
        show_json({"runs": [_status_facts(now) for now in found]})
        return
    rows = [(now.job_id, now.state, f"{now.epoch} / {now.epochs}", _area(now), now.message) for now in found]
    show_table(("run", "state", "epochs", "validation AUC", ""), rows)


def _area(now: jobs.JobStatus) -> float | None:
    return None if now.last_epoch is None else now.last_epoch.val_auc


def _status_facts(now: jobs.JobStatus) -> dict[str, Any]:
    return {
        "run_id": now.job_id,
        "state": now.state,
        "message": now.message,
        "epoch": now.epoch,
        "epochs": now.epochs,
        "seconds_left": now.seconds_left,
        "val_auc": _area(now),
        "folder": now.folder,
    }


def _say_status(now: jobs.JobStatus, *, as_json: bool) -> None:
    if as_json:
        show_json(_status_facts(now))
    else:
        print(f"Run {now.job_id}: {now.state}. {now.message}")


def watch(run: str, *, workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.watch`."""
    workspace = open_workspace(workspace_root)
    _finish(workspace, _job_folder(workspace, run), as_json=as_json)


def stop(run: str, *, workspace_root: Path | None) -> None:
    """See `gui.cli.stop`."""
    folder = _job_folder(open_workspace(workspace_root), run)
    if not jobs.status(folder).working:
        _say_status(jobs.status(folder), as_json=False)
        return
    jobs.stop(folder)
    for now in jobs.watch(folder):
        if not now.working:
            _say_status(now, as_json=False)


def resume(run: str, *, workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.resume`."""
    workspace = open_workspace(workspace_root)
    job = jobs.resume(workspace, _job_folder(workspace, run).name)
    _finish(workspace, job.folder, as_json=as_json)


# -------------------------------------------------------------------------------------- reading and reports


def predict(
    run: str, path: Path, *, out: Path | None, review: bool, workspace_root: Path | None, as_json: bool
) -> None:
    """See `gui.cli.predict`."""
    from engine.line import read_samples
    from engine.prediction import parts_of
    from engine.store import open_store

    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    found = read_data(workspace, path)
    print_findings(found)
    with progress("Predicting") as bar:
        predictions, explanations = read_samples(
            workspace, trained, found.samples, parts=parts_of(split_of(trained)), progress=bar
        )
    table = out or trained.folder / "predictions.csv"
    add_to_table(table, trained, predictions)
    if review:
        save_explanations(trained.folder, {**load_explanations(trained.folder), **explanations}.values())
        with open_store(workspace.database) as store:
            store.add_cases(trained.run_id, predictions)
    if as_json:
        show_json(
            {
                "run_id": trained.run_id,
                "table": table,
                "classes": trained.classes,
                "predictions": [
                    {
                        "path": prediction.path,
                        "image_id": prediction.image_id,
                        "predicted": prediction.predicted,
                        "probabilities": prediction.probabilities,
                        "label": prediction.label,
                    }
                    for prediction in predictions
                ],
            }
        )
        return
    rows = [(p.path.name, p.predicted, *(f"{value:.3f}" for value in p.probabilities)) for p in predictions]
    show_table(("image", "predicted", *trained.classes), rows)
    say(f"Added to {table}")


def add_to_table(table: Path, run: Run, predictions: Sequence[Prediction]) -> None:
    """Add predictions to a CSV; an image that is in it already gets its new line in place of the old one.

    Raises:
        DataError: The file is not such a table.
        WorkspaceError: It cannot be written.
    """
    headings = ["image_id", "path", "label", "predicted", *(f"p({name})" for name in run.classes)]
    lines: dict[str, dict[str, str]] = {}
    if table.exists():
        with table.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if reader.fieldnames != headings:
                raise DataError(
                    f"{table} is not a table of this run's predictions", "Choose another file with --out"
                )
            lines = {row["image_id"]: row for row in reader}
    for prediction in predictions:
        values = (
            prediction.image_id,
            str(prediction.path),
            prediction.label or "",
            prediction.predicted,
            *(f"{value:.6f}" for value in prediction.probabilities),
        )
        lines[prediction.image_id] = dict(zip(headings, values, strict=True))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, headings)
    writer.writeheader()
    writer.writerows(lines.values())
    write_atomic(table, text.getvalue())


def explain(
    run: str, images: Sequence[Path], *, out: Path, workspace_root: Path | None, as_json: bool
) -> None:
    """See `gui.cli.explain`."""
    from engine.line import read_samples
    from gui.overlay import overlay_png

    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    samples: list[Sample] = []
    for path in images:
        samples += read_data(workspace, path).samples
    chosen = samples if images else list(split_of(trained).test)
    with progress("Explaining") as bar:
        predictions, explanations = read_samples(workspace, trained, chosen, progress=bar)
    _make_folder(out)
    written = []
    for prediction in predictions:
        picture = out / f"{prediction.path.stem}-{prediction.image_id[:8]}.png"
        heatmap = explanations[prediction.image_id].heatmap
        write_atomic(picture, overlay_png(prediction.path, heatmap, max_side=PICTURE_SIDE))
        written.append(picture)
    if as_json:
        show_json({"run_id": trained.run_id, "pictures": written})
    else:
        print(f"{len(written)} pictures in {out}")


def _make_folder(folder: Path) -> None:
    from engine.workspace import storage_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error


def report(run: str, *, out: Path, part: str, workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.report`."""
    from engine.line import export_run, report_run
    from engine.store import open_store

    if part not in (*get_args(Part), "all"):
        raise ReportError(f"There is no part “{part}”", "Choose train, val, test or all")
    side = None if part == "all" else next(name for name in PARTS if name == part)
    workspace = open_workspace(workspace_root)
    trained = find_run(workspace, run)
    _make_folder(out)
    with open_store(workspace.database) as store:
        built = report_run(workspace, store, trained, part=side)
        exported = export_run(workspace, built, trained, store.predictions(trained.run_id, part=side), out)
    if as_json:
        show_json(
            {"run_id": trained.run_id, "html": exported.html, "json": exported.json, "csv": exported.csv}
        )
        return
    print(exported.html)
    for path in (exported.json, *exported.csv.values()):
        print(path)


# ---------------------------------------------------------------------------------------------- look around


def recipes(*, export: str | None, classes: int, as_json: bool) -> None:
    """See `gui.cli.recipes`."""
    from engine.backbone import count_parameters

    if export is not None:
        print(recipe_to_json(find_recipe(export)), end="")
        return
    listed: list[dict[str, Any]] = []
    with progress("Building the nets") as bar:
        for number, recipe in enumerate(RECIPES.values(), start=1):
            facts: dict[str, Any] = {
                "name": recipe.name,
                "title": recipe.title,
                "backbone": recipe.backbone,
                "parameters": None,
                "trained_parameters": None,
                "source": recipe.source,
                "expected": [dataclasses.asdict(one) for one in recipe.expected],
            }
            try:
                facts["parameters"], facts["trained_parameters"] = count_parameters(recipe, classes)
            except EngineError as error:  # a recipe for another number of classes is still worth listing
                facts["note"] = str(error)
            listed.append(facts)
            bar(number, len(RECIPES))
    if as_json:
        show_json({"classes": classes, "recipes": listed})
        return
    rows = [
        (facts["name"], facts["backbone"], facts["parameters"], facts["trained_parameters"], _expected(facts))
        for facts in listed
    ]
    show_table(("recipe", "backbone", "parameters", "trained", "to expect"), rows)
    say("Where each comes from: overread recipes --json. One as a file: overread recipes --export NAME")


def _expected(facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{one['metric']} {one['value']:g} ± {one['tolerance']:g}" for one in facts["expected"])


def doctor(workspace_root: Path | None, *, as_json: bool) -> None:
    """See `gui.cli.doctor`."""
    from gui.doctor import examine

    checks = examine(workspace_root)
    good = all(check.good for check in checks)
    if as_json:
        show_json({"good": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        show_table(("", "found", ""), [(c.name, c.found, "good" if c.good else "missing") for c in checks])
    if not good:
        remedies = "; ".join(f"{check.name}: {check.remedy}" for check in checks if not check.good)
        raise EngineError("Something that Overread needs is missing", remedies)


def gui(
    workspace_root: Path | None,
    *,
    port: int | None,
    open_browser: bool,
    share_minutes: int | None,
    sure: bool,
) -> None:
    """See `gui.cli.gui`."""
    from gui.app import serve

    workspace = open_workspace(workspace_root)
    serve(workspace, port=port, open_browser=open_browser, share_minutes=share_minutes)
