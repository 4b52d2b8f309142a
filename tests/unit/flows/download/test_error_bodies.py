"""Response bodies that hold an error text instead of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway.errors import DownloadError

from ...support.both_clients import ClientHarness
from ...support.downloads import AGAIN, DATA, fetch
from ...support.scripted_transport import Reply


class TestErrorBodies:
    """What somebody says instead of sending the file."""

    @each_case(
        "kind",
        ["application/json", "Application/Problem+JSON; a=b", "application/xml", "text/xml",
         "application/atom+xml", "text/plain", "text/csv", "application/xhtml+xml"],
    )  # fmt: skip
    def test_are_never_saved(self, kind: str, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(*(Reply(200, DATA, {"content-type": kind}), AGAIN) * 9)
        with pytest.raises(DownloadError, match="HTTP 200 with") as caught:
            fetch(harness, tmp_path)
        assert kind.partition(";")[0].lower() in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    @each_case(
        "kind",
        ["", "application/octet-stream", "binary/octet-stream", "video/mp4", "video/x-anything",
         "image/png", "image/svg+xml", "audio/mpeg", "application/mp4", "application/x-json5z"],
    )  # fmt: skip
    def test_are_distinguished_from_files(
        self, kind: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(Reply(200, DATA, {"content-type": kind}))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    @each_case(
        ("said", "told"),
        [
            ("<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code>\n<Message>Request has expired"
             "</Message></Error>", "AccessDenied Request has expired)"),
            ("<Error><Code>SignatureDoesNotMatch</Code><Key>AKIAIOSFODNN7EXAMPLE</Key><Req>GET\n"
             "/a.mp4\nX-Amz-Security-Token=FwoGZXIvYXdzEJr1&amp;b</Req", "SignatureDoesNotMatch "
             "[hidden] GET /a.mp4 [hidden]&amp;b)"),
            ("no such page: /a.mp4?_jwt=abc", "no such page: /a.mp4[hidden])"),
            ("see https://u:p@h.example/x?sig=abc", "see https://h.example/x[hidden])"),
            ("red \x1b[31malert\x07\n\n", "red [31malert)"),
            ("word " * 90, f"{('word ' * 40).rstrip()} …)"),
            ("", "with text/plain)"),
        ],
    )  # fmt: skip
    def test_are_quoted_briefly_and_redacted(
        self, said: str, told: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        reply = Reply(200, said.encode(), {"content-type": "text/plain"})
        harness.respond_with(*(reply, AGAIN) * 9)
        with pytest.raises(DownloadError) as caught:
            fetch(harness, tmp_path)
        assert str(caught.value).endswith(told)

    def test_may_be_undecodable_bytes(self, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(
            *(Reply(200, b"\xff\xfe no", {"content-type": "text/plain"}), AGAIN) * 9
        )
        with pytest.raises(DownloadError, match=r"no\)$"):
            fetch(harness, tmp_path)
