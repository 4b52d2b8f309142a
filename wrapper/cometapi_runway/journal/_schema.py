"""The journal's tables, in the SQL of both databases, and how older ones are changed into them."""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 3

TABLES_V1: Final = """
CREATE TABLE IF NOT EXISTS submission (
    key TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    arguments TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed INTEGER,
    route TEXT NOT NULL,
    base_url TEXT NOT NULL,
    created_at REAL NOT NULL,
    process INTEGER NOT NULL,
    task_id TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    failure_code TEXT,
    ended_at REAL
);
CREATE INDEX IF NOT EXISTS submission_task ON submission (task_id);
CREATE INDEX IF NOT EXISTS submission_open ON submission (state) WHERE state = 'SUBMITTED';
CREATE TABLE IF NOT EXISTS file (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    saved_at REAL NOT NULL,
    PRIMARY KEY (task_id, number)
);
"""
# A new column may be NULL: processes with the older version of this package may still be writing.
V1_TO_V2: Final = """
ALTER TABLE submission ADD COLUMN idempotency_key TEXT;
ALTER TABLE submission ADD COLUMN request_digest TEXT;
ALTER TABLE submission ADD COLUMN label TEXT;
ALTER TABLE submission ADD COLUMN scope TEXT;
ALTER TABLE submission ADD COLUMN price INTEGER;
ALTER TABLE submission ADD COLUMN owner INTEGER;
ALTER TABLE submission ADD COLUMN settled_at REAL;
ALTER TABLE submission ADD COLUMN trace_parent TEXT;
"""
# The first index is what admits one submission for a key. A refused one bought nothing, so that
# the key is free again.
INDEXES_V2: Final = """
CREATE UNIQUE INDEX IF NOT EXISTS submission_idempotency ON submission (idempotency_key, base_url)
    WHERE idempotency_key IS NOT NULL AND state <> 'REFUSED';
CREATE INDEX IF NOT EXISTS submission_refused ON submission (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND state = 'REFUSED';
CREATE INDEX IF NOT EXISTS submission_scope ON submission (scope, base_url, state, price)
    WHERE scope IS NOT NULL;
CREATE INDEX IF NOT EXISTS submission_label ON submission (label) WHERE label IS NOT NULL;
"""
# The same in both databases. The model is empty where a request names none. A duration is NULL
# unless the task's end was watched; see `PastDuration`.
V2_TO_V3: Final = """
ALTER TABLE submission ADD COLUMN model TEXT;
ALTER TABLE submission ADD COLUMN duration DOUBLE PRECISION;
ALTER TABLE submission ADD COLUMN duration_gap DOUBLE PRECISION;
CREATE INDEX IF NOT EXISTS submission_duration ON submission (operation, model, created_at)
    WHERE duration IS NOT NULL;
"""
OBJECT_NAMES: Final = frozenset({"submission", "submission_task", "submission_open", "file"})
"""Tables and indexes that a journal of any version has."""

# BYTEA, because PostgreSQL's text has no NUL and no invalid Unicode. NUMERIC, because a seed that
# is not validated may have any number of digits.
POSTGRES_TABLES: Final = """
CREATE TABLE submission (
    key TEXT PRIMARY KEY,
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    operation TEXT NOT NULL,
    arguments TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed NUMERIC,
    route TEXT NOT NULL,
    base_url TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    process INTEGER NOT NULL,
    task_id TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    failure_code TEXT,
    ended_at DOUBLE PRECISION,
    idempotency_key TEXT,
    request_digest TEXT,
    label TEXT,
    scope TEXT,
    price BIGINT,
    owner INTEGER,
    settled_at DOUBLE PRECISION,
    trace_parent TEXT
);
CREATE INDEX submission_task ON submission (task_id);
CREATE INDEX submission_open ON submission (state) WHERE state = 'SUBMITTED';
CREATE TABLE file (
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    path BYTEA NOT NULL,
    size BIGINT NOT NULL,
    saved_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (task_id, number)
);
CREATE TABLE journal_version (version INTEGER NOT NULL);
"""
