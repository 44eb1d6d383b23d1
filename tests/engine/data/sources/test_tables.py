"""Promises of sources.tables: whatever program wrote a table, its cells are read as they were meant, as text."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from engine.data.sources.tables import Table, is_table, open_table
from engine.errors import DataError


def table(folder: Path, content: bytes | str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(opened: Table) -> list[list[str]]:
    return [list(opened.header), *(line for _, line in opened.lines)]


# ----------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp850"]
)
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = "path,label,patient_id\nGrünwald/Röntgen 1.png,Lungenentzündung,Müller-7\n"
    assert cells(open_table(table(tmp_path, text.encode(encoding))))[1] == [
        "Grünwald/Röntgen 1.png",
        "Lungenentzündung",
        "Müller-7",
    ]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("gbk", "图像/001.png,正常"),
        ("shift_jis", "画像/001.png,肺炎"),
        ("euc_kr", "흉부/001.png,정상"),
        ("big5", "影像/001.png,惡性"),
        ("cp1251", "снимки/001.png,норма"),
        ("cp1250", "zdjęcia/001.png,zapalenie płuc"),
        ("cp1253", "εικόνες/001.png,φυσιολογικό"),
        ("cp1256", "صور/001.png,طبيعي"),
    ],
)
def test_the_encodings_of_other_scripts_are_told_from_a_few_words(
    tmp_path: Path, encoding: str, words: str
) -> None:
    opened = open_table(table(tmp_path, f"path,label\n{words}\n".encode(encoding)))
    assert cells(opened)[1] == words.split(",")


def test_a_class_that_begins_with_an_umlaut_is_not_taken_for_a_script_of_the_east(tmp_path: Path) -> None:
    text = "path;label\n" + "".join(f"films/{n}.png;{'Ödem' if n % 2 else 'normal'}\n" for n in range(12))
    assert {row[1] for row in cells(open_table(table(tmp_path, text.encode("cp1252"))))[1:]} == {
        "Ödem",
        "normal",
    }


@pytest.mark.parametrize(
    "content",
    [
        "<table><tr><td>path</td></tr></table>",
        '<?xml version="1.0"?><Workbook/>',
        "MIME-Version: 1.0\n\n<html>",
    ],
)
def test_a_web_page_called_a_workbook_gets_a_sentence(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"web page or XML.*save it as \.xlsx or CSV"):
        open_table(table(tmp_path, content, "t.xls"))


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 40, b"\x00\x01\x02" * 100, b"path,label\na.png,\xff\xfe\x00x"]
)
def test_bytes_that_are_no_text_get_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"t\.csv"):
        open_table(table(tmp_path, content))


@settings(max_examples=200, deadline=None)
@given(strategies.binary(max_size=300))
def test_no_bytes_end_in_anything_but_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        opened = open_table(path)
    except DataError:
        return
    assert len(set(opened.header)) == len(opened.header)
    assert all(len(line) == len(opened.header) for _, line in opened.lines)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_although_cells_hold_others(tmp_path: Path, delimiter: str) -> None:
    header = delimiter.join(["path", "label", "note"])
    row = delimiter.join(["a.png", "x", '"one, two; three | four"'])
    assert cells(open_table(table(tmp_path, f"{header}\n{row}\n")))[1] == [
        "a.png",
        "x",
        "one, two; three | four",
    ]


def test_decimal_commas_and_commas_in_the_header_do_not_mislead(tmp_path: Path) -> None:
    opened = open_table(table(tmp_path, "path;age;label (a, b, c)\na.png;61,5;a\nb.png;7,0;b\n"))
    assert cells(opened) == [
        ["path", "age", "label (a, b, c)"],
        ["a.png", "61,5", "a"],
        ["b.png", "7,0", "b"],
    ]


ABOVE = [
    "",
    "\n",
    "\r\n\r\n",
    "# exported 2024\n",
    "# by A, B\n# on Monday\n\n",
    "sep=;\n",
    '"sep=;"\r\n',
    "SEP=;\n\n",
    ";;;\n",
    "Cohort 7\n\n",
    "Cohort 7;;\n",
]


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_stands_above_the_header_is_passed_over(tmp_path: Path, above: str, end: str) -> None:
    text = above.replace("\r\n", "\n") + "path;label;note\na.png;x;1,5\nb.png;y;\n"
    opened = open_table(table(tmp_path, text.replace("\n", end)))
    assert cells(opened) == [["path", "label", "note"], ["a.png", "x", "1,5"], ["b.png", "y", ""]]


def test_lines_keep_their_numbers_whatever_stands_above_and_between(tmp_path: Path) -> None:
    opened = open_table(table(tmp_path, '# note\n\npath,label\na.png,"x\ny"\n\nb.png,z\n'))
    assert [number for number, _ in opened.lines] == [5, 7]


def test_a_header_may_be_a_comment(tmp_path: Path) -> None:
    assert cells(open_table(table(tmp_path, "# path,label,patient\na.png,x,7\nb.png,y,8\n")))[0] == [
        "path",
        "label",
        "patient",
    ]


def test_a_table_may_have_no_header_and_says_so(tmp_path: Path) -> None:
    opened = open_table(table(tmp_path, "a.png,x\nb.png,y\n"))
    assert cells(opened) == [["column 1", "column 2"], ["a.png", "x"], ["b.png", "y"]]
    assert "no header" in opened.said[0]


def test_blanks_may_part_the_columns_of_a_list(tmp_path: Path) -> None:
    assert cells(open_table(table(tmp_path, "a.png 0\nb.png 1\n", "list.txt")))[1:] == [
        ["a.png", "0"],
        ["b.png", "1"],
    ]
    assert cells(open_table(table(tmp_path, "path\nfilm 1.png\nfilm 2.png\n", "list.txt")))[1:] == [
        ["film 1.png"],
        ["film 2.png"],
    ]


def test_columns_have_names_of_their_own(tmp_path: Path) -> None:
    opened = open_table(table(tmp_path, ",path,label,label,label (2),,\n0,a.png,x,y,z,,\n"))
    assert opened.header == ("column 1", "path", "label", "label (2)", "label (2) (2)")
    assert list(opened.column("label (2)")) == ["y"]  # columns without name or content are left out


def test_short_and_long_rows_do_no_harm(tmp_path: Path) -> None:
    assert cells(open_table(table(tmp_path, "path,label,age\na.png\nb.png,y,7,more\n"))) == [
        ["path", "label", "age", "column 4"],
        ["a.png", "", "", ""],
        ["b.png", "y", "7", "more"],
    ]


def test_everything_is_text(tmp_path: Path) -> None:
    assert cells(open_table(table(tmp_path, "path,label,patient\n007.png,0,0012\n")))[1] == [
        "007.png",
        "0",
        "0012",
    ]


def test_a_quotation_mark_that_is_never_closed_is_said_and_does_not_swallow_the_rows_after_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match="quotation mark in line 3 or before"):
        open_table(table(tmp_path, 'path,label\na.png,x\nb.png,"y\nc.png,z\n'))
    with pytest.raises(DataError, match="never closed"):
        open_table(table(tmp_path, 'path,label\nb.png,"' + "y\n" * 20_000_000))
    assert len(open_table(table(tmp_path, 'path,note\na.png,5" film\nb.png,z\n')).lines) == 2


@pytest.mark.parametrize("content", ["", "\n\n", "path,label\n", "path,label\n,,\n", "# nothing\n"])
def test_a_table_without_rows_gets_a_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"no rows|is empty"):
        open_table(table(tmp_path, content))


def test_a_compressed_table_is_read_as_what_it_holds(tmp_path: Path) -> None:
    path = table(tmp_path, gzip.compress(b"path,label\na.png,x\n"), "t.csv.gz")
    assert is_table(path) and cells(open_table(path))[1] == ["a.png", "x"]
    with pytest.raises(DataError, match=r"t\.csv\.gz"):
        open_table(table(tmp_path, gzip.compress(b"path,label\na.png,x\n" * 99)[:-9], "t.csv.gz"))


def test_a_table_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        open_table(tmp_path / "gone.csv")


def test_a_pipe_called_a_table_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="cannot be opened"):
        open_table(tmp_path / "t.csv")


# ------------------------------------------------------------------------------------- workbooks and Parquet


HIDDEN = ' state="hidden"'
HIDES = ' ht="9" hidden="1"'


class Hidden(list[str | float | bool]):
    """A row that somebody, or a filter, has hidden."""


class Raw(str):
    """A cell, or what stands behind the rows, as Office Open XML has it."""


def workbook(
    *sheets: tuple[str, list[list[str | float | bool]]], hidden: Sequence[str] = (), behind: str = ""
) -> bytes:
    """Write Office Open XML by hand: what reads it must not have written it."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(value: str | float | bool) -> str:
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, Raw):
            return value
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
            for n, _ in enumerate(sheets)
        )
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/'
            f'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
        )
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f'<sheet name="{name}" sheetId="{n + 1}" r:id="r{n}"{HIDDEN if name in hidden else ""}/>'
            for n, (name, _) in enumerate(sheets)
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        )
        links = "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in enumerate(sheets)
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
        for n, (_, rows) in enumerate(sheets):
            written = "".join(
                f"<row{HIDES * isinstance(row, Hidden)}>{''.join(map(cell, row))}</row>" for row in rows
            )
            file.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{written}</sheetData>{behind}</worksheet>',
            )
    return packed.getvalue()


