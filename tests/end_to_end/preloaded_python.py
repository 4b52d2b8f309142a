"""Python processes that begin with modules loaded: forks of a process that loaded them once.

Loading the batches' engine takes most of a second, and the tests start such processes by dozens.
What runs in them is what `python PROGRAM` would run, until the interpreter's own end.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
_SIZE = 8


class PreloadedProcess:
    """A program that runs, with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, server: socket.socket, request: dict[str, Any], *, stderr: bool) -> None:
        self.args = request["arguments"]
        self.returncode: int | None = None
        self._status, status = os.pipe()
        reading, writing = os.pipe()
        self.stdout: IO[str] = os.fdopen(reading, encoding="utf-8")
        self.stderr: IO[str] | None = None
        descriptors = [status, writing, 2]
        if stderr:
            reading, descriptors[2] = os.pipe()
            self.stderr = os.fdopen(reading, encoding="utf-8")
        content = json.dumps(request).encode()
        socket.send_fds(server, [len(content).to_bytes(_SIZE, "big")], descriptors)
        server.sendall(content)
        for one in descriptors:
            if one != 2:
                os.close(one)
        self.pid = int.from_bytes(server.recv(_SIZE), "big")

    def poll(self, timeout: float | None = 0) -> int | None:
        """The exit status, negative for a signal; None while the program runs."""
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, 16))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        status = self.poll(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Everything that it still prints, up to its end; it is killed after the timeout."""
        watchdog = threading.Timer(timeout or threading.TIMEOUT_MAX, self.kill)
        watchdog.start()
        try:
            output = "".join(self.stdout)
            errors = "".join(self.stderr or ())
            self.wait(timeout)
        finally:
            watchdog.cancel()
            watchdog.join()
        return output, errors

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stdout.close()
        if self.stderr:
            self.stderr.close()
        self.wait()
        os.close(self._status)


def start(
    program: Path,
    *arguments: object,
    modules: Sequence[str],
    folder: Path | None = None,
    stderr: bool = False,
) -> PreloadedProcess | subprocess.Popen[str]:
    """Run a program with modules loaded; where Python cannot fork, in a new process.

    Args:
        program: The file.
        arguments: Its command line.
        modules: What its process begins with.
        folder: Its working directory; that of this process if None.
        stderr: Whether to read its stderr.
    """
    words = [str(program), *map(str, arguments)]
    if not hasattr(os, "fork"):
        errors = subprocess.PIPE if stderr else None
        return subprocess.Popen(
            [sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    environment = dict(os.environ)
    request = {"arguments": words, "folder": str(folder or Path.cwd()), "environment": environment}
    return PreloadedProcess(_start_server(tuple(modules)), request, stderr=stderr)


@functools.cache
def _start_server(modules: tuple[str, ...]) -> socket.socket:
    """The process that loads the modules and forks; it ends with this one."""
    ours, theirs = socket.socketpair()
    # It imports what this process does: a copy of the package, where mutants are run.
    paths = os.pathsep.join(dict.fromkeys(path for path in (str(ROOT), *sys.path) if path))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno()), *modules],
        cwd=ROOT, pass_fds=[theirs.fileno()], env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()

    def stop() -> None:
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. Returns the request in a fork, and None when there are no more."""
    statuses: dict[int, int] = {}
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([requests, wake], [], [])[0]
        if wake in ready:
            os.read(wake, 100)
            _report_ended(statuses)
        if requests not in ready:
            continue
        size, descriptors, *_ = socket.recv_fds(requests, _SIZE, 3)
        if not size:
            return None
        status, output, errors = descriptors
        content = b""
        while len(content) < int.from_bytes(size, "big"):
            content += requests.recv(1 << 16)
        process = os.fork()
        if not process:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(output, 1)
            os.dup2(errors, 2)
            requests.close()
            for one in (wake, woken, status, output, errors, *statuses.values()):
                os.close(one)
            request: dict[str, Any] = json.loads(content)
            return request
        statuses[process] = status
        os.close(output)
        os.close(errors)
        requests.sendall(process.to_bytes(_SIZE, "big"))


def _report_ended(statuses: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            with contextlib.suppress(BrokenPipeError):
                os.write(statuses[process], str(os.waitstatus_to_exitcode(status)).encode())
            os.close(statuses.pop(process))


def main(descriptor: str, *modules: str) -> None:
    for module in modules:
        importlib.import_module(module)
    # A fork has the calling thread alone.
    assert threading.active_count() == 1
    request = serve(socket.socket(fileno=int(descriptor)))
    if request is not None:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = request["arguments"]
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
