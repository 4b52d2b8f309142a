"""The options of a create command apart from the request's fields, and request bodies in files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Parameter

from cometapi_runway._core.json_values import Object, as_object, parse_json
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options.shared import COST_GROUP, RUN_GROUP

STDIN = "-"


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class RequestOptions:
    """How the request is made and sent, apart from its fields."""

    json: Annotated[
        # Never a Path: it is in the type so that shells complete file names.
        str | Path | None,
        Parameter(
            name="--json",
            help="The body as JSON: its text, a file, or - for stdin; options change single "
            "fields.",
            metavar="JSON|FILE|-",
            allow_leading_hyphen=True,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Check and show the request; send nothing."
        ),
    ] = False
    validate: Annotated[
        bool,
        Parameter(
            negative="--no-validate",
            help="Validate the request against the contract.",
            show_default=False,
        ),
    ] = True
    wait: Annotated[
        bool,
        Parameter(help="Wait and save the files; otherwise print the id.", show_default=False),
    ] = True
    idempotency_key: Annotated[
        str | None,
        Parameter(
            help="Your name for this request, under which it buys one task: run again, the "
            "command waits for the same task and sends nothing.",
            group=COST_GROUP,
            metavar="TEXT",
        ),
    ] = None
    label: Annotated[
        str | None,
        Parameter(help="A text by which `tasks list --label` finds the task.", metavar="TEXT"),
    ] = None

    def read_body(self) -> Mapping[str, Any]:
        """The body from ``--json``; empty without the option.

        Raises:
            UsageError: The file cannot be read, or holds no JSON object.
        """
        return {} if self.json is None else read_body_file(str(self.json))


def read_body_file(file: str) -> Object:
    """Read a request body.

    Args:
        file: The file's name, ``-`` for stdin, or the JSON itself.

    Raises:
        UsageError: The file cannot be read, or holds no JSON object.
    """
    if not file.strip():
        raise UsageError("the name of the body's file is empty", "name a file, or - for stdin")
    if file == STDIN:
        return parse_body(sys.stdin.buffer.read(), name_source(file))
    if is_json_text(file):
        # Python decodes bytes of an argument that are not text to surrogates.
        return parse_body(file.encode(errors="surrogateescape"), name_source(file))
    path = Path(file).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "use another file") from error
    return parse_body(content, name_source(file))


def is_json_text(file: str) -> bool:
    """Whether a file's name is the JSON itself."""
    return file.lstrip()[:1] in {"{", "["}


def name_source(file: str) -> str:
    """The name of a body's source in messages."""
    if is_json_text(file):
        return "the JSON on the command line"
    return "standard input" if file == STDIN else file


def parse_body(content: bytes, source: str) -> Object:
    """Parse a request body.

    Args:
        content: The JSON text.
        source: Where it comes from, for messages.

    Raises:
        UsageError: It is not a JSON object.
    """
    advice = 'it must be the body of one request, such as {"model": …}'
    try:
        body = as_object(parse_json(content))
    except ValueError as error:
        raise UsageError(f"{source} is not JSON: {error}", advice) from error
    if body is None:
        raise UsageError(f"{source} is not a JSON object", advice)
    return body
