"""Speed of validation, compared with general validators.

Run it: `python tests/benchmarks/validation.py`.

Prints microseconds for one body and requests per second for a whole request. python-jsonschema is
the peer for bodies, and openapi-core, if it is installed, for whole requests.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from _results import report_figure

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway.validation import contract  # noqa: E402  the path is set above

OPERATION = "control_a_character"
BODY = {
    "character": {"type": "video", "uri": "https://your-video-host/source.mp4"},
    "reference": {"type": "video", "uri": "https://your-video-host/source.mp4"},
    "bodyControl": True,
    "expressionIntensity": 3,
    "seed": 4294967295,
    "model": "act_two",
    "ratio": "1280:720",
    "contentModeration": {"publicFigureThreshold": "auto"},
}
HEADERS = (
    ("Host", "api.cometapi.com"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "keep-alive"),
    ("User-Agent", "benchmark"),
    ("Authorization", "Bearer sk-benchmark"),
    ("X-Runway-Version", "2024-11-06"),
    ("Content-Type", "application/json"),
)


def measure(work: Callable[[], object], rounds: int) -> float:
    """Return the seconds of one call: the best of five runs, which load disturbs least."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            work()
        best = min(best, (time.perf_counter() - start) / rounds)
    return best


def print_own_figures() -> None:
    """Print the times of this package for the example of the documentation page."""
    own = contract()
    operation = own.operation(OPERATION)
    content = json.dumps(BODY).encode()
    url = f"https://api.cometapi.com{operation.path}"
    bad = {**BODY, "seed": -1}

    def request() -> object:
        return own.check_request(operation.method, url, HEADERS, content)

    assert request() == (), request()
    body = measure(lambda: own.check_body(OPERATION, BODY), 5000)
    refused = measure(lambda: own.check_body(OPERATION, bad), 5000)
    whole = measure(request, 2000)
    print(f"cometapi-runway     valid body   {body * 1e6:8.1f} us")
    print(f"cometapi-runway     refused body {refused * 1e6:8.1f} us")
    print(f"cometapi-runway     request      {whole * 1e6:8.1f} us  {1 / whole:10,.0f} requests/s")


def print_jsonschema_figures() -> None:
    """Print the time of python-jsonschema for the same body, and the ratio."""
    import jsonschema

    document = contract().document
    schema = {**contract().operation(OPERATION).body_schema, "components": document["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    body = measure(lambda: list(validator.iter_errors(BODY)), 200)
    ours = measure(lambda: contract().check_body(OPERATION, BODY), 5000)
    print(f"python-jsonschema   valid body   {body * 1e6:8.1f} us  {body / ours:10.1f} times ours")
    report_figure("validation of a body", "python-jsonschema", ours / body)


def print_openapi_core_figures() -> None:
    """Print the time of openapi-core for the same request."""
    from openapi_core import OpenAPI
    from openapi_core.testing import MockRequest

    api = OpenAPI.from_dict(dict(contract().document))
    content = json.dumps(BODY).encode()
    path = contract().operation(OPERATION).path

    def request() -> object:
        sent = MockRequest(
            "https://api.cometapi.com", "post", path, headers=dict(HEADERS), data=content
        )
        return api.validate_request(sent)

    whole = measure(request, 50)
    print(f"openapi-core        request      {whole * 1e6:8.1f} us  {1 / whole:10,.0f} requests/s")


if __name__ == "__main__":
    print_own_figures()
    print_jsonschema_figures()
    if importlib.util.find_spec("openapi_core"):
        print_openapi_core_figures()
    else:
        print("openapi-core        not installed")
