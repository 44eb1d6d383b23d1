"""The example of a department says what the program understands: every command, option, file and name in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.reading.server.addresses import address
from engine.workspace import open_workspace
from gui.app import start
from gui.door import public_address
from gui.mounting import members_of
from gui.web.session import open_session
from tests.docs.commands import understood
from tests.gui.conftest import free_port
from tests.gui.door.test_members import with_accounts

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "department"
DOCKERFILE = (EXAMPLE / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text(encoding="utf-8"))
GUIDE = ROOT / "docs" / "guide" / "department.md"


def test_every_command_of_the_example_is_one_that_the_program_understands() -> None:
    of_compose = [" ".join(COMPOSE["services"]["overread"]["command"])]
    comments = (EXAMPLE / "compose.yaml").read_text(encoding="utf-8")
    lines = [re.search(r"overread gui.*", each).group() for each in of_compose]  # type: ignore[union-attr]
    lines += [re.search(r'exec (overread accounts add "[^"]*" --role \w+)', comments).group(1)]  # type: ignore[union-attr]
    lines += [
        " ".join(re.findall(r'"([^"]*)"', re.search(r"^CMD \[(.*)\]$", DOCKERFILE, re.MULTILINE).group(1)))
    ]  # type: ignore[union-attr]
    for line in lines:
        context = understood(line)
        if "gui" in line.split()[1]:
            assert (
                context.params["auth"]
                and context.params["host"] == "0.0.0.0"
                and context.params["port"] == 7860
            )
            if context.params["public_address"]:
                assert public_address(context.params["public_address"]).scheme == "https"


def test_the_image_runs_as_nobody_special_and_copies_what_is_there() -> None:
    lines = [line.split() for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
    users = [line[1] for line in lines if line[0] == "USER"]
    assert users and users[-1] not in ("root", "0") and f" {users[-1]} " in DOCKERFILE.replace("\\\n", " ")
    order = [line[0] for line in lines]
    assert order.index("USER") < order.index("CMD") and "HEALTHCHECK" in order
    for line in lines:
        if line[0] == "COPY":
            assert all((ROOT / source).exists() for source in line[1:-1]), line
    assert "postgresql" in DOCKERFILE and "password" not in DOCKERFILE.casefold()


def test_the_services_fit_together_and_hold_no_secret() -> None:
    ours, database = COMPOSE["services"]["overread"], COMPOSE["services"]["database"]
    url = address(ours["environment"]["OVERREAD_DATABASE_URL"])
    assert (url.host, url.password) == ("database", None)
    assert url.username == database["environment"]["POSTGRES_USER"]
    assert url.database == database["environment"]["POSTGRES_DB"]
    assert (
        ours["depends_on"]["database"]["condition"] == "service_healthy" and database["healthcheck"]["test"]
    )
    secret = database["environment"]["POSTGRES_PASSWORD_FILE"]
    assert secret in " ".join(ours["command"])
    assert {Path(secret).name} == set(ours["secrets"]) == set(database["secrets"]) == set(COMPOSE["secrets"])
    named = {each.split(":")[0] for one in (ours, database) for each in one["volumes"] if each[0] not in "./"}
    assert named == set(COMPOSE["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in ours["ports"]) and "ports" not in database
    assert (
        ROOT / "examples" / "department" / ours["build"]["context"] / ours["build"]["dockerfile"]
    ).exists()


def test_the_health_check_tells_a_window_that_answers_from_one_that_does_not(tmp_path: Path) -> None:
    found = re.search(r'CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    assert found is not None
    session = with_accounts(open_session(open_workspace(tmp_path / "workspace")))
    window = start(session, entrance=members_of(session, None), port=free_port())
    check = found[1].replace("7860", str(window.port))
    try:
        assert subprocess.run([sys.executable, "-c", check]).returncode == 0
    finally:
        window.close()
        session.store.close()
    assert subprocess.run([sys.executable, "-c", check], capture_output=True).returncode != 0


@pytest.mark.parametrize("name", ["nginx.conf"])
def test_what_the_guide_names_is_there(name: str) -> None:
    assert name in GUIDE.read_text(encoding="utf-8") and (GUIDE.parent / name).exists()
