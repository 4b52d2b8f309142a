"""Compares what came of a question to what the contract expects.

The meaning of a response is judged on the response as it came. Words that are shown come from the
redacted one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from attrs import frozen

from cometapi_runway._capture._recorder import compare_response, describe_difference
from cometapi_runway._capture._redact import redact_response
from cometapi_runway._capture._shapes import get_media_type
from cometapi_runway._core.json_values import JSON, Object, as_object, parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import name_or_none
from cometapi_runway._core.task import TASK_NOT_EXIST
from cometapi_runway._flows.parse_task import parse_task
from cometapi_runway._flows.read_response import find_error, parse_response
from cometapi_runway._live_check._questions import Question, Reply
from cometapi_runway.errors import (
    APITimeoutError,
    AuthenticationError,
    InsufficientQuotaError,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodeError,
)
from cometapi_runway.validation import Contract

SLOW_SECONDS: Final = 5.0
"""A read that takes longer is worth a remark."""


class Verdict(StrEnum):
    """What a response says of the contract, or of the gateway."""

    AS_EXPECTED = "as expected"
    NO_CONNECTION = "no connection"
    NO_ANSWER = "no answer"
    SLOW = "slow"
    REDIRECT = "redirect"
    HTML_PAGE = "HTML page"
    KEY_REFUSED = "key refused"
    NO_QUOTA = "no quota"
    RATE_LIMITED = "rate limited"
    GATEWAY_FAILURE = "gateway failure"
    HEADER_REQUIRED = "header required"
    HEADER_NOT_REQUIRED = "header optional"
    WRONG_KEY_ACCEPTED = "wrong key accepted"
    UNKNOWN_ID_FOUND = "unknown id found"
    OTHER_CODE = "other code"
    CODE_TYPE = "type of code"
    OTHER_STATUS = "other status"
    METHOD_ACCEPTED = "method accepted"
    NEW_STATUS = "new status"
    NEW_CONTENT_TYPE = "content type"
    OTHER_ENVELOPE = "other envelope"
    NEW_FIELD = "new field"
    MISSING_FIELD = "missing field"
    OTHER_TYPE = "type of field"
    NEW_WORD = "new status word"


@frozen
class Finding:
    """One thing that a response shows.

    Attributes:
        verdict: What it is.
        detail: The same in a sentence.
    """

    verdict: Verdict
    detail: str


_BY_RULE: Final[Mapping[str, Verdict]] = {
    "status": Verdict.NEW_STATUS,
    "content-type": Verdict.NEW_CONTENT_TYPE,
    "envelope": Verdict.OTHER_ENVELOPE,
    "field": Verdict.NEW_FIELD,
    "missing": Verdict.MISSING_FIELD,
    "type": Verdict.OTHER_TYPE,
    "word": Verdict.NEW_WORD,
}
SHAPE_VERDICTS: Final = frozenset(_BY_RULE.values())
"""What ``contract drift`` can take in."""
# RFC 9110: what a server says to a method that a resource does not have, or to an unknown path.
_NO_SUCH_METHOD: Final = frozenset({404, 405})
# Their bodies are those of another server, so that their shape says nothing.
_WITHOUT_SHAPE: Final = frozenset({Verdict.REDIRECT, Verdict.HTML_PAGE})


def describe_expectation(question: Question) -> str:
    """What the contract expects of a response, in a few words."""
    match question.topic:
        case "wrong-key":
            return "401"
        case "GET":
            return "404 or 405"
        case "OPTIONS":
            return "2xx, 404, 405"
        case "without-headers" if _needs_headers(question):
            return "400"
        case _:
            return TASK_NOT_EXIST


def describe_reply(reply: Reply) -> str:
    """What came, in a few words: the status, and the code, status word or content type."""
    if reply.response is None:
        return judge_silence(reply).verdict
    response = redact_response(reply.response)
    status = str(response.status)
    if 300 <= response.status < 400:
        return f"{status} elsewhere"
    if _is_html(reply.response):
        return f"{status} HTML"
    error = find_error(response)
    if error is not None:
        return f"{status} {name_or_none(error.code) or ''}".rstrip()
    try:
        word = name_or_none(parse_task(parse_response(response)).status)
    except ResponseDecodeError:
        word = None
    return f"{status} {word or ''}".rstrip()


def judge(
    contract: Contract, question: Question, reply: Reply, *, is_readable: bool = False
) -> tuple[Finding, ...]:
    """What a reply shows; empty if it is as the contract expects.

    Args:
        contract: What is expected.
        question: What was asked.
        reply: What came.
        is_readable: Whether the same read with every header was answered as expected; only then
            can it be the headers that a refusal is about.
    """
    if reply.response is None:
        return (judge_silence(reply),)
    refusal = Verdict.HEADER_REQUIRED if is_readable else Verdict.OTHER_CODE
    found = list(_judge_meaning(contract, question, reply.response, refusal))
    if not any(one.verdict in _WITHOUT_SHAPE for one in found):
        found += _judge_shape(contract, question, reply.response)
    if reply.seconds > SLOW_SECONDS:
        found.append(Finding(Verdict.SLOW, f"it took {reply.seconds:.1f} s"))
    return tuple(found)


def judge_silence(reply: Reply) -> Finding:
    """Why there is no response."""
    error = reply.error
    if error is not None and error.delivery == "not_sent":
        return Finding(Verdict.NO_CONNECTION, str(error))
    if isinstance(error, APITimeoutError):
        return Finding(Verdict.NO_ANSWER, str(error))
    return Finding(Verdict.NO_ANSWER, f"the connection ended without a response: {error}")


def is_unknown_task(response: RawResponse) -> bool:
    """Whether a response says that there is no such task, as the client understands it."""
    error = find_error(response)
    return error is not None and error.code == TASK_NOT_EXIST


def _judge_meaning(
    contract: Contract, question: Question, response: RawResponse, refusal: Verdict
) -> Iterator[Finding]:
    obstacle = _find_obstacle(question, response)
    if obstacle is not None:
        yield obstacle
        return
    match question.topic:
        case "unknown-id":
            yield from _judge_unknown_id(contract, response, Verdict.OTHER_CODE)
        case "without-headers" if _needs_headers(question):
            if find_error(response) is None or is_unknown_task(response):
                yield Finding(Verdict.HEADER_NOT_REQUIRED, "the contract requires the header")
        case "without-headers":
            yield from _judge_unknown_id(contract, response, refusal)
        case "wrong-key":
            yield from _judge_wrong_key(response)
        case "GET" | "OPTIONS":
            yield from _judge_method(question, response)


def _find_obstacle(question: Question, response: RawResponse) -> Finding | None:
    """What keeps a response from answering any question."""
    status, error = response.status, find_error(response)
    if 300 <= status < 400:
        return Finding(Verdict.REDIRECT, "it was not followed; check the gateway's address")
    if _is_html(response):
        return Finding(
            Verdict.HTML_PAGE, f"HTTP {status} with a page, where the contract has only JSON"
        )
    if isinstance(error, RateLimitError):
        return Finding(Verdict.RATE_LIMITED, "run it again later")
    if isinstance(error, InsufficientQuotaError):
        return Finding(Verdict.NO_QUOTA, "the account's balance or the key's quota is used up")
    if status >= 500:
        return Finding(Verdict.GATEWAY_FAILURE, f"HTTP {status}; run it again later")
    is_own_key = question.topic != "wrong-key"
    if is_own_key and isinstance(error, AuthenticationError | PermissionDeniedError):
        return Finding(Verdict.KEY_REFUSED, f"HTTP {status} with your key")
    return None


def _judge_unknown_id(
    contract: Contract, response: RawResponse, refusal: Verdict
) -> Iterator[Finding]:
    error = find_error(response)
    if error is None:
        yield Finding(
            Verdict.UNKNOWN_ID_FOUND, f"HTTP {response.status} for an id that no task has"
        )
    elif error.code != TASK_NOT_EXIST:
        code = name_or_none(_redacted_code(response))
        shown = "no code" if code is None else f"the code {code}"
        yield Finding(refusal, f"HTTP {response.status} with {shown}, and not {TASK_NOT_EXIST}")
    else:
        yield from _judge_code_type(contract, response)


def _judge_code_type(contract: Contract, response: RawResponse) -> Iterator[Finding]:
    """Compare the type of a code to that of the contract's examples with the same fields."""
    try:
        body = as_object(parse_json(response.body))
    except ValueError:
        return
    if body is None or "code" not in body:
        return
    documented = {
        _name_type(example["code"])
        for example in _list_examples(contract)
        if example.keys() == body.keys()
    }
    kind = _name_type(body["code"])
    if documented and kind not in documented:
        examples = " or ".join(sorted(documented))
        yield Finding(
            Verdict.CODE_TYPE, f"the code is {kind}; the contract's examples have {examples}"
        )


