"""The code samples of a page as the requests they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from cometapi_runway._core.json_values import Object

from ..drivers.request_capture import SentRequest
from . import curl_samples, javascript_samples, python_samples
from .sample_requests import UnsupportedSampleError

PARSERS: Mapping[str, Callable[[str], SentRequest]] = {
    "bash": curl_samples.parse_curl,
    "curl": curl_samples.parse_curl,
    "javascript": javascript_samples.parse_javascript,
    "python": python_samples.parse_python,
    "shell": curl_samples.parse_curl,
}


@frozen
class CodeSample:
    """One code sample.

    Attributes:
        name: its language and label.
        sent: the request it sends; None if it is not supported.
        problem: why it is not supported.
    """

    name: str
    sent: SentRequest | None
    problem: str = ""


def read_samples(operation: Object) -> Iterator[CodeSample]:
    """The code samples of an operation, in order."""
    for one in operation.get("x-codeSamples", ()):
        language = one["lang"]
        name = " ".join(filter(None, [language, one.get("label")]))
        parser = PARSERS.get(language.lower())
        if parser is None:
            yield CodeSample(name, None, f"no parser for {language}")
            continue
        try:
            yield CodeSample(name, parser(one["source"]))
        except UnsupportedSampleError as error:
            yield CodeSample(name, None, str(error))
