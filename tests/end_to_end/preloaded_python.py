"""Python processes that begin with modules loaded: forks of a process that loaded them once.

Loading the batches' engine takes most of a second, and the tests start such processes by dozens.
What runs in them is what `python PROGRAM` would run, to the end of its threads and of what it has
registered for its end. What is loaded is not taken down then, unless the program fails. The
variables that Python itself reads at its start, `PYTHONPATH` for one, have no effect.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
_SIZE = 8


class PreloadedProcess:
    """A program that runs, with the part of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        server: socket.socket,
        request: dict[str, Any],
        *,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = None,
    ) -> None:
        self.args = request["arguments"]
        self.returncode: int | None = None
        self._status, status = os.pipe()
        passed = [status]
        self.stdin = _open_pipe(stdin, "w", passed, default=0)
        self.stdout = _open_pipe(stdout, "r", passed, default=1)
        self.stderr = _open_pipe(stderr, "r", passed, default=2)
        content = json.dumps(request).encode()
        socket.send_fds(server, [len(content).to_bytes(_SIZE, "big")], passed)
        server.sendall(content)
        for one in passed:
            if one not in {0, 1, 2, stdin, stdout, stderr}:
                os.close(one)
        self.pid = int.from_bytes(server.recv(_SIZE), "big")
        if not self.pid:
            raise RuntimeError("the process that forks has ended")

    def poll(self, timeout: float | None = 0) -> int | None:
        """The exit status, negative for a signal; None while the program runs."""
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, 16))
            os.close(self._status)
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
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.extend(_read(self.stderr)))
        reader.start()
        try:
            if self.stdin:
                self.stdin.close()
            output = "".join(_read(self.stdout))
            reader.join()
            self.wait(timeout)
        finally:
            watchdog.cancel()
            watchdog.join()
        return output, "".join(errors)

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
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()


def _open_pipe(kind: int | None, mode: str, passed: list[int], default: int) -> IO[str] | None:
    """This process's end of a stream; the other end is added to those passed on."""
    if kind == subprocess.PIPE:
        reading, writing = os.pipe()
        ours, theirs = (reading, writing) if mode == "r" else (writing, reading)
        passed.append(theirs)
        return os.fdopen(ours, mode, encoding="utf-8")
    if kind == subprocess.DEVNULL:
        passed.append(os.open(os.devnull, os.O_RDWR))
    else:
        passed.append(default if kind is None else kind)
    return None


def _read(stream: IO[str] | None) -> list[str]:
    """What a stream still holds; it is closed."""
    if stream is None or stream.closed:
        return []
    with stream:
        return list(stream)


def start(
    program: Path,
    *arguments: object,
    modules: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    new_session: bool = False,
    **streams: int | None,
) -> PreloadedProcess | subprocess.Popen[str]:
    """Run a program with modules loaded; where Python cannot fork, in a new process.

    Args:
        program: The file.
        arguments: Its command line.
        modules: What its process begins with.
        folder: Its working directory; that of this process if None.
        environment: Its environment; that of this process if None.
        new_session: Whether it leads a session of its own.
        streams: `stdin`, `stdout` and `stderr` as in `subprocess.Popen`; without them stdin is
            empty, stdout is a pipe, and stderr is that of this process.
    """
    words = [str(program), *map(str, arguments)]
    environment = dict(os.environ if environment is None else environment)
    if not hasattr(os, "fork"):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **streams}
        return subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment, text=True, **streams
        )
    request = {
        "arguments": words,
        "modules": modules,
        "folder": str(folder or Path.cwd()),
        "environment": environment,
        "new_session": new_session,
    }
    return PreloadedProcess(_start_server(), request, **streams)


@functools.cache
def _start_server() -> socket.socket:
    """The process that loads modules and forks; it ends with this one."""
    ours, theirs = socket.socketpair()
    # It imports what this process does: a copy of the package, where mutants are run.
    paths = os.pathsep.join(dict.fromkeys(path for path in (str(ROOT), *sys.path) if path))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno())],
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
        size, descriptors, *_ = socket.recv_fds(requests, _SIZE, 4)
        if not size:
            return None
        status, *streams = descriptors
        content = b""
        while len(content) < int.from_bytes(size, "big"):
            content += requests.recv(1 << 16)
        request: dict[str, Any] = json.loads(content)
        _load(request["modules"])
        process = os.fork()
        if not process:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            requests.close()
            for one in (wake, woken, status, *streams, *statuses.values()):
                os.close(one)
            return request
        statuses[process] = status
        for stream in streams:
            os.close(stream)
        requests.sendall(process.to_bytes(_SIZE, "big"))


def _load(modules: Sequence[str]) -> None:
    new = [module for module in modules if module not in sys.modules]
    for module in new:
        # The program reports what cannot be loaded.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    if new:
        # A fork has the calling thread alone.
        assert threading.active_count() == 1
        # A fork would copy each object that its collector of garbage visits.
        gc.collect()
        gc.freeze()


def _run(request: dict[str, Any]) -> None:
    """Run the program of a request, in a fork."""
    if request["new_session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _open_streams()
    sys.argv = request["arguments"]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _open_streams() -> None:
    """Open the standard streams as Python does at its start, by what they are connected to."""
    sys.stdin = sys.__stdin__ = os.fdopen(
        0, encoding="utf-8", errors="surrogateescape", closefd=False
    )
    for number, name in (1, "stdout"), (2, "stderr"):
        stream = os.fdopen(
            number, "w", encoding="utf-8", newline="\n", closefd=False,
            errors="surrogateescape" if number == 1 else "backslashreplace",
            buffering=1 if number == 2 or os.isatty(number) else -1,
        )  # fmt: skip
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _report_ended(statuses: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            with contextlib.suppress(BrokenPipeError):
                os.write(statuses[process], str(os.waitstatus_to_exitcode(status)).encode())
            os.close(statuses.pop(process))


def main(descriptor: str) -> None:
    request = serve(socket.socket(fileno=int(descriptor)))
    if request is None:
        return
    try:
        _run(request)
    except SystemExit as end:
        # Anything else is a message, which the interpreter prints.
        if not isinstance(end.code, int | None):
            raise
        _end(end.code or 0)
    _end(0)


def _end(code: int) -> None:
    """End as the interpreter does, but leave to the system what it would take down.

    That takes 60 ms in each process, ten times as long as many of the programs.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # The interpreter says what it cannot write, or that it is closed, and has its own status.
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
