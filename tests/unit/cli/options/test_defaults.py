"""What an option is where it is not given: what the documentation of the commands shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.cases import each_case

from cometapi_runway.cli._actions.create_task import CreateCommand
from cometapi_runway.cli._actions.finish_tasks import RunOptions
from cometapi_runway.cli._actions.live_spend import Purchase
from cometapi_runway.cli._commands import demo
from cometapi_runway.cli._commands._task_list import TaskList
from cometapi_runway.cli._options.batch import (
    BatchRunOptions,
    list_database_words,
    list_limit_words,
)
from cometapi_runway.cli._options.budget import LimitOptions
from cometapi_runway.cli._options.paths import DATABASE_VARIABLE
from cometapi_runway.cli._output.report import CreateDetails

POLLS = {"interval": 5.0, "polling": "learned"}


def test_what_a_command_passes_on_is_named() -> None:
    for kind in (CreateCommand, CreateDetails, Purchase, RunOptions, TaskList):
        assert all(field.kw_only for field in attrs.fields(kind))
    assert attrs.asdict(RunOptions()) == {
        "timeout": 600.0, **POLLS, "folder": None, "overwrite": False, "connection_options": (),
    }  # fmt: skip


@each_case("field", attrs.fields(BatchRunOptions), ids=lambda one: one.name)
def test_an_option_of_a_batch_is_repeated_as_it_is_typed(field: Any) -> None:
    value = {float: 0.5, int: 3}.get(type(field.default), "text")
    given = {"output": "out", field.name: value}
    head = () if field.name == "output" else ("--output", "out")
    words = (*head, "--report" if field.name == "page" else f"--{field.name}", str(value))
    assert BatchRunOptions(**given).words == words
    if field.default is not attrs.NOTHING:
        assert BatchRunOptions(**given | {field.name: field.default}).words == head


def test_limits_are_repeated_as_they_are_typed() -> None:
    assert list_limit_words(LimitOptions()) == ()
    words = list_limit_words(LimitOptions(max_cost="2.50", max_tasks=3))  # type: ignore[arg-type] # typed
    assert words == ("--max-cost", "2.50", "--max-tasks", "3")


def test_the_demo_saves_into_a_folder_of_its_own() -> None:
    assert attrs.asdict(demo._SAVING) == {"output": Path("out"), "overwrite": False}
    assert attrs.asdict(demo._DISPLAY) == {"format": "text", "debug": False}


@each_case(
    ("database", "variable", "words"),
    [
        (None, None, ()),
        (None, "postgresql://h/d", ()),
        ("postgresql://h/d", "postgresql://h/d", ()),
        ("postgresql://u:p@h/d", None, ("--database", "postgresql://u@h/d")),
        ("postgresql://h/d", "postgresql://h/other", ("--database", "postgresql://h/d")),
    ],
)
def test_a_database_is_repeated_unless_it_is_known(
    monkeypatch: pytest.MonkeyPatch, database: str | None, variable: str | None,
    words: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(DATABASE_VARIABLE, variable)
    assert list_database_words(database) == words
