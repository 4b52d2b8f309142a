"""Tables from the classes that define what they list, so that no page can fall behind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import get_args

import attrs

from cometapi_runway import errors
from cometapi_runway._core import failure_codes
from cometapi_runway.cli._output.exit_codes import EXIT_CODE_MEANINGS, ExitCode
from cometapi_runway.cli._output.exit_report import _ADVICE_TABLE
from cometapi_runway.simulator import FAILURES, Fault, SimulatorSettings, Timings, When
from cometapi_runway.simulator._rules import faults
from cometapi_runway.testing._fault_script import FaultScript


def error_tree() -> str:
    """The tree of errors with the first sentence of each class's docstring."""
    rows = list(_walk(errors.RunwayError, "", ""))
    width = max(len(head) for head, _ in rows)
    lines = "\n".join(f"{head:{width}}  {text}" for head, text in rows)
    return f"```text\n{lines}\n```"


def error_attributes() -> str:
    """What each error says beyond its message."""
    lines = []
    for name in _error_names():
        own = _attributes(getattr(errors, name))
        lines += [f"| `{name}` | `{field}` | {text} |" for field, text in own.items()]
    return _table(("Error", "Attribute", "What it is"), lines)


def exit_codes() -> str:
    """Every exit code with its meaning, and the errors of the library that lead to it."""
    lines = []
    for code, meaning in EXIT_CODE_MEANINGS.items():
        names = ", ".join(f"`{name}`" for name in _error_names() if _find_exit_code(name) is code)
        lines.append(f"| {code.value} | {meaning} | {names} |")
    return _table(("Code", "Meaning", "Errors in Python"), lines)


def failure_code_table() -> str:
    """Runway's codes of failed tasks, with what to do."""
    lines = []
    for code in failure_codes._TABLE:
        found = failure_codes.explain_failure(code)
        again = {True: "yes", False: "no", None: "unknown"}[found.can_retry]
        lines.append(f"| `{code}` | {again} | {found.advice} |")
    return _table(("Code", "Worth a new try", "What to do"), lines)


def fault_kinds() -> str:
    """Every kind of fault of the simulator."""
    text = inspect.getdoc(faults) or ""
    rows = dict(re.findall(r"^``(\w+)`` +(.+)$", text, re.MULTILINE))
    return _table(
        ("Kind", "What happens"),
        [f"| `{kind}` | {_markdown(rows[kind])} |" for kind in get_args(faults.Kind)],
    )


def fault_fields() -> str:
    """The fields of a fault."""
    return _field_table(Fault)


def when_fields() -> str:
    """Which requests a rule applies to."""
    return _field_table(When)


def timings() -> str:
    """How long the simulator's tasks take."""
    return _field_table(Timings)


def simulator_settings() -> str:
    """The settings of the simulator."""
    return _field_table(SimulatorSettings)


def fault_methods() -> str:
    """The methods by which a test plans faults."""
    lines = [
        f"| `{name}` | {_markdown(_first_sentence(method))} |"
        for name, method in vars(FaultScript).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    return _table(("Method", "What it does"), lines)


def simulated_failures() -> str:
    """The failure codes that the simulator knows."""
    return ", ".join(f"`{code}`" for code in FAILURES)


def _error_names() -> list[str]:
    """The names of the errors, a class before its subclasses."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    found = [kind for kind in kinds if issubclass(kind, errors.RunwayError)]
    return [kind.__name__ for kind in sorted(found, key=lambda kind: len(kind.__mro__))]


def _find_exit_code(name: str) -> ExitCode:
    kind = getattr(errors, name)
    if issubclass(kind, errors.InvalidRequestError):
        return ExitCode.REFUSED
    return next(code for parent, code, _ in _ADVICE_TABLE if issubclass(kind, parent))


def _walk(kind: type[Exception], head: str, below: str) -> Iterator[tuple[str, str]]:
    yield head + kind.__name__, _first_sentence(kind)
    children = kind.__subclasses__()
    for child in children:
        last = child is children[-1]
        branch, more = ("└── ", "    ") if last else ("├── ", "│   ")
        if child.__module__ == errors.__name__:
            yield from _walk(child, below + branch, below + more)


def _field_table(kind: type[attrs.AttrsInstance]) -> str:
    described = _attributes(kind)
    lines = []
    for field in attrs.fields(kind):
        lines.append(f"| `{field.name}` | {_describe_default(field)} | {described[field.name]} |")
    return _table(("Field", "Default", "What it is"), lines)


def _describe_default(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type] # a class at run time
        return ""
    return f"`{field.default}`" if field.default not in ((), "") else ""


def _attributes(kind: type) -> dict[str, str]:
    """The section ``Attributes`` of a class's own docstring."""
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    _, _, section = text.partition("\nAttributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.split("\n\n")[0].splitlines():
        if match := re.match(r" {4}(\w+): (.*)", line):
            name, found[match[1]] = match[1], match[2]
        elif name:
            found[name] += " " + line.strip()
    return {name: _markdown(description) for name, description in found.items()}


def _first_sentence(value: object) -> str:
    lines = (inspect.getdoc(value) or "").partition("\n\n")[0].split("\n")
    return " ".join(lines).rstrip(".")


def _markdown(text: str) -> str:
    """Text of a docstring as Markdown in a table."""
    text = re.sub(r"`([^`]+) <[^>]+>`", r"\1", text)
    return text.replace("``", "`").replace("|", "\\|")


def _table(head: tuple[str, ...], lines: list[str]) -> str:
    rule = " | ".join("---" for _ in head)
    return "\n".join((f"| {' | '.join(head)} |", f"| {rule} |", *lines))
