"""What a call costs beside bare httpx: one create and one retrieve, nothing on the network.

Every contender sends the same two requests over a transport that answers at once, so that what
is measured is the client alone, in processor time. All take turns in every round, and ratios are
taken within a round: a busy machine disturbs each alike. The wrapper checks each request against
the contract and reads each answer; it may take 1.3 times what bare httpx takes.

    python tests/benchmarks/calls.py [ROUNDS] [CALLS]
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from runwayml import AsyncRunwayML, RunwayML

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway import AsyncRunwayClient, RunwayClient  # noqa: E402  the path is set above

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
BAR = 1.3
ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
BASE = "https://api.cometapi.com"
CREATE, READ = "/runwayml/v1/character_performance", f"/runwayml/v1/tasks/{ID}"
HEADERS = {"Authorization": "Bearer sk-benchmark", "X-Runway-Version": "2024-11-06"}
CHARACTER = "https://example.com/face.mp4"
REFERENCE = "https://example.com/performance.mp4"
BODY = {
    "character": {"type": "video", "uri": CHARACTER},
    "reference": {"type": "video", "uri": REFERENCE},
    "model": "act_two",
    "ratio": "1280:720",
    "bodyControl": True,
    "expressionIntensity": 3,
    "seed": 4294967295,
    "contentModeration": {"publicFigureThreshold": "auto"},
}
JSON = {"content-type": "application/json"}
ACCEPTED = f'{{"id":"{ID}"}}'.encode()
DONE = (
    f'{{"id":"{ID}","status":"SUCCEEDED","createdAt":"2026-05-01T12:47:47.351Z",'
    '"output":["https://example.com/output.mp4"]}'
).encode()
OFFICIAL = {
    "model": "act_two",
    "character": BODY["character"],
    "reference": BODY["reference"],
    "ratio": "1280:720",
    "body_control": True,
    "expression_intensity": 3,
    "seed": 4294967295,
    "content_moderation": {"public_figure_threshold": "auto"},
}


def gateway(request: httpx.Request) -> httpx.Response:
    """Answer at once."""
    content = ACCEPTED if request.method == "POST" else DONE
    return httpx.Response(200, headers=JSON, content=content)


def wrapped(client: RunwayClient) -> None:
    """Both calls through this package."""
    client.character_performance.create(character=CHARACTER, reference=REFERENCE, seed=4294967295)
    client.tasks.retrieve(ID)


def bare(client: httpx.Client) -> None:
    """Both calls as a careful person writes them by hand."""
    client.post(CREATE, json=BODY).raise_for_status().json()["id"]
    client.get(READ).raise_for_status().json()["status"]


def official(client: RunwayML) -> None:
    """Both calls through Runway's own SDK."""
    client.character_performance.create(**OFFICIAL)  # type: ignore[arg-type] # a dictionary
    client.tasks.retrieve(ID)


async def wrapped_async(client: AsyncRunwayClient) -> None:
    """Both calls through this package, awaited."""
    await client.character_performance.create(
        character=CHARACTER, reference=REFERENCE, seed=4294967295
    )
    await client.tasks.retrieve(ID)


async def bare_async(client: httpx.AsyncClient) -> None:
    """Both calls by hand, awaited."""
    (await client.post(CREATE, json=BODY)).raise_for_status().json()["id"]
    (await client.get(READ)).raise_for_status().json()["status"]


async def official_async(client: AsyncRunwayML) -> None:
    """Both calls through Runway's own SDK, awaited."""
    await client.character_performance.create(**OFFICIAL)  # type: ignore[arg-type] # as above
    await client.tasks.retrieve(ID)


def timed(pair: Callable[[], object]) -> float:
    """Microseconds for one pair."""
    began = time.process_time()
    for _ in range(CALLS):
        pair()
    return (time.process_time() - began) / CALLS * 1e6


def timed_async(runner: asyncio.Runner, pair: Callable[[], Awaitable[object]]) -> float:
    """Microseconds for one awaited pair."""

    async def repeat() -> float:
        began = time.process_time()
        for _ in range(CALLS):
            await pair()
        return (time.process_time() - began) / CALLS * 1e6

    return runner.run(repeat())


def contenders(runner: asyncio.Runner) -> dict[str, dict[str, Callable[[], float]]]:
    """Each contender's measurement, blocking and awaiting."""
    transport = httpx.MockTransport(gateway)
    options = {"base_url": BASE, "headers": HEADERS, "transport": transport}
    ours = RunwayClient("sk-benchmark", base_url=BASE, transport=transport)
    ours_async = AsyncRunwayClient("sk-benchmark", base_url=BASE, transport=transport)
    hand, hand_async = httpx.Client(**options), httpx.AsyncClient(**options)
    theirs = RunwayML(
        api_key="sk-benchmark",
        base_url=f"{BASE}/runwayml",
        http_client=httpx.Client(transport=transport),
    )
    theirs_async = AsyncRunwayML(
        api_key="sk-benchmark",
        base_url=f"{BASE}/runwayml",
        http_client=httpx.AsyncClient(transport=transport),
    )
    return {
        "blocking": {
            "bare httpx": lambda: timed(lambda: bare(hand)),
            "cometapi-runway": lambda: timed(lambda: wrapped(ours)),
            "official runwayml": lambda: timed(lambda: official(theirs)),
        },
        "awaiting": {
            "bare httpx": lambda: timed_async(runner, lambda: bare_async(hand_async)),
            "cometapi-runway": lambda: timed_async(runner, lambda: wrapped_async(ours_async)),
            "official runwayml": lambda: timed_async(runner, lambda: official_async(theirs_async)),
        },
    }


def measure(work: dict[str, Callable[[], float]]) -> list[dict[str, float]]:
    """Every contender's figure in each round, the order turning with the rounds."""
    names = list(work)
    for name in names:
        work[name]()
    rounds = []
    for number in range(ROUNDS):
        turned = names[number % len(names) :] + names[: number % len(names)]
        gc.collect()
        rounds.append({name: work[name]() for name in turned})
    return rounds


def main() -> int:
    """Print the table; 1 if the wrapper takes more than it may."""
    worst = 0.0
    with asyncio.Runner() as runner:
        print(f"create + retrieve, medians of {ROUNDS} rounds of {CALLS} pairs")
        print(f"{'':30}{'us a pair':>10}{'ratio':>8}")
        for way, work in contenders(runner).items():
            rounds = measure(work)
            for name in work:
                taken = statistics.median(one[name] for one in rounds)
                ratio = statistics.median(one[name] / one["bare httpx"] for one in rounds)
                print(f"{name + ', ' + way:30}{taken:10.0f}{ratio:8.2f}")
                if name == "cometapi-runway":
                    worst = max(worst, ratio)
    print(f"ratio: against bare httpx in the same round; cometapi-runway may take {BAR}")
    return int(worst > BAR)


if __name__ == "__main__":
    raise SystemExit(main())
