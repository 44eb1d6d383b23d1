"""What the kinds of data issues are called, and what each means."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language import _
from engine.records import DataIssueKind


def kind_titles() -> Mapping[DataIssueKind, str]:
    """Return what each kind of data issue is called."""
    return {
        DataIssueKind.UNREADABLE: _("Unreadable"),
        DataIssueKind.EXACT_DUPLICATE: _("Exact duplicate"),
        DataIssueKind.NEAR_DUPLICATE: _("Near duplicate"),
        DataIssueKind.ENLARGED: _("Copies made before splitting"),
        DataIssueKind.LABEL_CONFLICT: _("Label conflict"),
        DataIssueKind.PATIENT_OVERLAP: _("Patient in two parts"),
        DataIssueKind.SMALL_CLASS: _("Small class"),
        DataIssueKind.MISSING_FILE: _("Missing file"),
        DataIssueKind.AMBIGUOUS_FILE: _("Ambiguous file"),
        DataIssueKind.FOUND_OTHERWISE: _("Found by another name"),
        DataIssueKind.UNLISTED: _("Not in the table"),
        DataIssueKind.TABLE_READ: _("How the table is read"),
        DataIssueKind.SEVERAL_FINDINGS: _("Several findings"),
        DataIssueKind.DUPLICATE_ROW: _("Duplicate row"),
        DataIssueKind.UNLABELLED: _("Unlabelled"),
        DataIssueKind.PART_UNCLEAR: _("Part unclear"),
        DataIssueKind.CLASS_UNCLEAR: _("Class unclear"),
        DataIssueKind.PATIENT_UNCLEAR: _("Patient unclear"),
        DataIssueKind.TABLE_FOUND: _("Table beside the images"),
        DataIssueKind.SKIPPED: _("Skipped"),
        DataIssueKind.NO_CONTRAST: _("No contrast"),
        DataIssueKind.NEARLY_BLACK: _("Nearly black"),
        DataIssueKind.NEARLY_WHITE: _("Nearly white"),
        DataIssueKind.BLANK_TAIL: _("Blank lower part"),
        DataIssueKind.ODD_HEADER: _("Odd header"),
        DataIssueKind.END_MISSING: _("End of the file missing"),
        DataIssueKind.SMALL_IMAGE: _("Far smaller image"),
        DataIssueKind.MASK_UNREADABLE: _("Mask unreadable"),
        DataIssueKind.MASK_SIZE: _("Mask of another shape"),
        DataIssueKind.MASK_SCALED: _("Mask of another size"),
        DataIssueKind.MASK_EMPTY: _("Empty mask"),
    }


def meanings() -> Mapping[DataIssueKind, str]:
    """Return what each kind of data issue means, and what is done about it."""
    return {**_of_images(), **_of_tables_and_names()}


def _of_images() -> dict[DataIssueKind, str]:
    return {
        DataIssueKind.UNREADABLE: _(
            "Files that could not be opened as images. They are left out; the others are not affected."
        ),
        DataIssueKind.EXACT_DUPLICATE: _(
            "The same file, byte for byte, more than once. Each is kept once, so that no image is counted "
            "twice or is in both training and test."
        ),
        DataIssueKind.NEAR_DUPLICATE: _(
            "One image several times, saved again, mirrored, turned, cropped or shifted, or, rarely, one "
            "patient twice under two names. A new split keeps such images in one part; where the parts came "
            "with the data, those in training are left out."
        ),
        DataIssueKind.ENLARGED: _(
            "Changed copies of images on this scale were probably made to enlarge the data. In training and "
            "in test at once they would make every figure better than the truth; a new split keeps them "
            "together."
        ),
        DataIssueKind.LABEL_CONFLICT: _(
            "One image under two labels. Neither can be trusted, so it is left out: correct the label in your"
            " table or folders and read the data again."
        ),
        DataIssueKind.PATIENT_OVERLAP: _(
            "Images of one patient in several of the parts that came with the data. A model may recognise the"
            " patient instead of the finding, so such images stay in the test part, or validation, and the "
            "others are left out; make a new split to use them all."
        ),
        DataIssueKind.SMALL_CLASS: _("Too few cases to learn from or to measure on. Intervals will be wide."),
        DataIssueKind.NO_CONTRAST: _("Images of one grey level: nothing can be learnt from them."),
        DataIssueKind.NEARLY_BLACK: _(
            "Images that are black nearly everywhere, as when exposure or window failed."
        ),
        DataIssueKind.NEARLY_WHITE: _(
            "Images that are white nearly everywhere, as when exposure or window failed."
        ),
        DataIssueKind.BLANK_TAIL: _("Images whose lower part is blank, as when a file was cut short."),
        DataIssueKind.ODD_HEADER: _(
            "The file says something odd of its pixels. They are shown as well as can be."
        ),
        DataIssueKind.SMALL_IMAGE: _(
            "Images with far fewer pixels than the others: enlarged, they lack detail."
        ),
        DataIssueKind.MASK_UNREADABLE: _(
            "Masks that cannot be opened. Their images are used without a mask."
        ),
        DataIssueKind.MASK_SIZE: _("Masks that do not fit their images, which are used without a mask."),
        DataIssueKind.MASK_SCALED: _(
            "Masks with fewer or more pixels than their images. They are scaled to them."
        ),
        DataIssueKind.MASK_EMPTY: _(
            "Masks on which nothing is marked, although the class says that there is a finding."
        ),
        DataIssueKind.SKIPPED: _("Files that are not images, or that cannot be used. They are left out."),
        DataIssueKind.END_MISSING: _(
            "Files that end too early. No part of the image is missing, so they are used."
        ),
    }


def _of_tables_and_names() -> dict[DataIssueKind, str]:
    return {
        DataIssueKind.MISSING_FILE: _("The table names files that are not there. These rows are left out."),
        DataIssueKind.TABLE_READ: _(
            "How the columns of the table were understood. Correct it where it is wrong."
        ),
        DataIssueKind.SEVERAL_FINDINGS: _(
            "A model learns to distinguish classes that exclude each other. With several findings per image "
            "every combination would be a class, so choose the one finding it should learn."
        ),
        DataIssueKind.AMBIGUOUS_FILE: _(
            "The table names files that exist several times, or one file in several rows. Nothing is guessed:"
            " these rows are left out."
        ),
        DataIssueKind.FOUND_OTHERWISE: _(
            "Files whose names differ from the table, matched to the only row they can belong to."
        ),
        DataIssueKind.UNLISTED: _("Images that no row of the table names. They are left out."),
        DataIssueKind.DUPLICATE_ROW: _("Duplicate rows of the table. Each is read once."),
        DataIssueKind.UNLABELLED: _(
            "Images without a label. They can be labelled under Studies (Label these images, beside the data "
            "set) and cannot be trained on before that."
        ),
        DataIssueKind.PART_UNCLEAR: _(
            "Names do not tell whether these are training, validation or test images. They are in no part "
            "until you say which."
        ),
        DataIssueKind.CLASS_UNCLEAR: _("Names do not make the classes clear."),
        DataIssueKind.PATIENT_UNCLEAR: _(
            "The patient is not known for all images. Images of an unnamed patient can be in both training "
            "and test."
        ),
        DataIssueKind.TABLE_FOUND: _("A table that describes the images is in the same folder."),
    }
