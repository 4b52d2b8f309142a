"""Exit codes and advice: every error of the library has one, and none of them is silent."""

from __future__ import annotations

import sqlite3

import pytest

from cometapi_runway import errors
from cometapi_runway._core.task import Task
from cometapi_runway.cli.endings import (
    MEANINGS,
    Exit,
    Interrupted,
    OutputError,
    UsageError,
    command,
    ending,
    told,
)
from cometapi_runway.cli.words import kebab
from cometapi_runway.errors import Issue

ISSUE = Issue("/seed", "maximum", 9, "/seed must be at most 5 (maximum), got 9")
EXAMPLES: list[tuple[BaseException, Exit, str]] = [
    (errors.ConfigurationError("no CometAPI key: set it"), Exit.USAGE, "export COMETAPI_KEY="),
    (errors.ConfigurationError("journal x cannot be opened"), Exit.USAGE, "--no-journal"),
    (errors.ConfigurationError("base_url must be"), Exit.USAGE, "doctor"),
    (errors.InvalidRequestError([ISSUE]), Exit.REFUSED, "nothing was sent"),
    (errors.AuthenticationError(401), Exit.KEY, "COMETAPI_KEY"),
    (errors.PermissionDeniedError(403), Exit.KEY, "this key"),
    (errors.InsufficientQuotaError(403), Exit.QUOTA, "top up"),
    (
        errors.TaskFailedError("t-1", Task("t-1", "FAILED", failure_code="SAFETY.INPUT.TEXT")),
        Exit.TASK,
        "reword it",
    ),
    (errors.TaskCancelledError("t-1"), Exit.TASK, "submit"),
    (errors.TaskTimeoutError("t-1"), Exit.TIMEOUT, "cometapi-runway tasks wait t-1 --output out"),
    (errors.TaskNotFoundError("t-1"), Exit.GATEWAY, "tasks list"),
    (
        errors.SubmissionUnknownError("x", operation="o", fingerprint="f"),
        Exit.UNKNOWN,
        "look into the usage log of your CometAPI account before you repeat it",
    ),
    (
        errors.DownloadError("x", task_id="t-1"),
        Exit.DOWNLOAD,
        "cometapi-runway tasks download t-1 --output out",
    ),
    (errors.RateLimitError(429), Exit.GATEWAY, "pace"),
    (errors.BadRequestError(400), Exit.GATEWAY, "change the request"),
    (errors.NotFoundError(404), Exit.GATEWAY, "doctor"),
    (errors.ServerError(500), Exit.GATEWAY, "doctor"),
    (errors.APIStatusError(302), Exit.GATEWAY, "doctor"),
    (errors.APIError("x"), Exit.GATEWAY, "doctor"),
    (errors.APIConnectionError("x", delivery="not_sent"), Exit.GATEWAY, "nothing was sent"),
    (errors.APITimeoutError("x"), Exit.GATEWAY, "check the network"),
    (errors.ResponseDecodeError("x"), Exit.GATEWAY, "doctor"),
    (errors.TaskError("t-1"), Exit.GATEWAY, "doctor"),
    (errors.RunwayError("x"), Exit.GATEWAY, "doctor"),
    (sqlite3.OperationalError("x"), Exit.USAGE, "--journal"),
    (UsageError("x", "do y"), Exit.USAGE, "do y"),
    (OutputError(OSError(28, "no space")), Exit.OUTPUT, "tasks list"),
    (Interrupted("x", "do y"), Exit.INTERRUPTED, "do y"),
    (KeyboardInterrupt(), Exit.INTERRUPTED, "again"),
    (RuntimeError("x"), Exit.BUG, "--debug"),
]


@pytest.mark.parametrize(("error", "code", "advice"), EXAMPLES, ids=lambda x: type(x).__name__)
def test_each_error_has_its_code_and_its_advice(
    error: BaseException, code: Exit, advice: str
) -> None:
    found = ending(error, ("--output", "out"))

    assert found.code is code
    assert advice in found.advice
    assert found.message
    assert "\n" not in found.advice


