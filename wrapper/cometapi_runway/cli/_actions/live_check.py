"""``doctor --live``: ask a gateway what only it can tell, and compare it to the contract."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Final

from attrs import evolve, frozen

from cometapi_runway._client import RunwayClient
from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._flows.steps import Send
from cometapi_runway._live_check._evidence import Evidence, make_question_fields
from cometapi_runway._live_check._questions import (
    WRONG_KEY,
    Question,
    Reply,
    ask,
    make_questions,
)
from cometapi_runway._live_check._verdicts import (
    SHAPE_VERDICTS,
    Finding,
    Verdict,
    describe_expectation,
    describe_reply,
    is_unknown_task,
    judge,
)
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli._actions.client import make_client
from cometapi_runway.cli._errors import CommandInterrupted, UsageError, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.live import DEFAULT_FOLDER
from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import APIError
from cometapi_runway.validation import Operation, contract

MAX_SECONDS: Final = 20.0
"""For one question; a read that takes longer has no answer."""
MAX_SILENCES: Final = 2
"""Questions in a row without a response, after which the rest is not asked."""

_WIDTHS: Final = (26, 16, 20)
_LINE: Final = 80
_SILENT: Final = frozenset({Verdict.NO_ANSWER, Verdict.NO_CONNECTION})


@frozen
class LiveResult:
    """What the questions have shown.

    Attributes:
        code: The exit code.
        readable: The tags of the operations whose tasks can be read: an unknown id is answered as
            the client expects.
    """

    code: ExitCode
    readable: frozenset[str]


def prepare_evidence_folder(folder: Path | None) -> Path:
    """Create the folder, and check that it can be written, before anything is asked.

    Raises:
        UsageError: It cannot be created or written.
    """
    place = paths.expand_user(folder or DEFAULT_FOLDER)
    try:
        place.mkdir(parents=True, exist_ok=True)
        paths.check_writable(place)
    except OSError as error:
        raise UsageError(
            f"cannot write into the folder {place}: {error.strerror}",
            "choose another one with --evidence FOLDER",
        ) from error
    return place


def make_live_check(connection: ConnectionOptions, folder: Path, report: Report) -> LiveCheck:
    """Prepare the questions to a gateway.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    with make_client(evolve(connection, no_journal=True)) as client:
        settings = client.settings
    evidence = Evidence(folder, settings.api_key, settings.base_url, time.time())
    return LiveCheck(connection, evidence, report)


