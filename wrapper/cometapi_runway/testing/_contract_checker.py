"""Checks an application's requests against the contract and records the violations."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import define, field, frozen

from cometapi_runway._core.naming import count_noun
from cometapi_runway.errors import Issue
from cometapi_runway.validation import Contract, contract

if TYPE_CHECKING:
    from cometapi_runway.simulator._gateway.request import SimulatedRequest

_CREDENTIALS: Final = ("authorization", "x-api-key")
_MAX_LINES: Final = 20


@frozen
class Violation:
    """A request that broke the contract.

    Attributes:
        method: HTTP method.
        url: Its URL without the query.
        operation: Id of the operation that it reached, if any.
        issues: Its faults; each names its field.
    """

    method: str
    url: str
    operation: str | None
    issues: tuple[Issue, ...]

    def concerns(self, path: str | None) -> bool:
        """Whether a field is faulty; any field if None."""
        return path is None or any(issue.path == path for issue in self.issues)

    def __str__(self) -> str:
        head = f"{self.method} {self.url}"
        return "\n".join((head, *(f"    {_format_issue(issue)}" for issue in self.issues)))


def _format_issue(issue: Issue) -> str:
    return issue.message if issue.path in issue.message else f"{issue.path}: {issue.message}"


def describe_violations(violations: Iterable[Violation]) -> str:
    """Write violations for the test report; empty if there are none."""
    counted = Counter(map(str, violations))
    if not counted:
        return ""
    total = counted.total()
    lines = [f"{count_noun(total, 'request')} broke the gateway's contract:"]
    for text, times in list(counted.items())[:_MAX_LINES]:
        lines.append(f"  {text}" if times == 1 else f"  {times} times {text}")
    if len(counted) > _MAX_LINES:
        lines.append(f"  and {len(counted) - _MAX_LINES} more")
    return "\n".join(lines)


@define(eq=False)
class ContractChecker:
    """Checks requests and records those that break the contract.

    Attributes:
        contract: The contract.
        media_host: Host and port of output files, which must never receive the API key.
        violations: The unexpected ones so far, oldest first.
    """

    contract: Contract = field(factory=contract)
    media_host: str = ""
    violations: list[Violation] = field(factory=list[Violation])
    _expected: list[list[Violation]] = field(factory=list[list[Violation]], init=False)
    _reported: int = field(default=0, init=False)

    def check_simulated(self, request: SimulatedRequest) -> None:
        """Check a request that the simulator received, to the gateway or the media host."""
        if self.media_host and request.host == self.media_host:
            self._check_credentials(request)
            return
        origin = f"{request.scheme}://{request.host}"
        is_documented = _get_host(origin) in {_get_host(one) for one in self.contract.servers}
        url = origin + request.target if request.scheme and is_documented else request.target
        self.check(request.method, url, request.headers, request.body)

    def check(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], content: bytes
    ) -> tuple[Issue, ...]:
        """Check a request to the gateway and record its issues.

        Args:
            method: As sent.
            url: As sent. Without scheme and host the server is not checked.
            headers: As sent.
            content: The body.
        """
        issues = self.contract.check_request(method, url, headers, content)
        if issues:
            parts = urlsplit(url if not url.startswith("/") else "//" + url)
            match = self.contract.match(method, parts.path)
            self.record(Violation(method, url.partition("?")[0], match and match[0].id, issues))
        return issues

    def record(self, violation: Violation) -> None:
        """Record a violation, as expected or else for the report."""
        (self._expected[-1] if self._expected else self.violations).append(violation)

    @contextlib.contextmanager
    def expect_violation(self, path: str | None) -> Generator[list[Violation]]:
        """Record violations of a field as expected; see `GatewayKit.expect_violation`."""
        __tracebackhide__ = True
        found: list[Violation] = []
        self._expected.append(found)
        try:
            yield found
        finally:
            self._expected.remove(found)
            for other in [one for one in found if not one.concerns(path)]:
                found.remove(other)
                self.record(other)
        if not found:
            place = "" if path is None else f" at {path}"
            raise AssertionError(f"no request broke the contract{place}, but one was expected")

    def report_new(self) -> str:
        """Describe the violations since the last call; empty if there are none."""
        new, self._reported = self.violations[self._reported :], len(self.violations)
        return describe_violations(new)

    def _check_credentials(self, request: SimulatedRequest) -> None:
        carried = [name for name in _CREDENTIALS if request.header(name) is not None]
        if carried:
            reason = (
                "was sent to the host of an output file (leak); only the gateway may receive it"
            )
            issues = tuple(Issue(n, "leak", None, f"header {n} {reason}") for n in carried)
            url = f"{request.scheme or 'http'}://{request.host}{request.path}"
            self.record(Violation(request.method, url, None, issues))


def _get_host(url: str) -> str | None:
    return urlsplit(url).hostname
