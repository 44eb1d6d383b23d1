"""The list of recipes: what they are for, and those that a search finds."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engine.language import _, isolated, number
from engine.recipes import recipe_choices, recipe_purposes
from engine.workspace import Workspace
from gui.web import AppSession


def found_recipes(session: AppSession, purpose: str, search: str, chosen: str | None) -> tuple[Any, Any]:
    """Return the recipes of a purpose in which all words of a search stand, and how many there are."""
    listed = recipes_offered(session.workspace, purpose=purpose or "", search=search)
    whole = len(recipes_offered(session.workspace))
    value = chosen if chosen in [name for _words, name in listed] else None
    label = _("Recipe")
    if len(listed) != whole:
        label = _("Recipe ({n} of {total})").format(n=number(len(listed)), total=number(whole))
    none = "" if listed else _("No recipe has all these words. Take one away, or choose another purpose.")
    return gr.Dropdown(choices=listed, value=value, label=label), none


def recipes_offered(workspace: Workspace, *, purpose: str = "", search: str = "") -> list[tuple[str, str]]:
    """Return what `recipe_choices` does, what the recipes are for in the language that is spoken."""
    said = {purpose: words for words, purpose in purposes(workspace)}
    choices = []
    for words, name in recipe_choices(workspace, purpose=purpose, search=search):
        group, dash, title = words.partition(" — ")
        choices.append((f"{said.get(group, group)}{dash}{isolated(title)}", name))
    return choices


def purposes(workspace: Workspace) -> list[tuple[str, str]]:
    """Return what recipes are for: (in words, purpose)."""
    said = {
        "Mine": _("Mine"),
        "General": _("General"),
        "Pneumonia in children": _("Pneumonia in children"),
        "COVID": _("COVID"),
        "Transformers": _("Transformers"),
        "Small networks from scratch": _("Small networks from scratch"),
        "CIFAR-10 and ablations": _("CIFAR-10 and ablations"),
        "Facial expressions": _("Facial expressions"),
    }
    return [(said.get(purpose, purpose), purpose) for purpose in recipe_purposes(workspace)]
