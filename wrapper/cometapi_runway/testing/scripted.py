"""What shall happen next, said in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cometapi_runway.simulator import Ending, Fault, Outcome, When
from cometapi_runway.simulator._rules.names import DOWNLOAD, EVERYTHING

if TYPE_CHECKING:
    from cometapi_runway.simulator import Gateway


class Scripted:
    """Tells a gateway what shall go wrong.

    Each method concerns the next occurrences; calls add up, in order. ``operation`` narrows them
    to one operation (``"control_a_character"``), resource (``"character_performance"``,
    ``"tasks"``), tag (``"official"``, ``"compat"``) or to ``"download"``; a name that the
    contract does not have raises `ValueError`.

    Attributes:
        gateway: The gateway.
    """

    gateway: Gateway

    def fail_next(self, code: str | None = "INTERNAL", *, operation: str = EVERYTHING) -> None:
        """The next task that is created ends in failure.

        Args:
            code: Runway's failure code, such as ``"SAFETY.INPUT.TEXT"``; None for a failure
                without one.
            operation: See the class.
        """
        self.gateway.fail_next(code, operation)

    def cancel_next(self, *, operation: str = EVERYTHING) -> None:
        """The next task that is created is cancelled when its time is over."""
        self.end_next(Ending("CANCELLED"), operation=operation)

    def end_next(self, ending: Ending, *, operation: str = EVERYTHING) -> None:
        """The next task that is created ends in a certain way."""
        self.gateway.outcomes.queue(Outcome(ending, When(operation)))

    def lose_next_response(self, *, operation: str = EVERYTHING, times: int = 1) -> None:
        """The gateway acts on the next request, and the connection is reset before it answers.

        For a create this is the dangerous case: the task is charged, and nobody has its id.
        """
        self._next(Fault("reset", acted=True, when=When(operation)), times)

    def drop_next_request(self, *, operation: str = EVERYTHING, times: int = 1) -> None:
        """The connection is reset before the gateway acts on the next request."""
        self._next(Fault("reset", when=When(operation)), times)

    def refuse_next(
        self,
        status: int = 500,
        code: str = "",
        message: str = "simulated refusal",
        *,
        operation: str = EVERYTHING,
        times: int = 1,
    ) -> None:
        """The next request is refused with a status, in the gateway's own words.

        Args:
            status: HTTP status.
            code: The gateway's code, such as ``"quota_not_enough"``.
            message: The gateway's text.
            operation: See the class.
            times: How many requests.
        """
        when = When(operation)
        self._next(Fault("status", status=status, code=code, message=message, when=when), times)

    def throttle_next(
        self, retry_after: float | None = 2.0, *, operation: str = EVERYTHING, times: int = 1
    ) -> None:
        """The next request is refused with HTTP 429.

        Args:
            retry_after: Seconds that the gateway asks to wait; None if it does not say.
            operation: See the class.
            times: How many requests.
        """
        when = When(operation)
        self._next(Fault("rate_limit", retry_after=retry_after, when=when), times)

    def hang_next(
        self, seconds: float = 3600.0, *, operation: str = EVERYTHING, times: int = 1
    ) -> None:
        """The gateway acts on the next request and then is silent for so long.

        A client whose timeout is shorter gives up; the time passes on the simulated clock alone.
        """
        self._next(Fault("hang", seconds=seconds, when=When(operation)), times)

    def break_next_download(self, *, times: int = 1) -> None:
        """The connection of the next download is reset in the middle of the file."""
        self._next(Fault("cut", when=When(DOWNLOAD)), times)

    def inject(self, *rules: Fault | Outcome) -> None:
        """Adds rules of any kind, such as ``Fault("html", when=When("tasks", first=3))``.

        See `cometapi_runway.simulator._rules.faults` for the kinds of fault.
        """
        for rule in rules:
            if isinstance(rule, Fault):
                self.gateway.faults.add(rule)
            else:
                self.gateway.outcomes.add(rule)

    def _next(self, fault: Fault, times: int) -> None:
        if times < 1:
            raise ValueError(f"times must be 1 or more, got {times!r}")
        self.gateway.faults.queue(*[fault] * times)
