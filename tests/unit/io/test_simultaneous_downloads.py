"""One output, fetched by several at the same time: real threads, processes, sockets and locks.

The server sends half of the file to everybody before it sends the rest to anybody, and to each a
file of its own if that is wanted, so that what two have written shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.end_to_end import preloaded_python
from tests.end_to_end.preloaded_python import PreloadedProcess

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.task import Task

from ..support.both_clients import ID, KEY

SIZE = 300_000
MANY = 6
PATIENCE = 60
PROGRAM = """
import sys
from cometapi_runway import RunwayClient
from cometapi_runway._core.task import Task
address, folder, overwrite = sys.argv[1:]
with RunwayClient("a-key") as client:
    task = client.bind(Task("{ID}", "SUCCEEDED", output=(address,)))
    print(*task.download(folder, overwrite=overwrite == "True"))
""".replace("{ID}", ID)
# What a download loads.
MODULES = (
    "cometapi_runway._flows.download",
    "cometapi_runway._io.file_client",
    "cometapi_runway.resources._downloads",
    "tests.end_to_end.programs.used_client",
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        content = self.server.next_content()
        asked = self.headers.get("Range", "bytes=0-") if self.server.knows_ranges else "bytes=0-"
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.server.starts.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("ETag", f'"{content[0]}"')
        self.send_header("Content-Length", str(SIZE - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[start : SIZE // 2])
            self.server.all_have_half.wait(PATIENCE)
            self.wfile.write(content[max(start, SIZE // 2) :])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the server's own log is not under test."""


class Server(ThreadingHTTPServer):
    request_queue_size = 2 * MANY
    knows_ranges = True
    differs = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.starts: list[int] = []
        self.all_have_half = threading.Barrier(MANY)
        self._count = iter(range(1, 256))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.mp4"

    def next_content(self) -> bytes:
        return bytes([next(self._count) if self.differs else 0]) * SIZE

    def wait_for(self, parties: int) -> None:
        self.all_have_half = threading.Barrier(parties)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.all_have_half.abort()
        server.shutdown()
        thread.join()


def start(
    server: Server, folder: Path, *, overwrite: bool = False
) -> PreloadedProcess | subprocess.Popen[str]:
    program = folder.with_name(f"{folder.name}-download.py")
    if not program.exists():
        program.write_text(PROGRAM, "utf-8")
    return preloaded_python.start(
        program, server.address, folder, overwrite, modules=MODULES, stderr=subprocess.PIPE
    )


def is_whole(path: Path) -> bool:
    """Every byte is there, and all are of one answer."""
    content = path.read_bytes()
    return len(content) == SIZE and len(set(content)) == 1


def fetch(client: RunwayClient, server: Server, folder: Path, *, overwrite: bool) -> Path:
    task = client.bind(Task(ID, "SUCCEEDED", output=(server.address,)))
    (path,) = task.download(folder, overwrite=overwrite)
    return path


@pytest.mark.parametrize("overwrite", [False, True])
def test_threads(server: Server, tmp_path: Path, overwrite: bool) -> None:
    with RunwayClient(KEY) as client, ThreadPoolExecutor(MANY) as pool:
        running = [
            pool.submit(fetch, client, server, tmp_path, overwrite=overwrite) for _ in range(MANY)
        ]
        paths = {one.result(PATIENCE) for one in running}
    (path,) = tmp_path.iterdir()
    assert paths == {path}
    assert is_whole(path)
    assert server.starts == [0] * MANY


@pytest.mark.parametrize("overwrite", [False, True])
def test_tasks_of_one_loop(server: Server, tmp_path: Path, overwrite: bool) -> None:
    async def all_of_them() -> list[list[Path]]:
        async with AsyncRunwayClient(KEY) as client:
            task = client.bind(Task(ID, "SUCCEEDED", output=(server.address,)))
            downloads = (task.download(tmp_path, overwrite=overwrite) for _ in range(MANY))
            return await asyncio.gather(*downloads)

    paths = asyncio.run(all_of_them())
    (path,) = tmp_path.iterdir()
    assert paths == [[path]] * MANY
    assert is_whole(path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_processes(server: Server, tmp_path: Path, overwrite: bool) -> None:
    processes = [start(server, tmp_path, overwrite=overwrite) for _ in range(MANY)]
    said = [one.communicate(timeout=PATIENCE) for one in processes]
    assert [one.returncode for one in processes] == [0] * MANY, said
    (path,) = tmp_path.iterdir()
    assert {out.strip() for out, _ in said} == {str(path)}
    assert is_whole(path)


def test_the_first_to_finish_is_what_everybody_gets(server: Server, tmp_path: Path) -> None:
    """A file that is there is never replaced, also by those that began before it was."""
    server.wait_for(2)
    first = start(server, tmp_path)
    with RunwayClient(KEY) as client:
        path = fetch(client, server, tmp_path, overwrite=False)
        content = path.read_bytes()
    assert first.communicate(timeout=PATIENCE)[0].strip() == str(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is POSIX")
@pytest.mark.parametrize("knows_ranges", [True, False])
def test_one_that_is_stopped_and_then_killed(
    server: Server, tmp_path: Path, knows_ranges: bool
) -> None:
    """A stopped process keeps its part to itself; once it is dead, the next goes on with it.

    A server without ranges would have the others begin the part anew in the first one's hands.
    """
    server.knows_ranges, server.differs = knows_ranges, False
    server.wait_for(2)
    stopped = start(server, tmp_path)
    half(tmp_path)
    stopped.send_signal(signal.SIGSTOP)
    with RunwayClient(KEY) as client:
        path = fetch(client, server, tmp_path, overwrite=False)
        assert is_whole(path)
        assert {one.suffix for one in tmp_path.iterdir()} == {".mp4", ".part", ".json"}
        path.unlink()
        stopped.kill()
        stopped.communicate(timeout=PATIENCE)
        there = (tmp_path / f"{ID}.part").stat().st_size
        server.wait_for(1)
        assert is_whole(fetch(client, server, tmp_path, overwrite=False))
    assert list(tmp_path.iterdir()) == [path]
    assert server.starts == [0, 0, there if knows_ranges else 0]


def half(folder: Path) -> None:
    """Wait until somebody has half of the file."""
    part = folder / f"{ID}.part"
    moments = threading.Event()
    for _ in range(PATIENCE * 100):
        if part.exists() and part.stat().st_size >= SIZE // 4:
            return
        moments.wait(0.01)
    raise AssertionError("nobody began")
