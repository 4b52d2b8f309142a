"""Redaction of addresses, texts, headers and values."""

from __future__ import annotations

import json
from typing import Any

from tests.cases import each_case

from cometapi_runway._core.redaction import (
    redact_database_url,
    redact_headers,
    redact_json,
    redact_text,
    redact_url,
    strip_payloads,
)
from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import Issue

from ..support.secret_cases import CLIP, KEY, MARKER, PICTURE


class TestRedaction:
    @each_case(
        ("address", "shown"),
        [
            ("https://h.example/a/b.mp4", "https://h.example/a/b.mp4"),
            ("https://h.example:8443/a?b=c#d", "https://h.example:8443/a?[hidden]"),
            ("https://u:p@h.example/a", "https://h.example/a"),
            ("https://h.example/a#token", "https://h.example/a"),
            ("https://H.example/", "https://H.example/"),
            ("HTTPS://u:p@H.example:443/a?b", "HTTPS://H.example:443/a?[hidden]"),
            (" https://h.example/", "https://h.example/"),
            ("data:image/png;base64,AAAA", "data:image/png;base64,[hidden] (26 characters)"),
            ("DATA:,x", "DATA:,[hidden] (7 characters)"),
            ("https://[broken", "[hidden]"),
            ("https://h.example:99999/a", "[hidden]"),
            ("/runwayml/v1/tasks/1?x=y", "/runwayml/v1/tasks/1"),
            ("?x=y", ""),
            ("//h.example/a?x=y", "/a"),
            ("mailto:someone@h.example?x=y", "someone@h.example"),
            ("https://" + "h" * 500, "https://" + "h" * 500),
            ("https://" + "h" * 501 + "?x=y", "https://" + "h" * 500 + "…?[hidden]"),
            ("w" * 200, "w" * 200),
            ("w" * 201, "w" * 200 + "…"),
            ("data:" + "d" * 56 + ",x", "data:" + "d" * 55 + ",[hidden] (63 characters)"),
        ],
    )
    def test_addresses(self, address: str, shown: str) -> None:
        assert redact_url(address) == shown

    @each_case(
        "words",
        [
            f"see https://h.example/a?x={MARKER} for more",
            f"see 'https://h.example/a?x={MARKER}'",
            f'<a href="https://h.example/a?x={MARKER}">',
            f"HTTPS://H.EXAMPLE/?{MARKER}",
            f"got data:image/png;base64,{MARKER}==, sorry",
            f"got DATA:image/png;base64,{MARKER}",
            f'got data:image/png;name="a b",{MARKER}'.replace(" b", ""),
            f"data:,{MARKER}",
            f'{{"uri": "data:video/mp4;codecs=avc1;base64,{MARKER}"}}',
            f"https://u:{MARKER}@h.example/",
            f"https://[{MARKER}",
        ],
    )
    def test_text(self, words: str) -> None:
        assert MARKER not in redact_text(words)

    @each_case("words", ["", "plain words, nothing else", "metadata: a, b", "a,b"])
    def test_text_that_hides_nothing_is_kept(self, words: str) -> None:
        assert redact_text(words) == words

    def test_headers_are_shown_by_permission(self) -> None:
        shown = redact_headers(
            [("Content-Type", "a/b"), ("Authorization", KEY), ("X-New-Thing", MARKER)]
        )
        assert shown == {
            "Content-Type": "a/b",
            "Authorization": "[hidden]",
            "X-New-Thing": "[hidden]",
        }

    def test_values_keep_their_form(self) -> None:
        value = {"a": [PICTURE, 1, None, True], "b": {"c": CLIP}, "d": "x" * 5000}
        shown: Any = redact_json(value)
        assert MARKER not in json.dumps(shown)
        assert shown["a"][1:] == [1, None, True]
        assert shown["b"] == {"c": "https://assets.example/clip.mp4?[hidden]"}
        assert shown["d"] == "x" * 2000 + "…"

    def test_what_repeats_a_request_keeps_addresses(self) -> None:
        kept: Any = strip_payloads({"a": [PICTURE], "b": "https://a.example/x?sig=1"})
        assert MARKER not in json.dumps(kept)
        assert kept["b"] == "https://a.example/x?sig=1"


def test_an_issue_holds_its_value_but_does_not_say_it() -> None:
    issue = Issue("/x", "pattern", PICTURE, "/x: is wrong")
    assert issue.value == PICTURE
    assert MARKER not in repr(issue)


SHOWN_HEADERS = [
    "accept",
    "accept-encoding",
    "accept-ranges",
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "host",
    "last-modified",
    "range",
    "retry-after",
    "server",
    "transfer-encoding",
    "user-agent",
    "x-runway-version",
]
SHOWN_PARAMETERS = [
    "dbname",
    "host",
    "hostaddr",
    "port",
    "service",
    "sslmode",
    "sslrootcert",
    "user",
]


def test_a_header_is_hidden_unless_it_is_known_to_hold_no_secret() -> None:
    hidden = ["authorization", "cookie", "x-api-key", "location", "content-type-x", "x"]
    shown = redact_headers((name.title(), "v") for name in SHOWN_HEADERS + hidden)
    assert shown == {
        **{name.title(): "v" for name in SHOWN_HEADERS},
        **{name.title(): "[hidden]" for name in hidden},
    }


def test_a_parameter_of_a_database_is_left_out_unless_it_is_known_to_hold_no_secret() -> None:
    names = [*SHOWN_PARAMETERS, "password", "passfile", "sslkey", "sslpassword", "options"]
    query = "&".join(f"{name}=v" for name in names)
    shown = "&".join(f"{name}=v" for name in SHOWN_PARAMETERS)
    assert redact_database_url(f"postgresql://me@h/db?{query}") == f"postgresql://me@h/db?{shown}"


@each_case(
    "write",
    [
        str.encode,
        lambda text: "".join(f"\\u{ord(one):04x}" for one in text).encode(),
        lambda text: "".join(f"%{ord(one):02X}" for one in text).encode(),
        lambda text: "".join(f"&#{ord(one)};" for one in text).encode(),
        *(lambda text, code=code: text.encode(code) for code in
          ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")),
    ],
)  # fmt: skip
@each_case("text", ["sk-key", "sk-12345678"])
def test_a_secret_is_hidden_however_it_is_written(write: Any, text: str) -> None:
    content = write(f"<{text}>")
    shown = Secret(text).hide_in(content)
    assert write(text) not in shown
    assert "[hidden]" in shown.decode("latin-1").replace("\0", "")
    assert write(text) not in Secret(text).hide_in(write(text))
    other = write("<another>")
    assert Secret(text).hide_in(other) == other
    short = write("<sk-ke>")
    assert Secret("sk-ke").hide_in(short) == short, "it would be found everywhere"


def test_a_secret_is_hidden_in_a_text_that_is_no_unicode() -> None:
    assert Secret("sk-key").hide_in_text("\ud800 sk-key \udfff") == "\ud800 [hidden] \udfff"
