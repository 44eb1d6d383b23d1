"""Whatever lies where a file of Overread's should lie: a record comes of it, or one sentence that names the file."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from engine.data import Choices, load_choices, load_index, load_split, save_choices, save_index, save_split
from engine.data.saved import list_indexes, load_answers
from engine.errors import EngineError
from engine.images.cache import open_cache
from engine.jobs import control
from engine.jobs.files import JobRequest, JobStatus, load_outline, load_request, save_request, write_status
from engine.kept_files import DEEPEST, parse_json, stored_json
from engine.labels.searching import keep_search, load_searches
from engine.recipes import RECIPES, load_recipe, recipe_to_json
from engine.records import (
    Calibration,
    Conformal,
    Estimate,
    Explanation,
    Index,
    Injection,
    MapFigure,
    MapGrid,
    MapSettings,
    Passport,
    Run,
    Sample,
    Split,
    TrainingRequest,
    UncertaintyModel,
)
from engine.runs import (
    list_runs,
    load_explanations,
    load_history,
    load_passport,
    load_run,
    load_uncertainty,
    save_explanations,
    save_passport,
    save_sizes,
    sizes_of_run,
)
from engine.runs.alike.features import fit_alike, load_alike, save_alike
from engine.runs.folder import save_run, save_uncertainty
from engine.runs.history import append_epoch
from engine.runs.shift import load_distances, load_shift, save_distances, save_shift
from engine.runs.sources import load_sources, save_source
from engine.storage import SCHEMA_VERSION
from engine.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.workspace import open_workspace
from tests.engine.uncertainty.test_shift import fitted, measured
from tests.tiny import EPOCH

DATASET = "0123456789ab"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLES = tuple(
    Sample(
        path=Path(f"/films/{name}.png"),
        image_id=name * 64,
        label=label,
        patient_id=name * 64,
        width=9,
        height=9,
    )
    for name, label in (("a", "normal"), ("b", "opacity"), ("c", "normal"))
)

MAPS = MapSettings(
    method="two-scale-cam", scale=60.0, cases=9, grids=(MapGrid(height=7, width=7, rows=(16, 32), columns=(16, 32)),)
)  # fmt: skip


class Bench:
    """A workspace in which one of each file has been written, and a function that reads each."""

    def __init__(self, root: Path) -> None:
        self.workspace = workspace = open_workspace(root)
        self.run = folder = workspace.runs / "20260101-000000-aaaa"
        folder.mkdir()
        recipe = RECIPES["default"]
        training = TrainingRequest(recipe=recipe, dataset_id=DATASET)
        self.index = Index(
            dataset_id=DATASET,
            name="films",
            root=Path("/films"),
            samples=SAMPLES,
            classes=("normal", "opacity"),
        )
        save_index(workspace, self.index)
        save_choices(workspace, DATASET, Choices())
        (folder / "recipe.json").write_text(recipe_to_json(recipe))
        save_run(
            Run(
                run_id=folder.name,
                folder=folder,
                dataset_id=DATASET,
                dataset_name="films",
                recipe=recipe,
                classes=("normal", "opacity"),
                positive="opacity",
                threshold=0.5,
                calibration=Calibration(),
                weights_source="none",
                device="cpu",
                created=CREATED,
                seconds=1.0,
                parameters=1,
                trained_parameters=1,
            )
        )
        save_split(
            Split(
                train=SAMPLES[:1],
                val=SAMPLES[1:2],
                test=SAMPLES[2:],
                classes=("normal", "opacity"),
                seed=0,
                method="",
            ),
            folder / "split.csv",
        )
        append_epoch(folder, EPOCH)
        save_request(folder, JobRequest(workspace=root, training=training))
        write_status(JobStatus(job_id=folder.name, folder=folder, state="done", last_epoch=EPOCH))
        heat = np.zeros((3, 3), np.float32)
        save_explanations(
            folder, [Explanation(image_id="a" * 64, heatmap=heat, target="opacity", method="grad-cam")]
        )
        save_uncertainty(
            folder,
            UncertaintyModel(
                injection=Injection(rate=0.1),
                conformal=Conformal(method="raps", coverage=0.9, thresholds=(0.5,), cases=9),
            ),
        )
        figure = Estimate(value=0.9, low=0.7, high=0.97, method="Wilson", n=20)
        save_passport(
            folder,
            Passport(
                method="two-scale-cam", settings=MAPS, images=40, of=60, seed=0, seconds=5.0,
                figures=(MapFigure(name="pointing", estimate=figure, limit=0.5),), reasons={"outside": "no body"},
            ),
        )  # fmt: skip
        save_sizes(folder, SAMPLES)
        save_shift(folder, fitted())
        save_alike(folder, fit_alike(np.eye(4), ["a", "b", "c", "d"]))
        save_source(folder, "elsewhere", ["a" * 64])
        save_distances(load_run(folder), measured(fitted(), 2, 1))
        begun = Checkpoint(
            phase=0, epochs=1, model={"a": torch.ones(3), "b": torch.tensor(1)}, best={"a": torch.rand(3)},
            average=None, progress={}, optimizer=None, seconds=0,
        )  # fmt: skip
        save_checkpoint(folder, begun)
        keep_search(load_run(folder), [])
        (workspace.root / "training.json").write_text(json.dumps({"run_id": folder.name}))
        open_cache(workspace.cache, SAMPLES, size=8, channels=1)
        dataset = workspace.datasets / DATASET
        (about,) = (workspace.cache / "images").glob("*/about.json")
        self.readers: dict[str, tuple[Path, Callable[[], object]]] = {
            "index.json": (dataset / "index.json", lambda: load_index(workspace, DATASET)),
            "samples.csv": (dataset / "samples.csv", lambda: load_index(workspace, DATASET)),
            "choices.json": (dataset / "choices.json", lambda: load_choices(workspace, DATASET)),
            "recipe.json": (folder / "recipe.json", lambda: load_recipe(folder / "recipe.json")),
            "run.json": (folder / "run.json", lambda: load_run(folder)),
            "split.csv": (folder / "split.csv", lambda: load_split(folder / "split.csv")),
            "history.csv": (folder / "history.csv", lambda: load_history(folder)),
            "job.json": (folder / "job.json", lambda: load_request(folder)),
            "job.json, its outline": (folder / "job.json", lambda: load_outline(folder)),
            "status.json": (folder / "status.json", lambda: control.status(folder)),
            "uncertainty.json": (folder / "uncertainty.json", lambda: load_uncertainty(folder)),
            "heatmaps.npz": (folder / "heatmaps.npz", lambda: load_explanations(folder)),
            "checkpoint.safetensors": (folder / "checkpoint.safetensors", lambda: load_checkpoint(folder)),
            "passport.json": (folder / "passport.json", lambda: load_passport(folder)),
            "sizes.json": (folder / "sizes.json", lambda: sizes_of_run(folder)),
            "shift.npz": (folder / "shift.npz", lambda: load_shift(folder)),
            "alike.npz": (folder / "alike.npz", lambda: load_alike(folder)),
            "sources.json": (folder / "sources.json", lambda: load_sources(folder)),
            "distances.npz": (folder / "distances.npz", lambda: load_distances(folder)),
            "label-searches.json": (folder / "label-searches.json", lambda: load_searches(folder)),
            "training.json": (workspace.root / "training.json", lambda: control.running_job(workspace)),
            "about.json": (about, lambda: open_cache(workspace.cache, SAMPLES, size=8, channels=1)),
            "all of them": (dataset / "index.json", lambda: list_indexes(workspace)),
            "answers": (dataset / "index.json", lambda: load_answers(workspace, Path("/films"))),
        }


KINDS = (
    "index.json", "samples.csv", "choices.json", "recipe.json", "run.json", "split.csv", "history.csv", "job.json",
    "job.json, its outline", "status.json", "uncertainty.json", "heatmaps.npz", "checkpoint.safetensors",
    "training.json", "about.json", "all of them", "answers", "sizes.json", "shift.npz", "distances.npz", "sources.json",
    "passport.json", "alike.npz", "label-searches.json",
)  # fmt: skip
NEVER_REFUSE = {"training.json", "about.json", "all of them", "answers"}
"""What stands in for something else: a damaged one is made anew, or the others are read."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("kept") / "workspace")


