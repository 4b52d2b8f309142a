"""Names of output files in the batch's folder: safe on every system, and one row's alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import define, field

from cometapi_runway._core.partial_file import PARTIAL_SUFFIX
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._flows.media_types import MEDIA_EXTENSIONS
from cometapi_runway.errors import InvalidRequestError, Issue

_MAX_PART_BYTES: Final = 200
"""File systems allow 255; the rest is for the number, the extension and the partial file's end."""
_MAX_NAME: Final = 1000
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
# Windows reserves these with any extension.
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE
)
_OUTPUT_EXTENSIONS: Final = frozenset({*MEDIA_EXTENSIONS, ".bin"})
_NUMBERED: Final = re.compile(r"(.+)-[0-9]+of[0-9]+", re.DOTALL)


def number_name(name: str, index: int, count: int) -> str:
    """The name of one of a row's outputs, without extension: ``cat``, or ``cat-1of2``.

    Not ``cat-1`` as in a download by task: a row of its own is often called so.
    """
    return name if count == 1 else f"{name}-{index + 1}of{count}"


def clean_output_name(name: str) -> str:
    """A name without its extension, because the output decides on that.

    Raises:
        InvalidRequestError: The name leads out of the folder, or some system does not allow it.
    """
    stem, dot, extension = name.rpartition(".")
    name = stem if f"{dot}{extension}".lower() in MEDIA_EXTENSIONS else name
    problems = list(_list_problems(name))
    if problems:
        raise InvalidRequestError([_make_issue(rule, name, text) for rule, text in problems])
    return name


@define(eq=False)
class OutputNames:
    """The names of a batch, each with the line of its row.

    Attributes:
        folder: The batch's folder, or None if it is not known yet.
    """

    folder: Path | None = None
    _lines: dict[str, int] = field(factory=dict[str, int], init=False)
    _numbered: dict[str, int] = field(factory=dict[str, int], init=False)
    _inside: dict[str, bool] = field(factory=dict[str, bool], init=False)

    def add(self, name: str, line: int) -> list[Issue]:
        """Take a name for a row.

        Returns:
            An issue if another row has it, also where only case or accents' encoding differ, or if
            a symbolic link leads it out of the folder.
        """
        key = _fold(name)
        numbered = _NUMBERED.fullmatch(key)
        whole = None if numbered is None else numbered[1]
        other = self._lines.get(key, self._numbered.get(key))
        if other is None and whole is not None:
            other = self._lines.get(whole)
        if other is not None:
            return [_make_issue("unique", name, f"is the name of line {other} as well")]
        self._lines[key] = line
        if whole is not None:
            self._numbered[whole] = line
        parent = name.rpartition("/")[0]
        if parent not in self._inside:
            self._inside[parent] = self._is_inside(parent)
        if self._inside[parent]:
            return []
        return [_make_issue("inside", name, f"leads out of {self.folder} by a symbolic link")]

    def _is_inside(self, parent: str) -> bool:
        if self.folder is None:
            return True
        folder = self.folder.resolve()
        return (folder / parent).resolve().is_relative_to(folder)


@define(eq=False)
class ExistingFiles:
    """The files that a batch's folder has before its rows run.

    Attributes:
        folder: The folder.
    """

    folder: Path
    _names: dict[str, Mapping[str, str]] = field(factory=dict[str, Mapping[str, str]], init=False)

    def check(self, name: str, place: str) -> list[Issue]:
        """Check that no file has the name of a row's output, which would replace it.

        Args:
            name: The name.
            place: Where the row is, for the message.
        """
        parent, _, last = name.rpartition("/")
        if parent not in self._names:
            self._names[parent] = self._list_names(parent)
        file = self._names[parent].get(_fold(last))
        if file is None:
            return []
        message = f"{place}: output {safe_repr(name)} would replace the file {file} (exists)"
        return [Issue("output", "exists", name, message)]

    def _list_names(self, parent: str) -> Mapping[str, str]:
        """The output names of the files in a folder, each with its file."""
        try:
            files = sorted((self.folder / parent).iterdir())
        except OSError:
            # It does not exist yet, or the batch says later that it cannot be used.
            return {}
        found: dict[str, str] = {}
        for file in files:
            if file.suffix.lower() in _OUTPUT_EXTENSIONS:
                name = _fold(file.stem)
                found[name] = str(file)
                if numbered := _NUMBERED.fullmatch(name):
                    found.setdefault(numbered[1], str(file))
        return found


def is_reserved(name: str) -> bool:
    """Whether Windows reserves a name, such as ``nul``."""
    return _RESERVED.fullmatch(name) is not None


def _list_problems(name: str) -> Iterator[tuple[str, str]]:
    """The rules that a name breaks, each with what is wrong."""
    parts = name.split("/")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in parts:
        yield "inside", "must be relative to the folder, and not lead out of it"
        return
    if not all(parts) or "." in parts:
        yield "name", "must have a name before and after each /"
    if _FORBIDDEN.search(name):
        yield "characters", 'must have no control characters and none of < > : " | ? * \\'
    if any(part.endswith((" ", ".")) or part.startswith(" ") for part in parts if part != "."):
        yield "name", "must not begin or end with a blank, nor end with a dot"
    if any(map(is_reserved, parts)):
        yield "reserved", "must not be a name that Windows reserves"
    if len(name) > _MAX_NAME or any(
        len(p.encode(errors="replace")) > _MAX_PART_BYTES for p in parts
    ):
        yield "maxLength", f"must have at most {_MAX_PART_BYTES} bytes in each part"
    if any(_has_file_extension(folder) for folder in parts[:-1]):
        yield "name", "must not have a folder whose name ends like a file's"


def _make_issue(rule: str, name: str, problem: str) -> Issue:
    return Issue("output", rule, name, f"output {problem} ({rule}), got {safe_repr(name)}")


def _has_file_extension(folder: str) -> bool:
    """Whether a file could want the folder's name: another row's output, or its partial file."""
    return Path(folder).suffix.lower() in {*_OUTPUT_EXTENSIONS, PARTIAL_SUFFIX}


def _fold(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
