"""Side by side: what stands beside a case belongs to it, follows the hand, and was written down before it was sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data import save_split
from engine.errors import ReviewError
from engine.reading.beside.same_patient import moment_of
from engine.records import Explanation, Prediction, Run, Sample, Split
from engine.runs import fit_alike, save_alike, save_explanations
from gui.pages.review.beside import beside
from gui.pages.review.opening import open_reading
from gui.pages.review.page import HANDLERS
from gui.pages.review.reading_session import Desk
from tests.engine.images import raw
from tests.gui.conftest import Room, make_run
from tests.gui.pages.review.test_film import film_there
from tests.gui.pages.review.test_review_page import verdict

DATES = {"now": "2021-05-04", "old": "2015-01-02", "prior": "2020-12-31", "next": "2022-02-02", "none": ""}


def film(path: Path, level: int, **attributes: Any) -> str:
    """A body of a level with a brighter corner at the upper left."""
    pixels = np.full((300, 200), level, np.int16)
    pixels[:60, :60] = level + 800
    told = {
        "WindowCenter": 1200,
        "WindowWidth": 800,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }
    data = raw.dicom(pixels, **told | attributes)
    path.write_bytes(data)
    return sha256(data).hexdigest()


def planted(room: Room, folder: Path, *, dated: bool = True) -> tuple[Run, dict[str, str]]:
    """Give the room a newer run: a patient of five images and one of one, and six training images of others."""
    run = make_run(room.session.workspace, run_id="20260202-120000-film")
    run.folder.mkdir(parents=True)
    shares: Any = {"probabilities": (0.7, 0.3), "predicted": "normal", "entropy": 0.6}
    ids, cases, train = {}, [], []
    for number, (name, date) in enumerate(DATES.items()):
        path = folder / f"{name}.dcm"
        ids[name] = film(path, 900 + 50 * number)
        meta = {"View": "PA"} | ({"Study Date": date} if dated and date else {})
        cases.append(
            Prediction(
                image_id=ids[name], path=path, label="normal", patient_id="P1",
                part="val" if name == "old" else "test", meta=meta, **shares,
            )
        )  # fmt: skip
    ids["alone"] = film(folder / "alone.dcm", 700)
    alone = replace(cases[0], image_id=ids["alone"], path=folder / "alone.dcm", patient_id=ids["alone"])
    for number in range(6):
        path = folder / f"train_{number}.dcm"
        ids[f"train {number}"] = film(path, 1200 + number)
        label = ("normal", "pneumonia")[number % 2]
        train.append(Sample(path=path, image_id=ids[f"train {number}"], label=label, patient_id=f"T{number}"))
    split = Split(train=tuple(train), val=(), test=(), classes=run.classes, seed=0, method="given")
    save_split(split, run.folder / "split.csv")
    # the case lies nearest to training image 5, then 4, …
    angles = np.array([*(0.1 * (6 - number) for number in range(6)), 0.0])
    features = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    fitted = replace(
        fit_alike(np.eye(3), ["a", "b", "c"]), centre=np.zeros(3), axes=np.eye(3), usual=(0.9, 0.99)
    )
    names = (*(one.image_id for one in train), ids["now"])
    whose = (*(one.patient_id for one in train), "P1")
    placed = fitted.directions(features)
    save_alike(run.folder, replace(fitted, image_ids=names, patients=whose, known=6, features=placed))
    heat = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    save_explanations(
        run.folder, [Explanation(image_id=ids["now"], heatmap=heat, target="normal", method="grad-cam")]
    )
    room.session.store.add_run(run)
    room.session.store.add_cases(run.run_id, [*cases, alone])
    return run, ids


def exposures(room: Room) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(room.session.workspace.database)) as database:
        return database.execute(
            "SELECT image_id, prediction IS NOT NULL, label, alike FROM exposures ORDER BY seq"
        ).fetchall()


def opened_at(room: Room, ids: dict[str, str], name: str) -> tuple[Desk, dict[str, str]]:
    desk = Desk(room.session)
    told = open_reading(desk, {"case": ids[name], "part": "test"})
    assert told["case"]["id"] == ids[name]
    return desk, {"reading": told["reading"], "shown": ids[name]}


def test_other_images_of_the_patient_come_prior_first_and_are_written_down_as_images_alone(
    room: Room, tmp_path: Path
) -> None:
    _, ids = planted(room, tmp_path)
    desk, asked = opened_at(room, ids, "now")
    told = beside(desk, asked | {"what": "patient"})
    assert [one["title"] for one in told["all"]] == [
        "1: 2020-12-31 · before",
        "2: 2015-01-02 · before · validation",
        "3: 2022-02-02 · later",
        "4: date not known",
    ]
    assert told["said"] == "4 other images. This image: 2021-05-04. 2 prior images."
    assert exposures(room)[-4:] == [(ids[name], 0, 0, 0) for name in ("prior", "old", "next", "none")]
    desk, asked = opened_at(room, ids, "alone")
    assert beside(desk, asked | {"what": "patient"})["said"].startswith(
        "The data do not say whose image this is"
    )


def test_without_dates_no_image_is_called_prior(room: Room, tmp_path: Path) -> None:
    _, ids = planted(room, tmp_path, dated=False)
    desk, asked = opened_at(room, ids, "now")
    told = beside(desk, asked | {"what": "patient"})
    assert {one["title"].split(": ")[1].split(" · ")[0] for one in told["all"]} == {"date not known"}
    assert "which of them are prior is not known" in told["said"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-05-04", (2021, 5, 4)), ("20210504", (2021, 5, 4)), ("2021/05/04 10:33", (2021, 5, 4)),
        ("1400/02/31", (1400, 2, 31)), ("4.5.2021", (2021, 5, 4)), ("7", (7,)),
        ("04/05/2021", None), ("2021-13-01", None), ("May 2021", None), ("", None),
    ],
)  # fmt: skip
def test_a_date_is_read_where_its_order_is_certain(text: str, moment: tuple[int, ...] | None) -> None:
    assert moment_of(text) == moment


def test_similar_images_come_after_the_answer_with_their_labels_which_are_written_down_first(
    room: Room, tmp_path: Path
) -> None:
    run, ids = planted(room, tmp_path)
    desk, asked = opened_at(room, ids, "now")
    with pytest.raises(ReviewError, match="after your answer"):
        beside(desk, asked | {"what": "similar"})
    assert not [row for row in exposures(room) if row[3]]
    case = {"id": ids["now"], "predicted": "normal"}
    by_name = {handler.__name__: handler for handler in HANDLERS}
    by_name["decide"](desk, verdict(asked["reading"], case))
    by_name["show_case"](desk, {"reading": asked["reading"], "to": "case", "case": ids["now"]})
    told = beside(desk, asked | {"what": "similar"})
    assert [one["title"] for one in told["all"]] == [
        "1: pneumonia · very similar",
        "2: normal · similar",
        "3: pneumonia · similar",
        "4: normal · similar",
        "5: pneumonia · less similar than training images are to their nearest",
    ]
    shown = [(ids["now"], 1, 0, 1), *((ids[f"train {number}"], 0, 1, 0) for number in (5, 4, 3, 2, 1))]
    assert exposures(room)[-6:] == shown
    (run.folder / "alike.npz").unlink()
    assert "overread shift 20260202-120000-film --again" in beside(desk, asked | {"what": "similar"})["said"]


SIDES = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
    ['.rv-stage', '.rv-beside'].map((stage) => {
        const canvas = document.querySelector(stage + ' > canvas'), brush = canvas.getContext('2d');
        const sheet = canvas.nextElementSibling;
        const matrix = new DOMMatrix(getComputedStyle(sheet).transform);
        const middle = [canvas.width >> 1, canvas.height >> 1].map(Math.floor);
        return { zoom: matrix.a, left: matrix.e, grey: brush.getImageData(...middle, 1, 1).data[0] };
    })))))"""


