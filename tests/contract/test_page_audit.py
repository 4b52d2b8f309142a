"""Every contradiction of the documentation pages is resolved, or listed with a reason."""

from __future__ import annotations

import json

import pytest

from cometapi_runway.validation import Contract

from .page_audit import description_rules
from .page_audit.claims import collect_claims
from .page_audit.code_samples import read_samples
from .page_audit.curl_samples import parse_curl
from .page_audit.findings import Finding, find_problems, read_reasons
from .page_audit.javascript_samples import parse_javascript
from .page_audit.python_samples import parse_python
from .page_audit.sample_requests import UnsupportedSampleError

SEED = "post-control-a-character.openapi.yaml"
OMITTED = ("bodyControl", "expressionIntensity", "seed", "contentModeration")


def test_every_contradiction_is_resolved_or_listed(findings):
    found = find_problems(findings, read_reasons())
    advice = "write an overlay action, or run: python -m tests.contract.page_audit"
    assert not found, "\n".join([*found, advice])


def test_resolved_findings_name_their_overlay_action(findings):
    for one in findings:
        assert bool(one.resolved_by) is not one.open, one


def test_all_samples_of_the_seed_page_contradict_it(findings):
    found = {}
    for one in findings:
        if one.page == SEED and one.place.startswith("sample"):
            action = one.resolved_by.partition(",")[0]
            found.setdefault(one.place, {})[one.message.partition(" is ")[0]] = action
    assert list(found) == ["sample Shell Default", "sample Python Default",
                           "sample JavaScript Default"]  # fmt: skip
    for contradictions in found.values():
        assert contradictions == {"header X-Runway-Version": ""} | {
            f"/{name}": "20-character-performance.overlay.yaml" for name in OMITTED
        }


def test_open_findings_and_the_list_must_match():
    one = Finding("a.yaml", "description of body /a", "too long", on_page=True, open=True)
    other = Finding("a.yaml", "body /b", "no bounds", True, False, resolved_by="00.overlay.yaml")
    assert find_problems([one, other], {}) == [
        "neither resolved by an overlay nor listed: a.yaml: description of body /a: too long"
    ]
    assert find_problems([one, other], {str(one): "r"}) == []
    assert find_problems([other], {str(other): "r"}) == [
        "listed as open, but not open: a.yaml: body /b: no bounds"
    ]


BODY = {"prompt": "a cat", "seconds": 5, "loop": True, "tags": ["a", None]}
TEXT = json.dumps(BODY)
URL = "https://example.com/v1/makes"
JSON_HEADERS = {"Authorization": "Bearer sample", "Content-Type": "application/json"}


def comparable(sent):
    body = sent.content.decode()
    return sent.method, sent.url, dict(sent.headers), json.loads(body) if body else None


CURLS = {
    "as pages write it": f"""curl {URL} \\
  -H "Authorization: Bearer $COMETAPI_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{TEXT}'""",
    "long options": f"""curl --request POST --url {URL} --header "Content-Type: application/json" \\
  --header "Authorization: Bearer ${{COMETAPI_KEY}}" --data '{TEXT}' # that is all""",
    "json": f"curl -sS --json '{TEXT}' -H 'Authorization: Bearer <your key>' '{URL}'",
    "joined": f"curl {URL} -L --data-raw='{TEXT}' --header='Authorization: Bearer $K' "
    "-H 'Content-Type: application/json'",
}


@pytest.mark.parametrize("source", CURLS.values(), ids=CURLS)
def test_curl_samples_are_parsed(source):
    assert comparable(parse_curl(source)) == ("POST", URL, JSON_HEADERS, BODY)


