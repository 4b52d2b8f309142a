"""Groups captured responses by what the contract lacks, and says how it takes that in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from attrs import frozen

from cometapi_runway._capture._recorder import compare_response, describe_difference
from cometapi_runway._capture._shapes import get_media_type
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway.validation import ShapeDifference


@frozen
class Drift:
    """One thing that the contract lacks.

    Attributes:
        operation: The operation whose responses have it.
        status: Their HTTP status.
        difference: What it is.
        description: The same in words.
        files: The files that show it.
        remedy: The overlay action, as YAML, or the corpus file that takes it in.
    """

    operation: str
    status: int
    difference: ShapeDifference
    description: str
    files: tuple[Path, ...]
    remedy: str


def find_drift(folder: Path) -> tuple[list[Drift], list[Path]]:
    """What the contract lacks of the responses in a folder, most files first.

    Returns:
        The differences; and the files that are no captured responses to an operation of the
        contract. A file whose shape the contract has taken in since is in neither.

    Raises:
        OSError: A file cannot be read.
    """
    groups: dict[tuple[str, int, ShapeDifference], list[tuple[Path, RawResponse]]] = {}
    unreadable: list[Path] = []
    for file in sorted(folder.rglob("*.toml")):
        found = _read_response(file)
        try:
            differences = None if found is None else compare_response(*found)
        except KeyError:
            differences = None
        if found is None or differences is None:
            unreadable.append(file)
            continue
        for difference in differences:
            key = found[0], found[1].status, difference
            groups.setdefault(key, []).append((file, found[1]))
    drifts = [
        Drift(
            operation,
            status,
            difference,
            describe_difference(difference),
            tuple(file for file, _ in found),
            _suggest_remedy(
                difference,
                found[0][0],
                get_media_type(found[0][1].headers.get("content-type", "")),
            ),
        )
        for (operation, status, difference), found in groups.items()
    ]
    return sorted(drifts, key=lambda one: (-len(one.files), one.operation, one.status)), unreadable


def _read_response(file: Path) -> tuple[str, RawResponse] | None:
    """The operation and the response of a captured file; None if it is another file.

    Raises:
        OSError: It cannot be read.
    """
    try:
        fields: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        answer, operation = fields["answer"], fields["operation"]
        body, headers = answer["body"].encode(), dict(answer.get("headers", {}))
        response = RawResponse("", "", int(answer["status"]), headers, body)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return str(operation), response


def _suggest_remedy(difference: ShapeDifference, file: Path, media_type: str) -> str:
    update = _suggest_update(difference)
    # What is hidden cannot be named in the contract, and a wrong schema is not the contract's.
    if update is None or HIDDEN in f"{difference.path}{difference.value}":
        return f"cp {file} tests/data/corpus/{file.parent.name}/"
    actions = [(f"{difference.schema}{_suggest_list(difference)}", f"update: {update}")]
    if difference.rule == "type" and len(difference.documented) == 1:
        # An update cannot put a list over a single type.
        actions.insert(0, (f"{difference.schema}.type", "remove: true"))
    description = describe_difference(difference).replace("'", "''")
    return "\n".join(
        line
        for target, modifier in actions
        for line in (
            f'- target: "{target}"',
            f"  description: 'Take in what the gateway sends: {description}.'",
            f"  x-evidence: 'Captured: {file.name}, {media_type or 'no content type'}.'",
            f"  {modifier}",
        )
    )


def _suggest_list(difference: ShapeDifference) -> str:
    """The rest of the target if a list is added to, which must be the target itself."""
    if difference.rule == "word":
        return ".enum"
    is_list = difference.rule == "type" and len(difference.documented) > 1
    return ".type" if is_list else ""


def _suggest_update(difference: ShapeDifference) -> str | None:
    """The update of an overlay action, or None if no schema can be updated."""
    value = difference.value
    match difference.rule:
        case "status":
            return f"{{ '{value}': {{ $ref: '#/components/responses/GatewayFailure' }} }}"
        case "content-type" if value:
            return f"{{ '{value}': {{ schema: {{ type: 'string' }} }} }}"
        case "field":
            return f"{{ properties: {{ '{difference.path.rpartition('/')[2]}': {{}} }} }}"
        case "type" if difference.documented:
            if len(difference.documented) > 1:
                return f"['{value}']"
            names = ", ".join(f"'{name}'" for name in (*difference.documented, value))
            return f"{{ type: [{names}] }}"
        case "word" if difference.schema:
            return f"['{value}']"
        case _:
            return None
