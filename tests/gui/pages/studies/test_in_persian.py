"""A reader whose browser asks for Persian reads a whole study in it: no English from the first image to the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine.reading import Drawn
from tests.gui.pages.studies.conftest import CLASSES, Ward
from tests.gui.pages.studies.test_studies_page import press, shown

SAID = """() => {
  const DATA = 'bdi, [lang=en], [translate=no], script, style, code, kbd, option[lang]';
  const ROOTS = ['#page-studies', '#studies-room', '[role=tab]'];
  const own = /\\u2068[^\\u2069]*\\u2069/g;   // a name in a sentence
  const said = new Set();
  const tell = (text) => {
    const rest = text.replace(own, '').trim();
    if (/[A-Za-z]{2,}|[0-9]/.test(rest)) said.add(rest);
  };
  for (const root of ROOTS.flatMap((one) => [...document.querySelectorAll(one)])) {
    for (const one of [root, ...root.querySelectorAll('*')]) {
      if (one.closest(DATA)) continue;
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
        tell((one.getAttribute(name) ?? '').replace(/[0-9]/g, ''));   // a key's digit is the one printed on it
      }
      for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE) tell(node.data);
    }
  }
  return [...said];
}"""
"""What stands on the page, seen or heard or still hidden, that has a Latin word or digit in it and is not a name."""
BACKWARDS = """(where) => [...document.querySelectorAll(where)]
  .filter((one) => one.offsetParent && getComputedStyle(one).direction !== 'rtl').map((one) => one.outerHTML)"""

LATIN = {*CLASSES, "grad", "cam", "Overread", "Enter", "Esc", "Shift", "Delete", "AUC", "px", "zip", "HU"}
"""Words that Persian has no other for: names of classes, of a method, of keys, of a measure, of this program."""


def english(page: Any) -> list[str]:
    """Return what the page says in English, or counts in Latin digits."""
    return [
        one
        for one in page.evaluate(SAID)
        if set(re.findall("[A-Za-z]{2,}", one)) - LATIN or re.search("[0-9]", one)
    ]


def test_a_study_is_read_in_persian_from_the_first_image_to_the_end(
    ward: Ward, opened: Callable[..., Any], page: Any
) -> None:
    ward.study(name="ریه", certainty="1-5", drawn=Drawn(rule="random stratified", n=2))
    window = opened(ward.session, page="studies")
    page.set_extra_http_headers({"Accept-Language": "fa-IR,fa;q=0.9"})
    page.goto(window.url)
    page.click("text=آغاز خوانش")
    assert page.evaluate("[document.documentElement.lang, getComputedStyle(document.body).direction]") == [
        "fa",
        "rtl",
    ]
    for number in ("۱", "۲"):
        shown(page, "blind")
        assert page.locator(".st-room [data-at=count]").inner_text() == f"{number} از ۲"
        assert english(page) == []
        page.keyboard.press("2")
        page.wait_for_selector("text=چقدر از")
        press(page, "4")
        shown(page, "assisted")
        before = page.locator(".st-room [data-at=before]").inner_text()
        assert before == f"پاسخ کور شما: \u2068{CLASSES[1]}\u2069، اطمینان ۴" and english(page) == []
        assert page.evaluate(BACKWARDS, ".st-classes button > span, .rv-class > b") == []
        edge = page.locator(".st-room [data-at=operating]").inner_text()
        assert re.search("احتمال ۰٫[۰-۹]+ یا بالاتر", edge), edge
        press(page, "a", "5")
    page.wait_for_selector(".rv-notice >> text=همهٔ موارد «\u2068ریه\u2069» را خوانده‌اید")
    page.wait_for_selector(".rv-notice >> text=این نشست: ۴ پاسخ")
    assert english(page) == [] and page.evaluate(BACKWARDS, ".rv-notice, .rv-notice *") == []
    page.click(".st-room .rv-notice >> text=بازگشت به مطالعه‌ها")
    page.click("text=باز کردن")
    page.wait_for_selector("text=پیشرفت")
    assert english(page) == [] and page.evaluate(BACKWARDS, ".sd-study :is(p, li, th, td)") == []
    page.click("text=→ همهٔ مطالعه‌ها")
    page.click(".sd >> text=ساختن مطالعه")
    page.wait_for_selector("[data-at=summary] >> text=هنوز باید پر شود:")
    assert english(page) == []
