"""Reading JSON and the text of JSON values."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.json_values import as_text, parse_json


class TestJsonValues:
    @each_case("text", [b"", b"{", b"\xff", b"[" * 10_000, b"1" * 5000, b"nul"])
    def test_what_cannot_be_read_is_a_value_error(self, text: bytes) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            parse_json(text)

    @each_case(
        ("value", "text"),
        [
            ("a", "a"),
            ("", None),
            ("  ", None),
            (7, None),
            (None, None),
            (["a"], None),
            ("\ud800", "?"),
        ],
    )
    def test_text(self, value: Any, text: str | None) -> None:
        assert as_text(value) == text
