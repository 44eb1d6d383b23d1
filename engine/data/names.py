"""What a name says: a part of the split, a patient, nothing, or the same as another name.

Names come from folders, tables and DICOM, and from people: in any case and Unicode form, with blanks, numbers and
decoration around what they mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from engine.records import Part

_KEPT = 16_384
"""Names whose words are kept: some 6 MB, however many files there are."""
_WORDS: dict[Part, str] = {
    "train": "train training trainings trn derivation entrainement entrenamiento addestramento 训练 訓練 اموزش אימון",
    "val": "val valid validation validate validating validations validierung validierungs validacion convalida "
    "tune tuning dev devel 验证 驗證 اعتبارسنجی תיקוף",
    # Data that were held back for whatever kind of evaluation must not be trained on.
    "test": "test testing tst holdout heldout eval evaluation prueba 测试 測試 ازمون ازمایش מבחן",
}
_PARTS: dict[str, Part] = {word: part for part, words in _WORDS.items() for word in words.split()}
_ABBREVIATED: dict[str, Part] = {"tr": "train", "ts": "test", "te": "test", "va": "val"}
"""Parts where something says that data are meant (imagesTr), and otherwise not."""
_CONTAINERS = frozenset(
    "image images img imgs imagery picture pictures pic pics photo photos film films file files data dataset "  # noqa: SIM905
    "datasets dicom dicoms dcm dcms png pngs jpg jpgs jpeg jpegs tif tiff bmp gif input inputs bilder bild".split()
)
_DECORATION = _CONTAINERS | frozenset(
    "set sets daten satz menge folder folders dir split part parts subset partition cohort sample samples case "  # noqa: SIM905
    "cases scan scans slice slices patch patches xray xrays radiograph radiographs final new old all full whole the "
    "my of for stage phase version v original resized processed preprocessed prep clean cleaned cropped crop "
    "augmented aug balanced raw small large hires labeled labelled unlabeled unlabelled external internal blind "
    "hidden public private independent locked unseen official 集 مجموعه بخش تصاویر סט חלק תמונות".split()
)
_GROUPINGS = frozenset(
    "study series session ses visit slice frame view scan acq acquisition site hospital ward centre center clinic "  # noqa: SIM905
    "batch part split camera device machine scanner year month week day timepoint tp run version v baseline "
    "followup".split()
)
_VIEWS = frozenset(
    "study series session ses visit slice frame view scan acq acquisition run image img timepoint tp echo "  # noqa: SIM905
    "frontal lateral left right pa ap ll lat l r od os ou cc mlo lcc rcc lmlo rmlo anterior posterior oblique "
    "axial sagittal coronal ax sag cor adc dwi flair swi pre post before after baseline followup "
    "patch tile crop aug augmented flip flipped rot rotated copy".split()
)
"""What tells images of one patient apart."""
_NOT_PATIENTS = _GROUPINGS | frozenset(
    ["fold", "group", "set", "class", "grade", "stage", "level", "score", "label", "type", "category"]
)
_PATIENTS = frozenset(
    "patient patients pat pt subject subjects subj sub sbj person participant proband volunteer pid mrn "  # noqa: SIM905
    "بیمار מטופל חולה".split()
)
_PLACEHOLDERS = frozenset(
    "anonymized anonymised anonymous anonymouspatient patientanonymous anon anonym anonymisiert anonyme anonimo "  # noqa: SIM905
    "anonymizedpatient anonymisedpatient anonpatient pseudonymized pseudonymised deidentified deidentifiedpatient deid "
    "nan na nat none null nil nul unknown unknownpatient unk unbekannt inconnu desconocido sconosciuto notavailable "
    "notapplicable notknown notspecified notgiven missing undefined unspecified unidentified unnamed noname noid "
    "nopatient nopatientid nopatientname removed redacted deleted hidden masked withheld confidential blank empty tbd "
    "patient patientid patientname id name test testpatient dummy default".split()
)
_UNLABELLED = frozenset(
    [
        "unlabelled",
        "unlabeled",
        "nolabel",
        "nolabels",
        "notlabelled",
        "notlabeled",
        "withoutlabel",
        "unannotated",
        "notannotated",
        "nonannote",
    ]
)
_NOT_KNOWN = frozenset(
    [
        "unknown",
        "unk",
        "unkn",
        "unclassified",
        "unspecified",
        "undefined",
        "undetermined",
        "notknown",
        "notavailable",
        "nodata",
        "tbd",
        "todo",
    ]
)
_NEGATIVE = frozenset(
    "normal negative healthy control controls none nofinding nofindings noncovid benign absent "  # noqa: SIM905
    "طبیعی نرمال سالم منفی بدونیافته خوشخیم תקין תקינה נורמלי בריא בריאה שלילי שלילית ללאממצא ללאממצאים שפיר".split()
)
_HOUSEKEEPING = frozenset(
    name
    for names in (
        "@eadir/@tmp/@recycle/@recently-snapshot/@sharebin/@sharesnap/@__thumb/#recycle/#snapshot",
        "$recycle.bin/$extend/recycler/recycled/system volume information/lost+found/__macosx/resource.frk/icon\r",
        "network trash folder/temporary items/thumbnails/thumbnail/thumbs.db/ehthumbs.db/ehthumbs_vista.db/desktop.ini",
        "picasa.ini/zbthumbnail.info/_gsdata_/__pycache__/node_modules/site-packages",
    )
    for name in names.split("/")
)
"""Of Synology, QNAP, Windows, macOS, Picasa and others, in lower case."""
_DAY = r"(19|20)\d\d[-_. ]?\d\d?[-_. ]?\d\d?|\d\d?[-_. ]\d\d?[-_. ](19|20)\d\d"
_SEPARATORS = r"\s_\-\u2010-\u2015\u2212"


@lru_cache(maxsize=_KEPT)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name in lower case: trainImages_v2 → train, images, v, 2."""
    plain = name
    if not name.isascii():
        plain = "".join(
            letter
            for letter in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
            if not unicodedata.combining(letter)
        )
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+", plain)
    return tuple(word.casefold() for word in found)


