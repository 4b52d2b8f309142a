"""``doctor --live`` names each deviation from the contract, and creates no task."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve, frozen

from cometapi_runway import RunwayClient
from cometapi_runway._live_check._questions import make_questions
from cometapi_runway._live_check._verdicts import Finding, Verdict
from cometapi_runway.cli._actions import live_check, live_spend
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.journal import Journal
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.simulator import Fault, Gateway, When
from cometapi_runway.validation import contract

from ...unit.support.contracts import make_contract
from .lying_gateway import BASE_URL, DEVIATIONS, Deviation, Wire, is_read, reads, respond
from .terminal import KEY, CommandResult, Terminal

LIVE = ("doctor", "--live")
SPEND = (*LIVE, "--spend", "--yes")
QUESTIONS = len(make_questions(contract(), "2024-11-06"))
CODES = {
    Verdict.KEY_REFUSED: ExitCode.KEY,
    Verdict.NO_QUOTA: ExitCode.QUOTA,
}


@frozen
class WireClock:
    """A clock that the wire moves."""

    wire: Wire

    def now(self) -> float:
        return self.wire.now

    def sleep(self, seconds: float) -> None:
        self.wire.now += seconds


@pytest.fixture
def connect(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[[Wire], Wire]:
    """Lets the command's clients send over a wire."""

    def make(wire: Wire) -> Wire:
        monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", BASE_URL)
        client = partial(RunwayClient, transport=wire, clock=WireClock(wire))
        monkeypatch.setattr("cometapi_runway.cli._actions.client.RunwayClient", client)
        return wire

    return make


def read_evidence(folder: Path = Path("live-evidence")) -> dict[str, Any]:
    (file,) = folder.glob("*.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def list_verdicts(evidence: dict[str, Any]) -> set[str]:
    return {verdict for one in evidence["questions"] for verdict in one["verdicts"]}


def list_creates(gateway: Gateway) -> list[str]:
    """The operations of requests that could create a task."""
    return [
        str(one.operation)
        for one in gateway.requests
        if one.origin == "api"
        and one.method != "GET"
        and one.operation != "feed_get_task"
        and one.operation is not None
    ]


def test_a_faithful_gateway_has_no_deviation(run: Terminal, gateway: Gateway) -> None:
    result = run(*LIVE)

    assert result.code == ExitCode.SUCCESS
    assert f"\n\n0 deviations in {QUESTIONS} answers\nevidence: " in result.out
    head = rf"{QUESTIONS} questions to http://127\.0\.0\.1:\d+; none of them creates a task\n"
    assert re.match(head, result.err)
    assert list_verdicts(read_evidence()) == {Verdict.AS_EXPECTED}
    assert gateway.tasks == {}
    assert list_creates(gateway) == []
    posts = [one.path for one in gateway.requests if one.method == "POST"]
    assert posts == ["/runway/feed"] * 3
    assert len(gateway.requests) == QUESTIONS
    assert not list(Path("live-evidence").rglob("*.toml"))
    assert not Path("journal.sqlite3").exists()


@pytest.mark.parametrize("missing", ["400", "200", "status"])
def test_each_documented_form_of_an_unknown_task_is_expected(
    connect: Callable[[Wire], Wire], run: Terminal, missing: Any
) -> None:
    wire = Wire()
    wire.truth.gateway = Gateway(keys={KEY}, missing=missing)
    connect(wire)
    assert run(*LIVE).code == ExitCode.SUCCESS


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: one.name)
def test_each_deviation_is_named(
    connect: Callable[[Wire], Wire], run: Terminal, deviation: Deviation
) -> None:
    wire = connect(Wire(deviation.lie))

    result = run(*LIVE)

    expected = {str(one) for one in deviation.verdicts}
    assert list_verdicts(read_evidence()) - {Verdict.AS_EXPECTED} == expected
    for verdict in expected:
        assert re.search(f" {verdict}$", result.out, re.MULTILINE), result.out
        assert re.search(rf"^{verdict}: ", result.out, re.MULTILINE), result.out
    (verdict, *_) = deviation.verdicts
    assert result.code == CODES.get(verdict, ExitCode.GATEWAY)
    assert max(map(len, result.out.splitlines())) <= 80
    assert wire.creates == []
    for file in Path("live-evidence").rglob("*.*"):
        assert KEY not in file.read_text("utf-8")