def _name_type(value: JSON) -> str:
    return "text" if isinstance(value, str) else "a number" if isinstance(value, int) else "neither"


def _list_examples(contract: Contract) -> Iterator[Object]:
    """The example of each component schema."""
    components = as_object(contract.document.get("components")) or {}
    for schema in (as_object(components.get("schemas")) or {}).values():
        example: JSON = (as_object(schema) or {}).get("example")
        if found := as_object(example):
            yield found


def _judge_wrong_key(response: RawResponse) -> Iterator[Finding]:
    error = find_error(response)
    if error is None or error.code == TASK_NOT_EXIST:
        yield Finding(Verdict.WRONG_KEY_ACCEPTED, "a made-up key is not refused")
    elif not isinstance(error, AuthenticationError):
        yield Finding(
            Verdict.OTHER_STATUS, f"HTTP {response.status} for a wrong key, where 401 is documented"
        )


def _judge_method(question: Question, response: RawResponse) -> Iterator[Finding]:
    status, method = response.status, question.method
    if status in _NO_SUCH_METHOD or (method == "OPTIONS" and status < 300):
        return
    if status < 300:
        yield Finding(
            Verdict.METHOD_ACCEPTED, f"HTTP {status} to {method}, where the contract has POST"
        )
    else:
        yield Finding(Verdict.OTHER_STATUS, f"HTTP {status} to {method}, and not 404 or 405")


def _judge_shape(
    contract: Contract, question: Question, response: RawResponse
) -> Iterator[Finding]:
    if not question.is_read and not (response.status >= 400 and response.body.strip()):
        return
    redacted = redact_response(response)
    for one in compare_response(question.operation.id, redacted, contract):
        if question.is_read or one.rule != "status":
            yield Finding(_BY_RULE[one.rule], describe_difference(one))


def _is_html(response: RawResponse) -> bool:
    return get_media_type(response.headers.get("content-type", "")) == "text/html"


def _redacted_code(response: RawResponse) -> str | None:
    error = find_error(redact_response(response))
    return None if error is None else error.code


def _needs_headers(question: Question) -> bool:
    return any(one.required for one in question.operation.parameters_in("header"))
