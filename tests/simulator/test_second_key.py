"""A contract with a second security scheme: the simulator asks for what the contract asks for."""

from __future__ import annotations

import copy
import json
from typing import Any, cast

import pytest

from cometapi_runway.simulator import Gateway
from cometapi_runway.validation import Contract

from .helpers import BODY, CONTRACT, HEADERS, JSON_BODY, KEY

PATH = "/runwayml/v1/character_performance"
BEARER = HEADERS[0]
KEYS = {
    "header": (PATH, [("X-Gate-Key", KEY)]),
    "query": (f"{PATH}?X-Gate-Key={KEY}", []),
    "cookie": (PATH, [("Cookie", f"X-Gate-Key={KEY}")]),
}


def make(place: str, security: list[dict[str, list[str]]], **options: Any) -> Gateway:
    document = cast(Any, copy.deepcopy(CONTRACT.document))
    scheme = {"type": "apiKey", "in": place, "name": "X-Gate-Key"}
    document["components"]["securitySchemes"]["second"] = scheme
    document["paths"][PATH]["post"]["security"] = security
    return Gateway(contract=Contract(document), **options)


def send(gateway: Gateway, url: str, headers: list[tuple[str, str]]) -> int:
    every = [*headers, HEADERS[1], *JSON_BODY]
    return gateway.handle("POST", url, every, json.dumps(BODY).encode()).status


@pytest.mark.parametrize("place", KEYS)
def test_a_key_is_refused_or_accepted_as_the_contract_says(place: str) -> None:
    url, headers = KEYS[place]
    sent = {"none": (PATH, []), "bearer": (PATH, [BEARER]), "second": (url, headers),
            "both": (url, [*headers, BEARER])}  # fmt: skip
    enough = {
        "either": ([{"bearerAuth": []}, {"second": []}], {"bearer", "second", "both"}),
        "both": ([{"bearerAuth": [], "second": []}], {"both"}),
        "second": ([{"second": []}], {"second", "both"}),
    }
    for security, accepted in enough.values():
        for name, request in sent.items():
            status = send(make(place, security), *request)
            assert status == (200 if name in accepted else 401), (security, name)


def test_the_contract_of_the_package_is_unchanged() -> None:
    assert list(CONTRACT.schemes) == ["bearerAuth"]
    assert CONTRACT.schemes["bearerAuth"].is_bearer