def test_a_workbook_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    content = workbook(
        ("Tabelle1", [["path", "label", "age", "smoker"], ["ä.png", 1, 61.5, True], ["007.png", 0, 7, False]])
    )
    for name in ("t.xlsx", "t.csv"):
        assert cells(open_table(table(tmp_path, content, name))) == [
            ["path", "label", "age", "smoker"],
            ["ä.png", "1", "61.5", "True"],
            ["007.png", "0", "7", "False"],
        ]


def test_the_first_sheet_with_rows_is_read_and_the_others_are_said(tmp_path: Path) -> None:
    content = workbook(
        ("Notes", [["by A"]]), ("Films", [["path"], ["a.png"]]), ("Old", [["path"], ["b.png"]])
    )
    opened = open_table(table(tmp_path, content, "t.xlsx"))
    assert cells(opened)[1:] == [["a.png"]] and "sheet Films was read, and not Old" in opened.said[0]


def test_the_sheet_that_names_images_is_read_before_notes_and_a_hidden_one_last(tmp_path: Path) -> None:
    films = [["path", "label"], ["a.png", "x"], ["b.png", "y"]]
    content = workbook(
        ("Old", [["path"], ["z.png"]]), ("Notes", [["by"], ["A"]]), ("Films", films), hidden=["Old"]
    )
    opened = open_table(table(tmp_path, content, "t.xlsx"))
    assert cells(opened) == films and "sheet Films was read, and not Notes, Old" in opened.said[0]
    alone = workbook(("Old", films), hidden=["Old"])
    assert cells(open_table(table(tmp_path, alone, "t.xlsx"))) == films


