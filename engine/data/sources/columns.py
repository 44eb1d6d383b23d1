"""What the columns of a table hold: by their names, by whether they name files, by what stands in their cells."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.data.sources.files import Files
from engine.data.sources.tables import Table
from engine.errors import DataError
from engine.language import N_


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Names as `plain` leaves them, the surest first.
        "path": _words(
            "path filepath fullpath imagepath imgpath relativepath relpath imagefilepath file filename fname imagefile "
            "imagefilename imgfile imgfilename image imagename img imgname imageindex imageid imgid isicid idcode "
            "dicompath dicomfile dicom dicomid dcm dcmpath dcmfile sopinstanceuid sopuid imageuid picture photo scan "
            "film slide slideid slidename imageurl imgurl fileurl url urls uri imageuri link imagelink href "
            "مسیر مسیرتصویر فایل نامفایل تصویر نامتصویر عکس נתיב קובץ שםקובץ שםהקובץ תמונה צילום"
        ),
        "label": _words(
            "label labels class classname classlabel target diagnosis diagnoses diagnostic dx finding findings "
            "findinglabels findingslabels category grade level y groundtruth referencestandard outcome disease "
            "pathology condition benignmalignant malignancy malignant abnormality abnormal classification cls "
            "annotation annotations tag tags truth result classid labelid diagnosisid "
            "برچسب رده تشخیص یافته نتیجه תווית מחלקה אבחנה ממצא סיווג תוצאה"
        ),
        "patient_id": _words(
            "patientid patient patientkey patientuid patientno patientnumber patid pid mrn subject subjectid subjectno "
            "subjectkey participant participantid personid "
            "شناسهبیمار کدبیمار شمارهبیمار شمارهپرونده بیمار מזההמטופל מספרמטופל מטופל חולה"
        ),
        "split": _words(
            "split datasplit part partition subset set trainvaltest traintest usage phase fold بخش חלק חלוקה"
        ),
        "mask": _words(
            "mask maskpath maskfile maskfilename maskfilepath segmentation segmentationpath segmentationfile roimask "
            "roimaskfilepath ماسک מסכה"
        ),
    }
)
_KEYS = _words(
    "id uid name key code caseid case sampleid studyinstanceuid studyuid studyid study seriesinstanceuid seriesuid "
    "seriesid examid accession accessionnumber patientid patient subjectid subject"
)
"""Columns that may name files where no other does: RSNA's films are called by their patients."""
_TOGETHER = _words("lesionid lesion studyinstanceuid studyuid studyid examid accessionnumber accession")
"""What keeps images together where no patient is named: two photographs of one lesion must not be torn apart."""
_FINDINGS = frozenset(_words("malignant abnormal abnormality malignancy disease pathology condition"))
"""Names of labels that are also those of one finding among others."""
_LABEL_ENDS = ("label", "labels", "class", "diagnosis", "dx", "grade", "target", "finding", "category")
_NEVER_LABELS = frozenset(
    _words(
        "age sex gender male female race ethnicity height weight bmi width rows columns view viewposition laterality "
        "side eye year date time index fold site hospital device manufacturer id followup"
    )
)
FLAGS: Mapping[str, bool | None] = MappingProxyType(
    {
        **dict.fromkeys(_words("1 1.0 1,0 1.00 true yes y + present positive"), True),
        **dict.fromkeys(_words("0 0.0 0,0 0.00 false no n absent negative"), False),
        **dict.fromkeys(_words("-1 -1.0 -1,0 uncertain ? nan n/a"), None),
    }
)
"""What is written for yes, for no, and for not known: CheXpert has -1 where a report is uncertain."""
_FEW_VALUES = 5
_SHOWN = 6  # columns
_LOOKED_AT = 100  # rows, to see whether a column names files


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Which columns hold what; empty where none does.

    Attributes:
        path: What names the image.
        label: What says what it shows.
        flags: Columns with a yes or no for each class or finding, where no one column has the label.
        patient_id: Whose image it is, or what else keeps images together.
        split: The part that the image came in.
        mask: What names the image's mask.
        others: By what is sought, columns that could have been meant as well.
        unsaid: Where no column is named as one of labels: a sentence about what was taken instead, and why.
    """

    path: str
    label: str = ""
    flags: tuple[str, ...] = ()
    patient_id: str = ""
    split: str = ""
    mask: str = ""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unsaid: str = ""

    @property
    def used(self) -> frozenset[str]:
        """Return the columns that are not kept as notes."""
        return frozenset((self.path, self.label, self.patient_id, self.split, self.mask, *self.flags)) - {""}

    @property
    def chosen(self) -> dict[str, str]:
        """Return the column for each thing that there is one for."""
        named = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in named.items() if column}


def choose_columns(table: Table, asked: Mapping[str, str], files: Files) -> Columns:
    """Tell which columns hold what.

    Args:
        table: Any.
        asked: What a person said: one of `COLUMNS` → a column, or nothing to say that there is none.
        files: Where the images may be: a column is believed to name them if it does.

    Raises:
        DataError: A column that was asked for is not there, or it cannot be told which one names the images.
    """
    said = _checked(table, asked)
    filled = [name for name in table.header if any(table.column(name))]
    by_plain = {plain(name): name for name in reversed(filled)}
    found: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    for role in ("path", "mask", "split", "patient_id"):
        left = {key: name for key, name in by_plain.items() if name not in {*found.values(), *said.values()}}
        known = [left[key] for key in COLUMNS[role] if key in left]
        if role in said:
            found[role] = said[role]
        elif role == "path":
            found[role], also = _path(table, known, left, files)
            others["path"] = also
            continue
        else:
            found[role] = known[0] if known else ""
        others[role] = tuple(name for name in known if name != found[role])
    used = {*found.values(), *said.values()}
    free = [name for name in filled if name not in used]
    label = _Label(said["label"]) if "label" in said else _label(table, free)
    others["label"] = label.others
    if not found["patient_id"] and "patient_id" not in said:
        found["patient_id"] = _together(table, found["path"], free)
    return Columns(**found, label=label.column, flags=label.flags, others=others, unsaid=label.unsaid)


def plain(name: str) -> str:
    """Return a column's name as it is compared: its letters and digits, without case and accents."""
    bare = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(letter for letter in bare if letter.isalnum())
    return letters if len(letters) > 1 else bare  # NIH has a column "y]"


