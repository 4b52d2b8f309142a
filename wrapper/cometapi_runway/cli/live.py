"""Bars for a person at a terminal: one per task, on stderr, at any width from 60 columns."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from cometapi_runway._core.json_values import JSON
from cometapi_runway.cli import NAME
from cometapi_runway.cli.report import LABELS, Report, Tracked, clock_text, size_text
from cometapi_runway.cli.words import plain

if TYPE_CHECKING:
    from rich.progress import Task as Row

    from cometapi_runway._core.task import Task
    from cometapi_runway.cli.endings import Ending

_STYLES = {"SUCCEEDED": "green", "saved": "green", "FAILED": "red", "CANCELLED": "red"}
_SHORT = 8
_STATE = Column(min_width=9)
# Leaves room at 80 columns for the ^C that a terminal echoes: on a full line it would break the
# line, and the bars would be drawn twice.
_BAR = 22
_INDENT = 7
_NARROWEST = 20


class _Times(ProgressColumn):
    """Time since the submission, and what is probably left."""

    def __init__(self, report: LiveReport) -> None:
        super().__init__()
        self._report = report

    def render(self, task: Row) -> Text:
        """``1:12, about 0:40 left``; frozen once the task has ended."""
        task_id: str = task.fields["id"]
        stopped: float | None = task.fields["stopped"]
        if stopped is not None:
            return Text(f"{clock_text(stopped)}", style="dim")
        left = self._report.left(task_id)
        rest = "" if left is None else f", about {clock_text(left)} left"
        return Text(f"{clock_text(self._report.since(task_id))}{rest}")


class _State(ProgressColumn):
    """The task's state, or what is being done with its output."""

    def render(self, task: Row) -> Text:
        """The words as they are: a state may be the server's own, and is no markup."""
        return Text(plain(task.description), style=_STYLES.get(task.description, "cyan"))


class LiveReport(Report):
    """Says it with bars; lines that come meanwhile follow once the bars have ended."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        super().__init__(out, err)
        self.console = Console(file=self.err, highlight=False, emoji=False)
        self._bars: Progress | None = None
        self._rows: dict[str, TaskID] = {}
        self._later: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def watching(self, tasks: Sequence[Tracked]) -> Generator[None]:
        """While these tasks are waited for."""
        self.tracked = {task.id: task for task in tasks}
        # stdout is left alone: it may be a pipe, and its lines are results.
        self._bars = Progress(
            TextColumn("{task.fields[short]}", markup=False),
            _State(table_column=_STATE),
            BarColumn(bar_width=_BAR),
            TextColumn("{task.fields[part]:>4}"),
            _Times(self),
            console=self.console,
            redirect_stdout=False,
        )
        for task, short in zip(tasks, _short([task.id for task in tasks]), strict=True):
            self._rows[task.id] = self._bars.add_task(
                "waiting", total=None, id=task.id, short=short, part="", stopped=None
            )
        try:
            with self._bars:
                yield
        finally:
            self._end()

    def updated(self, task: Task) -> None:
        """A task's state has changed."""
        ended = self.since(task.id) if task.is_terminal else None
        part = 1.0 if task.status == "SUCCEEDED" else task.progress
        self._row(task.id, task.status, part, stopped=ended)

    def downloading(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Bytes of an output have come."""
        part = done / total if total else None
        self._row(task_id, f"saving {size_text(done)}", part)

    def saved(self, task: Task, path: Path) -> None:
        """An output is on the disk."""
        self._row(task.id, "saved", 1.0, stopped=self.since(task.id))
        super().saved(task, path)

    def result(self, text: str, event: str, facts: Mapping[str, JSON]) -> None:
        """A result."""
        self._after(partial(super().result, text, event, facts))

    def note(self, text: str) -> None:
        """Something that is good to know meanwhile."""
        self._after(partial(super().note, text))

    def warn(self, text: str) -> None:
        """Something that must not be overlooked."""
        self._after(partial(self._print, "note:", "yellow", text))

    def failed(self, ending: Ending, error: BaseException) -> None:
        """Something failed; what to do next is part of it."""
        if ending.task_id is not None:
            self._stop(ending.task_id)
        self._after(partial(self._fail, ending, self.origin(error)))

    def _fail(self, ending: Ending, origin: Sequence[str]) -> None:
        for line in origin:
            self.console.print(Text(plain(line)), soft_wrap=True)
        self._print(LABELS.get(ending.code, "error:"), "bold red", ending.message)
        for line in ending.details:
            self._print("", "", line)
        self._print("next:", "bold", ending.advice)

    def _print(self, label: str, style: str, text: str) -> None:
        # What begins with our own name is a command, and must be one line when it is copied.
        is_command = text.startswith(NAME)
        room = self.console.width - _INDENT
        words = text if is_command or room < _NARROWEST else _wrapped(text, room)
        words = plain(words)
        said = Text.assemble((f"{label:<{_INDENT}}", style), words)
        self.console.print(said, soft_wrap=True)

    def _row(
        self, task_id: str, words: str, part: float | None, stopped: float | None = None
    ) -> None:
        with self._lock:
            if self._bars is not None and task_id in self._rows:
                self._bars.update(
                    self._rows[task_id],
                    description=words,
                    total=None if part is None else 1.0,
                    completed=part or 0.0,
                    part="" if part is None else f"{part:.0%}",
                    stopped=stopped,
                )

    def _stop(self, task_id: str) -> None:
        with self._lock:
            if self._bars is not None and task_id in self._rows:
                self._bars.update(self._rows[task_id], stopped=self.since(task_id))

    def _after(self, say: Callable[[], None]) -> None:
        with self._lock:
            if self._bars is None:
                say()
            else:
                self._later.append(say)

    def _end(self) -> None:
        with self._lock:
            self._bars = None
            self._rows.clear()
            waiting, self._later = self._later, []
        for say in waiting:
            say()


def _short(ids: Sequence[str]) -> list[str]:
    """The ids, cut where the beginnings tell them apart."""
    cut = [task_id[:_SHORT] for task_id in ids]
    return cut if len(set(cut)) == len(set(ids)) else list(ids)


def _wrapped(text: str, width: int) -> str:
    """Prose in lines of a width, each but the first indented; quoted commands stay whole."""
    whole = re.sub(r"`[^`]*`", lambda found: found.group().replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * _INDENT}".join(lines).replace("\N{NO-BREAK SPACE}", " ")
