"""The pages say what the program does: commands, functions, tests, figures and controls that they name are there."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.report.exports.schema.documents import report_schema
from tests.docs.commands import known, lines_in_sentences, lines_to_type, understood

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.name != "command-line.md")
README = ROOT / "README.md"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ------------------------------------------------------------------------------------------------ the front door


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len(read(README).splitlines()) <= 120


@pytest.mark.parametrize("page", [README, *PAGES], ids=name_of)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", re.sub(r"```.*?```", "", read(page), flags=re.DOTALL))
    files = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in files if not (page.parent / link).exists()] == []


def test_the_version_is_the_same_wherever_it_stands() -> None:
    packaged = re.search(r'^version = "(.+)"$', read(ROOT / "pyproject.toml"), re.MULTILINE)
    cited = re.search(r"^version: (.+)$", read(ROOT / "CITATION.cff"), re.MULTILINE)
    assert packaged and cited and packaged[1] == cited[1]
    assert f"## {packaged[1]}" in read(ROOT / "CHANGELOG.md")


# ------------------------------------------------------------------------------------------------- what they name


def test_the_page_of_the_command_line_is_what_the_program_says() -> None:
    import command_line

    assert read(command_line.PAGE) == command_line.render(), "run: python docs/command_line.py"


def test_every_command_that_a_page_shows_is_one_that_the_program_understands() -> None:
    pages = [README, *PAGES, ROOT / "examples" / "README.md"]
    shown = [line for page in pages for line in lines_to_type(read(page))]
    assert len(shown) > 60
    for line in shown:
        assert understood(line)
    named = [line for page in pages for line in lines_in_sentences(read(page)) if "…" not in line]
    assert [line for line in named if not known(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_function_that_a_page_names_can_be_imported(page: Path) -> None:
    for dotted in sorted(set(re.findall(r"`((?:engine|gui)(?:\.\w+)+)", read(page)))):
        resolve(dotted)


def resolve(dotted: str) -> object:
    """Import the longest part that is a module, and look the rest up in it."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"nothing is called {dotted}")


@pytest.mark.parametrize("page", [README, *PAGES], ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:engine|gui|tests|docs|benchmarks|sample_data|examples)/[\w./-]+)`", read(page))
    assert [path for path in named if not (ROOT / path).exists() and path != "gui/site"] == []


def test_every_test_that_the_methods_name_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", read(DOCS / "methods.md"))
    assert len(named) > 30
    for path, test in named:
        assert re.search(rf"^def {test}\(", read(ROOT / "tests" / "engine" / path), re.MULTILINE), test


def test_every_paper_that_a_statistic_follows_is_in_the_methods() -> None:
    methods = read(DOCS / "methods.md")
    for chapter in ("statistics", "uncertainty", "saliency"):
        for module in (ROOT / "engine" / chapter).rglob("*.py"):
            for paper in re.findall(r"(?:doi:10\.|arXiv:)\S+", read(module)):
                assert paper.rstrip("):;,.").split(")")[0] in methods, f"{module.name}: {paper}"


def test_every_choice_that_the_methods_explain_is_the_programs_own() -> None:
    from engine.saliency import SALIENCIES
    from engine.statistics import OPERATING_POINTS

    methods = read(DOCS / "methods.md")
    for name in (*SALIENCIES, *OPERATING_POINTS):
        assert f"| `{name}`" in methods, name


def test_every_kind_of_data_issue_is_explained_in_the_guide() -> None:
    from engine.records import DataIssueKind

    explained = {
        name.strip()
        for row in re.findall(r"^\| ([^|]+) \|", read(DOCS / "guide" / "data.md"), re.MULTILINE)
        for name in row.split(",")
    }
    assert {kind.value for kind in DataIssueKind} <= explained


def test_every_chapter_is_in_the_architecture_and_in_the_python_reference() -> None:
    architecture, reference = read(DOCS / "architecture.md"), read(DOCS / "api.md")
    for stub in (ROOT / "engine").glob("*/__init__.pyi"):
        assert f"{stub.parent.name}/" in architecture
        assert f"::: engine.{stub.parent.name}\n" in reference


def test_every_control_that_the_guide_names_stands_on_a_screen() -> None:
    screens = "\n".join(
        read(path) for kind in ("*.py", "*.js", "*.html") for path in (ROOT / "gui" / "pages").rglob(kind)
    )
    guide = "\n".join(read(page) for page in (DOCS / "guide").glob("*.md"))
    controls = re.findall(r"\*\*([^*]+)\*\*", guide)  # what is bold in the guide is what can be pressed
    assert controls
    labels = set(re.findall(r"\"([^\"\n]+)\"|>([^<>\n]+)<", screens))
    shown = {label.strip() for pair in labels for label in pair} | set(
        re.findall(r'_\("([^"\n]+)"\)', screens)
    )
    assert [name for name in controls if " ".join(name.split()) not in shown] == []


# ------------------------------------------------------------------------------------------------ what they show


def test_the_picture_of_the_import_rule_is_what_pyproject_says() -> None:
    import import_rule

    assert read(import_rule.PICTURE) == import_rule.draw(), "run: python docs/import_rule.py"


def between(page: str, command: str, end: str) -> str:
    found = re.search(rf"<!-- {re.escape(command)} -->\n(.*?)<!-- {end} -->", page, re.DOTALL)
    assert found, command
    return found[1].strip()


def test_tables_of_figures_are_those_of_the_kept_results() -> None:
    from benchmarks import results
    from benchmarks.reproduce.table import RESULTS, markdown

    again = between(
        read(DOCS / "results.md"), "python -m benchmarks.reproduce --table", "end of benchmarks.reproduce"
    )
    assert again == markdown(RESULTS).strip()
    speed = between(read(DOCS / "benchmarks.md"), "python -m benchmarks --table", "end of benchmarks")
    assert speed == results.table().strip()


# ------------------------------------------------------------------------------------------------------ the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as a release builds it; a broken link or anchor, or a page outside the navigation, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",  # without --quiet, under which no warning is one
        "-f",
        ".mkdocs.yml",
        "-d",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built_and_the_python_reference_lists_what_chapters_offer(site: Path) -> None:
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES} <= built
    reference = read(site / "api.html")
    for name in ("engine.data.index_folder", "engine.report.build_report", "engine.statistics.auroc"):
        assert f'id="{name}"' in reference
    assert not list(site.rglob("*.py"))


def test_every_key_of_a_report_stands_on_the_page_of_files() -> None:
    (told,) = re.findall(r"^## `report\.json`\n(.*?)^## ", read(DOCS / "files.md"), re.DOTALL | re.MULTILINE)
    keys = {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", told, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert report_schema("run-report")["properties"].keys() - {"marked_in_words"} == keys and keys
