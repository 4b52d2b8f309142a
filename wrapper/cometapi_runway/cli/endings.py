"""How a command can end: its exit code, what is said, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import field, frozen

from cometapi_runway import errors
from cometapi_runway._core.json_values import JSON
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli import NAME
from cometapi_runway.cli.words import kebab

_NO_KEY: Final = "no CometAPI key"


class Exit(IntEnum):
    """Exit codes. Scripts rely on them: a number never changes its meaning."""

    SUCCESS = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    KEY = 4
    QUOTA = 5
    TASK = 6
    TIMEOUT = 7
    UNKNOWN = 8
    GATEWAY = 9
    DOWNLOAD = 10
    OUTPUT = 11
    INTERRUPTED = 130


MEANINGS: Final[Mapping[Exit, str]] = MappingProxyType(
    {
        Exit.SUCCESS: "done",
        Exit.BUG: "an error of this program",
        Exit.USAGE: "wrong usage or settings; nothing was sent",
        Exit.REFUSED: "refused by the contract; nothing was sent",
        Exit.KEY: "the key is not accepted, or may not do this",
        Exit.QUOTA: "the balance or the key's quota does not cover it",
        Exit.TASK: "the task failed or was cancelled",
        Exit.TIMEOUT: "the wait ended; the task goes on",
        Exit.UNKNOWN: "nobody knows whether it was accepted; it may be charged",
        Exit.GATEWAY: "the gateway is not reachable, or gave another error",
        Exit.DOWNLOAD: "an output could not be saved; it can be tried again",
        Exit.OUTPUT: "standard output cannot be written; tasks go on",
        Exit.INTERRUPTED: "interrupted with Ctrl-C; tasks go on",
    }
)


class UsageError(Exception):
    """A command that cannot be carried out as it was given.

    Attributes:
        advice: What to do instead.
    """

    def __init__(self, message: str, advice: str = f"see {NAME} --help") -> None:
        self.advice = advice
        super().__init__(message)


class OutputError(Exception):
    """A result that has nowhere to go: the disk is full, or standard output is closed.

    Args:
        error: What came of writing it.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror}")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while tasks were on their way.

    Attributes:
        message: What was going on.
        advice: The command that takes it up again.
    """

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(message)


@frozen
class Ending:
    """A failure as it is told.

    Attributes:
        code: The exit code.
        kind: Class of the error, for programs.
        message: What happened.
        advice: One line: what to do next.
        task_id: The task concerned, or None.
        details: Further lines, such as every issue of a refused request.
        facts: What programs are told beside all that.
    """

    code: Exit
    kind: str
    message: str
    advice: str
    task_id: str | None = None
    details: tuple[str, ...] = field(default=())
    facts: Mapping[str, JSON] = field(factory=dict[str, JSON])


def command(*words: str) -> str:
    """A command line of this program, ready to be pasted."""
    return shlex.join((NAME, *words))


def ending(error: BaseException, save: Sequence[str] = ()) -> Ending:
    """What an error means to the person at the terminal.

    Args:
        error: Any error that a command raised.
        save: Options that a command to go on with must repeat.
    """
    if isinstance(error, errors.InvalidRequestError):
        return _refused(error)
    for kind, code, advise in _TABLE:
        if isinstance(error, kind):
            task_id = getattr(error, "task_id", None)
            message = _message(error)
            return Ending(code, type(error).__name__, message, advise(error, save), task_id)
    if type(error).__module__ == "sqlite3":
        # By its name, since help should not load a database.
        advice = "give another file with --journal FILE, or --no-journal"
        return Ending(Exit.USAGE, type(error).__name__, f"the journal: {error}", advice)
    message = f"unexpected {type(error).__name__}: {error}"
    return Ending(
        Exit.BUG, type(error).__name__, message, "run it again with --debug and report it"
    )


def _refused(error: errors.InvalidRequestError) -> Ending:
    lines = tuple(told(issue) for issue in error.issues)
    advice = "nothing was sent; correct it and run it again"
    if any(issue.rule == "unknown" for issue in error.issues):
        advice += ", or add --no-validate for what is newer than the contract"
    kind = type(error).__name__
    return Ending(Exit.REFUSED, kind, lines[0], advice, error.task_id, lines[1:])


def told(issue: errors.Issue) -> str:
    """An issue in terms of the command line: ``--expression-intensity must be at most 5 …``."""
    head = issue.path.strip("/").split("/", 1)[0]
    if issue.rule == "required" and head == issue.path:
        return f"--{kebab(head)} must be given ({issue.rule})"
    if not issue.path.startswith("/") or not issue.message.startswith(issue.path):
        return issue.message
    rest = issue.message.removeprefix(f"/{head}")
    inner, gap, words = rest.partition(" ")
    place = f" ({inner.strip('/:')})" if inner.strip("/:") else ""
    colon = ":" if inner.endswith(":") else ""
    return f"--{kebab(head)}{place}{colon}{gap}{words}"


def _message(error: BaseException) -> str:
    # The library's own texts give their advice in Python.
    if isinstance(error, errors.TaskTimeoutError):
        seen = error.task_details.status if error.task_details else "never seen"
        why = f"; the last question: {error.__cause__}" if error.__cause__ else ""
        return (
            f"the wait for task {error.task_id} ended before the task did (last state: {seen}{why})"
        )
    if isinstance(error, errors.TaskNotFoundError):
        why = f" ({error.__cause__})" if error.__cause__ else ""
        return f"task {error.task_id} is not known to the gateway{why}"
    if isinstance(error, errors.TaskFailedError):
        # What to do is said on its own line.
        return str(error).removesuffix(f". {error.advice}")
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    if isinstance(error, errors.ConfigurationError) and _NO_KEY in str(error):
        return f"{_NO_KEY}: {KEY_VARIABLE} is not set"
    return str(error) or type(error).__name__


_Advise: TypeAlias = Callable[[BaseException, Sequence[str]], str]


def _say(words: str) -> _Advise:
    return lambda _error, _save: words


def _with_id(*before: str) -> _Advise:
    def advise(error: BaseException, save: Sequence[str]) -> str:
        return command(*before, getattr(error, "task_id", None) or "TASK_ID", *save)

    return advise


def _configuration(error: BaseException, _save: Sequence[str]) -> str:
    words = str(error)
    if _NO_KEY in words:
        return f"export {KEY_VARIABLE}=<your key>; `{command('demo')}` needs none"
    if "journal" in words:
        return "give another file with --journal FILE, or work without a record: --no-journal"
    return f"correct the setting; `{command('doctor')}` shows them all"


def _connection(error: BaseException, _save: Sequence[str]) -> str:
    sent = isinstance(error, errors.APIConnectionError) and error.delivery == "not_sent"
    head = "nothing was sent; " if sent else ""
    return f"{head}check the network and the address; `{_DOCTOR}` tests them"


def _failed(error: BaseException, _save: Sequence[str]) -> str:
    advice = error.advice if isinstance(error, errors.TaskFailedError) else ""
    return f"{advice}. A new task is charged anew"


def _usage(error: BaseException, _save: Sequence[str]) -> str:
    return error.advice if isinstance(error, UsageError) else f"see {NAME} --help"


def _interrupted(error: BaseException, _save: Sequence[str]) -> str:
    return error.advice if isinstance(error, Interrupted) else "run it again"


_DOCTOR = command("doctor")
# The first class that fits; so the special ones come first.
_TABLE: Final[tuple[tuple[type[BaseException], Exit, _Advise], ...]] = (
    (UsageError, Exit.USAGE, _usage),
    (
        OutputError,
        Exit.OUTPUT,
        _say(f"send it somewhere else; `{command('tasks', 'list')}` has every task on record"),
    ),
    (Interrupted, Exit.INTERRUPTED, _interrupted),
    (KeyboardInterrupt, Exit.INTERRUPTED, _interrupted),
    (errors.ConfigurationError, Exit.USAGE, _configuration),
    (
        errors.AuthenticationError,
        Exit.KEY,
        _say(f"put a valid key into {KEY_VARIABLE}; `{_DOCTOR}` tests it without cost"),
    ),
    (
        errors.PermissionDeniedError,
        Exit.KEY,
        _say("look in your CometAPI account which models this key may use"),
    ),
    (
        errors.InsufficientQuotaError,
        Exit.QUOTA,
        _say("top up the account or raise this key's quota, then run it again"),
    ),
    (errors.TaskTimeoutError, Exit.TIMEOUT, _with_id("tasks", "wait")),
    (errors.TaskFailedError, Exit.TASK, _failed),
    (errors.TaskCancelledError, Exit.TASK, _say("submit it anew if it is still wanted")),
    (
        errors.TaskNotFoundError,
        Exit.GATEWAY,
        _say(
            f"check the id and the account's key; yours are in `{command('tasks', 'list')}`, "
            "and one made by `compat` elsewhere needs --route feed"
        ),
    ),
    (
        errors.SubmissionUnknownError,
        Exit.UNKNOWN,
        _say(
            "look into the usage log of your CometAPI account before you repeat it; "
            f"`{command('tasks', 'list')}` has it on record"
        ),
    ),
    (errors.DownloadError, Exit.DOWNLOAD, _with_id("tasks", "download")),
    (
        errors.RateLimitError,
        Exit.GATEWAY,
        _say("the gateway asks for a slower pace: run it again in a while"),
    ),
    (errors.BadRequestError, Exit.GATEWAY, _say("change the request as the gateway says")),
    (errors.APIConnectionError, Exit.GATEWAY, _connection),
    (errors.RunwayError, Exit.GATEWAY, _say(f"run it again; `{_DOCTOR}` shows what works")),
)