def test_curl_defaults_are_applied():
    assert comparable(parse_curl(f"curl {URL}/$TASK_ID")) == ("GET", f"{URL}/sample", {}, None)
    assert parse_curl(f"curl {URL} -d 'a=1' -d b=2").headers == (
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    assert parse_curl(f"curl {URL} -d a=1 -d b=2").content == b"a=1&b=2"


PYTHONS = {
    "as pages write it": f"""
import os
import requests

response = requests.post("{URL}",
    headers={{"Authorization": "Bearer " + os.environ["COMETAPI_KEY"]}}, json={BODY!r})
print(response.json()["id"])  # poll until it is there
""",
    "named": f"""
import os, requests
key = os.getenv("COMETAPI_KEY")
url = "{URL}"
payload = {BODY!r}
answer = requests.request("POST", url, headers={{
    "Authorization": f"Bearer {{key}}", "Content-Type": "application/json"}}, json=payload)
""",
    "dumped": f"""
import httpx, json
with httpx.Client() as client:
    pass
httpx.post(url="{URL}", data=json.dumps({BODY!r}), headers={{
    "Authorization": "Bearer <your key>", "Content-Type": "application/json"}})
""",
}


@pytest.mark.parametrize("source", PYTHONS.values(), ids=PYTHONS)
def test_python_samples_are_parsed(source):
    assert comparable(parse_python(source)) == ("POST", URL, JSON_HEADERS, BODY)


def test_python_params_become_the_query():
    sent = parse_python(
        f"import requests\nrequests.get('{URL}', params={{'limit': -1, 'q': 'a b'}})"
    )
    assert comparable(sent) == ("GET", f"{URL}?limit=-1&q=a+b", {}, None)


JAVASCRIPTS = {
    "as pages write it": f"""
const response = await fetch("{URL}",
{{
    method: "POST",
    headers: {{
        Authorization: `Bearer ${{process.env.COMETAPI_KEY}}`,
        "Content-Type": "application/json",
    }},
    body: JSON.stringify({TEXT}),
}});
const task = await response.json();
console.log(task.id); // until the output appears
""",
    "named": f"""
/* all of it in names */
const key = process.env.COMETAPI_KEY;
const body = {{ prompt: 'a cat', seconds: 5, loop: true, tags: ["a", null] }};
const headers = {{ "Authorization": 'Bearer ' + key, "Content-Type": "application/json" }};
fetch(`{URL}`, {{ method: 'post', headers, body: JSON.stringify(body) }})
  .then((answer) => answer.json()).then((task) => console.log(task ?? "none"));
""",
}


@pytest.mark.parametrize("source", JAVASCRIPTS.values(), ids=JAVASCRIPTS)
def test_javascript_samples_are_parsed(source):
    assert comparable(parse_javascript(source)) == ("POST", URL, JSON_HEADERS, BODY)


def test_javascript_escapes_are_decoded():
    source = 'fetch("https://a.b", {body: "a\\"\\u0041\\n" + `\\`${x}` + -1.5})'
    assert parse_javascript(source).content == b'a"A\n`sample-1.5'


@pytest.mark.parametrize(
    ("parse", "source", "message"),
    [
        (parse_curl, "wget https://a.b", "does not begin with curl"),
        (parse_curl, "curl --form a=b https://a.b", "--form is not supported"),
        (parse_curl, "curl -s", "no URL"),
        (parse_python, "requests.post(", "not Python"),
        (parse_python, "import requests", "0 calls"),
        (parse_python, "import requests\nrequests.get(url())", "is not supported"),
        (
            parse_python,
            "import requests\nrequests.post('https://a.b', json={**body})",
            "not supported",
        ),
        (parse_javascript, "axios.post('https://a.b')", "0 calls of fetch"),
        (parse_javascript, "fetch(url)", "url is not supported"),
        (
            parse_javascript,
            "fetch('https://a.b', {body: JSON.stringify({...body})})",
            "not a field name",
        ),
        (parse_javascript, "fetch('https://a.b' 1)", "expected )"),
        (parse_javascript, "fetch(", "unexpected end"),
        (parse_javascript, "fetch(#)", "'#)' is not supported"),
    ],
)
def test_unsupported_samples_raise_an_error(parse, source, message):
    with pytest.raises(UnsupportedSampleError) as caught:
        parse(source)
    assert message in str(caught.value)


def test_unsupported_samples_are_listed():
    operation = {"x-codeSamples": [
        {"lang": "Ruby", "source": ""}, {"lang": "cURL", "source": "wget"},
        {"lang": "cURL", "label": "x", "source": "curl a"},
    ]}  # fmt: skip
    assert [(one.name, one.sent is None) for one in read_samples(operation)] == [
        ("Ruby", True),
        ("cURL", True),
        ("cURL x", False),
    ]


def parsed_rules(text, **schema):
    return [
        (one.rejected, one.allowed, one.field)
        for one in description_rules.described_rules({"description": text, **schema})
    ]


TYPED = {"type": {"type": "string"}, "uri": {"type": "string"}}


@pytest.mark.parametrize(
    ("text", "schema", "rules"),
    [
        ("Must be act_two.", {"type": "string"}, [(("act_twox",), ("act_two",), ())]),
        ("It must be 5.", {"type": "integer"}, [((6,), (5,), ())]),
        ("It must be an image.", {"type": "string"}, []),
        (
            "Frame shape, for example 1280:720 or 720:1280.",
            {"type": "string"},
            [((), ("1280:720", "720:1280"), ())],
        ),
        ("Begin with little, such as 0.5.", {"type": "number"}, [((), (0.5,), ())]),
        ("Use `auto` for default behavior.", {"type": "string"}, [((), ("auto",), ())]),
        ("Use `auto` for all of it.", {"type": "object"}, []),
        ("At most 3 characters.", {"type": "string"}, [(("xxxx",), (), ())]),
        (
            "Not empty, up to 2 characters",
            {"type": "string"},
            [(("xxx",), (), ()), (("",), (), ())],
        ),
        ("From 0 to 9.", {"type": "integer"}, [((-1, 10), (0, 9), ())]),
        ("Between 1-5 things", {"type": "string"}, []),
        (
            "One to two pictures.",
            {"type": "array", "items": {"type": "string"}},
            [
                (
                    ([], [description_rules.sample_item({})] * 3),
                    ([description_rules.sample_item({})] * 2,),
                    (),
                )
            ],
        ),
        (
            "An HTTPS URL, or a base64 data URI.",
            {"type": "string"},
            [
                (description_rules._NOT_HTTPS, description_rules._HTTPS, ()),
                ((), description_rules._DATA[:1], ()),
            ],
        ),
        (
            "Provide `type` (`video`) and `uri` (HTTPS URL).",
            {"properties": TYPED},
            [
                (("videox",), ("video",), ("type",)),
                (description_rules._NOT_HTTPS, description_rules._HTTPS, ("uri",)),
            ],
        ),
        ("Give `size` (`big`).", {"properties": TYPED}, []),
        (
            "You can either provide a video or an image.",
            {"properties": TYPED},
            [(("sound",), ("video", "image"), ("type",))],
        ),
    ],
)
def test_descriptions_become_rules(text, schema, rules):
    assert parsed_rules(text, **schema) == rules


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("Optional version header.", False),
        ("The version; may be left out.", False),
        ("Required for this model.", True),
        ("The version of the API.", None),
    ],
)
def test_descriptions_state_whether_a_field_is_required(text, required):
    assert description_rules.described_requirement(text) is required


