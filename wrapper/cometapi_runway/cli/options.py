"""The options that several commands share; those of an operation are derived in `derive`."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from attrs import frozen
from cyclopts import Group, Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import redact_url
from cometapi_runway.cli import places
from cometapi_runway.cli.endings import UsageError

if TYPE_CHECKING:
    from cometapi_runway.journal import SubmissionRecord

REQUEST: Final = Group("Request", sort_key=1)
RUN: Final = Group("What to do", sort_key=2)
CONNECTION: Final = Group("Gateway and record", sort_key=3)
DISPLAY: Final = Group("Display", sort_key=4)


def _above_zero(_type: object, value: float | None) -> None:
    """Refuse a time that is none; infinity is one."""
    if value is not None and (math.isnan(value) or value <= 0):
        raise ValueError("It must be above 0 seconds.")


def _finite(_type: object, value: float | None) -> None:
    _above_zero(_type, value)
    if value is not None and math.isinf(value):
        raise ValueError("It must be finite.")


def _plainly(value: object) -> str:
    """``600.0`` as ``600``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


Seconds: TypeAlias = Annotated[
    float, Parameter(metavar="SECONDS", validator=_above_zero, show_default=_plainly)
]
Pause: TypeAlias = Annotated[
    float, Parameter(metavar="SECONDS", validator=_finite, show_default=_plainly)
]


@Parameter(name="*", group=DISPLAY)
@frozen(kw_only=True)
class Display:
    """How a command speaks.

    Attributes:
        format: Text for people, or one JSON object per event.
        debug: Whether an error shows its traceback.
    """

    format: Annotated[
        Literal["text", "json"],
        Parameter(
            help="Text, or one JSON object per event: results on stdout, the rest on stderr."
        ),
    ] = "text"
    debug: Annotated[
        bool, Parameter(negative="", help="Show the traceback of an error.", show_default=False)
    ] = False


@Parameter(name="*", group=CONNECTION)
@frozen(kw_only=True)
class Connection:
    """Which gateway, how, and what record is kept; the key comes from the environment only."""

    base_url: Annotated[
        str | None,
        Parameter(
            help="The gateway's address.",
            env_var=settings.BASE_URL_VARIABLE,
            metavar="ADDRESS",
            show_default=lambda _: settings.DEFAULT_BASE_URL,
        ),
    ] = None
    runway_version: Annotated[
        str | None,
        Parameter(
            help="The X-Runway-Version header.",
            env_var=settings.VERSION_VARIABLE,
            metavar="DATE",
            show_default=lambda _: settings.DEFAULT_RUNWAY_VERSION,
        ),
    ] = None
    request_timeout: Annotated[Pause, Parameter(help="Longest time for one request.")] = (
        settings.REQUEST_TIMEOUT
    )
    journal: Annotated[
        Path | None,
        Parameter(
            help="Record of paid tasks; by default in your data folder.",
            env_var=places.JOURNAL_VARIABLE,
            metavar="FILE",
        ),
    ] = None
    no_journal: Annotated[
        bool, Parameter(negative="", help="Keep no record.", show_default=False)
    ] = False

    @property
    def record(self) -> Path | None:
        """The journal's file, or None for no journal."""
        if self.no_journal:
            return None
        named = self.journal
        return places.journal() if named is None or named == Path() else named.expanduser()

    @property
    def gateway(self) -> str:
        """The gateway in use, as records name it."""
        return redact_url((self.base_url or settings.DEFAULT_BASE_URL).rstrip("/"))

    def elsewhere(self, found: Iterable[SubmissionRecord]) -> Counter[str]:
        """How many of these submissions went to gateways that are not in use, by address."""
        return Counter(one.base_url for one in found if one.base_url != self.gateway)

    @property
    def words(self) -> tuple[str, ...]:
        """The options that a command to go on with must repeat; the environment stays."""
        chosen = (
            ("--base-url", self.base_url, settings.BASE_URL_VARIABLE),
            ("--journal", None if self.no_journal else self.journal, places.JOURNAL_VARIABLE),
        )
        return tuple(
            word
            for flag, value, variable in chosen
            if value is not None and str(value) != os.environ.get(variable)
            for word in (flag, str(value))
        )


@Parameter(name="*", group=RUN)
@frozen(kw_only=True)
class Waiting:
    """How long to wait, and how often to ask."""

    timeout: Annotated[Seconds, Parameter(help="Longest wait; inf for no limit.")] = (
        settings.WAIT_TIMEOUT
    )
    interval: Annotated[Pause, Parameter(help="Shortest time between two questions.")] = (
        settings.POLL_INTERVAL
    )

    @property
    def limit(self) -> float | None:
        """The longest wait in seconds, or None for no limit."""
        return None if math.isinf(self.timeout) else self.timeout


@Parameter(name="*", group=RUN)
@frozen(kw_only=True)
class Place:
    """Where files would go."""

    output: Annotated[Path, Parameter(help="Folder for the files.", metavar="FOLDER")] = Path()


@Parameter(name="*", group=RUN)
@frozen(kw_only=True)
class Saving(Place):
    """Where files go."""

    overwrite: Annotated[
        bool, Parameter(negative="", help="Replace files of the same name.", show_default=False)
    ] = False

    def prepare(self) -> Path:
        """The folder, made if it is not there: before anything is paid for, not after.

        Raises:
            UsageError: It cannot be made, or not be written into.
        """
        folder = self.output.expanduser()
        doing = "make"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            doing = "write into"
            places.probe(folder)
        except OSError as error:
            raise UsageError(
                f"cannot {doing} the folder {folder}: {error.strerror}",
                "give another one with --output FOLDER",
            ) from error
        return folder
