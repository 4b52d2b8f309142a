"""Mutation operators: small changes of the code, as typing errors would make them.

A mutation replaces text within its lines, so all other lines keep their numbers. Messages (strings
with a space, docstrings, f-strings), type hints and code for type checkers are not mutated: a test
could detect a changed message only by repeating it. Mutations of `except` clauses are in
`exception_operators`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from attrs import frozen

from . import exception_operators

_COMPARED = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
_COMPUTED = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*",
             ast.Mod: "*", ast.Pow: "*", ast.BitOr: "&", ast.BitAnd: "|"}  # fmt: skip
_TYPE_MAKERS = frozenset({"TypeVar", "ParamSpec"})


@frozen
class Mutant:
    """One mutation.

    Attributes:
        id: the name of the mutant.
        area: the name of its area; see `areas`.
        file: the file, relative to the repository.
        line: the line, from 1.
        scope: the function or class.
        before: the text that is replaced; for a contract a JSON pointer.
        after: the replacement.
        original: the file before the mutation; of a changed contract, after it.
        places: where the text to replace begins in it, in bytes.
        breaks: whom it would hurt; for picked mutants only.
        nth: the index of the text in the scope, from 0.
        is_handling: whether it changes which exceptions are handled, and how.
    """

    id: str
    area: str
    file: str
    line: int
    scope: str
    before: str
    after: str
    original: bytes
    places: tuple[int, ...] = ()
    breaks: str = ""
    nth: int = 0
    is_handling: bool = False

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """Identifies the mutation independently of its line."""
        return self.file, self.scope, self.before, self.after, self.nth

    @property
    def source(self) -> str:
        """The whole mutated file; made when it is wanted, since an area has 40,000 mutants."""
        parts, end = [], 0
        for place in self.places:
            parts += [self.original[end:place], self.after.encode()]
            end = place + len(self.before.encode())
        return b"".join([*parts, self.original[end:]]).decode()


def mutants(root: Path, file: Path, area: str) -> list[Mutant]:
    """Every mutant of one file."""
    name = file.relative_to(root).as_posix()
    text = file.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    content = text.encode()
    found: dict[tuple[int, int, str], tuple[int, str, str, str, bool]] = {}
    for node, scope, make_text, is_handling in _changes(ast.parse(text), root):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = content[begin:end].decode()
        after = make_text(before)
        if after != before:
            label = f"{name}:{node.lineno}:{node.col_offset} {_short(before)} -> {_short(after)}"
            change = node.lineno, scope, before, label, is_handling
            found.setdefault((begin, end, after), change)
    seen: Counter[tuple[str, str, str]] = Counter()
    result = []
    for (begin, _, after), (line, scope, before, label, is_handling) in sorted(found.items()):
        nth = seen[scope, before, after]
        seen[scope, before, after] += 1
        result.append(Mutant(label, area, name, line, scope, before, after, content, (begin,),
                             nth=nth, is_handling=is_handling))  # fmt: skip
    return result


def _changes(
    tree: ast.Module, root: Path
) -> Iterator[tuple[ast.AST, str, Callable[[str], str], bool]]:
    visited: list[tuple[ast.AST, str]] = []
    _visit(tree, "", visited)
    for node, scope in visited:
        for target, after in exception_operators.replacements(node, root):
            yield target, scope, after, True
        for target, after in _replacements(node):
            yield target, scope, after, False


def _visit(node: ast.AST, scope: str, visited: list[tuple[ast.AST, str]]) -> None:
    """Collect the nodes that may be changed, each with its function or class."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.expr_context):
                continue
            if _is_typing(node, name) or _is_words(child):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Assign) and _is_for_checkers(child):
                continue
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{scope}.{child.name}" if scope else child.name
            visited.append((child, inner))
            _visit(child, inner, visited)


def _is_typing(node: ast.AST, field: str) -> bool:
    if field in {"annotation", "returns", "bases"}:
        return True
    if isinstance(node, ast.Call):
        return _is_name(node.func, {"cast"})
    if isinstance(node, ast.keyword) and node.arg == "factory":
        # `list[int]` makes a list; what it holds matters to type checkers only.
        return isinstance(node.value, ast.Subscript)
    return isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation)


def _is_for_checkers(node: ast.Assign) -> bool:
    """Whether an assignment has no effect at run time: ``__all__``, a type variable."""
    is_type_maker = isinstance(node.value, ast.Call) and _is_name(node.value.func, _TYPE_MAKERS)
    return is_type_maker or _is_name(node.targets[0], {"__all__"})


def _is_name(node: ast.AST, names: Set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _is_words(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    value = node.value if isinstance(node, ast.Expr) else node
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return is_text and (isinstance(node, ast.Expr) or " " in value.value)


def _replacements(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[str], str]]]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            yield node, _joined(node.left, _COMPARED[type(operator)], node.comparators[0])
        case ast.BoolOp(values=[first, *rest]):
            word = " and " if isinstance(node.op, ast.Or) else " or "
            yield node, _always("(" + word.join(map(ast.unparse, [first, *rest])) + ")")
        case ast.UnaryOp(op=ast.Not()):
            yield node, _always(f"({ast.unparse(node.operand)})")
        case ast.BinOp() if type(node.op) in _COMPUTED:
            yield node, _joined(node.left, _COMPUTED[type(node.op)], node.right)
        case ast.Constant():
            yield from ((node, _always(repr(value))) for value in _other(node.value))
        case ast.If() | ast.While() | ast.IfExp():
            yield node.test, lambda text: f"not ({text})"
        case ast.Return() | ast.Yield() if node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield node.value, _always("None")
        case ast.Expr(value=ast.Call()):
            yield node, _always("None")
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]) | ast.AugAssign():
            yield node, _always("pass")
        case ast.Raise() | ast.Continue() | ast.Break():
            yield node, _always("pass")
        case ast.Call() if node.keywords and all(one.arg for one in node.keywords):
            for keyword in node.keywords:
                left = [one for one in node.keywords if one is not keyword]
                fewer = ast.Call(node.func, node.args, left)
                yield node, _always(ast.unparse(fewer))
        case ast.Set() | ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) if len(node.elts) > 1:
            yield node, _always(ast.unparse(type(node)(**{**vars(node), "elts": node.elts[1:]})))
        case _:
            return


def _always(text: str) -> Callable[[str], str]:
    return lambda _: text


def _joined(left: ast.expr, operator: str, right: ast.expr) -> Callable[[str], str]:
    return _always(f"({ast.unparse(left)} {operator} {ast.unparse(right)})")


def _other(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, str) and value:
        yield f"{value}X"


def compiles(mutant: Mutant) -> bool:
    """Whether the mutated file compiles."""
    try:
        compile(mutant.source, mutant.file, "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 50 else f"{line[:49]}…"
