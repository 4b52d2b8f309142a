"""Manifests in a folder, read row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cometapi_runway.batch._manifest import BadRow, Manifest
from cometapi_runway.batch._rows import Row

PICTURE = "https://example.com/cat.png"
UPSCALE = {"operation": "video_upscale", "video_uri": "https://example.com/a.mp4"}
VIDEO = {"operation": "image_to_video", "prompt_image": PICTURE, "model": "gen4_turbo"}


def to_jsonl(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def to_json(rows: Sequence[Any]) -> bytes:
    return json.dumps(rows, indent=1).encode()


def to_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows({name: _to_cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue().encode()


def _to_cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read(
    folder: Path,
    content: bytes | Sequence[Any],
    name: str = "m.jsonl",
    *,
    output_folder: Path | None = None,
    **options: Any,
) -> list[Row | BadRow]:
    """Write a manifest, and read it."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else to_jsonl(content))
    return list(Manifest(file, **options).read(output_folder))


def read_rows(
    folder: Path, content: bytes | Sequence[Any], *args: Any, **options: Any
) -> list[Row]:
    """Read a manifest without bad rows."""
    found = read(folder, content, *args, **options)
    assert not [item for item in found if isinstance(item, BadRow)]
    return [item for item in found if isinstance(item, Row)]


def read_bad(
    folder: Path, content: bytes | Sequence[Any], *args: Any, **options: Any
) -> list[tuple[int, str, str]]:
    """The line, the field and the rule of each issue in a manifest."""
    found = read(folder, content, *args, **options)
    bad = [item for item in found if isinstance(item, BadRow)]
    return [(item.line, issue.path, issue.rule) for item in bad for issue in item.issues]