def test_a_merged_cell_holds_for_each_of_its_rows_and_a_formula_without_a_value_is_said(
    tmp_path: Path,
) -> None:
    rows = [["path", "label", "age"], ["a.png", "ill", Raw("<c><f>40+1</f><v>41</v></c>")]]
    rows += [[f"{name}.png", Raw("<c/>"), Raw("<c><f>40+1</f><v/></c>")] for name in "bc"]
    rows += [["d.png", "well", Raw('<c t="str"><f>""</f><v></v></c>')]]  # which comes to an empty text
    behind = '<mergeCells count="1"><mergeCell ref="B2:B4"/></mergeCells>'
    opened = open_table(table(tmp_path, workbook(("A", rows), behind=behind), "t.xlsx"))
    assert cells(opened)[1:] == [
        ["a.png", "ill", "41"],
        ["b.png", "ill", ""],
        ["c.png", "ill", ""],
        ["d.png", "well", ""],
    ]
    assert "merged over several rows" in opened.said[0] and "t.xlsx (2) were saved without" in opened.said[1]


@pytest.mark.parametrize("empty", ["F2:F4", "A9:A12", "B4:B9"])
def test_merged_cells_beside_the_table_change_nothing(empty: str, tmp_path: Path) -> None:
    rows = [["path", "label"], ["a.png", "x"], ["b.png", "y"], ["c.png", "y"]]
    behind = f'<mergeCells count="1"><mergeCell ref="{empty}"/></mergeCells>'
    opened = open_table(table(tmp_path, workbook(("A", rows), behind=behind), "t.xlsx"))
    assert cells(opened) == rows and opened.said == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_workbook_is_read_where_the_system_bounds_memory_already(tmp_path: Path) -> None:
    held = table(tmp_path, workbook(("A", [["path"], ["a.png"]])), "t.xlsx")
    reads = (
        "import resource, sys; from pathlib import Path; from engine.data.sources.tables import open_table; "
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)); print(open_table(Path(sys.argv[1])).lines)"
    )
    done = subprocess.run([sys.executable, "-c", reads, held], capture_output=True, text=True)
    assert "a.png" in done.stdout, done.stderr