@pytest.mark.browser
def test_the_image_beside_follows_the_hand_and_takes_the_window_or_has_its_own(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    _, ids = planted(room, tmp_path)
    page.goto(opened(room.session).url + f"/?case={ids['now']}")
    film_there(page)
    page.wait_for_selector(f".rv[data-shown='{ids['now']}']")
    page.click("[data-do=beside]")
    page.wait_for_selector(".rv-beside[data-deep] .rv-heat[data-painted]")
    assert page.locator(".rv-stage .rv-heat").count() == 0
    page.select_option("[data-at=beside-what]", "patient")
    page.wait_for_function(
        "document.querySelector('[data-at=beside-name]').textContent === '1: 2020-12-31 · before'"
    )
    page.wait_for_selector(".rv-beside[data-deep]")
    assert page.locator(".rv-stage .rv-heat").count() == 1
    first, second = page.evaluate(SIDES)
    assert (first["grey"], second["grey"]) == (32, 64)  # 900 and 1,000, each by the window of its file
    page.fill("[data-at=centre]", "1000")
    page.fill("[data-at=width]", "400")
    page.keyboard.press("Enter")
    first, second = page.evaluate(SIDES)
    assert first["grey"] == pytest.approx(64, abs=1) and second["grey"] == pytest.approx(128, abs=1)
    page.click("[data-do=beside-window]")
    page.fill("[data-at=centre]", "900")
    page.keyboard.press("Enter")
    first, second = page.evaluate(SIDES)
    assert first["grey"] == pytest.approx(128, abs=1) and second["grey"] == pytest.approx(128, abs=1)
    box = page.locator(".rv-beside").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -600)
    first, second = page.evaluate(SIDES)
    assert first["zoom"] == pytest.approx(second["zoom"]) and first["zoom"] > 2
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    moved = page.evaluate(SIDES)
    assert moved[0]["left"] - first["left"] == pytest.approx(40, abs=1)
    assert moved[1]["left"] - second["left"] == pytest.approx(40, abs=1)
    page.click("[data-do=beside-link]")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 300)
    apart = page.evaluate(SIDES)
    assert apart[0]["zoom"] == moved[0]["zoom"] and apart[1]["zoom"] < moved[1]["zoom"]
    page.keyboard.press("q")
    page.wait_for_function(
        "document.querySelector('[data-at=beside-name]').textContent.startsWith('2: 2015')"
    )
    # another case: nothing of the one before stays, and its own are looked for
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('.rv').dataset.shown !== '{ids['now']}'")
    page.wait_for_function("document.querySelector('[data-at=beside-said]').textContent !== 'Looking …'")
    page.click("[data-do=beside-close]")
    assert not page.locator(".rv-beside").is_visible()
