"""The pages of the window, one folder each; `gui.app` lists them.

In: what a person does. Out: calls of the engine, and what it answers, drawn.
"""