@lru_cache(maxsize=_KEPT)
def part_of(name: str) -> Part | None:
    """Return the part that a name means by itself: one word for a part, and nothing around it but decoration.

    "Train", "train ", "training_set", "trainset", "test2017", "x-val_images" and "imagesTr" do; "train_plus_other",
    "trainval" and "seg_train" do not (see `parts_of_names`).
    """
    part, others = _part_and_others(name)
    return part if not others else None


def part_in(name: str) -> Part | None:
    """Return the one part that a name speaks of, whatever else stands in it: seg_train, ISIC_2019_Training_Input."""
    return _part_and_others(name)[0]


def parts_of_names(names: Iterable[str]) -> dict[str, Part]:
    """Return the parts that names side by side mean.

    Beside `part_of`: what else stands in a name is decoration where it stands in several names of different parts:
    seg_train beside seg_test.
    """
    parts: dict[str, Part] = {}
    framed: dict[tuple[str, ...], dict[str, Part]] = defaultdict(dict)
    for name in names:
        part, others = _part_and_others(name)
        if part is None:
            continue
        if not others:
            parts[name] = part
        framed[others][name] = part
    for others, found in framed.items():
        if others and len(set(found.values())) > 1:
            parts |= found
    return parts


@lru_cache(maxsize=_KEPT)
def _part_and_others(name: str) -> tuple[Part | None, tuple[str, ...]]:
    """Return the one part that a name speaks of, and the words that are neither that nor decoration."""
    readings = [
        _read_part(words_of(name)),
        _read_part(words_of(name.casefold())),
    ]  # TRAINset has capitals by chance
    return min(readings, key=lambda reading: (reading[0] is None, len(reading[1])))


