"""A report as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import math
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.data import patients_words
from engine.language import _, in_digits, isolated as apart, language, listed, number, right_to_left
from engine.records import PART_NAMES
from engine.report.checklists.items import OFFLINE_ONLY
from engine.report.exports.marked import english_marked
from engine.report.figures import figures_of, figures_of_run, most_confused
from engine.report.formatting import figure, interval, p_value, probability, rests_on
from engine.report.named.names import capitalized, figure_words, part_words, standard_words, verdict_words
from engine.report.named.of_page import paper_words, section_words
from engine.report.paper.directions import LEFT, for_reading
from engine.report.paper.films import read, stacked
from engine.report.passport_words import marked_in_words, passport_in_words, why_off
from engine.report.printed.book import Book
from engine.report.printed.figures import figures_told
from engine.report.records import CaseRow, Heatmap, Picture, Report
from engine.report.titled.definitions import definitions_of
from engine.retelling import retold
from engine.saliency import css_gradient

SIDES, SMALLEST = ((60, 448), (200, 320)), 200
"""Images on a page at most, and the pixels of the longer side of each: 1,000 stay below 15 MB."""
QUALITY = 75


def render_html(report: Report, *, picture: Picture, heatmap: Heatmap) -> str:
    """Return the report as one HTML page without scripts or outside references; arguments as `export_report`."""
    book, told = Book(report), figures_told(report)
    return fill_template(
        "report.html",
        report=report,
        run=report.run,
        part=_part_in_words(report),
        colour_bar=css_gradient(),
        made=report.made,
        figures={
            one.name: [
                (told[one.name, name].marked(drawn), told[one.name, name])
                for name, drawn in figures_of(report, one).items()
            ]
            for one in report.against
            if one.cases
        },
        of_run={
            name: (told["", name].marked(drawn), told["", name])
            for name, (drawn, _) in figures_of_run(report).items()
        },
        checks=passport_in_words(report.passport) if report.passport else (),
        map_off=why_off(report.passport) if report.passport else "",
        marked=marked_in_words(report.marked) if report.marked else (),
        definitions=definitions_of(
            [name for one in report.against for name in one.estimates],
            [each.method for one in report.against for each in one.estimates.values()],
            suspects=any(one.suspects.images for one in report.label_errors),
        ),
        book=book,
        told=book.passages,
        gallery=_gallery(report, picture, heatmap),
        not_claimed=OFFLINE_ONLY,
    )


def _part_in_words(report: Report) -> str:
    if report.run.supplied is not None:
        return _("supplied predictions")
    if not report.part:
        return _("all parts of the run's own data")
    return _("{part} part").format(part=part_words(PART_NAMES[report.part]))


def fill_template(name: str, *, made: datetime, **values: Any) -> str:
    """Return a template of `engine.report.templates` as a page, its style inside it; everything put in is escaped.

    The page is in the language that is spoken; what has no words in it is marked as English.

    Args:
        name: Of the template.
        made: When what it says was found; equal values give an equal page.
        **values: What is put in.
    """
    style = Markup(template_text("page.css"))
    spoken = {"language": language(), "rtl": right_to_left(language())}
    written = f"{made:%Y-%m-%d %H:%M} UTC"
    filled = (
        _templates().get_template(name).render(style=style, made=made, written=written, **spoken, **values)
    )
    return english_marked(filled)


def _told(text: str, **filled: Any) -> Markup:
    """Return a sentence of a template in the language that is spoken, with what is put into it."""
    return Markup(_(text)).format(**{name: _put(value) for name, value in filled.items()})


def _put(value: Any) -> Any:
    """Return what stands in a sentence: what runs the other way than it isolated."""
    return apart(for_reading(value)) if type(value) is str and LEFT.search(value) else for_reading(value)


def template_text(name: str) -> str:
    """Return what a template says before anything is put in."""
    return files("engine.report.templates").joinpath(name).read_text(encoding="utf-8")


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.report"),
        autoescape=True,
        finalize=for_reading,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "_": _told, "standard_words": standard_words, "verdict_words": verdict_words, "listed": listed,
        "figure_words": figure_words, "capitalized": capitalized,
        "words_way": lambda: "auto" if right_to_left(language()) else "ltr",
    }  # fmt: skip
    environment.filters |= {
        "number": number,
        "digits": in_digits,
        "code": lambda name: Markup("<code>{}</code>").format(name),
    }
    environment.filters |= {
        "translated": _,
        "again": retold,
        "section": section_words,
        "part_of_list": paper_words,
    }
    environment.filters |= {"figure": figure, "interval": interval, "p_value": p_value}
    environment.filters["rests"] = rests_on
    environment.filters["probability"] = probability
    environment.filters["most_confused"] = lambda one, classes: most_confused(one.confusion, classes)
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    environment.filters["patients"] = patients_words
    environment.filters["groupby_part"] = lambda items: [
        (part, list(of)) for part, of in groupby(items, key=lambda each: each.item.part)
    ]
    environment.tests["numbered"] = lambda text: any(letter.isdigit() for letter in text)
    environment.tests["known"] = lambda value: value is not None and math.isfinite(value)
    return environment


def _gallery(report: Report, picture: Picture, heatmap: Heatmap) -> list[dict[str, Any]]:
    """Return what the page shows of cases; the more there are, the smaller is each image."""
    shown = sum(len(one.wrong) + len(one.right) for one in report.galleries)
    pixels = next((side for most, side in SIDES if shown <= most), SMALLEST)
    return [
        {
            "title": title.format(standard=standard_words(one.name)),
            "told": f"/shown/{place}/{side}",
            "pictures": [_picture(case, picture, heatmap, pixels) for case in cases],
        }
        for place, one in enumerate(report.galleries)
        for title, side, cases in (
            (_("Contradicted by the {standard}"), "wrong", one.wrong),
            (_("Confirmed by the {standard}"), "right", one.right),
        )
    ]


def _picture(case: CaseRow, picture: Picture, heatmap: Heatmap, side: int) -> dict[str, Any]:
    """Return a case with its image, and its image below the heatmap: as JPEG, made anew from pixels alone."""
    layers = [picture(case.image_id), heatmap(case.image_id) if case.heatmap_for else None]
    film, heat = (read(data, side) if data else None for data in layers)
    return {
        "case": case,
        "picture": _data_uri(stacked([film], QUALITY)) if film else None,
        "mapped": _data_uri(stacked([film, heat], QUALITY)) if film and heat else None,
    }


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
