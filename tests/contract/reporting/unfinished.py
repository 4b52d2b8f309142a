"""The page of a run that has not ended, so that no page of an earlier run is taken for its own."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path

from tests.revision import read_revision

FILES = ("index.html", "contract.json", "junit.xml")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Contract report: not finished</title>
<style>:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 1rem;
overflow-wrap: anywhere; }}</style></head>
<body><h1>Contract report: not finished</h1>
<p>A run began at {started} UTC, at revision {revision}. It is still running, or it was killed or
failed before its first test. There is no result.</p></body></html>
"""


def begin_report(folder: Path) -> None:
    """Replace the report of an earlier run by a page that says that a run has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    page = _PAGE.format(started=started, revision=escape(str(read_revision())))
    (folder / FILES[0]).write_text(page, "utf-8")
