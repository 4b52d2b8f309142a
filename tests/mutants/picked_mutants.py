"""The hand-picked mutants: changed code, and contracts that change without the client."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from .areas import CONTRACT as CONTRACT_AREA
from .areas import find_area
from .mutation_operators import Mutant
from .package_copy import ROOT

HERE = Path(__file__).parent
CODE = HERE / "picked.toml"
CONTRACT_CHANGES = HERE / "contract_changes.toml"
CONTRACT = "generated/cometapi_runway_api/contract.json"


class StalePickError(Exception):
    """A picked mutant no longer applies, because its code has changed."""


def code() -> list[Mutant]:
    """The picked mutants of code.

    Raises:
        StalePickError: the text is not in its file exactly once, or the result is not Python.
    """
    return [apply_pick(one) for one in tomllib.loads(CODE.read_text("utf-8")).get("defect", [])]


def contract_changes() -> list[Mutant]:
    """Contracts that differ from the one that the client was generated from.

    Raises:
        StalePickError: the change does not apply to the contract.
    """
    document = json.loads((ROOT / CONTRACT).read_text("utf-8"))
    return [
        apply_change(one, document)
        for one in tomllib.loads(CONTRACT_CHANGES.read_text("utf-8")).get("change", [])
    ]


def apply_all() -> tuple[list[Mutant], list[str]]:
    """The mutants of both lists, and a message for each entry that no longer applies."""
    document = json.loads((ROOT / CONTRACT).read_text("utf-8"))
    picks = tomllib.loads(CODE.read_text("utf-8")).get("defect", [])
    changes = tomllib.loads(CONTRACT_CHANGES.read_text("utf-8")).get("change", [])
    attempts = [partial(apply_pick, one) for one in picks]
    attempts += [partial(apply_change, one, document) for one in changes]
    mutants, stale = [], []
    for attempt in attempts:
        try:
            mutants.append(attempt())
        except StalePickError as error:
            stale.append(str(error))
    return mutants, stale


def apply_pick(pick: dict[str, Any]) -> Mutant:
    file = ROOT / pick["file"]
    if not file.is_file():
        raise StalePickError(f"stale pick {pick['id']!r} (picked.toml): {pick['file']} is missing")
    text = file.read_text("utf-8")
    times = text.count(pick["before"])
    if times < 1 or (times > 1 and not pick.get("every")):
        raise StalePickError(
            f"stale pick {pick['id']!r} (picked.toml): {pick['file']} has its text "
            f"{times} times instead of once: {pick['before']!r}"
        )
    try:
        compile(text.replace(pick["before"], pick["after"]), pick["file"], "exec")
    except SyntaxError as error:
        raise StalePickError(
            f"stale pick {pick['id']!r} (picked.toml): {pick['file']} would not compile: {error}"
        ) from error
    line = text[: text.index(pick["before"])].count("\n") + 1
    places = (one.start() for one in re.finditer(re.escape(pick["before"]).encode(), text.encode()))
    return Mutant(pick["id"], find_area(pick["file"]), pick["file"], line, "", pick["before"],
                  pick["after"], text.encode(), tuple(places), pick["breaks"])  # fmt: skip


def apply_change(pick: dict[str, Any], document: Any) -> Mutant:
    changed = copy.deepcopy(document)
    *way, last = pick["at"].removeprefix("/").split("/")
    holder = changed
    try:
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else _plain(step)]
        before = _change(holder, last, pick)
    except (KeyError, IndexError, ValueError) as error:
        raise StalePickError(
            f"stale change {pick['id']!r} (contract_changes.toml): "
            f"{pick['at']} is not in the contract"
        ) from error
    if changed == document:
        raise StalePickError(
            f"stale change {pick['id']!r} (contract_changes.toml): "
            f"{pick['at']} has this value already"
        )
    after = next(
        f"{kind} {pick[kind]!r}" for kind in ("set", "add", "rename", "gone") if kind in pick
    )
    shown = f"{pick['at']}: {json.dumps(before)[:200]}"
    source = json.dumps(changed, indent=2, ensure_ascii=False) + "\n"
    return Mutant(pick["id"], CONTRACT_AREA, CONTRACT, 1, "", shown, after, source.encode(),
                  breaks=pick["breaks"])  # fmt: skip


def _change(holder: Any, last: str, pick: dict[str, Any]) -> Any:
    """Change one value and return the old one."""
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
    """The operations that differ between a contract and the client's own.

    Args:
        contract: the text of the changed contract.
    """
    old = _expand(json.loads((ROOT / CONTRACT).read_text("utf-8")))
    new = _expand(json.loads(contract))
    return frozenset(name for name in old | new if old.get(name) != new.get(name))


def _expand(document: Any) -> dict[str, str]:
    """Each operation as text, with every component that it references."""
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
