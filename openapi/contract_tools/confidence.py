"""A transcription says of each of its fields how sure it is, and of nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contract_tools import facts
from contract_tools.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.registry import Entry
    from contract_tools.values import JsonObject

PARAMETER = re.compile(r": \w+ parameter (.+)$")
BODY = re.compile(r": body field (.+)$")
ANSWER = re.compile(r": answer (\w+) field (.+)$")
OF_FIELDS = ("parameters.", "body.", "responses.")


def check(page: JsonObject, entry: Entry, where: str) -> None:
    """Check the confidence table of a transcription against its fields.

    Raises:
        ContractError: a field has no word, or a word is about no field.
    """
    if not entry.confidence:
        return
    parts = set(_parts(page))
    silent = sorted(parts - entry.confidence.keys())
    if silent:
        raise ContractError(f"{where}: the confidence table has no word for {', '.join(silent)}")
    for part in entry.confidence:
        # `body.seed.type` is about one thing that is said of a field.
        if part.startswith(OF_FIELDS) and not {part, part.rpartition(".")[0]} & parts:
            raise ContractError(f"{where}: the confidence table names {part}, which is not there")


def _parts(page: JsonObject) -> Iterator[str]:
    for name in facts.subjects(page):
        if found := PARAMETER.search(name):
            yield f"parameters.{found[1]}"
        elif name.endswith(("[]", ">")):
            continue  # the item of a list, or a branch: what is in it counts
        elif found := BODY.search(name):
            yield f"body.{found[1]}"
        elif found := ANSWER.search(name):
            yield f"responses.{found[1]}.{found[2]}"
