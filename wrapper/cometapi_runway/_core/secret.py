"""The API key as a value that no representation shows.

Tracebacks with local variables, `rich`, `attrs.asdict` and debuggers show what variables and fields
hold. The key is therefore text only at the line that writes it into a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cometapi_runway._core.redaction import HIDDEN

# Shorter keys occur in tests only, and would be found inside ordinary words.
_MIN_LENGTH_TO_HIDE = 6
# What begins a character that JSON, a URL, HTML or a Python literal writes in another form.
# Every alternative begins with a fixed byte, by which the search skips what cannot match.
_ESCAPE = re.compile(rb"\\\\*[ux/]|%[0-9A-Fa-f]|&#")
_HIDDEN = HIDDEN.encode()
_WIDE_ENCODINGS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


class Secret:
    """A text that is shown as ``[hidden]`` and cannot be pickled.

    Args:
        text: The secret.

    Attributes:
        reveal: Returns the text. It is a closure, because attribute readers would show a field.
    """

    __slots__ = ("reveal",)

    def __init__(self, text: str) -> None:
        self.reveal: Callable[[], str] = lambda: text

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def hide_in(self, content: bytes) -> bytes:
        """Hide this text in content that others wrote, also where characters of it are escaped."""
        secret = self.reveal()
        if len(secret) < _MIN_LENGTH_TO_HIDE:
            return content
        content = content.replace(secret.encode(), _HIDDEN)
        # Asked first, because nearly no content has any of them, and a search takes longer.
        may_escape = b"\\" in content or b"%" in content or b"&#" in content
        if may_escape and _ESCAPE.search(content):
            content = re.sub(_escapable_pattern(self), _HIDDEN, content)
        if b"\0" in content:
            for encoding in _WIDE_ENCODINGS:
                content = content.replace(secret.encode(encoding), HIDDEN.encode(encoding))
        return content

    def hide_in_text(self, text: str) -> str:
        """Hide this text in another text, also where characters of it are escaped."""
        content = text.encode("utf-8", "surrogatepass")
        return self.hide_in(content).decode("utf-8", "surrogatepass")


def _escapable_pattern(secret: Secret) -> bytes:
    """A pattern of the secret in which every character may be escaped."""
    return b"".join(_escapable_character(character) for character in secret.reveal())


def _escapable_character(character: str) -> bytes:
    code = ord(character)
    # Several backslashes, because JSON is quoted inside JSON.
    forms = (
        re.escape(character),
        rf"\\+(?:u00|x)(?i:{code:02x})",
        rf"%(?:25)*(?i:{code:02x})",
        rf"&\#0*{code};",
        rf"&\#[xX]0*(?i:{code:x});",
        *([r"\\+/"] if character == "/" else []),
    )
    return f"(?:{'|'.join(forms)})".encode()