class LiveCheck:
    """One run of all questions.

    Args:
        connection: The gateway.
        evidence: Collects what comes.
        report: Shows it.
    """

    def __init__(self, connection: ConnectionOptions, evidence: Evidence, report: Report) -> None:
        # Without the journal: a read that creates nothing has nothing to record.
        self.connection = evolve(connection, no_journal=True)
        self.evidence = evidence
        self.report = report
        self.findings: list[tuple[Question, Finding]] = []
        self.readable: set[Operation] = set()
        self.silences = 0
        self.asked = 0
        self._last_operation = ""

    def run(self) -> LiveResult:
        """Ask every question, show each result, and write the evidence.

        Raises:
            CommandInterrupted: By Ctrl-C; the evidence so far is written.
            UsageError: The evidence cannot be written.
        """
        with (
            make_client(self.connection) as client,
            make_client(self.connection, api_key=WRONG_KEY) as stranger,
        ):
            questions = make_questions(contract(), client.settings.runway_version)
            self._show_head(client, questions)
            try:
                for question in questions:
                    if self.silences < MAX_SILENCES:
                        self._show(question, self._ask(client, stranger, question))
            except KeyboardInterrupt:
                self.write_evidence()
                raise CommandInterrupted(
                    f"interrupted after {self.asked} of {len(questions)} questions; nothing was "
                    f"created; evidence: {self.evidence.file}",
                    "run it again at any time",
                ) from None
        self.write_evidence()
        return self._finish(len(questions))

    def write_evidence(self) -> None:
        """Write the file of evidence.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            self.evidence.write()
        except OSError as error:
            raise UsageError(
                f"cannot write {self.evidence.file}: {error.strerror}",
                "choose another folder with --evidence FOLDER",
            ) from error

    def _ask(self, client: RunwayClient, stranger: RunwayClient, question: Question) -> Reply:
        session = (stranger if question.topic == "wrong-key" else client).session
        # Without its watcher: responses to other methods are none of the operation's.
        driver = evolve(session.driver, watcher=None)
        started = driver.clock.now()
        timeout = min(self.connection.request_timeout, MAX_SECONDS)
        step: Send = driver.run(ask(question, timeout))
        reply = Reply.from_step(step, step.at - started)
        self.silences = 0 if reply.response else self.silences + 1
        self.asked += 1
        return reply

    def _show(self, question: Question, reply: Reply) -> None:
        is_readable = question.operation in self.readable
        findings = judge(contract(), question, reply, is_readable=is_readable)
        self.findings += [(question, one) for one in findings]
        if question.topic == "unknown-id" and reply.response and is_unknown_task(reply.response):
            self.readable.add(question.operation)
        self.evidence.add(question, reply, findings)
        verdicts = [str(one.verdict) for one in findings] or [str(Verdict.AS_EXPECTED)]
        fields = make_question_fields(question, reply, findings)
        self._show_row(question, describe_reply(reply), verdicts, fields)

    def _show_head(self, client: RunwayClient, questions: Sequence[Question]) -> None:
        gateway = redact_url(client.settings.base_url)
        self.report.show_note(
            f"{count_noun(len(questions), 'question')} to {gateway}; none of them creates a task"
        )

    def _show_row(
        self, question: Question, came: str, verdicts: Sequence[str], fields: dict[str, JSON]
    ) -> None:
        lines: list[str] = []
        operation = question.operation
        if operation.id != self._last_operation:
            if not self._last_operation:
                lines.append(_format_row("question", "contract", "came", "verdict"))
            self._last_operation = operation.id
            kind = "" if operation.is_read else "  (not sent)"
            lines.append(f"{operation.method} {operation.path}{kind}")
        first, *others = verdicts
        lines.append(_format_row(f"  {question.text}", describe_expectation(question), came, first))
        lines += [_format_row("", "", "", other) for other in others]
        self.report.show_result("\n".join(lines), "question", fields)

    def _finish(self, total: int) -> LiveResult:
        code = _choose_code([finding.verdict for _, finding in self.findings])
        counts = Counter(finding for _, finding in self.findings)
        lines = [_describe(finding, count) for finding, count in counts.items()]
        silent = sum(finding.verdict in _SILENT for _, finding in self.findings)
        deviations = len(self.findings) - silent
        summary = f"{count_noun(deviations, 'deviation')} in {self.asked - silent} answers"
        summary += f"; {silent} without an answer" if silent else ""
        summary += f"; {total - self.asked} not asked" if self.asked < total else ""
        text = "\n".join(["", *lines, summary, f"evidence: {self.evidence.file}"])
        fields: dict[str, JSON] = {
            "deviations": deviations,
            "asked": self.asked,
            "evidence": str(self.evidence.file),
        }
        self.report.show_result(text, "live", fields)
        if code is not ExitCode.SUCCESS:
            exit_report = self._make_exit_report(code)
            self.report.show_failure(exit_report, APIError(exit_report.message))
        return LiveResult(code, frozenset(one.tag for one in self.readable))

    def _make_exit_report(self, code: ExitCode) -> ExitReport:
        message, advice = _MESSAGES[code], f"report it with {self.evidence.file}"
        verdicts = {finding.verdict for _, finding in self.findings}
        if code is ExitCode.KEY:
            advice = f"put a valid key into {KEY_VARIABLE}"
        elif code is ExitCode.QUOTA:
            advice = "top up the account, or raise the key's own quota"
        elif verdicts <= _SILENT:
            message, advice = "the gateway does not answer", "check the network and the address"
        elif verdicts & SHAPE_VERDICTS:
            drift = format_command("contract", "drift", str(self.evidence.folder))
            advice = f"`{drift}` shows how the contract takes it in"
        return ExitReport(code, "LiveDeviation", message, advice)


def _format_row(*cells: str) -> str:
    *narrow, last = cells
    # One blank at least, also where a gateway's word is longer than its column.
    padded = [f"{cell:<{width - 1}} " for cell, width in zip(narrow, _WIDTHS, strict=True)]
    return ("".join(padded) + last).rstrip()


def _describe(finding: Finding, answers: int) -> str:
    """A finding, in lines that fit the terminal; the table shows where it is."""
    text = f"{finding.verdict}: {finding.detail} ({count_noun(answers, 'answer')})"
    return "\n".join(wrap(text, _LINE, subsequent_indent="  "))


def _choose_code(verdicts: Sequence[Verdict]) -> ExitCode:
    if Verdict.KEY_REFUSED in verdicts:
        return ExitCode.KEY
    if Verdict.NO_QUOTA in verdicts:
        return ExitCode.QUOTA
    return ExitCode.GATEWAY if verdicts else ExitCode.SUCCESS


_MESSAGES: Final = {
    ExitCode.KEY: "the gateway refuses the key",
    ExitCode.QUOTA: "the balance or the key's quota is used up",
    ExitCode.GATEWAY: "the gateway is not as the contract says",
}
