"""The tables of the newest version, for building statements; the numbered migrations create them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

from engine.reading.ledger.chain import chained

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("dataset_id", String, nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("recipe_name", Text, nullable=False),
    Column("classes", JSON, nullable=False),
    Column("positive", Text, nullable=False),
    Column("threshold", Float),  # null where a run has none
    Column("created", String, nullable=False),  # ISO 8601 in UTC
)

CASES = Table(
    "cases",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("image_id", String, primary_key=True),
    Column("position", BigInteger, nullable=False),  # a hash: random order, stable, the same for every reader
    Column("path", Text, nullable=False),
    Column("label", Text),
    Column("patient_id", Text, nullable=False),
    Column("part", String),
    Column("predicted", Text, nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("confidence", Float, nullable=False),  # probability of the predicted class
    Column("entropy", Float, nullable=False),
    Column("wrong", Boolean),  # against the label that came with the data; null without one
    Column("uncertainty", JSON(none_as_null=True)),
    Column("conformal", JSON, nullable=False),
    Column("margin", Float, nullable=False),  # see `engine.records.margin_of`
    Column("suspicion", Float),  # how likely its label is wrong; null where that was not asked
    Column("distance", Float),  # from the images of training (`is_unlike`); null where it was not measured
)

READERS = Table(
    "readers",
    METADATA,
    *chained(),
    Column("reader_id", String, nullable=False),  # of the person; the newest row of an id tells what holds
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("profession", Text),
    Column("years", Float),  # of experience
    Column("same_as", String),  # another reader's id: they are one person, and that one's name stands
)

PREDICTIONS = Table(
    "predictions",
    METADATA,
    *chained(),
    Column("run_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("label", Text),
    Column("part", String),
    Column("predicted", Text, nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("threshold", Float),
    Column("confidence", Float, nullable=False),
    Column("entropy", Float, nullable=False),
    Column("margin", Float, nullable=False),
    Column("uncertainty", JSON(none_as_null=True)),
    Column("conformal", JSON, nullable=False),
)

STUDIES = Table(
    "studies",
    METADATA,
    *chained(),
    Column("study_id", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("run_id", String),  # null where it holds for images alone
    Column("protocol", JSON, nullable=False),
    Column("protocol_hash", String, nullable=False),
    Column("seed", BigInteger),
    Column("event", String),  # "created", "changed", "locked", "closed"; null where it has no protocol
    Column("reason", Text),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    *chained(),
    Column("session_id", String, nullable=False),
    Column("study_id", String, nullable=False),
    Column("reader_id", String, nullable=False),
    Column("event", String, nullable=False),  # "begun" or "ended"
)

EXPOSURES = Table(
    "exposures",
    METADATA,
    *chained(),
    Column("session_id", String, nullable=False),
    Column("reader_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("prediction", BigInteger),  # its row; null where none was shown
    Column("map", Text),  # its method; null where none was shown
    Column("label", Boolean, nullable=False),  # the one that came with the data
    Column("others", Boolean, nullable=False),  # readings of others
    Column("alike", Boolean),  # other cases that look alike, and what is known of them
)

ANSWERS = Table(
    "answers",
    METADATA,
    *chained(),
    Column("study_id", String, nullable=False),
    Column("session_id", String),  # null where what was on the screen is not known
    Column("reader_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("arm", String, nullable=False),
    Column("finding", Text, nullable=False),  # "class": which of the classes it is
    Column("verdict", String, nullable=False),
    Column("label", Text),
    Column("comment", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("queue", String, nullable=False),
    Column("drawn", String, nullable=False),
    Column("predicted", Text),  # what was on the screen, and its probability; null where nothing was
    Column("confidence", Float),
    Column("supersedes", BigInteger),  # this reader's answer before it
    Column("certainty", Float),  # how sure the reader is of the label, by the study's scale
)

REGIONS = Table(
    "regions",
    METADATA,
    *chained(),
    Column("answer", BigInteger, nullable=False),
    Column("finding", Text, nullable=False),
    Column("shape", String, nullable=False),  # "box"
    Column("place", JSON, nullable=False),  # of a box: left, top, width, height in fractions of the image
)

LABEL_VERSIONS = Table(
    "label_versions",
    METADATA,
    *chained(),
    Column("dataset_id", String, nullable=False),
    Column("number", Integer, nullable=False),  # of the data set, from 1
    Column("parent", BigInteger),  # its row; null for the labels that came with the data
    Column("source", String, nullable=False),
    Column("made_from", String, nullable=False),  # a run's or study's id; empty for the first
    Column("rule", String, nullable=False),
    Column("readers", JSON, nullable=False),  # ids
    Column("changed", Integer, nullable=False),
    Column("kept", JSON, nullable=False),  # why readings did not become a label → of how many images
    Column("locked", JSON, nullable=False),  # images of test parts, which are never trained on
    Column("labels_sha256", String, nullable=False),  # of all labels
)

LABELS = Table(
    "labels",
    METADATA,
    *chained(),
    Column("version", BigInteger, nullable=False),
    Column("image_id", String, nullable=False),
    Column("label", Text),  # null where it has none
    Column("answers", JSON, nullable=False),  # rows
    Column("reason", Text, nullable=False),  # why they did not become the label; empty where they did
)

# Test cases that are read again blind: which were suspected, and which are their control.
REREADS = Table(
    "rereads",
    METADATA,
    *chained(),
    Column("study_id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("drawn_as", String, nullable=False),  # "suspect" or "control"
    Column("suspicion", Float, nullable=False),
)

FLAGS = Table(
    "flags",
    METADATA,
    *chained(),
    Column("run_id", String, nullable=False),
    Column("session_id", String),
    Column("reader_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("flagged", Boolean, nullable=False),  # false: the flag was taken away
    Column("comment", Text, nullable=False),
)

# Of no run: what came with an image that a study reads; the newest row of an id tells what holds.
IMAGES = Table(
    "images",
    METADATA,
    *chained(),
    Column("image_id", String, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("label", Text),  # the one that came with the data
    Column("part", String),
    Column("examination", Text),
    Column("metadata", JSON(none_as_null=True)),
)

ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    *chained(),
    Column("study_id", String, nullable=False),
    Column("reader_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("arm", String, nullable=False),
    Column("position", BigInteger, nullable=False),  # in this reader's own order
    Column("prediction", BigInteger),  # the row whose content is shown in an assisted arm; null in others
    Column("wrong", Boolean, nullable=False),  # whether the other class is shown, by the protocol
)

CHAINED = (
    READERS, PREDICTIONS, STUDIES, SESSIONS, EXPOSURES, ANSWERS, REGIONS, LABEL_VERSIONS, LABELS, REREADS, IMAGES,
    ASSIGNMENTS, FLAGS,
)  # fmt: skip

CHAIN_HEAD = Table(
    "chain_head",
    METADATA,
    Column("one", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)

# Worked out from answers, so that queues need not look every case up.
LAST_ANSWERS = Table(
    "last_answers",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("reader_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("part", String),
    Column("verdict", String, nullable=False),
    Column("answer", BigInteger, nullable=False),
)

# The case at which each reader stopped.
PLACES = Table(
    "places",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("reader_id", String, primary_key=True),
    Column("queue", String, primary_key=True),
    Column("image_id", String, nullable=False),
)

# Where the file of an image of a study lies now.
IMAGE_PLACES = Table(
    "image_places",
    METADATA,
    Column("image_id", String, primary_key=True),
    Column("path", Text, nullable=False),
)

# Worked out from assignments and answers, so that a reader's next case is a seek.
TASKS = Table(
    "tasks",
    METADATA,
    Column("study_id", String, primary_key=True),
    Column("reader_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("arm", String, nullable=False),
    Column("assignment", BigInteger, nullable=False),
    Column("answer", BigInteger),  # the one that stands; null where there is none
)

# Who may sign in, and who is signed in: no evidence, and may change.
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("reader_id", String, primary_key=True),
    Column("password", Text, nullable=False),  # its hash
    Column("disabled", Boolean, nullable=False),
    Column("changed", String, nullable=False),  # ISO 8601 in UTC: when the password was given
)

WEB_SESSIONS = Table(
    "web_sessions",
    METADATA,
    Column("token", String, primary_key=True),  # its hash
    Column("reader_id", String, nullable=False),
    Column("began", String, nullable=False),
    Column("seen", String, nullable=False),
)

# Worked out from flags: which cases a reader has flagged now.
FLAGGED = Table(
    "flagged",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("reader_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("part", String),
    Column("flag", BigInteger, nullable=False),
)

# Worked out from last answers: on which cases they differ.
DIFFERENCES = Table(
    "differences",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("part", String),
)

# What cases are searched by: texts with case folded, "" where there is none.
SEARCHED = Table(
    "searched",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("part", String),
    Column("score", Float, nullable=False),  # probability of the run's positive class
    Column("confidence", Float, nullable=False),
    Column("file", Text, nullable=False),  # its name, without folders
    Column("patient", Text, nullable=False),
    Column("predicted", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("meta", Text, nullable=False),  # "\nname=value\n" of the other columns; "": not looked up yet
)
