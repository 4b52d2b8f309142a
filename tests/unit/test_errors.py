"""What each error carries, and that it can be copied and pickled."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest
from tests.cases import each_case

import cometapi_runway
from cometapi_runway import errors
from cometapi_runway._core.task import Task
from cometapi_runway._flows.read_response import find_error
from cometapi_runway._flows.submit import submit
from cometapi_runway._flows.wait import wait
from cometapi_runway.errors import Issue, RunwayError

from .support.both_clients import ID
from .support.fault_table import RUNNING, family, paced, page, platform
from .support.flow_runner import FlowRunner, submit_request, wait_request
from .support.responses import as_answer
from .support.scripted_transport import HANG, json_reply
from .support.virtual_time import FixedJitter

ISSUES = [
    Issue("/seed", "maximum", 2**32, "/seed: is too large"),
    Issue("model", "required", None, "model: is required"),
]


def from_a_wait(*events: Any) -> RunwayError:
    with pytest.raises(RunwayError) as caught:
        FlowRunner().run(
            wait(wait_request(timeout=20.0), started=0.0, rng=FixedJitter(0.0)), *events
        )
    return caught.value


def from_a_submission(*events: Any) -> RunwayError:
    with pytest.raises(RunwayError) as caught:
        FlowRunner().run(submit(submit_request(), started=0.0, rng=FixedJitter(1.0)), *events)
    return caught.value


def all_of_them() -> dict[str, RunwayError]:
    found = [
        errors.ConfigurationError("no key"),
        errors.MissingExtraError("mcp", "PIL"),
        errors.BudgetExceededError(Decimal(5), Decimal("4.8"), Decimal("0.32")),
        errors.InvalidRequestError(ISSUES),
        errors.ResponseDecodeError("strange", status_code=200, body="<html>"),
        errors.DownloadError("gone", url="https://a.example/x", task_id=ID),
        from_a_submission(HANG),
        from_a_wait(HANG),
        from_a_wait(RUNNING, platform(401, "no (request id: 2026)")),
        from_a_wait(platform(403, "no")),
        from_a_wait(platform(402, "no")),
        from_a_wait(family(400, "invalid_request")),
        from_a_wait(json_reply({"id": ID, "status": "FAILED", "failureCode": "ASSET.INVALID"})),
        from_a_wait(json_reply({"id": ID, "status": "CANCELLED"})),
        errors.TaskNotFoundError(ID, None, "not known"),
        from_a_submission(paced("300")),
        errors.APIConnectionError("reset", delivery="not_sent"),
        errors.APITimeoutError("late"),
    ]
    found += [error for reply in (page(404), page(502)) if (error := find_error(as_answer(reply)))]
    return {type(error).__name__: error for error in found}


ALL = all_of_them()


def sent(error: RunwayError) -> Any:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - dumped just now


def test_there_is_one_of_each_kind_that_is_raised() -> None:
    bases = {"RunwayError", "APIError", "APIStatusError", "TaskError"}
    kinds = {
        name for name in cometapi_runway.__all__ if name.endswith("Error") and name not in bases
    }
    assert ALL.keys() == kinds


@each_case("way", [sent, copy.copy, copy.deepcopy])
@each_case("name", ALL)
def test_it_arrives_whole(name: str, way: Any) -> None:
    error = ALL[name]
    error.add_note("a note")
    again = way(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert repr(again) == repr(error)
    for attribute, value in vars(error).items():
        assert repr(getattr(again, attribute)) == repr(value), attribute


def test_a_budget_is_the_default_one_in_dollars_unless_it_says_otherwise() -> None:
    error = errors.BudgetExceededError(Decimal(5), Decimal("4.8"), Decimal("0.32"))
    assert (error.unit, error.scope) == ("USD", "default")


def test_an_outcome_is_unknown_after_no_time_unless_it_says_otherwise() -> None:
    error = errors.SubmissionUnknownError("m", operation="o", fingerprint="f")
    assert (error.elapsed, error.seed, error.key) == (0.0, None, None)


def test_an_extra_that_is_not_installed_is_missing() -> None:
    error = errors.MissingExtraError("mcp", "PIL")
    assert (error.is_missing, error.setting, error.name) == (True, None, "PIL")


@each_case(
    ("path", "argument", "described"),
    [
        ("/seed", "seed", "m"),
        ("/options/seed", "seed", "m"),
        ("/seed/0", "seed", "m"),
        ("/promptText", None, "m"),
        ("/promptText", "prompt_text", "prompt_text: m"),
        ("/seeds", "seed", "seed: m"),
    ],
)
def test_an_argument_is_named_where_the_field_has_another_name(
    path: str, argument: str | None, described: str
) -> None:
    assert errors.Issue(path, "type", 1, "m", argument).describe() == described


def test_a_failure_is_a_sentence_of_its_own() -> None:
    for failure in ("no face in clip X", "no face in clip X."):
        error = errors.TaskFailedError("t", Task("t", "FAILED", failure=failure))
        assert str(error) == f"task t failed: no face in clip X. {error.advice}"


class TestInvalidRequest:
    def test_one_problem_is_its_message(self) -> None:
        assert str(errors.InvalidRequestError(ISSUES[:1])) == "/seed: is too large"

    def test_several_are_listed(self) -> None:
        text = str(errors.InvalidRequestError(ISSUES))
        assert text.startswith("2 problems; nothing was sent:")
        assert [issue.message in text for issue in ISSUES] == [True, True]


class TestTask:
    def test_the_id_is_on_every_error_that_follows_a_submission(self) -> None:
        for name in ("TaskTimeoutError", "TaskFailedError", "TaskCancelledError", "DownloadError"):
            assert ALL[name].task_id == ID

    def test_the_id_is_in_the_words_of_every_task_error(self) -> None:
        for kind in (errors.TaskFailedError, errors.TaskTimeoutError, errors.TaskCancelledError):
            assert ID in str(kind(ID))
            assert ID in str(kind(ID, Task(ID, "FAILED")))

    def test_before_a_submission_there_is_none(self) -> None:
        assert errors.ConfigurationError("no key").task_id is None
        assert errors.InvalidRequestError(ISSUES).task_id is None