def test_every_verdict_has_a_deviation() -> None:
    seeded = {verdict for one in DEVIATIONS for verdict in one.verdicts}
    alone = {Verdict.AS_EXPECTED, Verdict.SLOW, Verdict.HEADER_NOT_REQUIRED}
    assert seeded == set(Verdict) - alone
    assert len({frozenset(one.verdicts) for one in DEVIATIONS}) >= len(seeded)


def test_a_slow_answer_is_named(connect: Callable[[Wire], Wire], run: Terminal) -> None:
    wire = Wire()

    def take_time(request: httpx.Request) -> None:
        wire.now += 6.0 if is_read(request) else 1.0

    wire.lie = take_time
    connect(wire)
    assert run(*LIVE).code == ExitCode.GATEWAY
    assert list_verdicts(read_evidence()) == {Verdict.AS_EXPECTED, Verdict.SLOW}


def test_shapes_become_files_that_contract_drift_reads(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    connect(Wire(reads(respond(400, {"code": "task_not_exist", "message": "m", "trace": "t"}))))
    result = run(*LIVE)
    assert "contract drift live-evidence" in result.err
    drift = run("contract", "drift", "live-evidence")
    assert drift.code == ExitCode.SUCCESS
    assert "field /trace is not documented" in drift.out
    assert "left out" not in drift.err


def test_a_question_without_an_answer_now_and_then_does_not(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    def drop(request: httpx.Request) -> None:
        if len(wire.seen) % 2:
            raise httpx.ConnectError("Connection refused", request=request)

    wire = connect(Wire(drop))
    result = run(*LIVE)
    assert len(wire.seen) == QUESTIONS
    assert " without an answer\n" in result.out


def test_silence_ends_the_questions(connect: Callable[[Wire], Wire], run: Terminal) -> None:
    (deviation,) = [one for one in DEVIATIONS if one.name == "no connection"]
    wire = connect(Wire(deviation.lie))

    result = run(*LIVE)

    assert result.code == ExitCode.GATEWAY
    assert "the gateway does not answer" in result.err
    assert len(wire.seen) == 2
    summary = f"0 deviations in 0 answers; 2 without an answer; {QUESTIONS - 2} not asked"
    assert summary in result.out


@pytest.mark.parametrize(
    ("variable", "value", "code", "text"),
    [
        ("COMETAPI_KEY", "", ExitCode.USAGE, "COMETAPI_KEY is not set"),
        ("COMETAPI_KEY", "sk-of-another", ExitCode.KEY, "put a valid key into COMETAPI_KEY"),
        ("COMETAPI_RUNWAY_BASE_URL", "nonsense", ExitCode.USAGE, "base_url"),
        ("COMETAPI_RUNWAY_BASE_URL", "http://127.0.0.1:1", ExitCode.GATEWAY, "does not answer"),
    ],
)
def test_problems_have_their_message_and_exit_code(
    run: Terminal,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    code: ExitCode,
    text: str,
) -> None:
    monkeypatch.setenv(variable, value)
    result = run(*SPEND)
    assert result.code == code
    assert text in result.everything
    assert list_creates(gateway) == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("doctor", "--spend"), "--spend needs --live"),
        (("doctor", "--evidence", "x"), "--evidence needs --live"),
        ((*LIVE, "--yes"), "need --spend"),
        ((*LIVE, "--spend"), "there is no terminal to ask at"),
        ((*SPEND, "--no-journal"), "--spend needs the journal"),
        ((*LIVE, "--evidence", "/dev/null/x"), "choose another one with --evidence"),
    ],
)
def test_wrong_usage_sends_nothing(
    run: Terminal,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    text: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    result = run(*words)
    assert result.code == ExitCode.USAGE
    assert text in result.err
    assert gateway.requests == ()


def test_ctrl_c_keeps_what_came(connect: Callable[[Wire], Wire], run: Terminal) -> None:
    wire = Wire()

    def interrupt(_: httpx.Request) -> None:
        if len(wire.seen) == 4:
            raise KeyboardInterrupt

    wire.lie = interrupt
    connect(wire)
    result = run(*SPEND)
    assert result.code == ExitCode.INTERRUPTED
    assert f"interrupted after 3 of {QUESTIONS} questions; nothing was created" in result.err
    assert len(read_evidence()["questions"]) == 3
    assert wire.creates == []


def test_spending_sends_one_create_however_often_it_runs(
    connect: Callable[[Wire], Wire], run: Terminal, journal: Journal
) -> None:
    wire = connect(Wire())
    first = run(*SPEND, "--output", "out")
    again = run(*SPEND, "--output", "out")

    assert (first.code, again.code) == (ExitCode.SUCCESS, ExitCode.SUCCESS)
    assert [one.url.path for one in wire.creates] == ["/runwayml/v1/text_to_image"]
    assert "0.32 USD" in first.err
    assert "one of them may be cheaper" in first.err
    assert "nothing was sent" in again.err
    assert len(list(Path("out").iterdir())) == 1
    (submission,) = journal.tasks()
    assert submission.idempotency_key == "doctor --live text_to_image"
    sent = json.loads(wire.creates[0].content)
    assert contract().check_body("generate_an_image_from_text", sent) == ()
    shown = first.err.partition("-d '")[2].partition("'\n")[0]
    assert json.loads(shown) == sent


def test_another_idempotency_key_buys_another_task(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    wire = connect(Wire())
    for key in ("one", "two", "one"):
        assert run(*SPEND, "--idempotency-key", key).code == ExitCode.SUCCESS
    assert len(wire.creates) == 2


def test_the_cheapest_price_of_the_contract_is_the_one_offered(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    connect(Wire())
    prices = [
        float(price["amount"])  # type: ignore[index,arg-type,call-overload] # JSON
        for one in contract().operations
        if (price := one.document.get("x-price"))
    ]
    assert f"price:   {min(prices)} USD" in run(*SPEND).err


def test_without_a_price_nothing_is_bought(
    connect: Callable[[Wire], Wire], run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = connect(Wire())
    monkeypatch.setattr(live_spend, "read_price", lambda _: None)
    result = run(*SPEND)
    assert result.code == ExitCode.USAGE
    assert "error: the contract names no price; nothing was sent\nnext:  leave out" in result.err
    assert wire.creates == []


def test_spending_records_every_shape_without_a_secret(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    wire = connect(Wire())
    assert run(*SPEND, "--evidence", "found/here").code == ExitCode.SUCCESS
    evidence = read_evidence(Path("found/here"))
    operations = {one["operation"] for one in evidence["responses"]}
    assert operations == {"generate_an_image_from_text", "runway_to_get_task_details"}
    spent = {"operation": "generate_an_image_from_text", "price": "0.32", "exit_code": 0}
    assert evidence["spent"] == spent
    text = json.dumps(evidence)
    (task,) = wire.truth.gateway.tasks
    for secret in (KEY, task, "Signature", "red paper boat", "cdn.britannica"):
        assert secret not in text


def test_a_lost_response_is_never_sent_again(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    wire = connect(Wire())
    fault = Fault("reset", acted=True, when=When("text_to_image"))
    wire.truth.gateway.faults.queue(fault)
    first, again = run(*SPEND), run(*SPEND)
    assert (first.code, again.code) == (ExitCode.UNKNOWN, ExitCode.UNKNOWN)
    assert len(wire.creates) == 1


def test_a_budget_of_the_settings_file_holds(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    Path("config.toml").write_text("[cometapi-runway]\nmax-cost = 0.1\n")
    wire = connect(Wire())
    assert run(*SPEND).code == ExitCode.BUDGET
    assert wire.creates == []


def test_a_body_that_the_contract_forbids_is_not_sent(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    wire = connect(Wire())
    body = {**live_spend.make_example_body(live_spend.find_offer().resource), "promptText": ""}
    result = run(*SPEND, "--json", json.dumps(body))
    assert result.code == ExitCode.REFUSED
    assert "to buy:" not in result.err
    assert wire.creates == []


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "count"), [("y\n", 1), ("yes\n", 1), ("\n", 0), ("", 0)])
def test_without_consent_nothing_is_bought(
    connect: Callable[[Wire], Wire],
    run: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    count: int,
) -> None:
    wire = connect(Wire())
    monkeypatch.setattr("sys.stdin", FakeTerminal(answer))
    result: CommandResult = run(*LIVE, "--spend")
    assert result.code == ExitCode.SUCCESS
    assert len(wire.creates) == count
    assert ("nothing was bought" in result.err) is (count == 0)
    before, _, after = result.err.partition("Send it and pay? [y/N]")
    assert "curl -X POST" in before
    assert re.search(r"its idempotency key is '[^']+'", before)
    assert "`cometapi-runway text-to-image --help` explains its fields" in " ".join(before.split())
    assert "submitted" not in before
    assert ("submitted" in after) is (count == 1)


def test_the_question_is_seen_before_its_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.BytesIO()

    class Keyboard:
        def readline(self) -> str:
            assert seen.getvalue().endswith(b"[y/N] ")
            return "yes\n"

    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(seen, line_buffering=True))
    monkeypatch.setattr("sys.stdin", Keyboard())
    assert live_spend.ask_consent()


BLOCKING = {
    Verdict.HTML_PAGE,
    Verdict.REDIRECT,
    Verdict.KEY_REFUSED,
    Verdict.NO_QUOTA,
    Verdict.UNKNOWN_ID_FOUND,
    Verdict.NO_ANSWER,
    Verdict.NO_CONNECTION,
    Verdict.OTHER_CODE,
}


@pytest.mark.parametrize(
    "deviation",
    [one for one in DEVIATIONS if one.verdicts & BLOCKING],
    ids=lambda one: one.name,
)
def test_nothing_is_bought_where_tasks_cannot_be_read(
    connect: Callable[[Wire], Wire], run: Terminal, deviation: Deviation
) -> None:
    wire = connect(Wire(deviation.lie))
    result = run(*SPEND)
    assert wire.creates == []
    assert "nothing was bought" in result.err


def test_programs_get_one_event_for_each_question(run: Terminal) -> None:
    result = run(*LIVE, "--format", "json")
    events = [one["event"] for one in result.results]
    assert events == ["question"] * QUESTIONS + ["live"]
    assert {one["verdicts"][0] for one in result.results[:-1]} == {"as expected"}
    (*_, end) = result.results
    assert end.keys() == {"event", "time", "deviations", "asked", "evidence"}
    assert (end["deviations"], end["asked"]) == (0, QUESTIONS)


def test_a_deviation_has_lines_that_fit_and_a_code_for_programs(
    connect: Callable[[Wire], Wire], run: Terminal
) -> None:
    (deviation,) = [one for one in DEVIATIONS if one.name == "no connection"]
    connect(Wire(deviation.lie))
    (*_, end) = run(*LIVE, "--format", "json").progress
    assert (end["event"], end["error"]) == ("error", "LiveDeviation")
    finding = Finding(Verdict.NO_ANSWER, " ".join(["word"] * 40))
    first, *more = live_check._describe(finding, 2).splitlines()
    assert re.fullmatch(r"[^:]+:( word)+", first)
    assert all(re.fullmatch(r"  word( word)*( \(2 answers\))?", line) for line in more)


def test_the_table_has_one_heading_and_each_operation_once(run: Terminal) -> None:
    lines = run(*LIVE).out.splitlines()
    assert [line.split() for line in lines if line.startswith("question")] == [
        ["question", "contract", "came", "verdict"]
    ]
    heads = [line for line in lines if re.match("(GET|POST) /", line)]
    operations = {
        one.operation.id: one.operation for one in make_questions(contract(), "2024-11-06")
    }
    assert heads == [
        f"{one.method} {one.path}" + ("" if one.is_read else "  (not sent)")
        for one in operations.values()
    ]


def test_an_example_body_is_valid_and_names_nothing_that_does_not_exist() -> None:
    for resource in list_client_resources():
        body = live_spend.make_example_body(resource)
        assert contract().check_body(resource.operation.id, body) == ()
        assert "example.com" not in json.dumps({**body, "callback_url": ""})
        model = body.get("model")
        assert model is None or "/" not in str(model), "no picture"


def test_a_body_of_a_page_without_an_example_has_what_its_schema_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = {"type": "string", "examples": ["first", "second"]}
    placeholder = {"type": "string", "examples": ["https://example.com/a.png", "https://h.test/b"]}
    schema = {
        "type": "object",
        "required": ["named", "picture", "list", "text", "object"],
        "properties": {
            "named": named,
            "picture": placeholder,
            "list": {"type": "array", "items": {"enum": ["only"]}},
            "text": {"type": "string"},
            "object": {"type": "object", "required": ["a"], "properties": {"a": named}},
            "left_out": named,
        },
    }
    (resource,) = list_client_resources(make_contract(schema))
    pictures = [("compat", "https://h.test/1.png"), ("official", "https://h.test/2.png")]
    for known, picture in ((pictures, pictures[1][1]), (pictures[:1], pictures[0][1]), ([], None)):
        monkeypatch.setattr(live_spend, "_list_pictures", lambda _, known=known: known)
        assert live_spend.make_example_body(resource) == {
            "named": "first",
            "picture": picture or placeholder["examples"][0],
            "list": ["only"],
            "text": live_spend._PROMPT,
            "object": {"a": "first"},
        }


def test_a_picture_is_an_address_with_the_suffix_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("a.jpg", "b.JPEG", "c.png", "d.webp", "e.mp4", "jpg")
    addresses = [f"https://h.test/{name}" for name in names]
    others = ["http://h.test/a.jpg", "https://example.com/a.jpg", "a.jpg"]
    (one, *_) = list_client_resources()
    body = {"a": [addresses, {"b": others}], "c": 5}
    monkeypatch.setattr(type(one), "example", body)
    monkeypatch.setattr(live_spend, "list_client_resources", lambda _: (one,))
    found = list(live_spend._list_pictures(contract()))
    assert found == [(one.operation.tag, address) for address in addresses[:4]]


@pytest.mark.parametrize("unpriced", [(), ("act_two", "video_upscale")])
def test_an_offer_names_what_it_does_not_know(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, unpriced: tuple[str, ...]
) -> None:
    offer = evolve(live_spend.find_offer(), unpriced=unpriced)
    monkeypatch.setattr(live_spend, "find_offer", lambda: offer)
    monkeypatch.setattr("sys.stdin", FakeTerminal("no\n"))
    result = run(*LIVE, "--spend")
    assert "nothing was bought" in result.err
    # What does not fit into a line goes on below its text.
    assert re.search(r"^once:    \S.*\n {9}\S", result.err, re.MULTILINE)
    remark = f"unknown: the prices of {', '.join(unpriced)}; one of them may be cheaper"
    assert (remark in " ".join(result.err.split())) is bool(unpriced)
    names = ["price", *(["unknown"] if unpriced else []), "once", "other"]
    assert re.findall(r"^(\w+): +\S", result.err.partition("curl ")[2], re.M) == names


def test_an_offer_is_shown_as_it_would_be_sent(
    connect: Callable[[Wire], Wire], run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(Wire())
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", "https://other.example.com")
    monkeypatch.setattr("sys.stdin", FakeTerminal("no\n"))
    options = ("--base-url", BASE_URL, "--runway-version", "2031-01-02")
    result = run(*LIVE, "--spend", *options)
    assert result.code == ExitCode.SUCCESS
    assert f"curl -X POST {BASE_URL}/" in result.err
    assert "X-Runway-Version: 2031-01-02" in result.err
    assert "other.example.com" not in result.everything


def test_an_interruption_of_the_question_buys_nothing(
    connect: Callable[[Wire], Wire], run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> str:
        raise KeyboardInterrupt

    wire = connect(Wire())
    monkeypatch.setattr(FakeTerminal, "readline", interrupt)
    monkeypatch.setattr("sys.stdin", FakeTerminal(""))
    result = run(*LIVE, "--spend")
    assert result.code == ExitCode.INTERRUPTED
    assert "[y/N] \nstop:  interrupted; nothing was bought\n" in result.err
    assert wire.creates == []