def listed(header: Sequence[str]) -> str:
    """Write the names of columns for a message."""
    return ", ".join(header[:40]) + (", …" if len(header) > 40 else "")


def _checked(table: Table, asked: Mapping[str, str]) -> dict[str, str]:
    unknown = set(asked) - set(COLUMNS)
    if unknown:
        raise DataError(
            f"A table has no field named {', '.join(sorted(unknown))}",
            f"Name columns for: {', '.join(COLUMNS)}",
        )
    by_plain = {plain(name): name for name in reversed(table.header)}
    said = {}
    for role, name in asked.items():
        if name and name not in table.header and plain(name) not in by_plain:
            raise DataError(
                f"{table.name} has no column named {name!r}; it has: {listed(table.header)}",
                f"Choose one of these for {role}",
            )
        said[role] = name if not name or name in table.header else by_plain[plain(name)]
    if said.get("path") == "":
        raise DataError(
            f"{table.name} must name its images", f"Choose the column that does: {listed(table.header)}"
        )
    return said


def _path(
    table: Table, known: Sequence[str], free: Mapping[str, str], files: Files
) -> tuple[str, tuple[str, ...]]:
    """Return the column that names images: of the likely ones the first that finds most, else any that does.

    Returns:
        The column; others that name images as well, where no column's name says that it does.
    """
    keys = [free[key] for key in _KEYS if key in free]
    rest = [name for name in free.values() if name not in {*known, *keys}]
    likely = [*dict.fromkeys([*known, *keys])]
    found = {name: share_found(table.column(name), files) for name in likely}
    for name in likely:
        if found[name] >= 0.5:
            return name, ()
    naming: list[str] = []
    for name in rest:
        cells = table.column(name)
        counted = all(
            len(cell) < 4 and cell.isdecimal() for cell in cells
        )  # 1, 2, 3 are found wherever files are numbered
        if (
            not counted
            and len(set(cells)) * 2 >= len(cells)
            and share_found(table.column(name), files) >= 0.9
        ):
            naming.append(name)
    if naming:
        naming.sort(key=table.header.index)
        return naming[0], tuple(naming[1:])
    if likely:
        return max(likely, key=lambda name: found[name]), ()  # max takes the first of equals
    raise DataError(
        f"{table.name} does not say which column names the images; it has: {listed(table.header)}",
        "Name that column path, or choose it",
        option="--column path=NAME",
    )


