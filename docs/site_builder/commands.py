"""The reference of the command line, from its commands."""

from __future__ import annotations

import re

from cometapi_runway.cli._app import build_app

_HEADING = re.compile(r"^(#{2,3}) cometapi-runway (.+)$", re.MULTILINE)
_USAGE = re.compile(r"```console\ncometapi-runway (.*?)\n```", re.DOTALL)
_GROUP = re.compile(r"^\*\*([^*]+)\*\*:\n\n((?:\* .*\n?)+)", re.MULTILINE)
_REQUIRED_GROUP = "Request"


def command_reference() -> str:
    """Every command with its usage and options; what all creates share is listed once."""
    text = build_app().generate_docs(output_format="markdown", recursive=True)
    places = [*_HEADING.finditer(text)]
    ends = [*(place.start() for place in places[1:]), len(text)]
    sections = {
        place[2]: (place[1], text[place.end() : end])
        for place, end in zip(places, ends, strict=True)
    }
    shared = _GROUP.findall(sections["character-performance"][1])
    creates = {name for name, (_, body) in sections.items() if f"**{_REQUIRED_GROUP}**" in body}
    parts = ["## Options of every command that creates a task"]
    parts += [_write_group(name, options) for name, options in shared if name != _REQUIRED_GROUP]
    for name, (level, body) in sections.items():
        parts.append(f"{level} {name}\n\n{_write_body(name, body, is_create=name in creates)}")
    return "\n\n".join(parts)


def _write_body(name: str, body: str, *, is_create: bool) -> str:
    body = _USAGE.sub(lambda match: _write_usage(name, match[1]), body)
    groups = _GROUP.findall(body)
    head = _GROUP.split(body)[0].strip()
    kept = [group for group in groups if not is_create or group[0] == _REQUIRED_GROUP]
    # Lists of commands are the headings that follow.
    kept = [(title, options) for title, options in kept if "](#" not in options]
    return "\n\n".join([head, *(_write_group(title, options) for title, options in kept)])


def _write_usage(name: str, usage: str) -> str:
    # A create has a usage line of its own, which cyclopts puts behind the command's name.
    words = usage.removeprefix(name).strip()
    return f"```text\ncometapi-runway {name} {words.removeprefix(name).strip()}\n```"


def _write_group(title: str, options: str) -> str:
    rows = re.findall(r"^\* `([^`]+)`: (.*)$", options, re.MULTILINE)
    lines = [f"`{flags}`\n: {_clean(text)}" for flags, text in rows]
    return f"**{title}**\n\n" + "\n\n".join(lines)


def _clean(text: str) -> str:
    text = re.sub(r"\*\*\[required\]\*\*", "[required]", text)
    return re.sub(r"<(?=\w)", r"\\<", text)