def read(bench: Bench, kind: str, content: bytes) -> object:
    """Read a file of which the content is something else, and put it back; an `EngineError` is an answer."""
    path, reader = bench.readers[kind]
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        return reader()
    except EngineError as error:
        assert kind not in NEVER_REFUSE
        assert str(error).isprintable() and len(str(error)) < 1000
        return error
    finally:
        path.write_bytes(before)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["\0", "\udc80", "../..", "/", "9" * 5000, "2026-01-01T00:00:00+00:00", DATASET, 10**400, 1e308]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ODD = (
    b"", b"null", b"{}", b"[]", b"[[[", b"{", b"\xff\xfe\x00", b"NaN", b'"x"', b"PK\x03\x04", b"\x93NUMPY",
    b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b'{"schema_version": 1e999}', b'{"schema_version": 99}',
    b'{"schema_version": -1}', b"\xef\xbb\xbf{}", b"\0" * 64,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ODD, ids=lambda content: repr(content[:16]))
def test_what_is_no_such_file_ends_in_a_sentence(bench: Bench, kind: str, content: bytes) -> None:
    read(bench, kind, content)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_bytes_give_a_record_or_a_sentence(bench: Bench, kind: str, data: st.DataObject) -> None:
    whole = bench.readers[kind][0].read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    content = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.just(whole[:at]),
            st.binary(min_size=1, max_size=8).map(lambda put: whole[:at] + put + whole[at + len(put) :]),
            st.binary(min_size=1, max_size=8).map(lambda put: whole[:at] + put + whole[at:]),
        )
    )
    read(bench, kind, content)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "json" in kind or kind in NEVER_REFUSE])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_value_in_any_place_gives_a_record_or_a_sentence(
    bench: Bench, kind: str, data: st.DataObject
) -> None:
    document = json.loads(bench.readers[kind][0].read_bytes())
    target = document
    while True:
        place = data.draw(
            st.sampled_from(list(target) if isinstance(target, dict) else list(range(len(target))))
        )
        inner = target[place]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        target = inner
    if data.draw(st.booleans()):
        target[place] = data.draw(JSON_VALUES)
    else:
        del target[place]
    read(bench, kind, json.dumps(document).encode())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NEVER_REFUSE])