def share_found(written: Iterable[str], files: Files) -> float:
    """Return the share of cells, looked at here and there, that name files."""
    cells = [cell for cell in written if cell]
    sample = cells[:: max(1, len(cells) // _LOOKED_AT)]
    return sum(bool(files.find(cell).paths or files.inside(cell)) for cell in sample) / max(1, len(sample))


@dataclass(frozen=True, slots=True)
class _Label:
    """The label's column, or the columns of flags instead; what else could be meant, and what was not said."""

    column: str = ""
    flags: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    unsaid: str = ""


def _label(table: Table, free: Sequence[str]) -> _Label:
    classes = [name for name in free if _names_classes(table.column(name))]
    by_plain = {plain(name): name for name in reversed(classes)}
    known = [by_plain[key] for key in COLUMNS["label"] if key in by_plain]
    ends = [name for name in classes if _last_word(name) in _LABEL_ENDS and name not in known]
    flags = flag_columns(table, free)
    if known and not (known[0] in flags and plain(known[0]) in _FINDINGS):
        return _Label(known[0], others=(*known[1:], *ends))
    if len(ends) == 1 and not (ends[0] in flags and _last_word(ends[0]) == "finding"):
        return _Label(ends[0])
    if flags:
        return _Label(flags=flags)
    possible = [name for name in free if plain(name) not in _NEVER_LABELS]
    shown = "; ".join(_content(name, table.column(name)) for name in possible[:_SHOWN])
    for sole in (possible, [name for name in possible if _are_flags(table.column(name))]):
        if len(sole) == 1 and sole[0] in classes:
            others = tuple(name for name in possible if name != sole[0])
            said = N_("No column of {table} is named as a label: {name} was taken as one ({shown})").format(
                table=table.name, name=sole[0], shown=shown
            )
            return _Label(sole[0], others=others, unsaid=said)
    if not possible:
        return _Label()
    said = N_(
        "No column of {table} is clearly the label, so no image has one until you choose ({shown})"
    ).format(table=table.name, shown=shown)
    return _Label(others=tuple(possible), unsaid=said)


def _content(name: str, cells: Sequence[str]) -> str:
    """Say what stands in a column: its values with their numbers, or how many there are."""
    counts = Counter(cell for cell in cells if cell)
    if len(counts) <= _FEW_VALUES:
        names = ", ".join(
            f"“{value[:40]}” ({(N_('in {n} row') if count == 1 else N_('in {n} rows')).format(n=f'{count:,}')})"
            for value, count in counts.most_common()
        )
        return N_("{column} contains {names}").format(column=name, names=names)
    said = N_("{column} has {n} different texts in {total} rows")
    if _are_numbers(counts):
        said = N_("{column} has {n} different numbers in {total} rows")
    return said.format(column=name, n=f"{len(counts):,}", total=f"{counts.total():,}")


def _last_word(name: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return words[-1].casefold() if words else ""


def _names_classes(cells: Sequence[str]) -> bool:
    """Tell whether cells hold few names again and again, alone or several in a cell, and no text or measurements."""
    names: Counter[str] = Counter()
    written = Counter(cell for cell in cells if cell)
    if _are_measurements(written):
        return False
    for cell, count in written.items():
        names.update(dict.fromkeys(map(str.strip, re.split(r"[|;,]", cell)), count))
    return len(names) <= 20 or len(names) * 4 <= names.total()


def _are_measurements(counts: Mapping[str, int]) -> bool:
    """Tell whether cells are numbers that count or measure something: fractions, or hardly any of them twice."""
    if len(counts) <= _FEW_VALUES or not _are_numbers(counts):
        return False
    fractions = any(not float(cell.replace(",", ".")).is_integer() for cell in counts)
    return fractions or 2 * len(counts) > sum(counts.values())


def _are_numbers(cells: Iterable[str]) -> bool:
    return all(re.fullmatch(r"[-+]?\d+([.,]\d*)?(e[-+]?\d{1,2})?", cell, re.IGNORECASE) for cell in cells)


def _are_flags(cells: Sequence[str]) -> bool:
    distinct = {cell.casefold() for cell in set(cells)} - {""}
    return bool(distinct) and distinct <= FLAGS.keys()


def flag_columns(table: Table, free: Collection[str]) -> tuple[str, ...]:
    """Return columns side by side that each say yes or no: one-hot classes, or findings.

    Where such columns stand in several places, the longest run is meant.
    """
    runs: list[list[str]] = [[]]
    for name in table.header:
        if not any(table.column(name)):
            continue
        if name in free and plain(name) not in _NEVER_LABELS and _are_flags(table.column(name)):
            runs[-1].append(name)
        else:
            runs.append([])
    longest = max(runs, key=len)
    return tuple(longest) if len(longest) > 1 else ()


def _together(table: Table, path: str, free: Sequence[str]) -> str:
    """Return a column that keeps images together where no patient is named: it names the same more than once."""
    by_plain = {plain(name): name for name in (*reversed(free), path)}
    for key in (*COLUMNS["patient_id"], *_TOGETHER):
        cells = table.column(by_plain[key]) if key in by_plain else []
        if len(set(cells)) < len(cells) or (
            cells and by_plain[key] == path
        ):  # a study's row stands for its images
            return by_plain[key]
    return ""
