"""`overread docs`: the pages open from the disk, can be searched, and ask nothing of any machine."""

from __future__ import annotations

import os
import shutil
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from engine.errors import EngineError
from gui.cli import window
from gui.cli.main import main
from gui.documentation import CHECKOUT, CONFIGURATION, site_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_of(CHECKOUT, tmp_path_factory.mktemp("documentation") / "site").parent


def test_the_command_prints_the_address_and_opens_it_unless_told_not_to(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(window, "site_of", lambda say: site / "index.html")
    assert main(["docs", "--no-browser"]) == 0
    address = capsys.readouterr().out.strip()
    assert address == (site / "index.html").as_uri()
    assert opened == []
    assert main(["docs"]) == 0
    assert opened == [address]


@pytest.mark.browser
def test_the_pages_are_read_and_searched_from_the_disk_without_any_request(
    site: Path, page: Any, traffic: Any
) -> None:
    page.goto((site / "index.html").as_uri())
    assert page.locator("h1").inner_text().startswith("Overread")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.locator(".md-search__input").fill("Newcombe")
    page.locator(".md-search-result__link[href*='methods.html']").first.click()
    page.wait_for_url("**/methods.html*")
    assert page.locator("h1").inner_text().startswith("Methods")
    assert {url.partition(":")[0] for url in traffic.requests} <= {"file", "data", "blob"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout: a page, the program that it tells of, a configuration of MkDocs."""
    for folder in ("docs", "engine"):
        (tmp_path / "checkout" / folder).mkdir(parents=True)
    (tmp_path / "checkout" / "docs" / "index.md").write_text("# One\n")
    (tmp_path / "checkout" / CONFIGURATION).write_text("site_name: Small\nplugins: []\n")
    return tmp_path / "checkout"


def test_a_checkout_builds_its_pages_when_they_have_changed_and_only_then(
    checkout: Path, tmp_path: Path
) -> None:
    page = site_of(checkout, tmp_path / "site")
    assert "One" in page.read_text()
    built = page.stat().st_mtime_ns
    assert site_of(checkout, tmp_path / "site").stat().st_mtime_ns == built
    (checkout / "docs" / "index.md").write_text("# Two\n")
    later = page.stat().st_mtime + 10
    os.utime(checkout / "docs" / "index.md", (later, later))
    assert "Two" in site_of(checkout, tmp_path / "site").read_text()


def test_pages_that_cannot_be_built_are_a_sentence_with_the_reason(checkout: Path, tmp_path: Path) -> None:
    (checkout / CONFIGURATION).write_text("site_name: Small\ntheme: a-theme-that-nobody-made\n")
    with pytest.raises(EngineError, match="a-theme-that-nobody-made"):
        site_of(checkout, tmp_path / "site")


def test_without_mkdocs_a_checkout_says_what_to_install_and_shows_an_older_site_where_there_is_one(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"\.\[docs\]"):
        site_of(checkout, tmp_path / "site")
    (tmp_path / "site").mkdir()
    older = tmp_path / "site" / "index.html"
    older.write_text("older")
    os.utime(older, (1, 1))
    assert site_of(checkout, tmp_path / "site") == older


def test_an_installed_release_opens_what_came_with_it(tmp_path: Path, site: Path) -> None:
    shutil.copytree(site, tmp_path / "gui" / "site")
    assert site_of(tmp_path, tmp_path / "gui" / "site") == tmp_path / "gui" / "site" / "index.html"
    with pytest.raises(EngineError, match="without its documentation"):
        site_of(tmp_path, tmp_path / "elsewhere")
