"""The options that several commands share.

The options of an operation come from its signature; see `resource_options`.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from attrs import evolve, frozen
from cyclopts import Group, Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import redact_database_url, redact_url
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths

if TYPE_CHECKING:
    from cometapi_runway.journal import SubmissionRecord

REQUEST_GROUP: Final = Group("Request", sort_key=1)
RUN_GROUP: Final = Group("What to do", sort_key=2)
COST_GROUP: Final = Group("What to pay", sort_key=3)
CONNECTION_GROUP: Final = Group("Gateway and journal", sort_key=4)
DISPLAY_GROUP: Final = Group("Display", sort_key=5)
FILE_GROUP: Final = Group("File to write", sort_key=2)
"""Options that the settings file does not set: their names have another meaning there."""


def _check_above_zero(_type: object, value: float | None) -> None:
    """Refuse zero, negative numbers and NaN; infinity is allowed."""
    if value is not None and (math.isnan(value) or value <= 0):
        raise ValueError("It must be above 0 seconds.")


def _check_finite(_type: object, value: float | None) -> None:
    _check_above_zero(_type, value)
    if value is not None and math.isinf(value):
        raise ValueError("It must be finite.")


def _is_url(text: str) -> bool:
    return "://" in text


def hide_password(location: str | Path | None) -> str:
    """A file, or the URL of a database without its password; empty for None."""
    text = str(location or "")
    return (redact_database_url(text) or redact_url(text)) if _is_url(text) else text


def _format_default(value: object) -> str:
    """``600.0`` as ``600``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


Seconds: TypeAlias = Annotated[
    float, Parameter(metavar="SECONDS", validator=_check_above_zero, show_default=_format_default)
]
FiniteSeconds: TypeAlias = Annotated[
    float, Parameter(metavar="SECONDS", validator=_check_finite, show_default=_format_default)
]


PollingOption: TypeAlias = Annotated[
    Literal["learned", "fixed"],
    Parameter(
        help="Poll when the journal's earlier tasks have ended, or once per interval.",
    ),
]


_DebugOption: TypeAlias = Annotated[
    bool, Parameter(negative="", help="Show the traceback of an error.", show_default=False)
]


