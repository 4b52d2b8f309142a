"""Security schemes: a bearer token, an API key in any place, several of them."""

from __future__ import annotations

import itertools

import pytest
from tests.cases import each_case

from cometapi_runway.validation import ContractError

from ..support.contracts import PATH, make_contract

SECRET = "s3cret-value"
BEARER = {"type": "http", "scheme": "bearer"}
API_KEYS = {
    place: {"type": "apiKey", "in": place, "name": name}
    for place, name in {"header": "X-Gate-Key", "query": "key", "cookie": "sid"}.items()
}
SCHEMES = {"bearer": BEARER, **API_KEYS}


def send(places, value=SECRET, again=()):
    """A request with a key in some places, in those of ``again`` twice."""
    places = [*places, *again]
    headers = [("Authorization", f"Bearer {value}")] * places.count("bearer")
    headers += [("X-Gate-Key", value)] * places.count("header")
    if "cookie" in places:
        pairs = ["a=1", *[f"sid={value}"] * places.count("cookie")]
        headers.append(("Cookie", "; ".join(pairs)))
    query = "&".join([f"key={value}"] * places.count("query"))
    return "GET", f"{PATH}?{query}" if query else PATH, headers, b""


NAMES = {"bearer": "Authorization", "header": "X-Gate-Key", "query": "key", "cookie": "sid"}
SUBSETS = [one for size in range(5) for one in itertools.combinations(SCHEMES, size)]


def find(contract, request):
    return [(issue.path, issue.rule) for issue in contract.check_request(*request)]


@each_case("needed", SUBSETS, ids="+".join)
@each_case("sent", SUBSETS, ids="+".join)
def test_every_scheme_of_an_alternative_is_needed_and_missed_by_name(needed, sent):
    security = [{one: [] for one in needed}] if needed else []
    contract = make_contract(schemes=SCHEMES, security=security)
    issues = contract.check_request(*send(sent))
    missing = [issue.path for issue in issues if issue.rule == "security"]
    assert sorted(missing) == sorted(NAMES[one] for one in set(needed) - set(sent))
    # Only the query is closed: headers and cookies may hold more than the contract names.
    others = [(issue.path, issue.rule) for issue in issues if issue.rule != "security"]
    assert others == [("key", "unknown")] * ("query" in set(sent) - set(needed))
    assert SECRET not in repr(issues)


@each_case("choices", list(itertools.combinations(SCHEMES, 2)), ids="+".join)
def test_either_of_two_alternatives_is_enough(choices):
    security = [{one: []} for one in choices]
    contract = make_contract(schemes=SCHEMES, security=security)
    for one in choices:
        assert find(contract, send({one})) == []
    assert find(contract, send(set())) == [(NAMES[choices[0]], "security")]
    assert find(make_contract(schemes=SCHEMES, security=[*security, {}]), send(set())) == []


def test_the_alternative_that_lacks_least_is_reported():
    security = [{"bearer": [], "header": []}, {"query": [], "cookie": []}]
    contract = make_contract(schemes=SCHEMES, security=security)
    assert find(contract, send({"cookie"})) == [("key", "security")]
    assert find(contract, send({"header"})) == [("Authorization", "security")]


@each_case("place", API_KEYS)
@each_case(
    ("value", "again", "reason"),
    [("", (), "required and missing"), ("+", (), "blank"), (SECRET, "twice", "more than once")],
)
def test_a_key_that_is_blank_or_given_twice_is_refused(place, value, again, reason):
    contract = make_contract(schemes=SCHEMES, security=[{place: []}])
    if value == "+" and place != "query":
        value = " "
    request = send({place}, value, {place} if again else ())
    found = [one for one in contract.check_request(*request) if one.rule == "security"]
    if value == " " and place == "cookie":
        reason = "required and missing"  # Blanks around a cookie are not part of it.
    assert [one.path for one in found] == [NAMES[place]]
    assert reason in found[0].message
    assert SECRET not in repr(found)


