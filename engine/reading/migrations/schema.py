"""The tables of the newest version, for building statements; the numbered migrations create them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

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
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("review_id", Integer, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("reader", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("label", Text),
    Column("comment", Text, nullable=False),
    Column("regions", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", String, nullable=False),
    Column("predicted", Text, nullable=False),  # what was on the screen
    Column("confidence", Float, nullable=False),
    Column("queue", String, nullable=False),
    Column("drawn", String, nullable=False),
)

READINGS = Table(
    "readings",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("reader", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("image_id", String, nullable=False),
    Column("part", String),
    Column("verdict", String, nullable=False),
    Column("review_id", Integer, nullable=False),
)

BOOKMARKS = Table(
    "bookmarks",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("reader", String, primary_key=True),
    Column("queue", String, primary_key=True),
    Column("image_id", String, nullable=False),
)
