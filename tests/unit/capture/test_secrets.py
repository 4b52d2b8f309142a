"""No file holds a secret, wherever in a response one stands."""

from __future__ import annotations

import json
import string
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cometapi_runway._capture._recorder import ResponseRecorder
from cometapi_runway._capture._redact import (
    EXAMPLE_ID,
    EXAMPLE_URL,
    redact_response,
    redact_value,
)
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret

from ..support import corpus

SEEDS = range(30)
KEY = "sk-capturekeywithoutdigits"
PROMPT = "a red fox, zanzibar, leaps over the gate at dawn"
OPERATIONS = ("runway_to_get_task_details", "feed_get_task", "control_a_character")
BODIES = [shape for shape in corpus.shapes("task", "creation", "error") if shape.body]


def make_secrets(dice: Random) -> list[str]:
    """A key, another key, a signed address, a token, a prompt, a picture."""
    letters = string.ascii_letters + string.digits
    other = "sk-" + "".join(dice.choices(letters, k=48))
    signature = "".join(dice.choices("0123456789abcdef", k=64))
    token = "eyJ" + ".".join("".join(dice.choices(letters + "-_", k=40)) for _ in range(3))
    url = f"https://{signature[:12]}.example/{signature}/output.mp4?X-Amz-Signature={signature}"
    return [KEY, other, url, token, PROMPT, f"data:image/png;base64,{signature}", signature]


def plant(value: Any, dice: Random, found: list[str]) -> Any:
    """A JSON value with secrets in some texts, in some names, and in fields of their own."""
    if isinstance(value, dict):
        planted = {
            (dice.choice(found) if dice.random() < 0.1 else name): plant(item, dice, found)
            for name, item in value.items()
        }
        if dice.random() < 0.5:
            planted[dice.choice(["note", "url", "token", "promptText", "status", "code"])] = (
                dice.choice(found)
            )
        return planted
    if isinstance(value, list):
        return [plant(item, dice, found) for item in value]
    if isinstance(value, str) and dice.random() < 0.4:
        secret = dice.choice(found)
        return dice.choice([secret, f"{value} {secret}", f"{secret}{value}", json.dumps([secret])])
    return value


def make_response(shape: corpus.Shape, dice: Random, found: list[str]) -> RawResponse:
    try:
        body = json.dumps(plant(json.loads(shape.body), dice, found)).encode()
    except ValueError:
        body = shape.body + dice.choice(found).encode()
    headers = {**shape.headers}
    if dice.random() < 0.3:
        names = ["content-type", "location", "retry-after", "set-cookie", "x-request-id"]
        headers[dice.choice(names)] = dice.choice(found)
    status = dice.choice([shape.status, shape.status, 418])
    return RawResponse("GET", f"/x?{dice.choice(found)}", status, headers, body)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_file_holds_a_secret(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)
    found = make_secrets(dice)
    recorder = ResponseRecorder(tmp_path, Secret(KEY))
    for shape in BODIES:
        operation, response = dice.choice(OPERATIONS), make_response(shape, dice, found)
        if recorder.is_new(operation, response):
            recorder.record(operation, response)
    files = list(tmp_path.rglob("*.toml"))
    assert len(files) > 20
    for file in files:
        text = file.read_text("utf-8") + file.name
        for secret in found:
            pieces = [secret, *(secret[i : i + 12] for i in range(8, len(secret) - 12, 12))]
            assert not [piece for piece in pieces if piece in text], file
        assert "zanzibar" not in text
        corpus.load(file)


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    recorder = ResponseRecorder(tmp_path, Secret(KEY))
    recorder.record(OPERATIONS[0], RawResponse("GET", "/", 418, {}, b"{}"))
    (file,) = tmp_path.rglob("*.toml")
    assert file.stat().st_mode & 0o077 == 0


def test_what_is_kept_of_a_response() -> None:
    """Words of fields that say what happened, times and small figures; of the others the shape."""
    word, time = "RUNNING", "2026-11-20T12:00:00Z"
    for name in ("action", "code", "failurecode", "failure_code", "progress", "refund", "state",
                 "status", "type", "failureCode", "STATUS"):  # fmt: skip
        assert redact_value({name: [word, "12.5%", 7, 12345]}) == {name: [word, "12.5%", 7, 0]}
        assert redact_value({name: "two words"}) == {name: "[hidden]"}
    for name in ("id", "task_id", "taskId"):
        assert redact_value({name: "t-1"}) == {name: EXAMPLE_ID}
    for value, kept in ((word, "[hidden]"), (time, time), (" ", ""), ("123", "0"), (5, 0),
                        (5.5, 0.0), (None, None), (True, True), ([{}], [{}]),
                        (" HTTPS://a.example/x?sig=1", EXAMPLE_URL),
                        ("http://a.example/x?sig=1", EXAMPLE_URL)):  # fmt: skip
        assert redact_value({"other": value}) == {"other": kept}
    response = RawResponse("GET", "https://a", 200, {}, b'{"status":"RUNNING","a":[1]}')
    body = '{\n  "status": "RUNNING",\n  "a": [\n    0\n  ]\n}'
    redacted = redact_response(response)
    assert (redacted.url, redacted.body.decode()) == ("", body)
