"""Limits and times that the documentation names, or that other tests shorten."""

from __future__ import annotations

from typing import Any

from tests.cases import each_case

from cometapi_runway._capture import _recorder
from cometapi_runway._live_check import _questions, _verdicts
from cometapi_runway.batch import (
    _batch,
    _check,
    _coordinator,
    _engine,
    _leases,
    _manifest,
    _options,
    _output_names,
    _places,
    _records,
    _report_page,
    _row_runner,
    _rows,
    _store,
    _worker,
)

MINUTE = 60.0
KEEPALIVES = "tcp_keepalives_idle=3", "tcp_keepalives_interval=3", "tcp_keepalives_count=3"


@each_case(
    ("module", "limits"),
    [
        # Asked several times a second whether to end; told about every second how it goes.
        (_batch, {"_WORK_LOOK": 0.2}),
        (_coordinator, {"_LOOK_INTERVAL": 0.2, "_COUNT_INTERVAL": 1.0, "_LATE_RESULTS": 2.0}),
        (_coordinator, {"_PUBLISH_INTERVAL": 30.0}),
        (_worker, {"_LOOK_INTERVAL": 1.0, "_GATHER_TIME": 0.1, "_DOWNLOADS": 8}),
        # A database that is restarted is back within a minute or two.
        (_row_runner, {"_JOURNAL_PAUSE": 2.0, "_JOURNAL_TRIES": 30}),
        (_store, {"_OUTAGE": 2 * MINUTE, "_OUTAGE_PAUSE": 1.0}),
        # A worker that dies is noticed within 30 seconds: 12 of the server, 10 of grace, a look.
        (_engine, {"_LEASE_INTERVAL": 2.5}),
        (_leases.FileLease, {"grace": 0.0}),
        (_leases.PostgresLease, {"grace": 10.0}),
        (_places, {"_SESSION_OPTIONS": " ".join(f"-c {one}" for one in KEEPALIVES)}),
        (_options, {"WAIT_TIMEOUT": 60 * MINUTE}),
        (_records, {"_MAX_LINE_BYTES": 2**26, "_MAX_SHOWN_BYTES": 60}),
        (_rows, {"_MAX_ID": 200, "_ID_LENGTH": 16}),
        (_manifest, {"_MAX_SHOWN_ID": 60}),
        (_output_names, {"_MAX_PART_BYTES": 200, "_MAX_NAME": 1000}),
        (_check, {"MAX_BAD_ROWS": 20, "_MAX_ISSUES": 10}),
        (_report_page, {"MAX_SHOWN_FILES": 400, "MAX_SHOWN_ROWS": 12}),
        (_recorder, {"MAX_FILES": 200, "MAX_OUTLINE_BYTES": 4096}),
        (_questions, {"MAX_DEPTH": 100}),
        (_verdicts, {"SLOW_SECONDS": 5.0}),
    ],
)
def test_they_are_as_documented(module: Any, limits: dict[str, Any]) -> None:
    assert {name: vars(module)[name] for name in limits} == limits
