"""ExitCode codes and advice: every error of the library has both."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._core.task import TASK_NOT_EXIST, Task
from cometapi_runway.cli._errors import (
    CommandInterrupted,
    OutputError,
    UsageError,
    format_command,
)
from cometapi_runway.cli._output.exit_codes import EXIT_CODE_MEANINGS, ExitCode
from cometapi_runway.cli._output.exit_report import describe_issue, make_exit_report
from cometapi_runway.errors import Issue
from cometapi_runway.journal import StorageError


def make_missing(cause: errors.NotFoundError) -> errors.TaskNotFoundError:
    error = errors.TaskNotFoundError("t-1")
    error.__cause__ = cause
    return error


ISSUE = Issue("/seed", "maximum", 9, "/seed must be at most 5 (maximum), got 9")
EXAMPLES: list[tuple[BaseException, ExitCode, str]] = [
    (
        errors.ConfigurationError("x", setting="api_key", is_missing=True),
        ExitCode.USAGE,
        "export COMETAPI_KEY=",
    ),
    (errors.MissingExtraError("mcp", "PIL"), ExitCode.USAGE, "pip install 'cometapi-runway[mcp]'"),
    (errors.ConfigurationError("x", setting="api_key"), ExitCode.USAGE, "doctor"),
    (errors.ConfigurationError("x", setting="journal"), ExitCode.USAGE, "--no-journal"),
    (errors.ConfigurationError("x", setting="base_url"), ExitCode.USAGE, "doctor"),
    (errors.ConfigurationError("no CometAPI key, no journal"), ExitCode.USAGE, "doctor"),
    (errors.InvalidRequestError([ISSUE]), ExitCode.REFUSED, "nothing was sent"),
    (errors.AuthenticationError(401), ExitCode.KEY, "COMETAPI_KEY"),
    (errors.PermissionDeniedError(403), ExitCode.KEY, "this key"),
    (errors.InsufficientQuotaError(403), ExitCode.QUOTA, "top up"),
    (
        errors.TaskFailedError("t-1", Task("t-1", "FAILED", failure_code="SAFETY.INPUT.TEXT")),
        ExitCode.TASK,
        "reword it",
    ),
    (errors.TaskCancelledError("t-1"), ExitCode.TASK, "submit"),
    (
        errors.TaskTimeoutError("t-1"),
        ExitCode.TIMEOUT,
        "cometapi-runway tasks wait t-1 --output out",
    ),
    (errors.TaskNotFoundError("t-1"), ExitCode.GATEWAY, "tasks list"),
    (
        errors.SubmissionUnknownError("x", operation="o", fingerprint="f"),
        ExitCode.UNKNOWN,
        "check the usage log of your CometAPI account before you repeat it",
    ),
    (
        errors.DownloadError("x", task_id="t-1"),
        ExitCode.DOWNLOAD,
        "cometapi-runway tasks download t-1 --output out",
    ),
    (errors.BudgetExceededError(5, 5, unit="tasks"), ExitCode.BUDGET, "--max-tasks"),
    (errors.RateLimitError(429), ExitCode.GATEWAY, "pace"),
    (errors.BadRequestError(400), ExitCode.GATEWAY, "change the request"),
    (errors.NotFoundError(404), ExitCode.GATEWAY, "doctor"),
    (errors.ServerError(500), ExitCode.GATEWAY, "doctor"),
    (errors.APIStatusError(302), ExitCode.GATEWAY, "doctor"),
    (errors.APIError("x"), ExitCode.GATEWAY, "doctor"),
    (errors.APIConnectionError("x", delivery="not_sent"), ExitCode.GATEWAY, "nothing was sent"),
    (errors.APITimeoutError("x"), ExitCode.GATEWAY, "check the network"),
    (errors.ResponseDecodeError("x"), ExitCode.GATEWAY, "doctor"),
    (errors.TaskError("t-1"), ExitCode.GATEWAY, "doctor"),
    (errors.RunwayError("x"), ExitCode.GATEWAY, "doctor"),
    (StorageError("x"), ExitCode.USAGE, "--journal"),
    (UsageError("x", "do y"), ExitCode.USAGE, "do y"),
    (OutputError(OSError(28, "no space")), ExitCode.OUTPUT, "tasks list"),
    (CommandInterrupted("x", "do y"), ExitCode.INTERRUPTED, "do y"),
    (KeyboardInterrupt(), ExitCode.INTERRUPTED, "again"),
    (RuntimeError("x"), ExitCode.BUG, "--debug"),
]


@each_case(("error", "code", "advice"), EXAMPLES, ids=lambda x: type(x).__name__)
def test_each_error_has_its_code_and_its_advice(
    error: BaseException, code: ExitCode, advice: str
) -> None:
    found = make_exit_report(error, ("--output", "out"))

    assert found.code is code
    assert advice in found.advice
    assert found.message
    assert "\n" not in found.advice


def test_a_request_of_unknown_outcome_is_closed_with_its_task_if_that_is_known() -> None:
    error = errors.SubmissionUnknownError("x", operation="o", fingerprint="f", key="k")
    settle = "`cometapi-runway tasks settle k --task"
    advice = make_exit_report(error, ("--journal", "j")).advice
    assert advice.startswith("check the usage log")
    assert advice.endswith(f"{settle} ID --journal j`")
    error.task_id = "t-1"
    advice = make_exit_report(error, ("--journal", "j")).advice
    assert advice == f"{settle} t-1 --journal j`; then wait for that task"


def test_every_error_of_the_library_is_covered() -> None:
    every = {getattr(errors, name) for name in errors.__all__} - {Issue}

    assert every <= {type(error) for error, _, _ in EXAMPLES}


def test_every_code_is_used_and_has_a_meaning() -> None:
    assert set(EXIT_CODE_MEANINGS) == set(ExitCode)
    assert {code for _, code, _ in EXAMPLES} == set(ExitCode) - {ExitCode.SUCCESS}


def test_codes_never_change() -> None:
    assert {code.name: code.value for code in ExitCode} == {
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
        "BUDGET": 12,
        "INTERRUPTED": 130,
    }


def test_the_advice_on_a_failed_task_appears_once() -> None:
    error = errors.TaskFailedError("t-1", Task("t-1", "FAILED", failure_code="SAFETY.INPUT.TEXT"))

    found = make_exit_report(error)

    assert error.advice not in found.message
    assert "SAFETY.INPUT.TEXT" in found.message


def test_a_wait_that_timed_out_is_not_described_in_python() -> None:
    error = errors.TaskTimeoutError("t-1", Task("t-1", "RUNNING"), "client.tasks.wait('t-1')")

    found = make_exit_report(error)

    assert "client." not in found.message
    assert "RUNNING" in found.message
    assert found.task_id == "t-1"


def test_a_wait_that_saw_nothing_says_why() -> None:
    error = errors.TaskTimeoutError("t-1")
    error.__cause__ = errors.APIConnectionError("connection refused", delivery="not_sent")

    assert "never seen; the last poll: connection refused" in make_exit_report(error).message


def test_an_unknown_task_is_not_described_in_python() -> None:
    error = errors.TaskNotFoundError("t-1", None, "x. Look at client.compat.tasks")
    error.__cause__ = errors.NotFoundError(404)

    found = make_exit_report(error)

    assert found.message == f"task t-1 is not known to the gateway ({error.__cause__})"
    assert "--route feed" in found.advice


def test_a_missing_key_is_not_described_in_python() -> None:
    error = errors.ConfigurationError("x", setting="api_key", is_missing=True)

    assert make_exit_report(error).message == "no CometAPI key: COMETAPI_KEY is not set"


def test_an_interruption_has_a_message() -> None:
    assert make_exit_report(KeyboardInterrupt()).message == "interrupted"


@each_case(
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
            "/character/type: is unknown",
            "--character (type): is unknown",
        ),
        ("/character/X", "/character/X: is unknown", "--character (X): is unknown"),
        ("X-Runway-Version", "X-Runway-Version: must be x", "X-Runway-Version: must be x"),
        ("", "the body must be an object", "the body must be an object"),
    ],
)
def test_an_issue_names_its_option(path: str, message: str, words: str) -> None:
    assert describe_issue(Issue(path, "pattern", None, message)) == words


@pytest.mark.parametrize("delivery", ["not_sent", "unknown"])
def test_only_what_was_not_sent_is_said_to_be(delivery: Any) -> None:
    advice = make_exit_report(errors.APIConnectionError("x", delivery=delivery)).advice
    assert advice.startswith("nothing was sent; ") is (delivery == "not_sent")


def test_all_issues_are_shown() -> None:
    other = Issue("/ratio", "pattern", "x", "/ratio must match the pattern y (pattern)")

    found = make_exit_report(errors.InvalidRequestError([ISSUE, other]))

    assert found.message.startswith("--seed")
    assert found.details == ("--ratio must match the pattern y (pattern)",)


def test_a_command_can_be_pasted() -> None:
    assert format_command("tasks", "wait", "a b", "--output", "my videos") == (
        "cometapi-runway tasks wait 'a b' --output 'my videos'"
    )


@each_case(
    "error",
    [
        errors.NotFoundError(404),
        errors.BadRequestError(405),
        errors.APIStatusError(301),
        errors.ResponseDecodeError("a body that is not JSON"),
        make_missing(errors.NotFoundError(404)),
    ],
)
def test_an_answer_of_a_wrong_path_advises_to_check_the_address(error: BaseException) -> None:
    advice = make_exit_report(error).advice

    assert "--base-url" in advice
    assert "run it again" not in advice


@each_case(
    "error",
    [
        errors.BadRequestError(404, "model_not_found", "no such model"),
        errors.BadRequestError(400),
        errors.ServerError(503),
        make_missing(errors.NotFoundError(400, TASK_NOT_EXIST)),
        errors.TaskNotFoundError("t-1"),
    ],
)
def test_an_answer_of_the_gateway_itself_does_not(error: BaseException) -> None:
    assert "--base-url" not in make_exit_report(error).advice


@pytest.mark.parametrize(
    ("path", "rule", "text"),
    [
        ("promptText", "required", "--prompt-text is required (required)"),
        ("promptText", "not", "words"),
        ("/promptText", "required", "words"),
    ],
)
def test_a_missing_argument_is_named_as_its_option(path: str, rule: str, text: str) -> None:
    assert describe_issue(Issue(path, rule, None, "words")) == text


OUT = ("--output", "out")
DOCTOR = "`cometapi-runway doctor`"
ADDRESS = (
    "check the gateway's address, --base-url or COMETAPI_RUNWAY_BASE_URL: it is the address "
    f"without the path of the API; {DOCTOR} tests it"
)
AGAIN = f"run it again; {DOCTOR} shows what works"
JOURNAL = "check the journal's place, or use another one with --journal, or none with --no-journal"
CORRECT = "nothing was sent; correct it and run it again"
SETTING = f"correct the setting; {DOCTOR} shows all of them"
MISSING = (
    "check the id and the account's key; `cometapi-runway tasks list` shows your tasks, and a "
    "`compat` task that is not in the journal needs --route feed"
)
NETWORK = f"check the network and the address; {DOCTOR} tests them"


@each_case(
    ("error", "message", "advice"),
    [
        (
            errors.ConfigurationError("x", setting="api_key", is_missing=True),
            "no CometAPI key: COMETAPI_KEY is not set",
            "export COMETAPI_KEY=<your key>; `cometapi-runway demo` needs none",
        ),
        (errors.ConfigurationError("x", setting="api_key"), "x", SETTING),
        (errors.ConfigurationError("x", setting="base_url", is_missing=True), "x", SETTING),
        (errors.ConfigurationError("x", setting="journal"), "x", JOURNAL),
        (
            errors.ConfigurationError("x", setting="budget"), "x",
            "correct --max-cost, --max-tasks or --budget-scope",
        ),
        *(
            (errors.ConfigurationError("x", setting=name), "x", CORRECT)
            for name in ("manifest", "operation", "output", "set")
        ),
        (
            errors.MissingExtraError("mcp", "PIL"),
            "the extra 'mcp' is not installed (PIL is missing)",
            "pip install 'cometapi-runway[mcp]'",
        ),
        (
            errors.AuthenticationError(401, None, "no"), "HTTP 401: no",
            f"put a valid key into COMETAPI_KEY; {DOCTOR} tests it without cost",
        ),
        (
            errors.PermissionDeniedError(403, None, "no"), "HTTP 403: no",
            "see in your CometAPI account which models this key may use",
        ),
        (
            errors.InsufficientQuotaError(403, None, "no"), "HTTP 403: no",
            "top up the account or raise this key's quota, then run it again",
        ),
        (
            errors.TaskTimeoutError("t-1", Task("t-1", "RUNNING")),
            "the wait for task t-1 timed out (last status: RUNNING)",
            "cometapi-runway tasks wait t-1 --output out",
        ),
        (
            errors.TaskTimeoutError("t-1"),
            "the wait for task t-1 timed out (last status: never seen)",
            "cometapi-runway tasks wait t-1 --output out",
        ),
        (
            errors.TaskCancelledError("t-1"), str(errors.TaskCancelledError("t-1")),
            "submit it again if you still want it",
        ),
        (errors.TaskNotFoundError("t-1"), "task t-1 is not known to the gateway", MISSING),
        (
            make_missing(errors.NotFoundError(404, None, "no")),
            "task t-1 is not known to the gateway (HTTP 404: no)", f"{ADDRESS}; then {MISSING}",
        ),
        (
            errors.BudgetExceededError(5, 5, unit="tasks", scope="shop"),
            str(errors.BudgetExceededError(5, 5, unit="tasks", scope="shop")),
            "raise --max-cost or --max-tasks if you want to spend more; `cometapi-runway tasks "
            "spent --scope shop --output out` shows what was spent",
        ),
        (
            errors.DownloadError("x", task_id="t-1"), "x",
            "cometapi-runway tasks download t-1 --output out",
        ),
        (errors.DownloadError("x"), "x", "cometapi-runway tasks download TASK_ID --output out"),
        (
            errors.RateLimitError(429, None, "no"), "HTTP 429: no",
            "the gateway asks for a slower pace: run it again later",
        ),
        (
            errors.BadRequestError(400, None, "no"), "HTTP 400: no",
            "change the request as the gateway's message says",
        ),
        (errors.APIConnectionError("x", delivery="unknown"), "x", NETWORK),
        (
            errors.APIConnectionError("x", delivery="not_sent"), "x", f"nothing was sent; {NETWORK}"
        ),
        *(
            (errors.APIStatusError(status, None, "no"), f"HTTP {status}: no", ADDRESS)
            for status in (300, 399, 404, 405, 410, 421)
        ),
        *(
            (errors.APIStatusError(status, None, "no"), f"HTTP {status}: no", AGAIN)
            for status in (299, 400, 403, 406, 409, 422, 500)
        ),
        (errors.APIStatusError(404, "some_code", "no"), "HTTP 404, code some_code: no", AGAIN),
        (StorageError("x"), "the journal: x", JOURNAL),
        (UsageError("x", "do y"), "x", "do y"),
        (
            OutputError(OSError(28, "no space")), str(OutputError(OSError(28, "no space"))),
            "redirect it to another place; `cometapi-runway tasks list` shows every task in the "
            "journal",
        ),
        (CommandInterrupted("x", "do y"), "x", "do y"),
        (KeyboardInterrupt(), "interrupted", "run it again"),
        (
            RuntimeError("x"), "unexpected RuntimeError: x",
            "run it again with --debug and report it",
        ),
        (errors.RunwayError(), "RunwayError", AGAIN),
    ],
)  # fmt: skip
def test_what_is_said_of_an_error_word_for_word(
    error: BaseException, message: str, advice: str
) -> None:
    found = make_exit_report(error, OUT)
    assert (found.message, found.advice) == (message, advice)
    assert found.error_type == type(error).__name__
    assert found.task_id == getattr(error, "task_id", None)
    assert (found.details, found.fields) == ((), {})