def test_no_error_of_the_library_is_left_out() -> None:
    every = {getattr(errors, name) for name in errors.__all__} - {Issue}

    assert every <= {type(error) for error, _, _ in EXAMPLES}


def test_every_code_is_used_and_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)
    assert {code for _, code, _ in EXAMPLES} == set(Exit) - {Exit.SUCCESS}


def test_codes_never_change() -> None:
    assert {code.name: code.value for code in Exit} == {
        "SUCCESS": 0,
        "BUG": 1,
        "USAGE": 2,
        "REFUSED": 3,
        "KEY": 4,
        "QUOTA": 5,
        "TASK": 6,
        "TIMEOUT": 7,
        "UNKNOWN": 8,
        "GATEWAY": 9,
        "DOWNLOAD": 10,
        "OUTPUT": 11,
        "INTERRUPTED": 130,
    }


def test_the_advice_on_a_failed_task_is_said_once() -> None:
    error = errors.TaskFailedError("t-1", Task("t-1", "FAILED", failure_code="SAFETY.INPUT.TEXT"))

    found = ending(error)

    assert error.advice not in found.message
    assert "SAFETY.INPUT.TEXT" in found.message


def test_a_timed_out_wait_is_not_told_in_python() -> None:
    error = errors.TaskTimeoutError("t-1", Task("t-1", "RUNNING"), "client.tasks.wait('t-1')")

    found = ending(error)

    assert "client." not in found.message
    assert "RUNNING" in found.message
    assert found.task_id == "t-1"


def test_a_wait_that_saw_nothing_says_why() -> None:
    error = errors.TaskTimeoutError("t-1")
    error.__cause__ = errors.APIConnectionError("connection refused", delivery="not_sent")

    assert "never seen; the last question: connection refused" in ending(error).message


def test_an_unknown_task_is_not_told_in_python() -> None:
    error = errors.TaskNotFoundError("t-1", None, "x. Look at client.compat.tasks")
    error.__cause__ = errors.NotFoundError(404)

    found = ending(error)

    assert found.message == f"task t-1 is not known to the gateway ({error.__cause__})"
    assert "--route feed" in found.advice


def test_a_missing_key_is_not_told_in_python() -> None:
    error = errors.ConfigurationError("no CometAPI key: pass api_key or set it")

    assert ending(error).message == "no CometAPI key: COMETAPI_KEY is not set"


def test_an_interruption_is_told_in_words() -> None:
    assert ending(KeyboardInterrupt()).message == "interrupted"


@pytest.mark.parametrize(
    ("path", "message", "words"),
    [
        (
            "/expressionIntensity",
            "/expressionIntensity must be at most 5 (maximum), got 9",
            "--expression-intensity must be at most 5 (maximum), got 9",
        ),
        (
            "/character/uri",
            "/character/uri must match the pattern x (pattern)",
            "--character (uri) must match the pattern x (pattern)",
        ),
        ("/character", "/character: cannot be read", "--character: cannot be read"),
        (
            "/character/type",
            "/character/type: cannot be told",
            "--character (type): cannot be told",
        ),
        ("X-Runway-Version", "X-Runway-Version: must be x", "X-Runway-Version: must be x"),
        ("", "the body must be an object", "the body must be an object"),
    ],
)
def test_an_issue_is_told_by_its_option(path: str, message: str, words: str) -> None:
    assert told(Issue(path, "rule", None, message)) == words


def test_all_issues_are_told() -> None:
    other = Issue("/ratio", "pattern", "x", "/ratio must match the pattern y (pattern)")

    found = ending(errors.InvalidRequestError([ISSUE, other]))

    assert found.message.startswith("--seed")
    assert found.details == ("--ratio must match the pattern y (pattern)",)


def test_a_command_can_be_pasted() -> None:
    assert command("tasks", "wait", "a b", "--output", "my videos") == (
        "cometapi-runway tasks wait 'a b' --output 'my videos'"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [("bodyControl", "body-control"), ("body_control", "body-control"), ("seed", "seed")],
)
def test_names_are_typed_in_kebab_case(name: str, words: str) -> None:
    assert kebab(name) == words