@Parameter(name="*", group=DISPLAY_GROUP)
@frozen(kw_only=True)
class DisplayOptions:
    """How a command shows what it does.

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
    debug: _DebugOption = False


@Parameter(name="*", group=DISPLAY_GROUP)
@frozen(kw_only=True)
class DebugOptions:
    """How a command shows its errors whose results have a format of their own.

    Attributes:
        debug: Whether an error shows its traceback.
    """

    debug: _DebugOption = False


@Parameter(name="*", group=CONNECTION_GROUP)
@frozen(kw_only=True)
class ConnectionOptions:
    """Which gateway and which journal; the key comes from the environment only."""

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
    request_timeout: Annotated[FiniteSeconds, Parameter(help="Maximum time for one request.")] = (
        settings.REQUEST_TIMEOUT
    )
    journal: Annotated[
        # Never a Path on the command line: it is in the type so that shells complete file names.
        str | Path | None,
        Parameter(
            help="What records paid tasks: a file, by default in your data folder, or a database, "
            "postgresql://USER@HOST/DATABASE.",
            env_var=paths.JOURNAL_VARIABLE,
            metavar="FILE|URL",
        ),
    ] = None
    no_journal: Annotated[
        bool, Parameter(negative="", help="Keep no journal.", show_default=False)
    ] = False

    @property
    def journal_location(self) -> str | Path | None:
        """The journal's file or URL, or None for no journal."""
        if self.no_journal:
            return None
        text = str(self.journal or "")
        if Path(text) == Path():
            return paths.get_default_journal_path()
        return text if _is_url(text) else paths.expand_user(Path(text))

    @property
    def journal_name(self) -> str:
        """The journal's file or its URL without the password; empty for no journal."""
        return hide_password(self.journal_location)

    @property
    def gateway(self) -> str:
        """The gateway's address, as the journal writes it."""
        return redact_url((self.base_url or settings.DEFAULT_BASE_URL).rstrip("/"))

    def count_other_gateways(self, submissions: Iterable[SubmissionRecord]) -> Counter[str]:
        """Count the submissions to other gateways, by address."""
        return Counter(one.base_url for one in submissions if one.base_url != self.gateway)

    def repeat_for(self, gateway: str) -> tuple[str, ...]:
        """The options that a follow-up command at a gateway must repeat."""
        return (
            self.options_to_repeat
            if gateway == self.gateway
            else evolve(self, base_url=gateway).options_to_repeat
        )

    @property
    def journal_options(self) -> tuple[str, ...]:
        """The option for the journal that a follow-up command must repeat, if any."""
        return evolve(self, base_url=None).options_to_repeat

    @property
    def base_url_options(self) -> tuple[str, ...]:
        """The option for the gateway that a follow-up command must repeat, if any."""
        return evolve(self, journal=None).options_to_repeat

    @property
    def options_to_repeat(self) -> tuple[str, ...]:
        """The options that a follow-up command must repeat; the environment remains."""
        candidates = (
            ("--base-url", self.base_url, settings.BASE_URL_VARIABLE),
            ("--journal", None if self.no_journal else self.journal, paths.JOURNAL_VARIABLE),
        )
        return tuple(
            word
            for flag, value, variable in candidates
            if value is not None and str(value) != os.environ.get(variable)
            for word in (flag, hide_password(value))
        )


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class WaitingOptions:
    """How long to wait, and how often to poll."""

    timeout: Annotated[Seconds, Parameter(help="Maximum wait; inf for no limit.")] = (
        settings.WAIT_TIMEOUT
    )
    interval: Annotated[FiniteSeconds, Parameter(help="Minimum time between two polls.")] = (
        settings.POLL_INTERVAL
    )
    polling: PollingOption = "learned"

    @property
    def finite_timeout(self) -> float | None:
        """The maximum wait in seconds, or None for no limit."""
        return None if math.isinf(self.timeout) else self.timeout


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class FolderOptions:
    """The output folder."""

    output: Annotated[Path, Parameter(help="Folder for the files.", metavar="FOLDER")] = Path()


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class SavingOptions(FolderOptions):
    """Where files are saved."""

    overwrite: Annotated[
        bool, Parameter(negative="", help="Replace files of the same name.", show_default=False)
    ] = False

    def prepare_folder(self) -> Path:
        """Create the folder and check that it can be written, before anything is paid for.

        Raises:
            UsageError: It cannot be created or written.
        """
        folder = paths.expand_user(self.output)
        action = "create"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            action = "write into"
            paths.check_writable(folder)
        except OSError as error:
            raise UsageError(
                f"cannot {action} the folder {folder}: {error.strerror}",
                "choose another one with --output FOLDER",
            ) from error
        return folder


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class OptionalSaving:
    """Where files are saved, if they are saved at all."""

    output: Annotated[
        Path | None,
        Parameter(
            help="Save the files into this folder; otherwise print addresses.", metavar="FOLDER"
        ),
    ] = None
    overwrite: Annotated[
        bool, Parameter(negative="", help="Replace files of the same name.", show_default=False)
    ] = False

    def prepare_folder(self) -> Path | None:
        """The folder, created and checked; None without one. See `SavingOptions`."""
        if self.output is None:
            return None
        return SavingOptions(output=self.output).prepare_folder()


@Parameter(name="*", group=RUN_GROUP)
@frozen(kw_only=True)
class ResumeSaving:
    """Where resumed tasks save their files, and whether never saved ones are fetched as well."""

    output: Annotated[
        Path | None,
        Parameter(
            help="Folder for the files, also for those that were never saved of tasks that "
            "succeeded; by default, the current folder, and only for unfinished tasks.",
            metavar="FOLDER",
        ),
    ] = None
    overwrite: Annotated[
        bool, Parameter(negative="", help="Replace files of the same name.", show_default=False)
    ] = False

    @property
    def includes_unfetched(self) -> bool:
        """Whether files are fetched that were never saved."""
        # Not without a folder: last week's files would appear in whatever folder is the current.
        return self.output is not None

    def prepare_folder(self) -> Path:
        """The folder, created and checked; see `SavingOptions`."""
        return SavingOptions(output=self.output or Path()).prepare_folder()
