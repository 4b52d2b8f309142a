"""The options of ``batch`` commands: how a batch runs, and where its records are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

from attrs import fields, frozen
from cyclopts import Parameter
from cyclopts.types import PositiveInt

from cometapi_runway import _settings as settings
from cometapi_runway._core.naming import kebab_case
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.budget import LimitOptions
from cometapi_runway.cli._options.shared import (
    CONNECTION_GROUP,
    RUN_GROUP,
    FiniteSeconds,
    PollingOption,
    hide_password,
)

ManifestPath: TypeAlias = Annotated[
    Path,
    Parameter(
        name="MANIFEST",
        help="The rows, one task each: a .jsonl, .csv or .json file with the arguments of "
        "create, and id, operation and output.",
        group=RUN_GROUP,
    ),
]
BatchName: TypeAlias = Annotated[
    str, Parameter(name="NAME", help="The batch; `batch list` shows all.", group=RUN_GROUP)
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    Parameter(
        name="--database",
        help="A PostgreSQL database, postgresql://USER@HOST/DATABASE, which holds the records "
        "instead of the folder of the journal, and lets many machines work.",
        env_var=paths.DATABASE_VARIABLE,
        metavar="URL",
        group=CONNECTION_GROUP,
    ),
]
PageOption: TypeAlias = Annotated[
    Path | None,
    Parameter(
        name="--report",
        help="Write a page with every file, failure and cost.",
        metavar="FILE.html",
        group=RUN_GROUP,
    ),
]


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class RowOptions:
    """What fills the rows of a manifest."""

    operation: Annotated[
        str | None,
        Parameter(
            help="The operation of rows that name none, such as image-to-video.", metavar="NAME"
        ),
    ] = None
    assignments: Annotated[
        list[str] | None,
        Parameter(
            name="--set",
            help="Fill a field of every row, from its other fields in braces: "
            "prompt_text='{hero} at dawn'. May be repeated.",
            metavar="FIELD=VALUE",
            allow_leading_hyphen=True,
        ),
    ] = None

    @property
    def words(self) -> tuple[str, ...]:
        """The options as they are typed."""
        operation = () if self.operation is None else ("--operation", self.operation)
        sets = (word for one in self.assignments or () for word in ("--set", one))
        return (*operation, *sets)


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class BatchRunOptions:
    """How a batch runs."""

    output: Annotated[
        str,
        Parameter(
            help="Folder for the files and results.jsonl, or a URL such as s3://BUCKET/FOLDER.",
            metavar="FOLDER",
        ),
    ]
    name: Annotated[
        str | None,
        Parameter(help="The batch's name; by default from the manifest's.", metavar="NAME"),
    ] = None
    concurrency: Annotated[
        PositiveInt, Parameter(help="Tasks that run at once, over all machines.", metavar="N")
    ] = 8
    rate: Annotated[
        str | None,
        Parameter(
            help="Create no more tasks than this, over all machines: 30/min, 2/s or 100/h.",
            metavar="N/min",
        ),
    ] = None
    attempts: Annotated[
        PositiveInt,
        Parameter(
            help="Tasks for one row, at most. Another one is created, and paid for, only where "
            "the failure says that trying again can help.",
            metavar="N",
        ),
    ] = 1
    halt: Annotated[
        str | None,
        Parameter(
            help="Create no further task once so many rows have failed: fail=10% or fail=5.",
            metavar="fail=10%",
        ),
    ] = None
    interval: Annotated[FiniteSeconds, Parameter(help="Minimum time between two polls.")] = (
        settings.POLL_INTERVAL
    )
    polling: PollingOption = "learned"
    page: PageOption = None

    @property
    def words(self) -> tuple[str, ...]:
        """The options that differ from their defaults, as they are typed."""
        return _list_words(self, {"page": "--report"})


def list_limit_words(limits: LimitOptions) -> tuple[str, ...]:
    """The options for costs that were given, as they are typed."""
    return _list_words(limits, {})


def list_database_words(database: str | None) -> tuple[str, ...]:
    """The option for the database that a follow-up command must repeat, without the password."""
    if database is None or database == os.environ.get(paths.DATABASE_VARIABLE):
        return ()
    return ("--database", hide_password(database))


def _list_words(options: BatchRunOptions | LimitOptions, flags: dict[str, str]) -> tuple[str, ...]:
    words: list[str] = []
    for one in fields(type(options)):
        value = getattr(options, one.name)
        if value != one.default:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            words += (flags.get(one.name, f"--{kebab_case(one.name)}"), text)
    return tuple(words)
