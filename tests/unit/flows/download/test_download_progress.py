"""The progress callback of a download."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.errors import InvalidRequestError

from ...support.both_clients import ClientHarness
from ...support.downloads import DATA, GZIP, HALF, VIDEO, ZIPPED, Meter, broken, fetch, rest, whole
from ...support.scripted_transport import Reply


class TestProgress:
    def test_counts_across_an_interrupted_transfer(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        meter = Meter()
        harness.respond_with(broken(), rest())
        fetch(harness, tmp_path, on_progress=meter)
        assert {index for index, _, _ in meter.told} == {0}
        assert {size for _, _, size in meter.told} == {len(DATA)}
        counts = [count for _, count, _ in meter.told]
        assert counts == sorted(counts)
        assert HALF in counts
        assert counts[-1] == len(DATA)

    def test_reports_an_unknown_size(self, harness: ClientHarness, tmp_path: Path) -> None:
        meter = Meter()
        harness.respond_with(Reply(200, DATA, VIDEO, declared=-1))
        fetch(harness, tmp_path, on_progress=meter)
        harness.respond_with(Reply(200, ZIPPED, GZIP))
        fetch(harness, tmp_path, on_progress=meter, overwrite=True)
        assert {size for _, _, size in meter.told} == {None}

    def test_an_error_in_the_callback_is_logged(
        self, harness: ClientHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("broken pipe")

        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=fail)
        assert path.read_bytes() == DATA
        assert "broken pipe" in caplog.text

    def test_a_coroutine_is_awaited_or_refused(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        meter = Meter()

        async def told(*words: Any) -> None:
            await asyncio.sleep(0)
            meter(*words)

        class Telling:
            async def __call__(self, *words: Any) -> None:
                await told(*words)

        for callback in (told, Telling(), partial(told)):
            harness.respond_with(whole())
            if harness.is_async:
                meter.told.clear()
                fetch(harness, tmp_path, on_progress=callback, overwrite=True)
                assert meter.told[-1] == (0, len(DATA), len(DATA))
            else:
                with pytest.raises(InvalidRequestError, match="on_progress: is a coroutine"):
                    fetch(harness, tmp_path / "out", on_progress=callback)
        assert not (tmp_path / "out").exists()

    def test_an_error_in_an_awaited_callback_is_logged(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fail(*_: object) -> None:
            raise OSError("broken pipe")

        harness = ClientHarness("awaiting")
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=fail)
        harness.close()
        assert path.read_bytes() == DATA
        assert "broken pipe" in caplog.text

    def test_a_callback_must_be_callable(self, harness: ClientHarness, tmp_path: Path) -> None:
        with pytest.raises(InvalidRequestError, match="on_progress: is 5, not callable"):
            fetch(harness, tmp_path, on_progress=5)
        assert harness.network.sent == []