def _read_part(name: tuple[str, ...]) -> tuple[Part | None, tuple[str, ...]]:
    words = [piece for word in _joined(name) for piece in _taken_apart(word)]
    decorated = any(word in _DECORATION for word in words)
    known = {**_PARTS, **_ABBREVIATED} if decorated and not _PARTS.keys() & set(words) else _PARTS
    found = [word for word in words if word in known]
    others = tuple(
        word
        for word in words
        if word not in known and word not in _DECORATION and not word.isdecimal() and len(word) > 1
    )
    parts = {known[word] for word in found}
    return (parts.pop(), others) if len(parts) == 1 else (None, others)


def _joined(words: tuple[str, ...]) -> tuple[str, ...]:
    """Make one word of "hold out" and "held out"."""
    text = " ".join(words)
    return tuple(re.sub(r"\b(hold|held) out\b", r"\1out", text).split())


def _taken_apart(word: str) -> tuple[str, ...]:
    """Return trainset as train, set; a word that is not wholly made of known ones stays whole."""
    if word in _PARTS or word in _DECORATION:
        return (word,)
    for at in range(1, len(word)):
        first, rest = word[:at], word[at:]
        if (first in _PARTS or first in _DECORATION) and (at > 1 or not first.isascii()):
            pieces = _taken_apart(rest)
            if all(piece in _PARTS or piece in _DECORATION for piece in pieces):
                return first, *pieces
    return (word,)


def is_fold(name: str) -> bool:
    """Tell whether a name is that of a fold of a cross-validation: fold1, Fold_02, cv-3."""
    words = words_of(name)
    return (
        len(words) == 2 and words[0] in {"fold", "folds", "kfold", "cv", "falte"} and words[1].isdecimal()
    ) or (len(words) == 3 and words[:2] == ("k", "fold") and words[2].isdecimal())


def is_container(name: str) -> bool:
    """Tell whether a name says only that there are files in it: images, films_02, PNG."""
    words = words_of(name)
    return any(word in _CONTAINERS for word in words) and all(
        word in _CONTAINERS or word.isdecimal() for word in words
    )


def looks_like_id(name: str) -> bool:
    """Tell whether a name may be a patient's: it has a number that is no year and counts no visits or views."""
    words = words_of(name)
    if not any(word.isdecimal() for word in words) and not re.search(r"[0-9a-f]{8}", name.casefold()):
        return False
    if is_date(name) or is_container(name):
        return False
    return not words or words[0] not in _NOT_PATIENTS


def has_long_number(name: str) -> bool:
    """Tell whether a name has a number of three digits or more, as an id has and a grade has not."""
    return re.search(r"\d{3}", name) is not None


def is_grouping(name: str) -> bool:
    """Tell whether a name counts what is neither class nor patient: site1, batch_02, visit-3, 2019, 01-01-2000-CT."""
    first, *rest = words_of(name) or ("",)
    counts = first in _GROUPINGS and bool(rest) and all(word.isdecimal() or len(word) == 1 for word in rest)
    return counts or is_date(name) or re.match(rf"({_DAY})(?!\d)", name.strip()) is not None


def counts_views(word: str) -> bool:
    """Tell whether a word tells images of one patient apart: view1, frontal, slice, study2, L."""
    if _begins_with_a_digit(word):
        return False
    first, *rest = words_of(word) or ("",)
    return first in _VIEWS and all(each.isdecimal() for each in rest)


def _begins_with_a_digit(name: str) -> bool:
    """Tell whether a number stands first, as in most names of files: they are many, and need not be taken apart."""
    return "0" <= name[:1] <= "9"


def is_date(name: str) -> bool:
    """Tell whether a name is a year, a month or a day: 2019, 2019-03, 20190314, 14.03.2019."""
    return re.fullmatch(rf"(19|20)\d\d([-_. ]?\d\d?)?|{_DAY}", name.strip()) is not None


def says_patient(name: str) -> bool:
    """Tell whether a name says that a patient is meant: patient0012, sub-01, person_3."""
    if _begins_with_a_digit(name):
        return False
    words = words_of(name)
    return len(words) > 1 and words[0] in _PATIENTS and any(word.isdecimal() for word in words)


