"""Markup, style and script of the parts of the Report page."""