def test_rows_that_are_hidden_are_read_and_that_is_said(tmp_path: Path) -> None:
    rows = [
        ["path", "label"],
        ["a.png", "ill"],
        Hidden(["b.png", "well"]),
        Hidden([7.0]),
        Hidden([Raw("<c/>")]),
    ]
    opened = open_table(table(tmp_path, workbook(("A", rows)), "t.xlsx"))
    assert [line[0] for line in cells(opened)] == ["path", "a.png", "b.png", "7"]
    (said,) = opened.said
    assert "Hidden rows are read like all others, and t.xlsx has 2;" in said
    assert open_table(table(tmp_path, workbook(("A", [[*row] for row in rows])), "t.xlsx")).said == ()


def test_rows_that_a_filter_of_an_open_document_hides_are_said_as_well(tmp_path: Path) -> None:
    def row(text: str, hides: str = "") -> str:
        cell = f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        return f"<table:table-row{hides}>{cell}</table:table-row>"

    hidden = row("b.png", ' table:visibility="filter"') + row("c.png", ' table:visibility="collapse"')
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = "".join(f' xmlns:{name}="{names}:{name}:1.0"' for name in ("office", "table", "text"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0"/>')
        file.writestr(
            "content.xml",
            f'<office:document-content{spaces} office:version="1.2"><office:body><office:spreadsheet>'
            f'<table:table table:name="A">{row("path")}{row("a.png")}{hidden}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    opened = open_table(table(tmp_path, packed.getvalue(), "t.ods"))
    assert cells(opened) == [["path"], ["a.png"], ["b.png"], ["c.png"]]
    assert "Hidden rows are read like all others, and t.ods has 2;" in opened.said[0]


def test_a_stray_cell_at_the_far_end_of_a_sheet_ends_no_window(tmp_path: Path) -> None:
    stray = Raw('<c r="XFD1048576"><v>1</v></c>')  # room for every cell before it is half a terabyte
    with pytest.raises(DataError, match=r"so far from its table.*Delete the rows and columns behind"):
        open_table(table(tmp_path, workbook(("A", [["path"], ["a.png"], [stray]])), "t.xlsx"))


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 no workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), b"PAR1 none"]
)
def test_a_damaged_workbook_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"t\.xlsx") as raised:
        open_table(table(tmp_path, content, "t.xlsx"))
    assert "CSV" in raised.value.remedy


def test_parquet_is_read(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {
        "path": ["a.png", "b.png"],
        "label": ["x", None],
        "patient_id": [7.0, None],
        "image": [b"\x89PNG", b""],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert cells(open_table(tmp_path / "t.parquet")) == [
        ["path", "label", "patient_id"],
        ["a.png", "x", "7"],
        ["b.png", "", ""],
    ]


def test_a_table_is_known_by_its_suffix() -> None:
    assert all(map(is_table, map(Path, ("a.csv", "A.TSV", "b.xlsx", "c.parquet", "d.csv.gz", "e.ods"))))
    assert not any(map(is_table, map(Path, ("a.png", "csv", "t.tar.gz", "x.gz"))))
