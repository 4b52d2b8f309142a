"""Compares output with what a page shows of it.

Ids, keys, seeds, times and folders differ from run to run. An id that the page shows stands for the
one of this run, also in the commands that follow.
"""

from __future__ import annotations

import re

from attrs import define, field

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BOUND = rf"{_UUID}|\b[0-9a-f]{{32}}\b|\b[0-9a-f]{{16}}\b|\b[0-9a-f]{{8}}\b"
_FREE = (
    r"(?P<seed>(?<=seed[ =])\d+|(?<=\"seed\": )\d+)"
    r"|(?P<date>20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.]\d+)?(?:Z|[+]00:00)?)?)"
    r"|(?P<percent>\b\d+%)"
    r"|(?P<clock>\b\d+:\d\d\b)"
    r"|(?P<time>\b\d+(?:[.]\d+)? ?m?s\b)"
    r"|(?P<version>(?<![\d.])\d+[.]\d+[.]\d+(?![\d.]))"
    r"|(?P<port>(?<=127[.]0[.]0[.]1:)\d+)"
    r"|(?P<bytes>\b\d{4,}(?= bytes))"
    r"|(?P<any>…)"
)
_PATTERNS = {
    "seed": r"\d+",
    "date": r"20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.]\d+)?(?:Z|[+]00:00)?)?",
    "percent": r"\d+%",
    "clock": r"\d+:\d\d",
    "time": r"\d+(?:[.]\d+)? ?m?s",
    "version": r"\d+[.]\d+[.]\d+",
    "port": r"\d+",
    "bytes": r"\d+",
    "any": r"[\s\S]*?",
}


@define
class OutputPatterns:
    """What ids of a page stand for in this run.

    Attributes:
        ids: The id in this run for each id that the page shows.
    """

    ids: dict[str, str] = field(factory=dict[str, str])

    def match(self, expected: str, actual: str) -> bool:
        """Whether output is as shown; learns what its ids stand for."""
        shown: list[str] = []
        pattern = ""
        end = 0
        for token in re.finditer(f"(?P<id>{_BOUND})|{_FREE}", expected):
            pattern += _escape(expected[end : token.start()])
            end = token.end()
            if token["id"] is None:
                pattern += _PATTERNS[str(token.lastgroup)]
            elif token["id"] in self.ids:
                pattern += re.escape(self.ids[token["id"]])
            elif token["id"] in shown:
                pattern += rf"\{shown.index(token['id']) + 1}(?![0-9])"
            else:
                shown.append(token["id"])
                pattern += f"({'[0-9a-f-]' * len(token['id'])})"
        found = re.fullmatch(pattern + _escape(expected[end:]), actual)
        if found is None:
            return False
        # Two ids of the page are two of this run.
        if len(set(found.groups()) - set(self.ids.values())) < len(shown):
            return False
        self.ids.update(zip(shown, found.groups(), strict=True))
        # Batches and messages shorten an id to its first part.
        self.ids.update(
            {page[:8]: own[:8] for page, own in zip(shown, found.groups(), strict=True)}
        )
        return True

    def translate(self, command: str) -> str:
        """A command with the ids of this run."""
        return re.sub(_BOUND, lambda match: self.ids.get(match[0], match[0]), command)


def _escape(text: str) -> str:
    # The width of a column depends on what is in it.
    return re.sub(r"(?:\\ )+", " +", re.escape(text))