@pytest.mark.parametrize("there", ["a folder", "a pipe"])
def test_a_folder_or_a_pipe_in_its_place_is_said_and_not_waited_for(
    bench: Bench, kind: str, there: str
) -> None:
    path, reader = bench.readers[kind]
    aside = path.rename(path.with_name("aside"))
    try:
        path.mkdir() if there == "a folder" else os.mkfifo(path)
        with pytest.raises(EngineError):
            reader()
    finally:
        path.rmdir() if there == "a folder" else path.unlink()
        aside.rename(path)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.endswith(".json") and kind not in NEVER_REFUSE]
)
def test_the_sentence_names_the_file_and_what_to_do(bench: Bench, kind: str) -> None:
    path, reader = bench.readers[kind]
    before = path.read_bytes()
    path.write_bytes(b"{" * 3000)
    with pytest.raises(EngineError) as refused:
        reader()
    path.write_bytes(before)
    assert re.search(re.escape(path.name) if kind != "recipe.json" else "recipe", str(refused.value))
    assert re.search("Restore|Delete|Choose|Correct|Save|Have it", refused.value.remedy)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.endswith(".json") and kind not in NEVER_REFUSE]
)
def test_a_file_of_a_newer_version_asks_for_an_update(bench: Bench, kind: str) -> None:
    document = json.loads(bench.readers[kind][0].read_bytes()) | {"schema_version": SCHEMA_VERSION + 1}
    assert "Update Overread" in str(read(bench, kind, json.dumps(document).encode()))


@pytest.mark.parametrize("kind", ["job.json", "status.json", "run.json", "choices.json", "uncertainty.json"])
def test_a_file_without_a_version_is_of_the_first_one(bench: Bench, kind: str) -> None:
    path, reader = bench.readers[kind]
    document = json.loads(path.read_bytes())
    assert document.pop("schema_version") == SCHEMA_VERSION
    assert read(bench, kind, json.dumps(document).encode()) == reader()


# ----------------------------------------------------------------------------------------------------- values


