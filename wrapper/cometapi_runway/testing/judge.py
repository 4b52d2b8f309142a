"""Holds what an application sends to the contract, and remembers what broke it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import define, field, frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation import Contract, contract

if TYPE_CHECKING:
    from cometapi_runway.simulator._gateway.request import SimulatedRequest

_CREDENTIALS: Final = ("authorization", "x-api-key")
_SHOWN: Final = 20


@frozen
class Violation:
    """A request that broke the contract.

    Attributes:
        method: HTTP method.
        url: Where it went, without the query.
        operation: Id of the operation that it hit, if any.
        issues: What is wrong with it; each names its field.
    """

    method: str
    url: str
    operation: str | None
    issues: tuple[Issue, ...]

    def concerns(self, path: str | None) -> bool:
        """Whether a field is at fault; any field if None."""
        return path is None or any(issue.path == path for issue in self.issues)

    def __str__(self) -> str:
        head = f"{self.method} {self.url}"
        return "\n".join((head, *(f"    {_sentence(issue)}" for issue in self.issues)))


def _sentence(issue: Issue) -> str:
    return issue.message if issue.path in issue.message else f"{issue.path}: {issue.message}"


def describe(violations: Iterable[Violation]) -> str:
    """What was found, for the one who reads the test's report; empty for nothing."""
    counted = Counter(map(str, violations))
    if not counted:
        return ""
    total = counted.total()
    noun = "request" if total == 1 else "requests"
    lines = [f"{total} {noun} broke the gateway's contract:"]
    for text, times in list(counted.items())[:_SHOWN]:
        lines.append(f"  {text}" if times == 1 else f"  {times} times {text}")
    if len(counted) > _SHOWN:
        lines.append(f"  and {len(counted) - _SHOWN} more")
    return "\n".join(lines)


@define(eq=False)
class Judge:
    """Checks requests, and keeps the ones that break the contract.

    Attributes:
        contract: What they are checked against.
        media_host: Host and port of output files: the key must never go there.
        violations: What was found so far, oldest first.
    """

    contract: Contract = field(factory=contract)
    media_host: str = ""
    violations: list[Violation] = field(factory=list[Violation])
    _expected: list[list[Violation]] = field(factory=list[list[Violation]])
    _told: int = 0

    def watch(self, request: SimulatedRequest) -> None:
        """Looks at a request as the simulator has it, to either origin."""
        if self.media_host and request.host == self.media_host:
            self._look_for_keys(request)
            return
        origin = f"{request.scheme}://{request.host}"
        is_named = _host(origin) in {_host(server) for server in self.contract.servers}
        url = origin + request.target if request.scheme and is_named else request.target
        self.check(request.method, url, request.headers, request.body)

    def check(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], content: bytes
    ) -> tuple[Issue, ...]:
        """Judges a request to the gateway, and keeps what is wrong with it.

        Args:
            method: As sent.
            url: As sent; from the path on where the server is not to be judged.
            headers: As sent.
            content: The body.
        """
        issues = self.contract.check_request(method, url, headers, content)
        if issues:
            parts = urlsplit(url if not url.startswith("/") else "//" + url)
            hit = self.contract.match(method, parts.path)
            self.note(Violation(method, url.partition("?")[0], hit and hit[0].id, issues))
        return issues

    def note(self, violation: Violation) -> None:
        """Keeps a violation, for the test that expects one or else for the report."""
        (self._expected[-1] if self._expected else self.violations).append(violation)

    @contextlib.contextmanager
    def expecting(self, path: str | None) -> Generator[list[Violation]]:
        """Takes violations of a field to be meant; see `Connected.expect_violation`."""
        __tracebackhide__ = True
        found: list[Violation] = []
        self._expected.append(found)
        try:
            yield found
        finally:
            self._expected.remove(found)
            for other in [one for one in found if not one.concerns(path)]:
                found.remove(other)
                self.note(other)
        if not found:
            wanted = "the contract" if path is None else f"the contract at {path}"
            raise AssertionError(f"no request broke {wanted}, though one was expected to")

    def verdict(self) -> str:
        """What was found since this was last asked; empty for nothing."""
        news, self._told = self.violations[self._told :], len(self.violations)
        return describe(news)

    def _look_for_keys(self, request: SimulatedRequest) -> None:
        carried = [name for name in _CREDENTIALS if request.header(name) is not None]
        if carried:
            words = "went to the host of an output file, which must never see a key (leak)"
            issues = tuple(Issue(n, "leak", None, f"header {n} {words}") for n in carried)
            url = f"{request.scheme or 'http'}://{request.host}{request.path}"
            self.note(Violation(request.method, url, None, issues))


def _host(url: str) -> str | None:
    return urlsplit(url).hostname
