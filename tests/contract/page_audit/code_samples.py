"""The code read_samples of a page, as the requests they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from cometapi_runway._core.json_values import Object

from ..drivers.request_capture import SentRequest
from . import curl_samples, javascript_samples, python_samples
from .sample_requests import UnsupportedSampleError

READERS: Mapping[str, Callable[[str], SentRequest]] = {
    "bash": curl_samples.read,
    "curl": curl_samples.read,
    "javascript": javascript_samples.read,
    "python": python_samples.read,
    "shell": curl_samples.read,
}


@frozen
class CodeSample:
    """One code sample.

    Attributes:
        name: its language and label.
        sent: what it sends, None where it was not understood.
        problem: why it was not.
    """

    name: str
    sent: SentRequest | None
    problem: str = ""


def read_samples(operation: Object) -> Iterator[CodeSample]:
    """The read_samples of an operation, in its order."""
    for one in operation.get("x-codeSamples", ()):
        language = one["lang"]
        name = " ".join(filter(None, [language, one.get("label")]))
        reader = READERS.get(language.lower())
        if reader is None:
            yield CodeSample(name, None, f"no reader for {language}")
            continue
        try:
            yield CodeSample(name, reader(one["source"]))
        except UnsupportedSampleError as error:
            yield CodeSample(name, None, str(error))