def test_json_is_read_within_bounds() -> None:
    assert parse_json("[" * DEEPEST + "]" * DEEPEST) is not None
    assert parse_json('{"\\udc80": NaN}').keys() == {"\udc80"}
    for text in ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "9" * 65, "0." + "1" * 64, b"\xff", "{", ""):
        with pytest.raises(ValueError, match="it "):
            parse_json(text)


# ----------------------------------------------------------------------------------------------------- arrays


def npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


TEXT = npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"a\0\0\0")
ONE = npy("{'descr': '<U1', 'fortran_order': False, 'shape': (), }", b"a\0\0\0")
HEADERS: dict[str, bytes] = {
    "a shape larger than the file": npy(
        "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 900000, 900000), }"
    ),
    "a shape larger than any memory": npy(
        "{'descr': '<f2', 'fortran_order': False, 'shape': (999999999999, 9), }"
    ),
    "a negative shape": npy("{'descr': '<f2', 'fortran_order': False, 'shape': (-1,), }"),
    "objects": npy(
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 1, 1), }", b"cos\nsystem\n(S'true'\ntR."
    ),
    "no such type": npy("{'descr': '<f3', 'fortran_order': False, 'shape': (1, 1, 1), }", b"abc"),
    "half a header": npy("{'descr': '<f2', 'fortran"),
    "a header that is nested": npy("(" * 5000),
    "other columns than rows": npy(
        "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1, 1), }", bytes(4)
    ),
    "texts for numbers": TEXT,
    "nothing": b"",
}


@pytest.mark.parametrize("damage", HEADERS)
def test_a_header_says_what_the_file_holds_or_is_refused(bench: Bench, damage: str) -> None:
    content = npz(image_ids=TEXT, targets=TEXT, method=ONE, maps=HEADERS[damage])
    refused = read(bench, "heatmaps.npz", content)
    assert isinstance(refused, EngineError) and "heatmaps" in str(refused) and "Delete" in refused.remedy


def test_a_text_that_is_none_and_a_bomb_are_refused(bench: Bench) -> None:
    maps = npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1, 1, 1), }", bytes(2))
    good = npz(image_ids=TEXT, targets=TEXT, method=ONE, maps=maps)
    assert not isinstance(read(bench, "heatmaps.npz", good), Exception)
    no_text = TEXT[:-4] + b"\xff" * 4
    bad = npz(image_ids=no_text, targets=TEXT, method=ONE, maps=maps)
    assert isinstance(read(bench, "heatmaps.npz", bad), EngineError)
    bomb = bytearray(good)
    at = bomb.rindex(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = b"\xff" * 4  # the size that the archive says the last array has
    assert isinstance(read(bench, "heatmaps.npz", bytes(bomb)), EngineError)


# --------------------------------------------------------------------------------------- one and the others


def test_a_list_with_one_damaged_shows_the_others_and_names_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "workspace")
    told: list[Any] = []
    for name in ("status.json", "run.json"):
        other = bench.workspace.runs / f"20260102-000000-{name[:4]}"
        other.mkdir()
        (other / name).write_bytes(b"[" * 5000)
        (other / "recipe.json").write_text(recipe_to_json(RECIPES["default"]))
    assert [run.run_id for run in list_runs(bench.workspace, on_damaged=told.append)] == [bench.run.name]
    assert [now.job_id for now in control.list_jobs(bench.workspace, on_damaged=told.append)] == [
        bench.run.name
    ]
    assert ["run.json" in str(told[0]), "status.json" in str(told[1])] == [True, True] and len(told) == 2


def test_a_run_whose_folder_was_renamed_is_known_by_its_folder(bench: Bench) -> None:
    document = json.loads((bench.run / "status.json").read_bytes())
    found = read(bench, "status.json", json.dumps(document | {"job_id": "../elsewhere"}).encode())
    assert isinstance(found, JobStatus) and found.job_id == bench.run.name
    assert isinstance(read(bench, "run.json", b'{"run_id": "../elsewhere"}'), EngineError)


@pytest.mark.parametrize(
    "text", ["[0.1, 1e-7, NaN]", '{"seed": 18446744073709551617}', '"\\ud800"', '{"a": [1, null]}']
)
def test_a_column_of_the_database_is_read_as_python_reads_it(text: str) -> None:
    assert repr(stored_json(text)) == repr(stored_json(text.encode())) == repr(json.loads(text))
