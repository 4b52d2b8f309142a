"""What an option is where it is not given: what the documentation of the commands shows."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.cases import each_case

from cometapi_runway.cli import _options
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

PRICES = {"prices": None}
LIMITS = {**PRICES, "max_cost": None, "max_tasks": None}
BUDGET = {**LIMITS, "budget_scope": None}
FOLDER = {"output": Path(), "overwrite": False}
POLLS = {"interval": 5.0, "polling": "learned"}
DEFAULTS: dict[str, dict[str, Any]] = {
    "RowOptions": {"operation": None, "assignments": None},
    "BatchRunOptions": {
        "output": attrs.NOTHING, "name": None, "concurrency": 8, "rate": None, "attempts": 1,
        "halt": None, **POLLS, "page": None,
    },
    "PriceOptions": PRICES,
    "LimitOptions": LIMITS,
    "BudgetOptions": BUDGET,
    "SessionBudgetOptions": {**BUDGET, "max_tasks": 5},
    "LiveOptions": {
        "live": False, "evidence": None, "spend": False, "yes": False, "json": None,
        "idempotency_key": None,
    },
    "RequestOptions": {
        "json": None, "dry_run": False, "validate": True, "wait": True, "idempotency_key": None,
        "label": None,
    },
    "DisplayOptions": {"format": "text", "debug": False},
    "DebugOptions": {"debug": False},
    "ConnectionOptions": {
        "base_url": None, "runway_version": None, "request_timeout": 60.0, "journal": None,
        "no_journal": False,
    },
    "WaitingOptions": {"timeout": 600.0, **POLLS},
    "FolderOptions": {"output": Path()},
    "SavingOptions": FOLDER,
    "OptionalSaving": {**FOLDER, "output": None},
    "ResumeSaving": {**FOLDER, "output": None},
}  # fmt: skip


def list_options() -> Iterator[type]:
    for info in pkgutil.iter_modules(_options.__path__):
        module = importlib.import_module(f"{_options.__name__}.{info.name}")
        for one in vars(module).values():
            if isinstance(one, type) and attrs.has(one) and one.__module__ == module.__name__:
                yield one


def test_every_option_has_its_default_and_is_named() -> None:
    found = {one.__name__: attrs.fields(one) for one in list_options() if "Options" in one.__name__}
    found |= {one.__name__: attrs.fields(one) for one in list_options() if "Saving" in one.__name__}
    shown = {
        name: {field.name: field.default for field in fields} for name, fields in found.items()
    }
    assert shown == DEFAULTS
    assert all(field.kw_only for fields in found.values() for field in fields)


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
    assert attrs.asdict(demo._SAVING) == {**FOLDER, "output": Path("out")}
    assert attrs.asdict(demo._DISPLAY) == DEFAULTS["DisplayOptions"]


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
