"""The code samples of a page, as the requests they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from cometapi_runway._core.json_values import Object

from ..wire import Sent
from . import curl, javascript, python
from .values import NotUnderstoodError

READERS: Mapping[str, Callable[[str], Sent]] = {
    "bash": curl.read,
    "curl": curl.read,
    "javascript": javascript.read,
    "python": python.read,
    "shell": curl.read,
}


@frozen
class Sample:
    """One code sample.

    Attributes:
        name: its language and label.
        sent: what it sends, None where it was not understood.
        problem: why it was not.
    """

    name: str
    sent: Sent | None
    problem: str = ""


def samples(operation: Object) -> Iterator[Sample]:
    """The samples of an operation, in its order."""
    for one in operation.get("x-codeSamples", ()):
        language = one["lang"]
        name = " ".join(filter(None, [language, one.get("label")]))
        reader = READERS.get(language.lower())
        if reader is None:
            yield Sample(name, None, f"no reader for {language}")
            continue
        try:
            yield Sample(name, reader(one["source"]))
        except NotUnderstoodError as error:
            yield Sample(name, None, str(error))
