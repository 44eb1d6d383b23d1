"""What Word wants said in its own elements: directions, languages, fields, the look of tables."""

from __future__ import annotations

from typing import Any

from engine.report.paper.columns import GAP

AFTER_BORDERS = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")
"""What Word wants to come after an element, of what a file of ours holds."""

TWENTIETHS = 20
"""Of a point, in which Word counts."""


def set_right(run: Any, *, bold: bool, size: float) -> None:
    """Let letters run from the right to the left: these have a weight and a size of their own in Word."""
    run.font.rtl = True
    if bold:
        run.font.cs_bold = True
    if size:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        about = run._r.get_or_add_rPr()
        one = OxmlElement("w:szCs")
        one.set(qn("w:val"), str(round(2 * size)))
        about.insert_element_before(
            one, "w:highlight", "w:u", "w:effect", "w:vertAlign", "w:rtl", "w:cs", "w:lang"
        )


def set_language(run: Any, code: str, own: str) -> None:
    """Say in which language letters are: Word has one for either direction."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    one = OxmlElement("w:lang")
    if code:
        one.set(qn("w:val"), code)
    else:
        one.set(qn("w:bidi"), own)
    run._r.get_or_add_rPr().append(one)


def field(paragraph: Any, instruction: str, shown: str) -> None:
    """Add a field that Word counts, in bold letters, with what it shows until then."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" {instruction} ")
    run = OxmlElement("w:r")
    look = OxmlElement("w:rPr")
    look.append(OxmlElement("w:b"))
    look.append(OxmlElement("w:bCs"))  # the weight of digits beside letters from right to left
    run.append(look)
    text = OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def ruled(table: Any, *, rtl: bool) -> None:
    """Give a table lines above, below and between its rows, none between columns, and the gaps that were counted on.

    Word's own gaps are wider, and would break the numbers of narrow columns.
    """
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    about = table._tbl.tblPr
    if rtl:
        about.insert_element_before(OxmlElement("w:bidiVisual"), "w:tblW", *AFTER_BORDERS)
    borders = OxmlElement("w:tblBorders")
    for side, size in (("top", "8"), ("bottom", "8"), ("insideH", "4")):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", size), ("space", "0"), ("color", "808080")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    about.insert_element_before(borders, *AFTER_BORDERS)
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(round(GAP / 2 * TWENTIETHS)))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    about.insert_element_before(margins, "w:tblLook")


def kept_whole(row: Any, *, head: bool, joined: bool) -> None:
    """Keep a row on one page, and on that of the row below it where they are joined."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    about = row.get_or_add_trPr()
    about.append(OxmlElement("w:cantSplit"))
    if head:
        about.append(OxmlElement("w:tblHeader"))
    if joined:
        for paragraph in row.iter(qn("w:p")):
            paragraph.get_or_add_pPr().get_or_add_keepNext()