@each_case("place", ["header", "query"])
@each_case("value", [f"{SECRET}\x7f", f"{SECRET}%zz", f"{SECRET}é", f"{SECRET} b"])
@each_case("is_declared", [False, True])
@each_case("is_needed", [False, True])
def test_no_message_shows_a_key_that_cannot_be_sent(place, value, is_declared, is_needed):
    """A contract may declare the key as a parameter too."""
    parameter = {"name": NAMES[place], "in": place, "schema": {"maxLength": 3}}
    contract = make_contract(
        schemes=SCHEMES,
        security=[{place: []}] * is_needed,
        parameters=[parameter] * is_declared,
    )
    issues = contract.check_request(*send({place}, value, {place}))
    assert is_declared or place == "header" or issues
    for issue in issues:
        assert SECRET not in repr(issue) + str(issue.value)


def test_the_name_of_a_header_has_no_case():
    contract = make_contract(schemes=SCHEMES, security=[{"header": []}])
    assert find(contract, ("GET", PATH, [("x-GATE-key", "k")], b"")) == []
    contract = make_contract(schemes=SCHEMES, security=[{"query": []}])
    upper = ("GET", f"{PATH}?KEY=k", [], b"")
    assert find(contract, upper) == [("KEY", "unknown"), ("key", "security")]


@each_case("scheme", ["bearer", "Bearer", "BEARER"])
@each_case("value", ["", "Bearer", "Bearer ", "Basic k", "k", "Bearer a b"])
def test_a_bearer_token_has_its_form(scheme, value):
    contract = make_contract(
        schemes={"a": {"type": "http", "scheme": scheme}}, security=[{"a": []}]
    )
    found = contract.check_request("GET", PATH, [("Authorization", value)], b"")
    assert ("Authorization", "security") in [(one.path, one.rule) for one in found]
    reason = "is not 'Bearer' and a key" if value else "is required and missing"
    assert any(reason in one.message for one in found)
    assert find(contract, ("GET", PATH, [("Authorization", "bearer k")], b"")) == []


@each_case("headers", [(), (("Authorization", "Bearer k"),)])
@each_case(
    ("security", "is_needed"),
    [
        ([], False),
        ([{"a": []}], True),
        ([{"a": []}, {"b": []}], True),
        ([{"a": [], "b": []}], True),
        ([{"a": []}, {}], False),
        ([{}, {"a": []}], False),
    ],
)
def test_a_key_is_needed_unless_an_alternative_needs_none(security, is_needed, headers):
    contract = make_contract(schemes={"a": BEARER, "b": BEARER}, security=security)
    issues = contract.check_request("GET", PATH, headers, b"")
    expected = [("Authorization", "security")] if is_needed and not headers else []
    assert [(issue.path, issue.rule) for issue in issues] == expected


@each_case(
    "scheme",
    [
        {"type": "http", "scheme": "basic"},
        {"type": "oauth2", "flows": {}},
        {"type": "openIdConnect", "openIdConnectUrl": "https://example.com"},
        {"type": "mutualTLS"},
    ],
)
@each_case("security", [[{"b": []}], [{"a": []}, {"b": []}], [{"a": [], "b": []}]])
def test_a_second_scheme_that_cannot_be_checked_is_refused(scheme, security):
    with pytest.raises(ContractError, match="b is not supported: only http bearer and apiKey are"):
        make_contract(schemes={"a": BEARER, "b": scheme}, security=security)


def test_a_scheme_that_is_not_defined_is_refused():
    with pytest.raises(ContractError, match="make_it: no security scheme b"):
        make_contract(schemes={"a": BEARER}, security=[{"a": []}, {"b": []}])


@each_case("change", [{"in": "body"}, {"in": None}, {"name": ""}, {"name": None}])
def test_an_api_key_without_a_name_or_a_place_is_refused(change):
    scheme = {key: value for key, value in (API_KEYS["header"] | change).items()
              if value is not None}  # fmt: skip
    with pytest.raises(ContractError, match="b must have a name and be in: header, query, cookie"):
        make_contract(schemes={"b": scheme}, security=[{"b": []}])