def document(schema, *, header_required=True, **operation):
    header = {"name": "X-Version", "in": "header", "required": header_required,
              "description": "May be left out.", "schema": {"type": "string"}}  # fmt: skip
    media = {"application/json": {"schema": schema, "example": {"mood": "calm"}}}
    made = {"operationId": "make", "parameters": [header], "requestBody": {"content": media},
            "responses": {"200": {"description": ""}}, **operation}  # fmt: skip
    return Contract({"paths": {"/makes": {"post": made}}})


def found(page, target):
    (one,), (other,) = page.operations, target.operations
    return {(claim.place, claim.message, claim.holds(page, one), claim.holds(target, other))
            for claim in collect_claims(page, target, one, other)
            if claim.holds(page, one) or claim.holds(target, other)}  # fmt: skip


def test_claims_are_tested_on_page_and_contract():
    mood = {"type": "string", "description": "Must be calm.", "default": 3}
    page = document({"type": "object", "required": ["mood"], "properties": {"mood": mood}})
    closed = {"type": "string", "enum": ["wild"]}
    target = document(
        {"allOf": [{"properties": {"mood": closed}}, {"type": "object"}]},
        header_required=False,
        responses={"200": {"description": ""}, "400": {"description": ""}},
    )
    assert found(page, target) == {
        ("responses", "only success is documented", True, False),
        ("default of body /mood", "is required but has a default", True, False),
        ("default of body /mood", "3 is not allowed", True, True),
        ("example (body)", '/mood must be one of "wild" (enum), got "calm"', False, True),
        ("description of body /mood", '“Must be calm”, but "calmx" is allowed', True, False),
        ("description of body /mood", '“Must be calm”, but "calm" is not allowed', False, True),
        ("description of header /X-Version", "described as optional, but required", True, False),
    }
