"""The options of ``doctor --live``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Group, Parameter

from cometapi_runway.cli._errors import UsageError, format_command

LIVE_GROUP: Final = Group("Compare the gateway to the contract", sort_key=2)
DEFAULT_FOLDER: Final = Path("live-evidence")


@Parameter(name="*", group=LIVE_GROUP)
@frozen(kw_only=True)
class LiveOptions:
    """Whether the gateway is compared to the contract, and whether a task is bought for it."""

    live: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Ask the gateway what the contract leaves open; creates no task, costs nothing.",
        ),
    ] = False
    evidence: Annotated[
        Path | None,
        Parameter(
            help="Folder for what came, without secrets.",
            metavar="FOLDER",
            show_default=lambda _: DEFAULT_FOLDER,
        ),
    ] = None
    spend: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="With --live: also buy the cheapest task, after showing it and asking.",
        ),
    ] = False
    yes: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="With --spend: buy without asking."),
    ] = False
    json: Annotated[
        str | Path | None,
        Parameter(
            name="--json",
            help="With --spend: the body to send, as JSON or a file of it.",
            metavar="JSON|FILE|-",
            allow_leading_hyphen=True,
        ),
    ] = None
    idempotency_key: Annotated[
        str | None,
        Parameter(
            help="With --spend: the name under which the task is bought once; another name buys "
            "another task.",
            metavar="TEXT",
        ),
    ] = None

    def check(self) -> None:
        """Refuse an option without the one that it belongs to.

        Raises:
            UsageError: There is one.
        """
        if not self.live and (self.evidence is not None or self.spend):
            flag = "--spend" if self.spend else "--evidence"
            raise UsageError(f"{flag} needs --live", f"run `{format_command(*_LIVE)}`")
        if not self.spend and (self.yes or self.json is not None or self.idempotency_key):
            raise UsageError(
                "--yes, --json and --idempotency-key need --spend", "add --spend to buy a task"
            )


_LIVE: Final = ("doctor", "--live")
