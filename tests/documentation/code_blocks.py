"""The code blocks of a page, and what comments say about them.

A comment before a block, which readers do not see, is one of these::

    <!-- file: heroes.csv -->    the block is the content of that file
    <!-- captured -->            a terminal as captured once; only its commands are checked
    <!-- run                     code that runs at this place
    simulator.lose_next_response()
    -->

A ``text`` block directly after a ``python`` block is what that one prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

_BLOCK = re.compile(
    r"^<!-- run\n(?P<hidden>.*?)^-->$"
    r"|(?:^<!-- (?P<note>file: \S+|captured) -->\n)?"
    r"^(?P<fence>`{3,})(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@frozen
class CodeBlock:
    """One block of a page.

    Attributes:
        language: The word after the fence; ``run`` for hidden code.
        text: What is in it.
        start: Where the text begins in the page.
        line: The number of its first line.
        note: The comment before it.
        follows: Whether only a blank line is between it and the block before it.
    """

    language: str
    text: str
    start: int
    line: int
    note: str
    follows: bool

    @property
    def end(self) -> int:
        """Where the text ends in the page."""
        return self.start + len(self.text)


def read_blocks(page: str) -> Iterator[CodeBlock]:
    """Yield every block of a page, in order."""
    end = 0
    for match in _BLOCK.finditer(page):
        part = "text" if match["hidden"] is None else "hidden"
        start = match.start(part)
        yield CodeBlock(
            match["language"] or ("run" if part == "hidden" else ""),
            match[part],
            start,
            page.count("\n", 0, start) + 1,
            match["note"] or "",
            not page[end : match.start()].strip(),
        )
        end = match.end()
