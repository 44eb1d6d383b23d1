"""Films are served at signed addresses, look as they are, and tell a guest nothing of the owner's disk."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gui.web.image_routes import LAYERS, image_route, image_url
from gui.web.session import AppSession
from tests.gui.conftest import Room


def client(session: AppSession) -> TestClient:
    return TestClient(Starlette(routes=[image_route(session)]), base_url="http://127.0.0.1")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_an_image_that_the_browser_may_keep(room: Room, layer: str) -> None:
    answer = client(room.session).get(
        image_url(room.session, room.run.run_id, room.predictions[0].image_id, layer)
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/" if layer == "depth" else "image/")
    assert "private" in answer.headers["cache-control"] and "immutable" in answer.headers["cache-control"]
    if layer != "depth":  # which a browser would show in eight bits
        Image.open(BytesIO(answer.content)).verify()


def test_the_film_is_the_file_pixel_for_pixel(room: Room) -> None:
    case = room.predictions[0]
    answer = client(room.session).get(image_url(room.session, room.run.run_id, case.image_id))
    served = np.asarray(Image.open(BytesIO(answer.content)).convert("L"))
    assert np.array_equal(served, np.asarray(Image.open(case.path)))


def test_the_heatmap_is_a_see_through_layer(room: Room) -> None:
    answer = client(room.session).get(
        image_url(room.session, room.run.run_id, room.predictions[0].image_id, "heatmap")
    )
    alpha = np.asarray(Image.open(BytesIO(answer.content)).getchannel("A")).astype(float)
    assert alpha[-int(0.4 * len(alpha)), int(0.68 * len(alpha))] > 100 > 20 > alpha[5, 5]


def test_a_wrong_signature_finds_nothing(room: Room) -> None:
    good = image_url(room.session, room.run.run_id, room.predictions[0].image_id)
    served = client(room.session)
    other = image_url(room.session, room.run.run_id, room.predictions[1].image_id).rsplit("/", 1)[1]
    stem = good.rsplit("/", 1)[0]
    for address in (
        f"{stem}/{'0' * 32}",
        f"{stem}/{other}",
        f"{stem}/é",
        good.replace("/image/2", "/image/3"),
    ):
        assert served.get(address).status_code == 404
    assert (
        served.get(
            good.replace("/image/2", "/image/2").replace("/image/" + good.split("/")[-1], "/heatmap/x")
        ).status_code
        == 404
    )


def test_an_address_dies_with_the_session_that_signed_it(room: Room) -> None:
    other = AppSession(workspace=room.session.workspace, store=room.session.store)
    address = image_url(room.session, room.run.run_id, room.predictions[0].image_id)
    assert client(other).get(address).status_code == 404


def test_an_address_names_no_file(room: Room) -> None:
    case = room.predictions[0]
    address = image_url(room.session, room.run.run_id, case.image_id)
    assert case.path.name not in address and case.patient_id not in address


def test_a_film_that_is_another_one_by_now_is_not_shown(room: Room) -> None:
    first, second = room.predictions[:2]
    first.path.write_bytes(second.path.read_bytes())
    answer = client(room.session).get(image_url(room.session, room.run.run_id, first.image_id))
    assert answer.status_code == 404
    assert "has changed since" in answer.text


def test_a_film_that_was_moved_says_so_and_is_not_kept(room: Room) -> None:
    case = room.predictions[3]
    case.path.unlink()
    answer = client(room.session).get(image_url(room.session, room.run.run_id, case.image_id))
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert case.path.name in answer.text


def test_a_guest_is_not_told_where_the_owners_files_lie(room: Room) -> None:
    case = room.predictions[3]
    case.path.unlink()
    guest = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    answer = client(guest).get(image_url(guest, room.run.run_id, case.image_id))
    assert answer.status_code == 404
    assert str(case.path.parent) not in answer.text
