"""What an agent sees: results and errors without keys, payloads and signed URLs."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import mcp_types as types
from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.redaction import map_texts, redact_json
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.mcp._preview import PREVIEW_TYPE, make_preview


class ErrorReport(Protocol):
    """An error in the words of the command line."""

    @property
    def error_type(self) -> str:
        """The name of the error's class."""
        ...

    @property
    def message(self) -> str:
        """What happened."""
        ...

    @property
    def advice(self) -> str:
        """What to do next."""
        ...

    @property
    def task_id(self) -> str | None:
        """The task concerned, or None."""
        ...


@frozen
class ResultWriter:
    """Writes results of tools.

    Attributes:
        key: The key, which is hidden wherever it occurs.
    """

    key: Secret

    def write(
        self, fields: Object, files: Sequence[Path] = (), *, is_error: bool = False
    ) -> types.CallToolResult:
        """A result: the fields as JSON, and a link to each file, with a preview of pictures."""
        shown = map_texts(redact_json(fields), self.key.hide_in_text)
        text = json.dumps(shown, ensure_ascii=False, indent=1)
        content: list[types.ContentBlock] = [types.TextContent(text=text)]
        for path in files:
            content += _describe_file(path)
        return types.CallToolResult(content=content, structured_content=shown, is_error=is_error)

    def write_error(self, error: Exception, report: ErrorReport) -> types.CallToolResult:
        """An error: what happened, and what to do next."""
        fields: dict[str, JSON] = {"error": report.error_type, "message": report.message}
        if isinstance(error, InvalidRequestError):
            # A tool has fields, not options.
            fields["message"] = "; ".join(issue.message for issue in error.issues)
            fields["issues"] = [
                {"path": issue.path, "rule": issue.rule, "message": issue.message}
                for issue in error.issues
            ]
            fields["next"] = "nothing was sent; correct it and call the tool again"
        else:
            fields["next"] = report.advice
        if report.task_id is not None:
            fields["task_id"] = report.task_id
        return self.write(fields, is_error=True)


def _describe_file(path: Path) -> list[types.ContentBlock]:
    media_type = mimetypes.guess_type(path.name)[0]
    link = types.ResourceLink(
        name=path.name,
        uri=path.resolve().as_uri(),
        mime_type=media_type,
        size=path.stat().st_size,
    )
    preview = make_preview(path) if media_type and media_type.startswith("image/") else None
    if preview is None:
        return [link]
    data = base64.b64encode(preview).decode()
    return [link, types.ImageContent(data=data, mime_type=PREVIEW_TYPE)]
