"""What Ctrl-C in the middle of a paid request reports."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway.cli import main
from cometapi_runway.cli._actions.create_task import (
    _warn_of_unknown_submissions,
    make_interruption,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import ClientResource


@each_case(
    ("submission", "message", "advice"),
    [
        (None, "interrupted; nothing was sent", "run it again at any time"),
        (InterruptedSubmission("not accepted"), "not accepted", "run it again at any time"),
        (
            InterruptedSubmission("may be accepted", may_be_accepted=True),
            "may be accepted",
            "check the usage log of your CometAPI account before you repeat it; "
            "`cometapi-runway tasks list --unknown` shows the request",
        ),
        (
            InterruptedSubmission("accepted", "t-1", may_be_accepted=True),
            "accepted",
            "cometapi-runway tasks wait t-1",
        ),
    ],
)
def test_an_interruption_says_what_to_do_next(
    submission: InterruptedSubmission | None, message: str, advice: str
) -> None:
    error = KeyboardInterrupt()
    if submission is not None:
        submission.attach_to(error)

    interruption = make_interruption(error)

    assert (str(interruption), interruption.advice) == (message, advice)


@each_case(
    ("key", "keys", "shown"),
    [
        ("k", "", None),
        ("k", "k", None),
        (None, "", None),
        (None, "-", "`cometapi-runway tasks settle - --task ID --journal j`"),
        ("k", "a", "`cometapi-runway tasks settle a --task ID --journal j`"),
        ("k", "ka", "`cometapi-runway tasks settle a --task ID --journal j`"),
        ("k", "ab", "`cometapi-runway tasks list --unknown --journal j`"),
    ],
)
def test_a_warning_of_earlier_requests_has_the_command_that_closes_them(
    key: str | None, keys: str, shown: str | None
) -> None:
    warnings: list[str] = []
    unknown = [SimpleNamespace(key=one, idempotency_key=one.strip("-") or None) for one in keys]
    journal = SimpleNamespace(store=True, unknown=lambda: unknown)
    command: Any = SimpleNamespace(
        request=SimpleNamespace(idempotency_key=key),
        connection=SimpleNamespace(options_to_repeat=("--journal", "j")),
    )
    client: Any = SimpleNamespace(journal=journal)
    report: Any = SimpleNamespace(show_warning=warnings.append)
    _warn_of_unknown_submissions(client, command, report)
    assert [re.findall("`cometapi.*?`", one) for one in warnings] == ([[shown]] if shown else [])


def test_a_paid_request_that_is_interrupted_says_so_in_the_words_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        error = KeyboardInterrupt()
        InterruptedSubmission("the gateway accepted it", "t-1", may_be_accepted=True).attach_to(
            error
        )
        raise error

    monkeypatch.setenv("COMETAPI_KEY", "sk-0123456789")
    resource = SimpleNamespace(create=interrupt)
    monkeypatch.setattr(ClientResource, "get_from", lambda *_: resource)
    address = "https://example.com/a.png"
    command = ["character-performance", "--character", address, "--reference", address]
    code = main([*command, "--journal", str(tmp_path / "journal"), "--no-wait"])
    shown = capsys.readouterr()
    assert code == ExitCode.INTERRUPTED
    assert shown.out == ""
    assert "the gateway accepted it" in shown.err
    assert "cometapi-runway tasks wait t-1" in shown.err
