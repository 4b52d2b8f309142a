"""Mutation operators for `except` clauses and `contextlib.suppress`.

A clause catches a narrower class or another one, catches one class less, or re-raises what it
swallows. Two clauses swap places where the second catches what the first is for; between unrelated
classes the order has no effect.
"""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .package_copy import FOLDERS

Replacement = tuple[ast.AST, Callable[[str], str]]
"""The node whose text is replaced, and its new text from the old one."""

# Only built-in names: every module has them without an import.
_NARROWER = {
    "BaseException": "Exception", "Exception": "ValueError", "ImportError": "ModuleNotFoundError",
    "LookupError": "KeyError", "OSError": "FileNotFoundError",
    "RuntimeError": "NotImplementedError", "ValueError": "UnicodeDecodeError",
}  # fmt: skip
_OTHER = "ZeroDivisionError"
# Base classes in libraries, for clauses of the packages that depend on their order.
_LIBRARY_BASES = {"JSONDecodeError": ("ValueError",), "MarkedYAMLError": ("YAMLError",)}
_CLASS = re.compile(r"^class (\w+)\(([\w.,\s]+)\):", re.MULTILINE)


def replacements(node: ast.AST, root: Path) -> Iterator[Replacement]:
    """Every mutation of one node.

    Args:
        node: any node of a module.
        root: the repository, for the base classes of its exceptions.
    """
    match node:
        case ast.ExceptHandler(type=ast.Tuple(elts=[_, _, *_] as classes)):
            for one in classes:
                rest = (ast.unparse(other) for other in classes if other is not one)
                yield node.type, _always(f"({', '.join(rest)},)")
        case ast.ExceptHandler(type=ast.Name() | ast.Attribute()):
            yield node.type, _always(_NARROWER.get(ast.unparse(node.type), _OTHER))
        case ast.Try(handlers=[_, _, *_] as handlers):
            for first, second in itertools.pairwise(handlers):
                if _depend_on_order(first, second, root):
                    yield _span(first, second), functools.partial(_swap, first, second)
        case ast.Call(args=[_, *_] as classes) if _is_suppress(node):
            for index, one in enumerate(classes):
                rest = [*classes[:index], *classes[index + 1 :]]
                narrower = [ast.Name(_NARROWER.get(ast.unparse(one), _OTHER))]
                yield node, _always(ast.unparse(ast.Call(node.func, rest or narrower, [])))
        case _:
            pass
    match node:
        case ast.ExceptHandler(body=[ast.Pass() as body]):
            yield body, _always("raise")
        case _:
            return


def _always(text: str) -> Callable[[str], str]:
    return lambda _: text


def _is_suppress(node: ast.Call) -> bool:
    # Called for every call of every module; `ast.unparse` would take most of the time.
    match node.func:
        case ast.Name("suppress") | ast.Attribute(ast.Name("contextlib"), "suppress"):
            return True
        case _:
            return False


def _span(first: ast.AST, second: ast.AST) -> ast.Pass:
    """A node with the text of two clauses."""
    return ast.Pass(
        lineno=first.lineno, col_offset=first.col_offset,
        end_lineno=second.end_lineno, end_col_offset=second.end_col_offset,
    )  # fmt: skip


def _swap(first: ast.ExceptHandler, second: ast.ExceptHandler, text: str) -> str:
    """Two clauses in the opposite order; comments between them stay between them."""
    indented = (" " * first.col_offset + text).split("\n")
    start = second.lineno - first.lineno
    end = (first.end_lineno or 0) - first.lineno + 1
    swapped = [*indented[start:], *indented[end:start], *indented[:end]]
    return "\n".join(swapped)[first.col_offset :]


def _depend_on_order(first: ast.ExceptHandler, second: ast.ExceptHandler, root: Path) -> bool:
    """Whether the second clause also catches a class of the first one."""
    wider = set(_class_names(second))
    return any(wider & _ancestors(one, _bases(root)) for one in _class_names(first))


def _class_names(handler: ast.ExceptHandler) -> list[str]:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [ast.unparse(one).rpartition(".")[2] for one in caught if one is not None]


def _ancestors(name: str, bases: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        known = getattr(builtins, one, None)
        if isinstance(known, type):
            found |= {parent.__name__ for parent in known.__mro__}
        elif one not in found:
            waiting += bases.get(one, ())
        found.add(one)
    return found


@functools.cache
def _bases(root: Path) -> dict[str, tuple[str, ...]]:
    """The base classes of each class of the packages, by name."""
    found = dict(_LIBRARY_BASES)
    for folder in FOLDERS:
        for file in (root / folder).rglob("*.py"):
            for name, names in _CLASS.findall(file.read_text("utf-8")):
                own = tuple(
                    one.strip().rpartition(".")[2] for one in names.split(",") if one.strip()
                )
                found[name] = tuple(one for one in own if one != name)
    return found
