"""Tasks in each shape of the gateway's responses."""

from __future__ import annotations

from typing import Any

from .both_clients import ID


def raw(status: Any = "RUNNING", **more: Any) -> dict[str, Any]:
    return {"id": ID, "status": status, **more}


def flat(status: Any, **more: Any) -> dict[str, Any]:
    return {"task_id": ID, "status": status, **more}


def wrapped(status: Any, inner: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"code": "success", "message": "", "data": {**flat(status, **more), "data": inner}}
