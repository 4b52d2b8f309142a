"""The hand-picked defects: code that is changed, and contracts that moved on without the client."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from .package_copy import ROOT
from .mutation_operators import Mutant

HERE = Path(__file__).parent
CODE = HERE / "picked.toml"
MOVED = HERE / "moved.toml"
CONTRACT = "generated/cometapi_runway_api/contract.json"


class StalePickError(Exception):
    """A pick does not apply any more: the code it changes has changed."""


def code() -> list[Mutant]:
    """Defects in generated code and in the wrapper.

    Raises:
        StalePickError: the text to replace is not in its file, or not once, or makes no Python.
    """
    return [_coded(one) for one in tomllib.loads(CODE.read_text("utf-8")).get("defect", [])]


def moved() -> list[Mutant]:
    """Contracts that differ from the one that the client was generated from.

    Raises:
        StalePickError: what is to be changed is not in the contract.
    """
    document = json.loads((ROOT / CONTRACT).read_text("utf-8"))
    return [
        _moved(one, document) for one in tomllib.loads(MOVED.read_text("utf-8")).get("moved", [])
    ]


def _coded(pick: dict[str, Any]) -> Mutant:
    text = (ROOT / pick["file"]).read_text("utf-8")
    times = text.count(pick["before"])
    if times < 1 or (times > 1 and not pick.get("every")):
        raise StalePickError(f"{pick['id']}: {pick['file']} has {pick['before']!r} {times} times")
    source = text.replace(pick["before"], pick["after"])
    try:
        compile(source, pick["file"], "exec")
    except SyntaxError as error:
        raise StalePickError(f"{pick['id']}: {error}") from error
    line = text[: text.index(pick["before"])].count("\n") + 1
    group = "generated" if pick["file"].startswith("generated/") else "wrapper"
    return Mutant(pick["id"], group, pick["file"], line, "", pick["before"], pick["after"],
                  source, pick["breaks"])  # fmt: skip


def _moved(pick: dict[str, Any], document: Any) -> Mutant:
    changed = copy.deepcopy(document)
    *way, last = pick["at"].removeprefix("/").split("/")
    holder = changed
    try:
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else _plain(step)]
        before = _change(holder, last, pick)
    except (KeyError, IndexError, ValueError) as error:
        raise StalePickError(f"{pick['id']}: {pick['at']}: {error!r}") from error
    if changed == document:
        raise StalePickError(f"{pick['id']}: {pick['at']}: says so already")
    after = next(f"{kind} {pick[kind]!r}" for kind in ("set", "add", "rename", "gone")
                 if kind in pick)  # fmt: skip
    shown = f"{pick['at']}: {json.dumps(before)[:200]}"
    source = json.dumps(changed, indent=2, ensure_ascii=False) + "\n"
    return Mutant(pick["id"], "contract", CONTRACT, 1, "", shown, after, source, pick["breaks"])


def _change(holder: Any, last: str, pick: dict[str, Any]) -> Any:
    """Change one place, and return what was there."""
    key = int(last) if isinstance(holder, list) else _plain(last)
    if "set" in pick:
        before = holder.get(key) if isinstance(holder, dict) else holder[key]
        holder[key] = pick["set"]
        return before
    before = holder[key]
    if "add" in pick:
        holder[key] = [*before, pick["add"]]
    elif "rename" in pick:
        moved = [(pick["rename"] if name == key else name, one) for name, one in holder.items()]
        holder.clear()
        holder.update(moved)
    else:
        del holder[key]
    return before


def changed_operations(contract: str) -> frozenset[str]:
    """The operations that a contract says something else about than the client's own.

    Args:
        contract: the text of one that moved on.
    """
    old = _expand(json.loads((ROOT / CONTRACT).read_text("utf-8")))
    new = _expand(json.loads(contract))
    return frozenset(name for name in old | new if old.get(name) != new.get(name))


def _expand(document: Any) -> dict[str, str]:
    """Each operation with all that the contract says about it, components included."""
    return {
        one["operationId"]: json.dumps(
            [document["servers"], path, method, _reached(document, one)], sort_keys=True
        )
        for path, item in document["paths"].items()
        for method, one in item.items()
        if "operationId" in one
    }


def _reached(document: Any, operation: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"": operation}
    waiting = [operation]
    while waiting:
        for pointer in set(re.findall(r'"\$ref": "#([^"]+)"', json.dumps(waiting.pop()))) - set(
            found
        ):
            found[pointer] = document
            for step in pointer.removeprefix("/").split("/"):
                found[pointer] = found[pointer][_plain(step)]
            waiting.append(found[pointer])
    return found


def _plain(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
