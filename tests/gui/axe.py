"""What axe-core finds on a page as it stands: every rule of every severity, its best practices included."""

from __future__ import annotations

from typing import Any

OPEN_ALL = """async () => {
  for (const one of document.querySelectorAll('details')) one.open = true;
  for (let depth = 0; depth < 4; depth++) {   // accordions lie in accordions
    const shut = [...document.querySelectorAll('button.label-wrap:not(.open)')].filter((one) => one.offsetParent);
    if (!shut.length) return;
    for (const one of shut) one.click();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}"""
STILL = """() => {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const told = document.body.classList.contains('dark') === dark;
  if (!told && document.querySelector('.gradio-container')) return false;
  // what waits for an answer is faint until it comes
  if ([...document.querySelectorAll('.pending')].some((one) => one.checkVisibility())) return false;
  return document.getAnimations().every((one) => one.playState !== 'running'
    || one.effect.getTiming().iterations === Infinity);
}"""
"""The page has heard whether it is to be dark, no answer is waited for, and nothing changes its colours any more."""


def violations(page: Any, *, only: tuple[str, ...] = ()) -> list[str]:
    """Return what is wrong, an element a line; nothing where all is well.

    Args:
        page: An open page of Playwright.
        only: Names of rules; none means all.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = list(only)
    # an answer may have been asked for while axe looked: what is wrong with the page stays
    for _ in range(4):
        page.wait_for_function(STILL)
        found = page.evaluate("(options) => axe.run(document, options)", options)
        assert found["testEngine"]["name"] == "axe-core"
        if not found["violations"]:
            break
    return [
        f"{one['id']} ({one['impact']}): {' '.join(map(str, node['target']))}: {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
