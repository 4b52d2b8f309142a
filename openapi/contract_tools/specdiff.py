"""What changed between two versions of the contract: on the wire, and in Python.

Requests must still be allowed, answers must bring no more than before: both are decided on the
schemas' meaning, not on their text, and a no comes with a value that shows it. Plain rules judge
the rest.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools import build, yaml_text
from contract_tools import specdiff_python as python
from contract_tools import specdiff_rules as rules
from contract_tools.errors import ContractError
from contract_tools.specdiff_edits import edits
from contract_tools.specdiff_judge import COMPATIBLE, Direction, inline, judge
from contract_tools.specdiff_rules import Change, Operation, breaking
from contract_tools.values import JsonObject, as_object, entries, members, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.specdiff_edits import Edit
    from contract_tools.workspace import Workspace

_JSON = "application/json"


@frozen
class Report:
    """Two versions and what is between them.

    Attributes:
        base: what the old one is called.
        changes: in the order of the new one, its own first.
        note: what the reader should know about the new one, if anything.
    """

    base: str
    changes: tuple[Change, ...]
    note: str = ""

    def count(self, verdict: str) -> int:
        """How many changes have a verdict."""
        return sum(change.verdict == verdict for change in self.changes)


def report(place: Workspace, base: str) -> Report:
    """Compare the contract that a workspace's pages and overlays make with an earlier one.

    It is built in memory: after `vendor`, and until `regenerate`, the contract in the file is
    that of the page before.

    Args:
        place: the workspace.
        base: a file, or a git revision whose `openapi/runway.yaml` is meant.

    Raises:
        ContractError: there is no such file or revision, or the contract cannot be built.
    """
    old = load(place, base)
    try:
        new = build.build(place)
    except ContractError as error:
        raise ContractError(
            f"nothing was compared with {base}: the pages and overlays make no contract, and "
            f"`make regenerate` will stop for the same reason: {error}"
        ) from error
    return Report(base, tuple(compare(old, new.document)), _note(place, new))


def _note(place: Workspace, new: build.Contract) -> str:
    file = place.contract
    if file.is_file() and file.read_bytes() == new.yaml.encode():
        return ""
    return (
        f"{place.name(file)} is not what the pages and overlays make now, and this is about what "
        "they make; `make regenerate` is still to come."
    )


def load(place: Workspace, base: str) -> JsonObject:
    """Read the contract from a file or a git revision."""
    if Path(base).is_file():
        return as_object(yaml_text.load(yaml_text.read_text(Path(base), base), base), base)
    named = f"{base}:{place.name(place.contract)}"
    # A revision that begins with a dash would be an option.
    shown = subprocess.run(  # noqa: S603 - a fixed program, no shell
        ["git", "show", "--end-of-options", named],  # noqa: S607 - git is where the user has it
        cwd=place.root,
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )
    if shown.returncode:
        raise ContractError(f"{base} is no file, and git says: {shown.stderr.strip()}")
    return as_object(yaml_text.load(shown.stdout, named), named)


def compare(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """List every change that matters; wording and examples do not."""
    yield from rules.document_changes(old, new)
    for before, after in rules.pairs(rules.listed(old), rules.listed(new)):
        if before is None or after is None:
            yield from rules.come_or_gone(before, after)
        else:
            yield from rules.operation_changes((old, new), before, after)
            yield from _Pair(old, new, before, after).changes()


@frozen
class _Pair:
    """One operation in both documents."""

    old: JsonObject
    new: JsonObject
    before: Operation
    after: Operation

    def changes(self) -> Iterator[Change]:
        yield from self._parameters()
        yield from self._body()
        yield from self._answers()

    def _parameters(self) -> Iterator[Change]:
        before, after = _parameters(self.old, self.before), _parameters(self.new, self.after)
        for key, parameter in before.items():
            if key not in after:
                effect = self._parameter_effect(key, "is gone", breaking=True)
                yield Change(self.after.id, _called(key), "", "removed", COMPATIBLE, (effect,))
            else:
                yield from self._parameter(key, parameter, after[key])
        for key, parameter in after.items():
            if key not in before:
                yield self._new_parameter(key, needed=parameter.get("required") is True)

    def _new_parameter(self, key: tuple[str, str], *, needed: bool) -> Change:
        judgement = breaking("requests without it are refused now") if needed else COMPATIBLE
        words = f"added{', required' if needed else ''}"
        effect = self._parameter_effect(
            key, f"is new{', and required' if needed else ''}", breaking=needed
        )
        return Change(self.after.id, _called(key), "", words, judgement, (effect,))

    def _parameter(
        self, key: tuple[str, str], before: JsonObject, after: JsonObject
    ) -> Iterator[Change]:
        was, now = before.get("required") is True, after.get("required") is True
        if was != now:
            judgement = breaking("requests without it are refused now") if now else COMPATIBLE
            words = "now required" if now else "no longer required"
            does = "must be given" if now else "may be left out"
            effect = self._parameter_effect(key, does, breaking=now)
            yield Change(self.after.id, _called(key), "", words, judgement, (effect,))
        for one in self._schema(_called(key), before, after, "request"):
            effect = self._parameter_effect(key, one.what, breaking=one.what.startswith("type "))
            yield Change(one.operation, one.part, one.place, one.what, one.judgement, (effect,))

    def _parameter_effect(
        self, key: tuple[str, str], what: str, *, breaking: bool
    ) -> python.Effect:
        return python.of_parameter(key[1], what, self.after.raw, breaking=breaking)

    def _body(self) -> Iterator[Change]:
        before, after = (
            resolve(document, one.raw.get("requestBody"))
            for document, one in ((self.old, self.before), (self.new, self.after))
        )
        was, now = before.get("required") is True, after.get("required") is True
        if now and not was:
            judgement = breaking("requests without one are refused now")
            yield Change(self.after.id, "body", "", "now required", judgement)
        elif was and not now:
            yield Change(self.after.id, "body", "", "no longer required", COMPATIBLE)
        yield from self._media("body", before, after)
        yield from self._schema("body", _json(before), _json(after), "request")

    def _media(self, part: str, before: JsonObject, after: JsonObject) -> Iterator[Change]:
        was, now = members(before.get("content")), members(after.get("content"))
        for name in [name for name in was if name not in now]:
            judgement = breaking(f"{name} is not in the contract any more")
            yield Change(self.after.id, part, "", f"{name} is gone", judgement)
        for name in [name for name in now if name not in was]:
            yield Change(self.after.id, part, "", f"{name} is new", COMPATIBLE)

    def _answers(self) -> Iterator[Change]:
        before, after = _answers(self.old, self.before), _answers(self.new, self.after)
        gone = [code for code in before if code not in after]
        come = [code for code in after if code not in before]
        moved = [[code for code in codes if code[:1] == "2"] for codes in (gone, come)]
        if len(moved[0]) == len(moved[1]) == 1:
            (was,), (now,) = moved
            judgement = breaking("a client that knows only the old status takes it for a failure")
            words = f"the success moved from {was} to {now}"
            yield Change(self.after.id, f"answer {now}", "", words, judgement)
            after = {**after, was: after[now]}
            gone.remove(was)
            come.remove(now)
        yield from (self._come_or_gone(code, "gone") for code in gone)
        yield from (self._come_or_gone(code, "new") for code in come)
        for code in [code for code in before if code in after]:
            part = f"answer {code}"
            yield from self._media(part, before[code], after[code])
            yield from self._schema(part, _json(before[code]), _json(after[code]), "answer")

    def _come_or_gone(self, code: str, how: str) -> Change:
        # A failure can always come, documented or not: the wrapper's error tree has a place for it.
        judgement = breaking(f"a success that is {how}") if code[:1] == "2" else COMPATIBLE
        return Change(self.after.id, f"answer {code}", "", f"documented answer is {how}", judgement)

    def _schema(
        self, part: str, before: JsonObject, after: JsonObject, direction: Direction
    ) -> Iterator[Change]:
        """The changes of one schema, and what they come to together if that is more."""
        if "schema" not in before or "schema" not in after:
            return
        old = members(inline(self.old, before["schema"]))
        new = members(inline(self.new, after["schema"]))
        is_sound = True
        known = old
        for one in edits(old, new):
            yield (change := self._edited(part, one, old, direction))
            is_sound = is_sound and change.judgement == COMPATIBLE
            known = one.apply(known) if _is_offer(one, direction) else known
        whole = judge(known, new, direction)
        if is_sound and whole.verdict == "breaking":
            words = "several changes that are compatible alone are not together"
            yield Change(self.after.id, part, "", words, whole)

    def _edited(self, part: str, one: Edit, old: JsonObject, direction: Direction) -> Change:
        is_fine = _is_offer(one, direction)
        judgement = COMPATIBLE if is_fine else judge(old, one.apply(old), direction, one.place)
        effects = python.of_edit(one, self.after.raw, is_body=part == "body")
        return Change(self.after.id, part, one.place, one.what, judgement, tuple(effects))


def _is_offer(one: Edit, direction: Direction) -> bool:
    """Whether a change is a further field that a request may have.

    Where unknown fields are allowed it was allowed with any value, so strictly less is allowed
    now; but nobody could mean anything by it.
    """
    return direction == "request" and one.kind == "added" and "required" not in one.what


def _parameters(document: JsonObject, one: Operation) -> dict[tuple[str, str], JsonObject]:
    raw = [*entries(one.shared.get("parameters")), *entries(one.raw.get("parameters"))]
    resolved = [resolve(document, parameter) for parameter in raw]
    return {(str(p.get("in")), str(p.get("name"))): p for p in resolved}


def _answers(document: JsonObject, one: Operation) -> dict[str, JsonObject]:
    return {code: resolve(document, answer)
            for code, answer in members(one.raw.get("responses")).items()}  # fmt: skip


def _called(key: tuple[str, str]) -> str:
    return f"{key[0]} parameter {key[1]}" if key[0] != "header" else f"header {key[1]}"


def _json(holder: JsonObject) -> JsonObject:
    return members(members(holder.get("content")).get(_JSON))
