"""Make the pictures of the pages: the real program on the sample films, seen through a real Chromium.

python docs/make_pictures.py                    walks the demonstration first, in a workspace that is thrown away
python docs/make_pictures.py --workspace DIR    in a copy of DIR, where `overread demo --no-gui -w DIR` has been

Beside a picture of each page, docs/pictures/screens holds all pages on one sheet for each screen, light and dark.
Afterwards look at every picture: a script sees no ugliness.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.workspace import Workspace, open_workspace  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
READER = "anna"
READ_FIRST = 20  # images, so that the report has a reader's labels to show
SHOWN = "film-080"  # the finding is plain, and in the test part of the demonstration's split


def data(page: Any) -> None:
    """Show the sample films' overview."""
    page.wait_for_selector("#data-images img")


def train(page: Any) -> None:
    """Show the finished run, and the time that each plan takes."""
    page.wait_for_selector("#train-loss >> text=validation")
    page.wait_for_function(
        "(plans => plans.length === 3 && plans.every(plan => /about .+ here/.test(plan.innerText)))"
        "([...document.querySelectorAll('#train-plan label:has(input)')])",
        timeout=300_000,
    )
    page.wait_for_selector("#train-facts >> text=parameters in total")


def review(page: Any) -> None:
    """Agree with some images, then show one whose finding is plain."""
    page.wait_for_timeout(1000)  # what comes back to the front is looked at before it is answered
    for _ in range(READ_FIRST):
        page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
        shown = page.get_attribute(".rv", "data-shown")
        page.keyboard.press(
            "ArrowRight" if SHOWN in page.locator("[data-at=corner-name]").inner_text() else "a"
        )
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=shown)
    page.reload()
    page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
    page.select_option(".rv select[data-at=queue]", "all")
    for _ in range(200):
        page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
        if SHOWN in page.locator("[data-at=corner-name]").inner_text():
            return
        shown = page.get_attribute(".rv", "data-shown")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=shown)
    raise SystemExit(f"{SHOWN} is not in the test part of this run")


def studies(page: Any) -> None:
    """Make a small study and begin to read it."""
    page.click("text=Make a study")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("Pneumonia, blind then assisted")
    form.locator("[name=design]").select_option("blind then assisted")
    form.locator("[name=certainty]").select_option("1-5")
    form.locator("[name=readers]").first.check()
    page.wait_for_selector("[data-at=summary] >> text=1 reader")
    page.click("[data-at=make]")
    page.click("text=Begin reading")
    page.wait_for_selector(".st-room[data-shown]:not([data-busy])")


def report(page: Any) -> None:
    """Show the figures against the labels in the data and against the reader's."""
    page.wait_for_selector("#report-drawings-0 svg")


def share(page: Any) -> None:
    """Show the warning; nothing is shared."""
    page.wait_for_selector("#share-consent")


SCREENS: dict[str, Callable[[Any], None]] = {
    "data": data,
    "train": train,
    "review": review,
    "studies": studies,
    "report": report,
    "share": share,
}


SIZES: dict[str, dict[str, Any]] = {
    "1280x720": {"viewport": {"width": 1280, "height": 720}},
    "1920x1080": {"viewport": {"width": 1920, "height": 1080}},
    "2560x1440": {"viewport": {"width": 2560, "height": 1440}},
    "820x1180": {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True},
}
THERE = {
    "data": "#data-images img",
    "train": "#train-facts >> text=parameters in total",
    "review": ".rv[data-shown]",
    "studies": ".sd-card",
    "report": "#report-drawings-0 svg",
    "share": "#share-consent",
}
"""What is waited for on each page."""


def take(workspace: Workspace, into: Path) -> None:
    """Open the window on a workspace and take a picture of each page, and a sheet of all for each screen."""
    from playwright.sync_api import sync_playwright

    from gui.app import start
    from gui.web import open_session

    session = open_session(workspace, reader=READER)
    window = start(session)
    found = next((path for path in CHROMIUM if Path(path).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme="light")
        page.set_default_timeout(40_000)
        page.context.add_cookies([{"name": "overread-guide", "value": "seen", "url": window.url}])
        page.goto(window.address)
        for name, prepare in SCREENS.items():
            page.click(f"#page-{name}-button")
            prepare(page)
            page.wait_for_timeout(1500)  # pictures in the page finish loading
            save(Image.open(io.BytesIO(page.screenshot(timeout=120_000))), into / f"{name}.png")
        session.store.studies.close(session.store.studies.all()[0].study_id)
        for size, settings in SIZES.items():
            for scheme in ("light", "dark"):
                sheet = screens(browser, window, {**settings, "color_scheme": scheme})
                save(sheet, into / "screens" / f"{size}-{scheme}.webp")
        browser.close()
    window.close()
    session.store.close()


def screens(browser: Any, window: Any, settings: dict[str, Any]) -> Image.Image:
    """Return every page as a screen shows it, three side by side."""
    context = browser.new_context(**settings)
    context.add_cookies([{"name": "overread-guide", "value": "seen", "url": window.url}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(window.address)
    seen = []
    for name, there in THERE.items():
        page.click(f"#page-{name}-button")
        page.wait_for_selector(there)
        page.wait_for_timeout(1500)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            raise SystemExit(f"{name} is {wide} pixels wider than {settings}")
        seen.append(Image.open(io.BytesIO(page.screenshot(timeout=120_000))).convert("RGB"))
    context.close()
    width, height = 640, round(640 * seen[0].height / seen[0].width)
    sheet = Image.new("RGB", (3 * width + 20, 2 * height + 10), "#888888")
    for number, one in enumerate(seen):
        sheet.paste(
            one.resize((width, height), Image.Resampling.LANCZOS),
            (number % 3 * (width + 10), number // 3 * (height + 10)),
        )
    return sheet


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture with 256 colours, a third of the bytes; a sheet of many pages has more of them, as WebP."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".webp":
        picture.save(path, quality=80, method=6)
    else:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="with a run on the sample films")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the folder to write to")
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="overread-pictures-", ignore_cleanup_errors=True) as folder:
        workspace = Path(folder) / "workspace"
        if asked.workspace:
            shutil.copytree(asked.workspace, workspace)
        else:
            from gui.cli.demo import walk

            walk(open_workspace(workspace))
        take(open_workspace(workspace), asked.into)


if __name__ == "__main__":
    main()
