"""`overread index` and `split`: what data there is, what the checks found, how it is divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.data import (
    Choices,
    Division,
    count_patients,
    from_home,
    index_data,
    is_archive,
    is_table,
    list_indexes,
    load_choices,
    load_index,
    patients_unknown,
    patients_words,
    positive_of,
    ratios_of,
    save_choices,
    save_index,
    save_split,
    scan,
    split_index,
)
from engine.errors import DataError, EngineError
from engine.records import PARTS, Index, Part, Sample, Split
from engine.workspace import Workspace, open_workspace
from gui.cli.terminal import progress, remarks, say, show_json, show_table


def index(path: Path, *, columns: Sequence[str], workspace_root: Path | None, as_json: bool) -> None:
    """See `gui.cli.main.index`."""
    workspace = open_workspace(workspace_root)
    found = read_data(workspace, path, columns=pairs_of(columns, "--column"))
    counts = Counter(sample.label or "(no label)" for sample in found.samples)
    patients = count_patients(found.samples)
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
                        "kind": issue.kind.value,
                        "message": issue.message,
                        "serious": issue.serious,
                        "paths": issue.paths,
                    }
                    for issue in found.issues
                ],
            }
        )
        return
    show_table(("class", "images"), counts.most_common(), title=f"{found.name}, {patients_words(patients)}")
    print_issues(found)
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


def read_images(workspace: Workspace, path: Path) -> tuple[Sample, ...]:
    """Read images to look at: one file, or whatever `read_data` reads.

    Raises:
        DataError: There is nothing to be read.
    """
    if not path.is_file() or is_table(path) or is_archive(path):
        found = read_data(workspace, path)
        print_issues(found)
        return found.samples
    scanned = scan(path.absolute(), look=False)
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


def print_issues(found: Index) -> None:
    """Say on stderr what the checks found."""
    console = remarks()
    for issue in found.issues:
        style = "bold red" if issue.serious else "yellow"
        console.print(f"[{style}]{issue.kind.value}[/]: ", end="")
        console.print(issue.message, markup=False)


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
    path = from_home(Path(id_or_path))
    if path.exists():
        found = read_data(workspace, path)
        print_issues(found)
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
    """See `gui.cli.main.split`."""
    workspace = open_workspace(workspace_root)
    found = dataset_of(workspace, dataset)
    choices = choices_of(workspace, found, ratios=ratios, seed=seed, use_given=use_given, positive=positive)
    divided = divide(found, choices)
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
        (part, *(counts[part][name] for name in divided.classes), _patients(divided, part) or "–")
        for part in PARTS
    ]
    show_table(("", *divided.classes, "patients"), rows, title=f"{found.name}, divided {choices.sentence}")
    print(table)
    say("Training will divide it so, unless told otherwise.")


def divide(found: Index, choices: Choices) -> Split:
    """Divide a data set as chosen.

    Raises:
        SplitError: It cannot be divided so.
    """
    return split_index(found, ratios=choices.ratios, seed=choices.seed, use_given=choices.use_given)


def _patients(divided: Split, part: Part) -> int | None:
    return None if patients_unknown(divided) else len({sample.patient_id for sample in divided.part(part)})


def choices_of(
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
    division: Division = kept.division if use_given is None else ("given" if use_given else "anew")
    if ratios and use_given is None:
        division = "anew"
    if positive is not None and positive not in found.classes:
        raise DataError(
            f"The data has no class “{positive}”", f"Choose one of its classes: {', '.join(found.classes)}"
        )
    return Choices(
        division=division,
        ratios=ratios_of(*_shares(ratios)) if ratios else kept.ratios,
        seed=kept.seed if seed is None else seed,
        positive=positive or positive_of(found, kept),
    )


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train_share, val_share, test_share = (float(part) for part in text.split("/"))
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
