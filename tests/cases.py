"""Many cases of one law in one test.

A collected test costs 3 ms of CPU before it checks anything: each worker collects it, sets it up
and reports it. A case of `each_case` costs nothing more than its check.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import inspect
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pytest
from attrs import frozen

Test: TypeAlias = Callable[..., None]
Namer: TypeAlias = Callable[[Any], object]
# One failure kills a mutant.
IS_MUTATED = getattr(sys.modules["__main__"].__spec__, "parent", "") == "tests.mutants"
# `pytest.fail`, also that of `pytest.raises`, is no Exception.
FAILURES = (Exception, pytest.fail.Exception)


@frozen
class Case:
    """One case: its arguments, and what failures call it."""

    arguments: Mapping[str, Any]
    id: str | None = None
    namer: Namer | None = None

    @property
    def name(self) -> str:
        """Worked out only for cases that fail."""
        return self.id or ", ".join(itertools.starmap(self._describe, self.arguments.items()))

    def _describe(self, name: str, value: object) -> str:
        given = self.namer and self.namer(value)
        if given:
            return str(given)
        # Some tests are about values whose repr fails, or takes long.
        if isinstance(value, str | bytes | int | float | None | enum.Enum):
            return f"{name}={value!r:.80}"
        return f"{name}={getattr(value, '__name__', None) or type(value).__name__}"


def each_case(
    names: str | Sequence[str],
    values: Iterable[Any],
    ids: Iterable[str] | Namer | None = None,
) -> Callable[[Test], Test]:
    """Run a test for each case, whatever became of the others, as one test.

    The arguments are those of `pytest.mark.parametrize`; several decorators combine their cases.
    The first failure is raised, and its note names every case that failed. `tmp_path`,
    `monkeypatch`, `caplog` and what has a method `renewed` are new for each case; no case may
    change another fixture of the test.
    """
    cases = tuple(_read_cases(names, values, ids))
    assert cases, "a test without cases checks nothing"

    def decorate(test: Test) -> Test:
        assert not inspect.iscoroutinefunction(test)
        tables = (*getattr(test, "case_tables", ()), cases)
        check = getattr(test, "check_case", test)

        @functools.wraps(test)
        def check_all(*args: Any, **fixtures: Any) -> None:
            __tracebackhide__ = True
            failures: list[tuple[str, BaseException]] = []
            for number, combined in enumerate(itertools.product(*tables)):
                arguments = dict(fixtures)
                for case in combined:
                    arguments |= case.arguments
                try:
                    with contextlib.ExitStack() as stack:
                        for name, value in fixtures.items():
                            arguments[name] = _renew(name, value, number, stack)
                        check(*args, **arguments)
                except FAILURES as error:
                    label = "; ".join(case.name for case in combined)
                    failures.append((f"case {number}: {label}", error))
                    if IS_MUTATED:
                        break
            _raise_first(failures)

        check_all.case_tables = tables  # type: ignore[attr-defined]
        check_all.check_case = check  # type: ignore[attr-defined]
        signature = inspect.signature(test)
        check_all.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[
                one for name, one in signature.parameters.items() if name not in cases[0].arguments
            ]
        )
        return check_all

    return decorate


def _renew(name: str, value: Any, number: int, stack: contextlib.ExitStack) -> Any:
    if name == "tmp_path":
        folder = value / str(number)
        folder.mkdir()
        return folder
    if isinstance(value, pytest.LogCaptureFixture):
        value.clear()
    renewed = (
        value.context if isinstance(value, pytest.MonkeyPatch) else getattr(value, "renewed", None)
    )
    return stack.enter_context(renewed()) if renewed else value


def _read_cases(
    names: str | Sequence[str], values: Iterable[Any], ids: Iterable[str] | Namer | None
) -> Iterator[Case]:
    listed = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    is_single = isinstance(names, str) and len(listed) == 1
    namer = ids if callable(ids) else None
    rows = list(values)
    labels = [None] * len(rows) if ids is None or callable(ids) else ids
    for value, label in zip(rows, labels, strict=True):
        if isinstance(value, type(pytest.param())):
            assert not value.marks, "a case has no marks"
            yield Case(dict(zip(listed, value.values, strict=True)), value.id or label, namer)
        else:
            row = (value,) if is_single else value
            yield Case(dict(zip(listed, row, strict=True)), label, namer)


def _raise_first(failures: list[tuple[str, BaseException]]) -> None:
    __tracebackhide__ = True
    if failures:
        lines = [
            f"{name}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
            for name, error in failures
        ]
        first = failures[0][1]
        first.add_note("\n".join((f"{len(failures)} cases failed; this is the first:", *lines)))
        raise first
