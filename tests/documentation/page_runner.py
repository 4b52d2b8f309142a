"""Executes the code blocks of a page in this process, against a simulated gateway.

Waits advance the simulator's clock, so nothing sleeps. The blocks of a page share one folder, one
gateway and one namespace, as one session of a reader would.
"""

from __future__ import annotations

import configparser
import contextlib
import csv
import inspect
import io
import json
import os
import re
import shlex
import subprocess
import time
import tomllib
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from attrs import define, field

from cometapi_runway import telemetry
from cometapi_runway.cli import main
from cometapi_runway.journal import Journal
from cometapi_runway.simulator import SimClock, Timings
from cometapi_runway.testing import Simulator
from cometapi_runway.testing._simulator import open_server, open_simulator

from .code_blocks import CodeBlock, read_blocks
from .output_patterns import OutputPatterns

ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
_PARSERS: Mapping[str, Callable[[str], object]] = {
    "csv": lambda text: list(csv.reader(io.StringIO(text), strict=True)),
    "json": json.loads,
    "ini": lambda text: configparser.ConfigParser().read_string(text),
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "toml": tomllib.loads,
}


_FOLDER = "/home/me/clips"


class DocumentationError(AssertionError):
    """A block does not do what its page says."""


@define
class PageRunner:
    """Executes one page.

    Attributes:
        page: Its Markdown.
        name: Its name, for messages.
        simulator: The gateway of its blocks.
        updated: The page with the output that its blocks have now.
    """

    page: str
    name: str
    simulator: Simulator
    updated: str = ""
    _namespace: dict[str, Any] = field(factory=dict[str, Any])
    _patterns: OutputPatterns = field(factory=OutputPatterns)
    _printed: str = ""
    _code: int = 0
    _done: int = 0

    def run(self) -> None:
        """Execute every block.

        Raises:
            DocumentationError: A block does not do what the page says.
        """
        self._namespace.update(__name__="__main__", simulator=self.simulator)
        for block in read_blocks(self.page):
            try:
                self._run_block(block)
            except BaseException as error:
                error.add_note(f"{self.name}, block at line {block.line}:\n{block.text}")
                raise
        self.updated += self.page[self._done :]

    def _run_block(self, block: CodeBlock) -> None:
        if block.note.startswith("file: "):
            Path(block.note.removeprefix("file: ")).write_text(block.text, "utf-8")
        if block.language in _PARSERS:
            _PARSERS[block.language](block.text)
        elif block.language in {"python", "run"}:
            self._run_python(block)
        elif block.language == "console":
            self._run_console(block)
        elif block.language in {"bash", "sh", "shell"}:
            run = _check_options if block.note == "captured" else self._run_shell
            for command in _split_commands(block.text):
                run(command)
        elif block.language == "text":
            if block.follows and self._printed:
                self._compare(block, self._printed)
        elif not block.language.startswith("{"):
            raise DocumentationError(
                f"no way to check a block of {block.language or 'no language'}"
            )
        if block.language != "run":
            self._printed = self._printed if block.language == "python" else ""

    def _run_python(self, block: CodeBlock) -> None:
        if block.note == "captured":
            compile(block.text, self.name, "exec")
            return
        # The lines keep their numbers, for tracebacks.
        code = compile("\n" * (block.line - 1) + block.text, self.name, "exec")
        before = set(self._namespace)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(code, self._namespace)  # noqa: S102 - the page's own code
            for name in [name for name in self._namespace if name not in before]:
                if name.startswith("test_"):
                    _run_test(self._namespace[name])
        self._printed = output.getvalue()

    def _run_console(self, block: CodeBlock) -> None:
        parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", block.text, flags=re.MULTILINE)
        if parts[0] or len(parts) == 1:
            raise DocumentationError("a console block begins with a command: $ …")
        shown = ""
        for command, expected in zip(parts[1::2], parts[2::2], strict=True):
            words = command.replace("\\\n", " ")
            if block.note == "captured":
                _check_options(words)
                continue
            actual = self._run_command(self._patterns.translate(words))
            # A blank line separates two commands.
            end = "\n" if expected.endswith("\n\n") or expected == "\n" else ""
            if not self._patterns.match(expected.removesuffix("\n") if end else expected, actual):
                shown += f"$ {command}\n{actual}{end}"
            else:
                shown += f"$ {command}\n{expected}"
        if shown and shown != block.text:
            self._replace(block, shown)

    def _run_shell(self, command: str) -> None:
        words = shlex.split(command, comments=True)
        if words[:2] == ["pip", "install"]:
            _check_extras(words)
        elif words[:1] == ["make"]:
            _check_target(words)
        elif words[:1] == ["curl"]:
            self._post(words)
        elif words and words[0] != "export":
            output = self._run_command(self._patterns.translate(command))
            if self._code:
                raise DocumentationError(f"{command}\nexit code {self._code}\n{output}")

    def _run_command(self, command: str) -> str:
        """Run a command as a terminal does, and return what it shows."""
        if command == "echo $?":
            return f"{self._code}\n"
        words = shlex.split(command, comments=True)
        with (
            contextlib.redirect_stdout(io.StringIO()) as output,
            contextlib.redirect_stderr(output),
        ):
            if words[0] == "cometapi-runway":
                self._code = main([os.path.expandvars(word) for word in words[1:]])
            elif words[0] == "pytest":
                # Its plugin, for another kind of test, takes longer to load than all others.
                self._code = pytest.main([*words[1:], "-p", "no:schemathesis"])
            else:
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                self._code = done.returncode
                output.write(done.stdout + done.stderr)
        return output.getvalue().replace(str(Path.cwd()), _FOLDER)

    def _post(self, words: list[str]) -> None:
        url, _, data = words[1:]
        path = url.partition("/_simulator/")[2]
        target = f"{self.simulator.base_url}/_simulator/{path}"
        response = httpx.post(target, content=data, headers={"Content-Type": "application/json"})
        response.raise_for_status()

    def _compare(self, block: CodeBlock, actual: str) -> None:
        if not self._patterns.match(block.text, actual):
            self._replace(block, actual)

    def _replace(self, block: CodeBlock, actual: str) -> None:
        self.updated += self.page[self._done : block.start] + actual
        self._done = block.end


