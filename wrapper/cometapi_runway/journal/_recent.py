"""What this process wrote about its latest submissions, to write it again if the file loses it."""

from __future__ import annotations

from collections.abc import Iterator

from cometapi_runway.journal._statements import Write

_MAX_SUBMISSIONS = 1_000
"""Submissions that are remembered: about a megabyte, because payloads are not kept."""


class RecentSubmissions:
    """The writes of the latest submissions, in order."""

    def __init__(self) -> None:
        self._writes: dict[str, dict[tuple[str, int], Write]] = {}
        self._keys: dict[str, str] = {}

    def remember(self, write: Write) -> None:
        """Remember a write, if its submission was made by this process."""
        if write.is_intent and write.key is not None:
            self._writes[write.key] = {}
            self._drop_oldest()
        key = self._find_key(write)
        if key is not None:
            if write.task_id is not None:
                self._keys[write.task_id] = key
            self._writes[key][write.slot] = write

    def find(self, write: Write) -> list[Write]:
        """What was written about the submission of a write; empty if it is not remembered."""
        key = self._find_key(write)
        return [] if key is None else list(self._writes[key].values())

    def __iter__(self) -> Iterator[list[Write]]:
        return iter([list(writes.values()) for writes in self._writes.values()])

    def _find_key(self, write: Write) -> str | None:
        key = write.key
        if key is None and write.task_id is not None:
            key = self._keys.get(write.task_id)
        return key if key in self._writes else None

    def _drop_oldest(self) -> None:
        while len(self._writes) > _MAX_SUBMISSIONS:
            dropped = self._writes.pop(next(iter(self._writes)))
            for write in dropped.values():
                if write.task_id is not None:
                    self._keys.pop(write.task_id, None)
