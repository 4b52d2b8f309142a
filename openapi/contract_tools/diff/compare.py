"""Compares two OpenAPI documents: the one comparison behind `make vendor` and `make spec-diff`.

A request must still be allowed, and a response must contain nothing new. A `Judge` decides that
for each change of a schema; plain rules decide the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.json_values import JsonObject, entries, members
from contract_tools._common.openapi import Operation, json_media, operations, resolve
from contract_tools.diff import operation_rules
from contract_tools.diff.changes import COMPATIBLE, Change, Judge, breaking
from contract_tools.diff.inline import inline
from contract_tools.diff.python_names import effect_on_parameter, effects_of_edit
from contract_tools.diff.schema_edits import find_edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract_tools.diff.changes import Direction, Effect
    from contract_tools.diff.schema_edits import Edit

    Effects = Callable[[Edit], list[Effect]]


def compare(old: JsonObject, new: JsonObject, judge: Judge) -> Iterator[Change]:
    """Yield every change of operations and schemas; descriptions and examples are ignored.

    Args:
        old: the document as it was.
        new: as it is.
        judge: decides what a change of a schema means on the wire.

    Raises:
        ContractError: a reference points outside its document, or at nothing.
    """
    yield from operation_rules.document_changes(old, new)
    by_id = [{one.id: one for one in operations(document)} for document in (old, new)]
    routes = operation_rules.ResourceRoutes.of(*(one.values() for one in by_id))
    for before, after in operation_rules.pair_operations(*by_id):
        if before is None or after is None:
            yield from operation_rules.added_or_removed(before, after, routes)
        else:
            yield from operation_rules.operation_changes((old, new), before, after, routes)
            yield from _Comparison(old, new, before, after, judge).changes()


@frozen
class _Comparison:
    """The parameters, bodies and responses of one operation in both documents."""

    old: JsonObject
    new: JsonObject
    before: Operation
    after: Operation
    judge: Judge

    def changes(self) -> Iterator[Change]:
        yield from self._parameters()
        yield from self._body()
        yield from self._responses()

    def _parameters(self) -> Iterator[Change]:
        before, after = _parameters(self.old, self.before), _parameters(self.new, self.after)
        for key, parameter in before.items():
            if key not in after:
                yield self._parameter_change(key, "removed", "is gone", breaks_programs=True)
            else:
                yield from self._parameter(key, parameter, after[key])
        for key, parameter in after.items():
            if key not in before and parameter.get("required") is True:
                what = "is new, and required"
                yield self._parameter_change(key, "added, required", what, is_needed=True)
            elif key not in before:
                yield self._parameter_change(key, "added", "is new")

    def _parameter(
        self, key: tuple[str, str], before: JsonObject, after: JsonObject
    ) -> Iterator[Change]:
        was, now = before.get("required") is True, after.get("required") is True
        if now and not was:
            yield self._parameter_change(key, "now required", "must be passed", is_needed=True)
        elif was and not now:
            yield self._parameter_change(key, "no longer required", "may be left out")

        def effects(edit: Edit) -> list[Effect]:
            return [
                effect_on_parameter(
                    key[1], edit.what, self.after.raw, breaking="type" in edit.keywords
                )
            ]

        yield from self._schema(_parameter_name(key), before, after, "request", effects)

    def _parameter_change(
        self,
        key: tuple[str, str],
        what: str,
        in_python: str,
        *,
        is_needed: bool = False,
        breaks_programs: bool = False,
    ) -> Change:
        judgement = breaking("requests without it are refused now") if is_needed else COMPATIBLE
        breaks = is_needed or breaks_programs
        effect = effect_on_parameter(key[1], in_python, self.after.raw, breaking=breaks)
        return Change(self.after.id, _parameter_name(key), "", what, judgement, (effect,))

    def _body(self) -> Iterator[Change]:
        before = resolve(self.old, self.before.raw.get("requestBody"))
        after = resolve(self.new, self.after.raw.get("requestBody"))
        was, now = before.get("required") is True, after.get("required") is True
        if now and not was:
            judgement = breaking("requests without one are refused now")
            yield Change(self.after.id, "body", "", "now required", judgement)
        elif was and not now:
            yield Change(self.after.id, "body", "", "no longer required", COMPATIBLE)
        yield from self._content("body", before, after, "request")

    def _content(
        self, part: str, before: JsonObject, after: JsonObject, direction: Direction
    ) -> Iterator[Change]:
        """Yield the changes of media types, and of the JSON schema."""
        was, now = members(before.get("content")), members(after.get("content"))
        for name in [name for name in was if name not in now]:
            judgement = breaking(f"{name} is no longer in the contract")
            yield Change(self.after.id, part, "", f"{name} is gone", judgement)
        for name in [name for name in now if name not in was]:
            yield Change(self.after.id, part, "", f"{name} is new", COMPATIBLE)

        def effects(edit: Edit) -> list[Effect]:
            return effects_of_edit(edit, self.after.raw, is_body=part == "body")

        yield from self._schema(part, json_media(before), json_media(after), direction, effects)

    def _responses(self) -> Iterator[Change]:
        before, after = _responses(self.old, self.before), _responses(self.new, self.after)
        removed = [code for code in before if code not in after]
        added = [code for code in after if code not in before]
        moved = [[code for code in codes if code[:1] == "2"] for codes in (removed, added)]
        if len(moved[0]) == len(moved[1]) == 1:
            (was,), (now,) = moved
            judgement = breaking("a client that knows only the old status reports a failure")
            what = f"the success moved from {was} to {now}"
            yield Change(self.after.id, f"response {now}", "", what, judgement)
            after = {**after, was: after[now]}
            removed.remove(was)
            added.remove(now)
        yield from (self._status_change(code, "gone") for code in removed)
        yield from (self._status_change(code, "new") for code in added)
        for code in [code for code in before if code in after]:
            yield from self._content(f"response {code}", before[code], after[code], "response")

    def _status_change(self, code: str, how: str) -> Change:
        # The wrapper handles any failure status, documented or not.
        judgement = breaking(f"a success status is {how}") if code[:1] == "2" else COMPATIBLE
        what = f"documented response is {how}"
        return Change(self.after.id, f"response {code}", "", what, judgement)

    def _schema(
        self,
        part: str,
        before: JsonObject,
        after: JsonObject,
        direction: Direction,
        effects: Effects,
    ) -> Iterator[Change]:
        """Yield the changes of one schema, and one more if they break only together."""
        if "schema" not in before or "schema" not in after:
            return
        old = members(inline(self.old, before["schema"]))
        new = members(inline(self.new, after["schema"]))
        all_compatible = True
        # The old schema with the offered fields, which are compatible by rule.
        known = old
        for edit in find_edits(old, new):
            judgement = COMPATIBLE
            if _is_offer(edit, direction):
                known = edit.apply(known)
            else:
                judgement = self.judge(old, edit.apply(old), direction, edit.place)
            all_compatible = all_compatible and judgement == COMPATIBLE
            found = tuple(effects(edit))
            yield Change(self.after.id, part, edit.place, edit.what, judgement, found)
        if all_compatible:
            together = self.judge(known, new, direction, "")
            if together.verdict == "breaking":
                what = "several changes that are compatible alone are breaking together"
                yield Change(self.after.id, part, "", what, together)


def _is_offer(edit: Edit, direction: Direction) -> bool:
    """Whether an edit adds an optional field to a request.

    Where unknown fields are allowed, the field was allowed with any value and is restricted now.
    No client sent it on purpose, so this counts as compatible.
    """
    return direction == "request" and edit.kind == "added" and not edit.is_required


def _parameters(document: JsonObject, one: Operation) -> dict[tuple[str, str], JsonObject]:
    raw = [*entries(one.item.get("parameters")), *entries(one.raw.get("parameters"))]
    resolved = [resolve(document, parameter) for parameter in raw]
    return {(str(p.get("in")), str(p.get("name"))): p for p in resolved}


def _responses(document: JsonObject, one: Operation) -> dict[str, JsonObject]:
    found = members(one.raw.get("responses"))
    return {code: resolve(document, response) for code, response in found.items()}


def _parameter_name(key: tuple[str, str]) -> str:
    return f"header {key[1]}" if key[0] == "header" else f"{key[0]} parameter {key[1]}"
