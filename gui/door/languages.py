"""Which language a browser is answered in: the one that was chosen, else the first it asks for that there is."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from engine.language import ENGLISH, _, language, languages, ngettext, number, right_to_left

COOKIE = "overread_language"
"""Written by the menu on the page: it is about who sits at this browser, whoever they read as."""
FORMER = {"iw": "he"}
"""Codes that browsers still send, and what ISO 639-1 calls the language now."""
_KEPT = "overread.language"  # where a request carries it
_HERE = Path(__file__).parent

PAGES = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)


def asked_by(scope: Scope) -> str:
    """Return the language that a request asks for, and write it into the request for whoever answers it later."""
    headers = Headers(scope=scope)
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    there = languages()
    wanted = [chosen, *_in_order(headers.get("accept-language", ""))]
    scope[_KEPT] = next((code for code in wanted if code in there), ENGLISH)
    return str(scope[_KEPT])


def kept_in(scope: Scope) -> str:
    """Return the language of a request that came in by the door."""
    return str(scope.get(_KEPT, ENGLISH))


def language_menu() -> Markup:
    """Return the menu; each language is named by its own name, which the browser knows."""
    return Markup(PAGES.get_template("language_menu.html").render(spoken=language(), all=languages()))


def menu_script() -> Markup:
    """Return what makes the menu work: in a page of Gradio's, which gives it its `element`, and in one of ours."""
    return Markup((_HERE / "language_menu.js").read_text(encoding="utf-8"))


def direction() -> str:
    """Return where lines begin in the language that is spoken: "ltr" or "rtl"."""
    return "rtl" if right_to_left(language()) else "ltr"


def _in_order(header: str) -> list[str]:
    """Return what an Accept-Language header names, the most wanted first, each without its country.

    What is weighed by 0 is not wanted, and neither is what is weighed by no number from 0 to 1.
    """
    weighed = []
    for one in header.split(","):
        name, *further = one.split(";")
        said = "".join(further).strip().lower().partition("q=")[2]
        try:
            wanted = float(said or 1)
        except ValueError:
            continue
        if not 0 < wanted <= 1:
            continue
        code = name.strip().lower().partition("-")[0]
        weighed.append((-wanted, FORMER.get(code, code)))
    return [code for _weight, code in sorted(weighed, key=lambda each: each[0])]


PAGES.globals.update(
    _=_,
    ngettext=ngettext,
    number=number,
    language=language,
    direction=direction,
    menu=language_menu,
    script=menu_script,
)
