"""How a command ended: its exit code, a message, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import field, frozen

from cometapi_runway import errors
from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import kebab_case
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._settings import BASE_URL_VARIABLE, KEY_VARIABLE
from cometapi_runway.cli._errors import (
    CommandInterrupted,
    OutputError,
    UsageError,
    format_command,
)
from cometapi_runway.cli._output.exit_codes import ExitCode


@frozen
class ExitReport:
    """A failure as the user sees it.

    Attributes:
        code: The exit code.
        error_type: Name of the error's class, for programs.
        message: What happened.
        advice: One line: what to do next.
        task_id: The task concerned, or None.
        details: Further lines, such as every issue of a refused request.
        fields: Further fields of the JSON event.
    """

    code: ExitCode
    error_type: str
    message: str
    advice: str
    task_id: str | None = None
    details: tuple[str, ...] = field(default=())
    fields: Mapping[str, JSON] = field(factory=dict[str, JSON])


def make_exit_report(error: BaseException, options_to_repeat: Sequence[str] = ()) -> ExitReport:
    """Translate an error into an exit code, a message and advice.

    Args:
        error: Any error that a command raised.
        options_to_repeat: Options that the advised command must repeat.
    """
    error_type = type(error).__name__
    if isinstance(error, errors.InvalidRequestError):
        return _report_refusal(error)
    for kind, code, advise in _ADVICE_TABLE:
        if isinstance(error, kind):
            task_id = getattr(error, "task_id", None)
            advice = advise(error, options_to_repeat)
            return ExitReport(code, error_type, _describe_error(error), advice, task_id)
    # Imported late: help and successful commands need no journal here.
    from cometapi_runway.journal import StorageError  # noqa: PLC0415

    if isinstance(error, StorageError):
        advice = _USE_ANOTHER_JOURNAL
        return ExitReport(ExitCode.USAGE, error_type, f"the journal: {error}", advice)
    message = f"unexpected {error_type}: {error}"
    advice = "run it again with --debug and report it"
    return ExitReport(ExitCode.BUG, error_type, message, advice)


def describe_issue(issue: errors.Issue) -> str:
    """An issue that names the option: ``--expression-intensity must be at most 5 …``."""
    field_name = issue.path.removeprefix("/").partition("/")[0]
    if issue.rule == "required" and field_name == issue.path:
        return f"--{kebab_case(field_name)} is required ({issue.rule})"
    if issue.path in _CALL_OPTIONS and issue.message.startswith(issue.path):
        return f"--{kebab_case(issue.path)}{issue.message.removeprefix(issue.path)}"
    if not issue.path.startswith("/") or not issue.message.startswith(issue.path):
        return issue.message
    rest = issue.message.removeprefix(f"/{field_name}")
    inner_path, gap, sentence = rest.partition(" ")
    inner = inner_path.strip("/:")
    place = f" ({inner})" if inner else ""
    colon = ":" if inner_path.endswith(":") else ""
    return f"--{kebab_case(field_name)}{place}{colon}{gap}{sentence}"


def _report_refusal(error: errors.InvalidRequestError) -> ExitReport:
    lines = tuple(describe_issue(issue) for issue in error.issues)
    advice = "nothing was sent; correct it and run it again"
    if any(issue.rule == "unknown" for issue in error.issues):
        advice += ", or add --no-validate if it is newer than the contract"
    error_type = type(error).__name__
    return ExitReport(
        ExitCode.REFUSED, error_type, lines[0], advice, error.task_id, details=lines[1:]
    )


def _describe_error(error: BaseException) -> str:
    # The library's own messages advise in Python.
    if isinstance(error, errors.TaskTimeoutError):
        status = error.task_details.status if error.task_details else "never seen"
        cause = f"; the last poll: {error.__cause__}" if error.__cause__ else ""
        return f"the wait for task {error.task_id} timed out (last status: {status}{cause})"
    if isinstance(error, errors.TaskNotFoundError):
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        return f"task {error.task_id} is not known to the gateway{cause}"
    if isinstance(error, errors.TaskFailedError):
        # The advice has its own line.
        return str(error).removesuffix(f". {error.advice}")
    if isinstance(error, errors.SubmissionUnknownError):
        # The advice has its own line.
        settle = f"settle it: client.journal.settle({error.idempotency_key!r}, ...)"
        return (
            str(error)
            .removesuffix(f" Check the usage log of your CometAPI account, then {settle}")
            .removesuffix(f", then {settle}")
        )
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    if isinstance(error, errors.MissingExtraError):
        # The advice has its own line.
        return f"the extra {error.extra!r} is not installed ({error.library} is missing)"
    if isinstance(error, errors.ConfigurationError) and _is_missing_key(error):
        return f"no CometAPI key: {KEY_VARIABLE} is not set"
    return str(error) or type(error).__name__


_Advise: TypeAlias = Callable[[BaseException, Sequence[str]], str]


def _always(advice: str) -> _Advise:
    return lambda _error, _options: advice


def _repeat_with_task_id(*words: str) -> _Advise:
    def advise(error: BaseException, options_to_repeat: Sequence[str]) -> str:
        task_id = getattr(error, "task_id", None) or "TASK_ID"
        return format_command(*words, task_id, *options_to_repeat)

    return advise


def _advise_on_configuration(error: BaseException, _options: Sequence[str]) -> str:
    if isinstance(error, errors.ConfigurationError):
        if _is_missing_key(error):
            return f"export {KEY_VARIABLE}=<your key>; `{format_command('demo')}` needs none"
        if error.setting == "journal":
            return _USE_ANOTHER_JOURNAL
        if error.setting == "budget":
            return "correct --max-cost, --max-tasks or --budget-scope"
        if error.setting in _BATCH_SETTINGS:
            return "nothing was sent; correct it and run it again"
    return f"correct the setting; `{_DOCTOR}` shows all of them"


def _is_missing_key(error: errors.ConfigurationError) -> bool:
    return error.setting == "api_key" and error.is_missing


def _advise_on_missing_extra(error: BaseException, _options: Sequence[str]) -> str:
    return error.command if isinstance(error, errors.MissingExtraError) else ""


def _advise_on_connection(error: BaseException, _options: Sequence[str]) -> str:
    is_unsent = isinstance(error, errors.APIConnectionError) and error.delivery == "not_sent"
    head = "nothing was sent; " if is_unsent else ""
    return f"{head}check the network and the address; `{_DOCTOR}` tests them"


def _advise_on_status(error: BaseException, _options: Sequence[str]) -> str:
    return _CHECK_BASE_URL if _has_wrong_path(error) else _RUN_AGAIN


def _advise_on_bad_request(error: BaseException, _options: Sequence[str]) -> str:
    advice = "change the request as the gateway's message says"
    return _CHECK_BASE_URL if _has_wrong_path(error) else advice


def _advise_on_missing_task(error: BaseException, _options: Sequence[str]) -> str:
    advice = (
        f"check the id and the account's key; `{_TASKS_LIST}` shows your tasks, and a "
        "`compat` task that is not in the journal needs --route feed"
    )
    return f"{_CHECK_BASE_URL}; then {advice}" if _has_wrong_path(error.__cause__) else advice


def _has_wrong_path(error: BaseException | None) -> bool:
    """Whether a server without such a path can have answered, as with a wrong base address."""
    if isinstance(error, errors.ResponseDecodeError):
        return True
    if not isinstance(error, errors.APIStatusError) or error.code is not None:
        return False
    return error.status_code in _WRONG_PATH_STATUSES or 300 <= error.status_code < 400


def _advise_on_failed_task(error: BaseException, _options: Sequence[str]) -> str:
    advice = error.advice if isinstance(error, errors.TaskFailedError) else ""
    return f"{advice}. A new task is charged again"


def _advise_on_unknown_outcome(error: BaseException, options: Sequence[str]) -> str:
    if not isinstance(error, errors.SubmissionUnknownError) or error.key is None:
        return "check the usage log of your CometAPI account before you repeat it"
    settle = format_command("tasks", "settle", error.key, "--task", error.task_id or "ID", *options)
    if error.task_id is not None:
        return f"`{settle}`; then wait for that task"
    return (
        "check the usage log of your CometAPI account, then close it (with --charged or "
        f"--not-charged instead of --task if that is what it says): `{settle}`"
    )


def _advise_on_budget(error: BaseException, options: Sequence[str]) -> str:
    scope = error.scope if isinstance(error, errors.BudgetExceededError) else ""
    spent = format_command("tasks", "spent", "--scope", scope, *options)
    return (
        f"raise --max-cost or --max-tasks if you want to spend more; `{spent}` shows what was spent"
    )


def _advise_on_usage(error: BaseException, _options: Sequence[str]) -> str:
    return error.advice if isinstance(error, UsageError) else f"see {DISTRIBUTION} --help"


def _advise_on_interruption(error: BaseException, _options: Sequence[str]) -> str:
    return error.advice if isinstance(error, CommandInterrupted) else "run it again"


_CALL_OPTIONS: Final = frozenset({"idempotency_key", "label"})
_USE_ANOTHER_JOURNAL: Final = (
    "check the journal's place, or use another one with --journal, or none with --no-journal"
)
_DOCTOR: Final = format_command("doctor")
_RUN_AGAIN: Final = f"run it again; `{_DOCTOR}` shows what works"
_CHECK_BASE_URL: Final = (
    f"check the gateway's address, --base-url or {BASE_URL_VARIABLE}: it is the address without "
    f"the path of the API; `{_DOCTOR}` tests it"
)
_BATCH_SETTINGS: Final = frozenset({"manifest", "operation", "output", "set"})
_WRONG_PATH_STATUSES: Final = frozenset({404, 405, 410, 421})
_TASKS_LIST: Final = format_command("tasks", "list")
# The first matching class applies, so subclasses come before their base.
_ADVICE_TABLE: Final[tuple[tuple[type[BaseException], ExitCode, _Advise], ...]] = (
    (UsageError, ExitCode.USAGE, _advise_on_usage),
    (
        OutputError,
        ExitCode.OUTPUT,
        _always(f"redirect it to another place; `{_TASKS_LIST}` shows every task in the journal"),
    ),
    (KeyboardInterrupt, ExitCode.INTERRUPTED, _advise_on_interruption),
    (errors.MissingExtraError, ExitCode.USAGE, _advise_on_missing_extra),
    (errors.ConfigurationError, ExitCode.USAGE, _advise_on_configuration),
    (
        errors.AuthenticationError,
        ExitCode.KEY,
        _always(f"put a valid key into {KEY_VARIABLE}; `{_DOCTOR}` tests it without cost"),
    ),
    (
        errors.PermissionDeniedError,
        ExitCode.KEY,
        _always("see in your CometAPI account which models this key may use"),
    ),
    (
        errors.InsufficientQuotaError,
        ExitCode.QUOTA,
        _always("top up the account or raise this key's quota, then run it again"),
    ),
    (errors.TaskTimeoutError, ExitCode.TIMEOUT, _repeat_with_task_id("tasks", "wait")),
    (errors.TaskFailedError, ExitCode.TASK, _advise_on_failed_task),
    (errors.TaskCancelledError, ExitCode.TASK, _always("submit it again if you still want it")),
    (
        errors.TaskNotFoundError,
        ExitCode.GATEWAY,
        _advise_on_missing_task,
    ),
    (
        errors.SubmissionUnknownError,
        ExitCode.UNKNOWN,
        _advise_on_unknown_outcome,
    ),
    (
        errors.BudgetExceededError,
        ExitCode.BUDGET,
        _advise_on_budget,
    ),
    (errors.DownloadError, ExitCode.DOWNLOAD, _repeat_with_task_id("tasks", "download")),
    (
        errors.RateLimitError,
        ExitCode.GATEWAY,
        _always("the gateway asks for a slower pace: run it again later"),
    ),
    (
        errors.BadRequestError,
        ExitCode.GATEWAY,
        _advise_on_bad_request,
    ),
    (errors.APIConnectionError, ExitCode.GATEWAY, _advise_on_connection),
    (errors.RunwayError, ExitCode.GATEWAY, _advise_on_status),
)
