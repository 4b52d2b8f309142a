"""The oracle against its own table of right and wrong requests.

The contract here is made for the purpose: it holds every construct the oracle judges and nothing
of the gateway's, so that a change of the real contract cannot hide a fault of the oracle.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from attrs import evolve, field, frozen

from cometapi_runway.validation import Contract, ContractError

DOCUMENT = yaml.safe_load(Path(__file__).with_name("validation_contract.yaml").read_text("utf-8"))
CONTRACT = Contract(DOCUMENT)
CLIPS = "https://api.example.com/v1/clips"
BODY = {"asset": {"type": "video", "uri": "https://cdn.example/a.mp4"}, "model": "fast"}
HEADERS = (
    ("Authorization", "Bearer sk-secret"),
    ("X-Version", "2024-11-06"),
    ("Content-Type", "application/json"),
)
MISSING = object()


@frozen
class Call:
    """A request that is right until a row changes it."""

    method: str = "POST"
    url: str = CLIPS
    headers: tuple[tuple[str, str], ...] = HEADERS
    content: bytes = field(factory=lambda: json.dumps(BODY).encode())
    meant: str | None = None

    def judged(self):
        issues = CONTRACT.check_request(
            self.method, self.url, self.headers, self.content, operation_id=self.meant
        )
        return sorted((issue.path, issue.rule) for issue in issues)


def post(**changes):
    return evolve(Call(), **changes)


def get(url, **changes):
    return evolve(Call("GET", url, (HEADERS[0],), b""), **changes)


def body(**changes):
    """The right body with some fields changed; MISSING takes one out."""
    merged = {name: value for name, value in {**BODY, **changes}.items() if value is not MISSING}
    return post(content=json.dumps(merged).encode())


def asset(**changes):
    merged = {**BODY["asset"], **changes}
    return body(asset={name: value for name, value in merged.items() if value is not MISSING})


def header(name, *values):
    kept = tuple(pair for pair in HEADERS if pair[0].lower() != name.lower())
    return post(headers=kept + tuple((name, value) for value in values))


LIST = CLIPS
READ = CLIPS + "/clip-1"

RIGHT = {
    "the least": post(),
    "every field": body(
        ratio="16:9", seed=4294967295, strength=1.5, weight=-2.25, due="2026-01-02T03:04:05Z",
        tags=["a", "b"], moderation={"threshold": "low"}, note=None,
    ),
    "a whole number spelt 59.0": post(content=json.dumps({**BODY, "seed": 59.0}).encode()),
    "the other branch": asset(type="image", position="first"),
    "a data URI": asset(uri="data:image/png;base64,AAAA"),
    "moderation as text": body(moderation="auto"),
    "charset utf-8": header("Content-Type", "application/json; charset=UTF-8"),
    "header names in another case": header("x-version", "2024-11-06"),
    "bearer in lower case": header("authorization", "bearer sk-secret"),
    "an unknown header": header("X-Trace", "1"),
    "length right": header("Content-Length", str(len(json.dumps(BODY)))),
    "no host": post(url="/v1/clips"),
    "usual port spelt out": post(url="https://API.example.com:443/v1/clips"),
    "no query": get(LIST),
    "every query parameter": get(LIST + "?limit=100&state=new&state=done&deep=true&cursor="),
    "joined list": get(LIST + "?sort=1,2"),
    "an id": get(READ),
    "an encoded id": get(CLIPS + "/a%20b%C3%A9"),
    "an id with dots": get(CLIPS + "/..a"),
    "no key needed": get(CLIPS + "/latest", headers=()),
    "meant and hit": get(READ, meant="read_clip"),
    "non-ASCII text": body(note="caf\u00e9 \U0001f600"),
}  # fmt: skip

WRONG = {
    # Where it goes
    "another host": (post(url="https://evil.example/v1/clips"), "server", "server"),
    "no TLS": (post(url="http://api.example.com/v1/clips"), "server", "server"),
    "another port": (post(url="https://api.example.com:8443/v1/clips"), "server", "server"),
    "a user in the address": (
        post(url="https://me:pw@api.example.com/v1/clips"), "server", "userinfo"
    ),
    "a fragment": (get(READ + "#x"), "path", "wire"),
    "a raw space": (get(CLIPS + "/a b"), "path", "wire"),
    "a raw line break": (get(CLIPS + "/a\nb"), "path", "wire"),
    "raw non-ASCII": (get(CLIPS + "/\u00e9"), "path", "wire"),
    "another method": (post(method="PUT"), "method", "method"),
    "method in lower case": (post(method="post"), "method", "method"),
    "another path": (post(url=CLIPS + "s"), "path", "path"),
    "a trailing slash after a fixed path": (get(CLIPS + "/"), "id", "empty"),
    "a doubled slash": (get("https://api.example.com//v1/clips"), "path", "path"),
    "path in capitals": (get("/v1/Clips"), "path", "path"),
    "an id of two dots": (get(CLIPS + "/.."), "id", "dot-segment"),
    "an id of two encoded dots": (get(CLIPS + "/%2E%2e"), "id", "dot-segment"),
    "an id of one dot": (get(CLIPS + "/."), "id", "dot-segment"),
    "dots before the path": (get("/v1/x/../clips"), "path", "dot-segment"),
    "an encoded slash": (get(CLIPS + "/a%2Fb"), "id", "encoded-slash"),
    "an encoded backslash": (get(CLIPS + "/a%5cb"), "id", "encoded-slash"),
    "an id too long": (get(CLIPS + "/" + "x" * 41), "id", "maxLength"),
    "an id that hits another operation": (
        get(CLIPS + "/latest", meant="read_clip"), "path", "operation"
    ),
    # Query
    "unknown query": (get(LIST + "?limits=1"), "limits", "unknown"),
    "query where none is": (get(READ + "?a=1"), "a", "unknown"),
    "query below minimum": (get(LIST + "?limit=0"), "limit", "minimum"),
    "query of another type": (get(LIST + "?limit=ten"), "limit", "type"),
    "query empty": (get(LIST + "?limit="), "limit", "type"),
    "Python's True": (get(LIST + "?deep=True"), "deep", "type"),
    "query repeated": (get(LIST + "?limit=1&limit=2"), "limit", "repeated"),
    "query item not in list": (get(LIST + "?state=new&state=old"), "state", "enum"),
    "joined list with a word": (get(LIST + "?sort=1,x"), "sort", "type"),
    "a broken escape": (get(LIST + "?cursor=%zz"), "cursor", "wire"),
    # Headers
    "no version": (header("X-Version"), "X-Version", "required"),
    "version malformed": (header("X-Version", "latest"), "X-Version", "pattern"),
    "version twice": (header("X-Version", "2024-11-06", "2024-11-07"), "X-Version", "repeated"),
    "header injection": (header("X-Note", "a\r\nEvil: 1"), "X-Note", "wire"),
    "header with NUL": (header("X-Note", "a\0"), "X-Note", "wire"),
    "header with leading space": (header("X-Note", " a"), "X-Note", "wire"),
    "header with trailing tab": (header("X-Note", "a\t"), "X-Note", "wire"),
    "header not ASCII": (header("X-Note", "caf\u00e9"), "X-Note", "wire"),
    "header name with colon": (header("X:Note", "a"), "X:Note", "wire"),
    "header name empty": (header("", "a"), "", "wire"),
    # Key
    "no key": (header("Authorization"), "Authorization", "security"),
    "bearer and nothing": (header("Authorization", "Bearer"), "Authorization", "security"),
    "another scheme": (header("Authorization", "Basic c2s="), "Authorization", "security"),
    "no scheme": (header("Authorization", "sk-secret"), "Authorization", "security"),
    "two keys in one": (header("Authorization", "Bearer a b"), "Authorization", "security"),
    # How the body is written
    "no content type": (header("Content-Type"), "Content-Type", "content-type"),
    "another content type": (header("Content-Type", "text/json"), "Content-Type", "content-type"),
    "another charset": (
        header("Content-Type", "application/json; charset=latin-1"), "Content-Type", "content-type"
    ),
    "compressed": (header("Content-Encoding", "gzip"), "Content-Encoding", "framing"),
    "length wrong": (header("Content-Length", "1"), "Content-Length", "framing"),
    "no body": (post(content=b""), "", "required"),
    "body on GET": (get(READ, content=b"{}"), "", "body-not-allowed"),
    "not JSON": (post(content=b"{'a': 1}"), "", "json"),
    "two documents": (post(content=b"{} {}"), "", "json"),
    "byte order mark": (post(content=b"\xef\xbb\xbf{}"), "", "json"),
    "UTF-16": (post(content=json.dumps(BODY).encode("utf-16")), "", "utf-8"),
    "nested beyond reading": (post(content=b"[" * 100_000), "", "json"),
    "duplicate key": (
        post(content=b'{"asset": {"type": "video", "type": "image"}}'), "/asset/type",
        "duplicate-key",
    ),
    "duplicate key in a list": (
        post(content=b'{"tags": [{"a": 1}, {"a": 1, "a": 1}]}'), "/tags/1/a", "duplicate-key"
    ),
    "duplicate key and no end": (post(content=b'[{"a": 1, "a": 1}'), "", "json"),
    "duplicate key and nested beyond reading": (
        post(content=b'[{"a": 1, "a": 1}, ' + b"[" * 100_000), "", "json"
    ),
    "a number beyond reading": (post(content=b'{"seed": ' + b"9" * 5000 + b"}"), "", "json"),
    "duplicate key and a number beyond reading": (
        post(content=b'[{"a": 1, "a": 1}, ' + b"9" * 5000 + b"]"), "", "json"
    ),
    "NaN": (post(content=b'{"weight": NaN}'), "/weight", "finite"),
    "a number too big for a float": (post(content=b'{"weight": 1e999}'), "/weight", "finite"),
    "half a surrogate pair": (post(content=b'{"note": "\\ud800"}'), "/note", "unicode"),
    # What the body says
    "a list": (post(content=b"[]"), "", "type"),
    "null": (post(content=b"null"), "", "type"),
    "asset missing": (body(asset=MISSING), "/asset", "required"),
    "asset without uri": (asset(uri=MISSING), "/asset/uri", "required"),
    "asset null": (body(asset=None), "/asset", "type"),
    "asset of unknown type": (asset(type="gif"), "/asset/type", "enum"),
    "asset over http": (asset(uri="http://cdn.example/a.mp4"), "/asset/uri", "pattern"),
    "the meant branch": (asset(seconds=0), "/asset/seconds", "minimum"),
    "the other meant branch": (asset(type="image", position="mid"), "/asset/position", "enum"),
    "model not listed": (body(model="best"), "/model", "enum"),
    "model by number": (body(model=1), "/model", "type"),
    "ratio": (body(ratio="16x9"), "/ratio", "pattern"),
    "seed below": (body(seed=-1), "/seed", "minimum"),
    "seed above": (body(seed=4294967296), "/seed", "maximum"),
    "seed as text": (body(seed="1"), "/seed", "type"),
    "seed as boolean": (body(seed=True), "/seed", "type"),
    "seed with a fraction": (body(seed=1.5), "/seed", "type"),
    "strength at its open end": (body(strength=0), "/strength", "exclusiveMinimum"),
    "strength off the grid": (body(strength=0.7), "/strength", "multipleOf"),
    "not a date": (body(due="tomorrow"), "/due", "format"),
    "three tags": (body(tags=["a", "b", "c"]), "/tags", "maxItems"),
    "a tag twice": (body(tags=["a", "a"]), "/tags", "uniqueItems"),
    "an empty tag": (body(tags=["a", ""]), "/tags/1", "minLength"),
    "moderation of neither form": (body(moderation=3), "/moderation", "type"),
    "moderation without its field": (body(moderation={}), "/moderation/threshold", "required"),
    "moderation text not listed": (body(moderation="never"), "/moderation", "enum"),
    "a note too long": (body(note="x" * 401), "/note", "maxLength"),
    "a field that is ruled out": (body(secret=1), "/secret", "falseSchema"),
    "a field nobody knows": (body(**{"a/b~": 1}), "/a~1b~0", "additionalProperties"),
}  # fmt: skip


@pytest.mark.parametrize("call", RIGHT.values(), ids=RIGHT)
def test_right_requests_pass(call):
    assert call.judged() == []


@pytest.mark.parametrize(("call", "path", "rule"), WRONG.values(), ids=WRONG)
def test_wrong_requests_are_found_at_their_place(call, path, rule):
    found = call.judged()
    assert (path, rule) in found
    # One fault, one finding: a header that cannot be sent may also break its own schema.
    assert len({place for place, _ in found}) == 1


@pytest.mark.parametrize(("call", "path", "rule"), WRONG.values(), ids=WRONG)
def test_messages_name_field_and_rule(call, path, rule):
    issues = CONTRACT.check_request(
        call.method, call.url, call.headers, call.content, operation_id=call.meant
    )
    (issue, *_) = [one for one in issues if (one.path, one.rule) == (path, rule)]
    assert rule in issue.message
    named = {"": "", "server": "", "path": "", "method": call.method}.get(path, path)
    assert named in issue.message
    assert "\n" not in issue.message
    assert len(issue.message) < 400


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seed above", "/seed must be at most 4294967295 (maximum), got 4294967296"),
        ("asset missing", "/asset is required and missing (required)"),
        ("asset of unknown type",
         '/asset/type must be one of "image", "video" (enum), got "gif"'),
        ("asset over http",
         "/asset/uri must match the pattern ^https:// (pattern) or must match the pattern "
         '^data:(image|video)/ (pattern), got "http://cdn.example/a.mp4"'),
        ("moderation of neither form", "/moderation must be a string or an object (type), got 3"),
        ("an empty tag", '/tags/1 must have at least 1 character (minLength), got ""'),
        ("a field nobody knows",
         "/a~1b~0 is not a field in the contract (additionalProperties), got 1"),
        ("no version", "header X-Version is required and missing (required)"),
        ("no key", "header Authorization is required and missing (security)"),
        ("query below minimum", "query parameter limit must be at least 1 (minimum), got 0"),
        ("an id too long", f'path parameter id must have at most 40 characters (maxLength), '
                           f'got "{"x" * 41}"'),
        ("another method", "PUT is not a method of /v1/clips (method), which has POST, GET"),
        ("duplicate key",
         "/asset/type is repeated (duplicate-key), got image"),
    ],
)  # fmt: skip
def test_a_message_is_a_sentence(name, words):
    call = WRONG[name][0]
    issues = CONTRACT.check_request(call.method, call.url, call.headers, call.content)
    assert words in [issue.message for issue in issues]


LONG = f"^({'|'.join(f'{number:02}' for number in range(30))})$"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"pattern": "^[1-9]+:[1-9]+$", "description": "Width:height."},
         '/ratio does not fit (pattern ^[1-9]+:[1-9]+$): Width:height. Got "x"'),
        ({"pattern": LONG, "description": "Two digits."},
         '/ratio does not fit (pattern): Two digits. Got "x"'),
        ({"pattern": "^0$"}, '/ratio must match the pattern ^0$ (pattern), got "x"'),
    ],
)  # fmt: skip
def test_a_pattern_is_told_in_the_contracts_words(schema, words):
    """Nobody reads a long pattern; a short one says what the words may leave open."""
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["ClipRequest"]["properties"]["ratio"] = schema
    (issue,) = Contract(document).check_body("make_clip", {**BODY, "ratio": "x"})
    assert (issue.message, issue.rule) == (words, "pattern")


def test_a_pattern_that_means_two_things_is_told_as_it_is():
    document = copy.deepcopy(DOCUMENT)
    fields = document["components"]["schemas"]["ClipRequest"]["properties"]
    fields["ratio"] = {"pattern": "^0$", "description": "One."}
    fields["other"] = {"pattern": "^0$", "description": "Another."}
    (issue,) = Contract(document).check_body("make_clip", {**BODY, "ratio": "x"})
    assert issue.message == '/ratio must match the pattern ^0$ (pattern), got "x"'


def test_every_fault_of_a_body_is_reported_at_once():
    issues = CONTRACT.check_body(
        "make_clip", {"asset": {"type": "video"}, "seed": "x", "tags": [1]}
    )
    assert {(issue.path, issue.rule) for issue in issues} == {
        ("/model", "required"), ("/asset/uri", "required"), ("/seed", "type"), ("/tags/0", "type"),
    }  # fmt: skip


SECRET = "sk-do-not-print"


@pytest.mark.parametrize(
    "value", [SECRET, f"Basic {SECRET}", f"Bearer {SECRET} x", f"Bearer {SECRET}\r\n"]
)
def test_a_key_is_never_shown(value):
    call = header("Authorization", value)
    issues = CONTRACT.check_request(call.method, call.url, call.headers, call.content)
    assert issues
    assert SECRET not in repr(issues)


def test_embedded_pictures_and_signatures_are_not_shown():
    picture = asset(uri="data:text/plain;base64," + "QUJD" * 50_000)
    signed = asset(uri="http://cdn.example/a.mp4?signature=s3cret")
    for call in (picture, signed):
        issues = CONTRACT.check_request(call.method, call.url, call.headers, call.content)
        assert [issue.path for issue in issues] == ["/asset/uri"]
        assert "QUJDQUJD" not in repr(issues)
        assert "s3cret" not in repr(issues)


@pytest.mark.parametrize(
    ("value", "path", "rule"),
    [
        ({**BODY, "note": b"bytes"}, "/note", "json"),
        ({**BODY, "weight": float("nan")}, "/weight", "finite"),
        ({**BODY, "note": "\udc00"}, "/note", "unicode"),
        ({**BODY, "\udc00": 1}, "/\udc00", "unicode"),
        ({**BODY, "tags": {"a"}}, "/tags", "json"),
    ],
)
def test_python_values_that_are_no_json_are_findings_not_crashes(value, path, rule):
    found = CONTRACT.check_body("make_clip", value)
    assert [(issue.path, issue.rule) for issue in found] == [(path, rule)]


class Text(str):
    __slots__ = ()


def test_values_that_any_json_writer_takes_are_taken():
    assert CONTRACT.check_body("make_clip", {**BODY, "note": Text("x"), "tags": ("a",)}) == ()
    assert CONTRACT.check_body("make_clip", {**BODY, "model": Text("best")})[0].rule == "enum"


def test_answers_are_judged_by_status():
    assert CONTRACT.check_response("make_clip", 200, {"id": "x"}) == ()
    assert [i.path for i in CONTRACT.check_response("make_clip", 200, {})] == ["/id"]
    assert [i.path for i in CONTRACT.check_response("read_clip", 503, {})] == ["/error"]
    for operation, status in (("make_clip", 404), ("make_clip", 502), ("read_clip", 404)):
        with pytest.raises(ContractError, match=f"{operation} documents no JSON response"):
            CONTRACT.check_response(operation, status, {})


def test_references_are_followed_to_what_they_mean():
    schema = DOCUMENT["components"]["schemas"]["ClipRequest"]
    assert CONTRACT.resolve({"$ref": "#/components/schemas/ClipRequest"}) is schema
    assert CONTRACT.resolve(schema) is schema
    for place in ("#/components/schemas/Nothing", "other.yaml#/a"):
        with pytest.raises(ContractError, match=place.rpartition("/")[2]):
            CONTRACT.resolve({"$ref": place})


def test_a_value_fits_a_schema_by_its_name():
    assert CONTRACT.fits("ClipRequest", BODY)
    assert not CONTRACT.fits("ClipRequest", {**BODY, "seed": -1})
    assert not CONTRACT.fits("ClipRequest", {**BODY, "due": "tomorrow"})
    assert not CONTRACT.fits("ClipRequest", {**BODY, "note": "\ud800"})
    with pytest.raises(ContractError, match="Nothing leads nowhere"):
        CONTRACT.fits("Nothing", BODY)


def test_the_contract_is_read_into_operations():
    made = CONTRACT.operation("make_clip")
    assert (made.method, made.path, made.tag, made.resource) == (
        "POST", "/v1/clips", "studio", "clip",
    )  # fmt: skip
    assert made.body_required
    assert [parameter.name for parameter in made.parameters] == ["X-Version"]
    assert made.response(599).status == "5XX"
    assert CONTRACT.operation("read_clip").response(503).status == "default"
    hit = CONTRACT.match("GET", "/v1/clips/a%20b")
    assert hit is not None
    assert (hit[0].id, dict(hit[1])) == ("read_clip", {"id": "a b"})
    assert CONTRACT.match("GET", "/v1/clips/") is None
    with pytest.raises(KeyError, match="make_clip, list_clips, read_clip"):
        CONTRACT.operation("nonesuch")
    with pytest.raises(ContractError, match="read_clip takes no JSON body"):
        CONTRACT.check_body("read_clip", {})


def without(*path):
    """The document with one place taken out or, with a mapping last, replaced."""
    document = copy.deepcopy(DOCUMENT)
    *way, last, value = path
    holder = document
    for step in way:
        holder = holder[step]
    holder[last] = value
    return document


OPERATION = ("paths", "/v1/clips", "get")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (without(*OPERATION, "operationId", "make_clip"), "two operations are called make_clip"),
        (without(*OPERATION, "security", [{"other": []}]), "list_clips: no security scheme other"),
        (without(*OPERATION, "parameters", 0, "style", "deepObject"), "limit: style 'deepObject'"),
        (without(*OPERATION, "parameters", 0, {"name": "q", "in": "query", "content": {}}),
         "q has no schema"),
        (without(*OPERATION, "parameters", 0, {"$ref": "#/components/nowhere"}), "leads nowhere"),
        (without(*OPERATION, "parameters", 0, {"$ref": "other.yaml#/x"}), "outside the document"),
        (without(*OPERATION, "requestBody", {"content": {"text/plain": {}}}), "only JSON is"),
        (without("components", "securitySchemes", "key", {"type": "apiKey"}), "only http bearer"),
        (without("components", "parameters", "Version",
                 {"$ref": "#/components/parameters/Version"}), "refers to itself"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_in_full_is_refused(document, words):
    with pytest.raises(ContractError, match=words):
        Contract(document)


def test_the_second_validator_agrees_on_every_body_of_the_table():
    second = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/ClipRequest", "components": DOCUMENT["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    rows = [*RIGHT.values(), *(row[0] for row in WRONG.values())]
    compared = 0
    for call in rows:
        try:
            value = json.loads(call.content)
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            continue
        compared += 1
        assert second.is_valid(value) == (CONTRACT.check_body("make_clip", value) == ()), value
    assert compared > 60


def test_importing_it_loads_neither_engine_nor_http_nor_the_contract():
    script = (
        "import sys, cometapi_runway.validation as v\n"
        "assert not {'jsonschema_rs', 'httpx', 'cometapi_runway_api'} & set(sys.modules)\n"
        "v.contract().check_body('control_a_character', {})\n"
        "assert 'jsonschema_rs' in sys.modules\n"
        "assert not {'httpx', 'cometapi_runway_api'} & set(sys.modules)\n"
    )
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": ":".join(paths)}, capture_output=True,
        check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