def is_negative(name: str) -> bool:
    """Tell whether a class stands for the absence of a finding: Normal, no_finding, non-COVID, بدون یافته, תקין."""
    plain = "".join(filter(str.isalnum, name.casefold()))
    return plain in _NEGATIVE or re.match(r"(no|non|not)[\s_-]", name.casefold()) is not None


def order_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Put the class that stands for the absence of a finding first, the others by name, 2 before 10."""

    def key(name: str) -> tuple[bool, list[tuple[int, str]]]:
        runs = re.findall(r"\d+|\D+", name.casefold())
        return not is_negative(name), [(int(run), "") if run.isdecimal() else (-1, run) for run in runs]

    return tuple(sorted(sorted(names), key=key))


def is_housekeeping(name: str) -> bool:
    """Tell whether a file or folder is hidden, or one that systems and programs keep for themselves."""
    lower = name.lower()
    return (
        lower.startswith((".", "~$"))
        or lower in _HOUSEKEEPING
        or re.fullmatch(r"found\.\d{3}", lower) is not None
    )


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value: nan, N/A, null. "-" and "none" may be classes."""
    return cell.strip().casefold() in {"", "nan", "n/a", "#n/a", "<na>", "na", "null", "nat", "#na", "n.a."}


def says_no_label(name: str) -> bool:
    """Tell whether a class's name says that there is no label: unlabelled, not annotated."""
    return "".join(words_of(name)) in _UNLABELLED


def may_be_no_label(name: str) -> bool:
    """Tell whether a class's name may mean that the label is not known: unknown, "?", "-", tbd, a code as -9 or 999."""
    return (
        "".join(words_of(name)) in _NOT_KNOWN
        or not any(letter.isalnum() for letter in name)
        or re.fullmatch(r"-9{1,4}|9{2,4}", name.strip()) is not None
    )


def is_placeholder(name: str) -> bool:
    """Tell whether what stands where a patient's id should stand names no patient: nan, N/A, -, ANONYMIZED, xxx."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
    return (
        not plain
        or plain in _PLACEHOLDERS
        or re.fullmatch(r"x+|0{2,}|9{4,}|(123456789?0?)", plain) is not None
    )


@lru_cache(maxsize=_KEPT)
def class_key(name: str) -> str:
    """Return what names of the same class have in common.

    Case, Unicode form, blanks, hyphens, underscores and the way a number is written do not tell classes apart. A
    sign at either end does (ER+, ER-), and so does a gap between digits.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    plain = re.sub(r"^[\s_]+|[\s_]+$", "", plain)
    number = re.fullmatch(r"([+-]?)0*(\d+)(?:[.,](\d*?)0*)?", plain, flags=re.ASCII)
    if number is not None:
        sign, whole, fraction = number.groups()
        value = f"{whole}.{fraction}" if fraction else whole
        return f"-{value}" if sign == "-" and re.search("[1-9]", value) else value
    plain = re.sub(rf"(?<=\d)[{_SEPARATORS}]+(?=\d)", " ", plain)
    return re.sub(rf"(?<=\w)(?<!\d)[{_SEPARATORS}]+(?=\w)|(?<=\d)[{_SEPARATORS}]+(?=[^\W\d])", "", plain)


def near_equal(counts: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """Return groups of names that are spelled differently and probably mean the same class, the most common first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        groups[class_key(name)].append(name)
    return tuple(
        tuple(sorted(names, key=lambda name: (-counts[name], name)))
        for names in groups.values()
        if len(names) > 1
    )


def match_names(names: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """Return which of the classes each name means, by its spelling; names of none, or of several, are left out."""
    known = list(classes)
    keys = Counter(class_key(name) for name in known)
    by_key = {class_key(name): name for name in known if keys[class_key(name)] == 1}
    return {
        name: name if name in known else by_key[class_key(name)]
        for name in names
        if name in known or class_key(name) in by_key
    }