# Tasks end between two polls: the age of a task in the journal is read from the real clock, which
# differs from the simulator's by what the page has taken so far.
_TIMINGS = Timings(pending=2, running=10, spread=0)


def run_page(name: str, page: str, folder: Path) -> str:
    """Execute a page in a folder and return it with the output that its blocks have now.

    Raises:
        DocumentationError: A block does not do what the page says.
    """
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        # A clock that reads the present, because the journal and `doctor` compare with it.
        clock = SimClock.manual(time.time())
        with open_simulator(
            seed=zlib.crc32(name.encode()), clock=clock, keys={"a-key"}, timings=_TIMINGS
        ) as simulator:
            # Otherwise each run polls at other moments and shows other states.
            patch.setattr("cometapi_runway._client.Random", lambda: Random(1))
            patch.setenv("COMETAPI_KEY", "a-key")
            patch.setenv("COMETAPI_RUNWAY_JOURNAL", str(folder / "journal.sqlite3"))
            patch.setenv("COMETAPI_RUNWAY_CONFIG", str(folder / "config.toml"))
            patch.setenv("COLUMNS", "80")
            runner = PageRunner(page, name, simulator)
            try:
                runner.run()
            finally:
                # The one thing that a page switches on for the whole process.
                telemetry.uninstrument()
            return runner.updated


def _split_commands(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _check_options(command: str) -> None:
    """Check that a captured command still has these options."""
    words = shlex.split(command, comments=True)
    if words[:1] != ["cometapi-runway"]:
        return
    path = [word for word in words[1:3] if re.fullmatch("[a-z][a-z-]+", word)]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = main([*path, "--help"])
        if code:
            code = main([*path[:1], "--help"])
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    missing = [flag for flag in flags if not re.search(rf"{flag}\b", output.getvalue())]
    if code or missing:
        raise DocumentationError(f"{command}: no such command, or no option {missing}")


def _check_extras(words: list[str]) -> None:
    named = re.findall(r"\[([\w,-]+)\]", " ".join(words))
    unknown = {extra for names in named for extra in names.split(",")} - {
        *_PROJECT["optional-dependencies"]
    }
    if unknown:
        raise DocumentationError(f"no such extra: {unknown}")


def _check_target(words: list[str]) -> None:
    targets = [word for word in words[1:] if "=" not in word]
    if unknown := set(targets) - _TARGETS:
        raise DocumentationError(f"no such target of make: {unknown}")


def _run_test(test: Callable[..., object]) -> None:
    """Run a test of a page with the fixtures it names."""
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    options: Any = {name: value for mark in marks for name, value in mark.kwargs.items()}
    with contextlib.ExitStack() as stack:
        fixtures: dict[str, Callable[[], Any]] = {
            "runway_simulator": lambda: stack.enter_context(open_simulator(**options)),
            "runway_server": lambda: stack.enter_context(open_server(**options)),
            "runway_journal": lambda: stack.enter_context(
                contextlib.closing(Journal("test.journal"))
            ),
        }
        test(**{name: fixtures[name]() for name in inspect.signature(test).parameters})
