"""What was drawn is taken away from the page as COCO and as masks, of the answers that stand alone."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile

from PIL import Image

from gui.pages.review.answering import decide, show_case
from gui.pages.review.hand.summary import export_readings
from gui.pages.review.opening import open_reading
from gui.pages.review.reading_session import Desk
from gui.pages.studies.files import export_address, study_routes
from gui.pages.studies.reading import answer, open_study
from gui.pages.studies.rounds import Rounds
from tests.gui.conftest import Room
from tests.gui.pages.review.test_review_page import verdict
from tests.gui.pages.studies.conftest import Ward, ward  # noqa: F401

BOX = {"x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5, "label": "nodule"}


def test_an_export_of_readings_holds_the_regions_that_stand(room: Room) -> None:
    desk = Desk(room.session)
    first = open_reading(desk, {})
    case, reading = first["case"], first["reading"]
    decide(desk, verdict(reading, case, regions=[BOX, BOX]))
    show_case(desk, {"reading": reading, "to": "case", "case": case["id"]})
    decide(desk, verdict(reading, case, "unsure", regions=[BOX]))
    packed = zipfile.ZipFile(
        io.BytesIO(base64.b64decode(export_readings(desk, {"reading": reading})["content"]))
    )
    told = json.loads(packed.read("regions.coco.json"))
    assert [one["bbox"] for one in told["annotations"]] == [[96, 96, 192, 192]]  # of 384 pixels
    (row,) = csv.DictReader(io.StringIO(packed.read("masks.csv").decode("utf-8-sig")))
    assert (row["image_id"], row["reader"], row["finding"]) == (case["id"], "anna", "nodule")
    mask = Image.open(io.BytesIO(packed.read(row["mask"])))
    assert mask.size == (384, 384)
    assert sum(pixel > 0 for pixel in mask.tobytes()) == 192 * 192


def test_a_studys_export_holds_its_regions(ward: Ward) -> None:  # noqa: F811
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    study, rounds = ward.study(), Rounds(ward.session)
    told = open_study(rounds, {"study": study.study_id, "reader": "anna", "page": "a"})
    asked = {"reading": told["reading"], "shown": told["case"]["id"], "arm": "blind"}
    answer(rounds, asked | {"verdict": "unsure", "regions": [BOX]})
    client = TestClient(Starlette(routes=study_routes(ward.session)))
    packed = zipfile.ZipFile(io.BytesIO(client.get(export_address(ward.session, study.study_id)).content))
    (row,) = csv.DictReader(io.StringIO(packed.read("masks.csv").decode("utf-8-sig")))
    assert (row["image_id"], row["reader"], row["finding"]) == (told["case"]["id"], "anna, blind", "nodule")
    assert {"answers.csv", "regions.coco.json", row["mask"]} <= set(packed.namelist())
