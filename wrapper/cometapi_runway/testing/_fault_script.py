"""Methods that plan the next faults of a simulated gateway, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cometapi_runway.simulator import Ending, Fault, Outcome, When
from cometapi_runway.simulator._rules.names import DOWNLOAD, EVERYTHING

if TYPE_CHECKING:
    from cometapi_runway.simulator import Gateway


class FaultScript:
    """Plans faults and failures of a gateway.

    Each method applies to the next matching requests or tasks. Further calls queue up in order.
    ``operation`` selects an operation (``"control_a_character"``), a resource
    (``"character_performance"``, ``"tasks"``), a tag (``"official"``, ``"compat"``) or
    ``"download"``. A name that is not in the contract raises `ValueError`.

    Attributes:
        gateway: The gateway.
    """

    gateway: Gateway

    def fail_next(self, code: str | None = "INTERNAL", *, operation: str = EVERYTHING) -> None:
        """Let the next created task fail.

        Args:
            code: Runway's failure code, such as ``"SAFETY.INPUT.TEXT"``; None for no code.
            operation: See the class.
        """
        self.gateway.fail_next(code, operation)

    def cancel_next(self, *, operation: str = EVERYTHING) -> None:
        """Let the next created task end as cancelled."""
        self.end_next(Ending("CANCELLED"), operation=operation)

    def end_next(self, ending: Ending, *, operation: str = EVERYTHING) -> None:
        """Set the ending of the next created task."""
        self.gateway.outcomes.queue(Outcome(ending, When(operation)))

    def lose_next_response(self, *, operation: str = EVERYTHING, times: int = 1) -> None:
        """Reset the connection after the gateway acts on the next request, before it responds.

        For a create this is the dangerous case: the task is charged, but its id is lost.
        """
        self._queue(Fault("reset", acted=True, when=When(operation)), times)

    def drop_next_request(self, *, operation: str = EVERYTHING, times: int = 1) -> None:
        """Reset the connection before the gateway acts on the next request."""
        self._queue(Fault("reset", when=When(operation)), times)

    def refuse_next(
        self,
        status: int = 500,
        code: str = "",
        message: str = "simulated refusal",
        *,
        operation: str = EVERYTHING,
        times: int = 1,
    ) -> None:
        """Refuse the next request with a status and one of the gateway's error bodies.

        Args:
            status: HTTP status.
            code: The gateway's error code, such as ``"quota_not_enough"``.
            message: The gateway's error message.
            operation: See the class.
            times: Number of requests.
        """
        when = When(operation)
        self._queue(Fault("status", status=status, code=code, message=message, when=when), times)

    def throttle_next(
        self, retry_after: float | None = 2.0, *, operation: str = EVERYTHING, times: int = 1
    ) -> None:
        """Refuse the next request with HTTP 429.

        Args:
            retry_after: Seconds in the ``Retry-After`` header; None for no header.
            operation: See the class.
            times: Number of requests.
        """
        when = When(operation)
        self._queue(Fault("rate_limit", retry_after=retry_after, when=when), times)

    def hang_next(
        self, seconds: float = 3600.0, *, operation: str = EVERYTHING, times: int = 1
    ) -> None:
        """Delay the response to the next request, on the simulated clock only.

        A client with a shorter timeout times out, although the gateway has acted on the request.
        """
        self._queue(Fault("hang", seconds=seconds, when=When(operation)), times)

    def break_next_download(self, *, times: int = 1) -> None:
        """Reset the connection of the next download in the middle of the file."""
        self._queue(Fault("cut", when=When(DOWNLOAD)), times)

    def inject(self, *rules: Fault | Outcome) -> None:
        """Add rules of any kind, such as ``Fault("html", when=When("tasks", first=3))``.

        See `cometapi_runway.simulator._rules.faults` for the kinds of fault.
        """
        for rule in rules:
            if isinstance(rule, Fault):
                self.gateway.faults.add(rule)
            else:
                self.gateway.outcomes.add(rule)

    def _queue(self, fault: Fault, times: int) -> None:
        if times < 1:
            raise ValueError(f"times must be 1 or more, got {times!r}")
        self.gateway.faults.queue(*[fault] * times)
