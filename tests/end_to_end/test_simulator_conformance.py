"""The simulator conforms to the contract, as tested by schemathesis."""

from __future__ import annotations

import pytest

from cometapi_runway.simulator import Fault, When
from cometapi_runway.validation import contract

from .simulator_conformance import Run, run


def test_all_checks_and_phases_find_nothing():
    done = run("--max-examples", "5")
    assert done.code == 0, done.output
    assert f"Tested: {len(contract().operations)}" in done.output
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in done.output
    assert any(task.polls for task in done.gateway.tasks.values()), "no link led to a task"


def test_the_2024_response_shapes_are_documented():
    done = run("--max-examples", "3", "--phases", "stateful", shape="legacy")
    assert done.code == 0, done.output
    assert any(task.polls for task in done.gateway.tasks.values()), "no link led to a task"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=418, when=When("upscale_a_video", every=2)),
        Fault("empty", when=When("upscale_a_video", every=2)),
    ],
    ids=lambda fault: fault.kind,
)
def test_schemathesis_detects_faults(fault):
    """The runs above are meaningful only if schemathesis detects faults."""
    only = ("--include-operation-id", "upscale_a_video", "--phases", "coverage")
    done = run(*only, faults=[fault])
    assert done.code == 1, done.output


def test_the_seed_decides_which_requests_are_sent():
    names = ("upscale_a_video", "runway_to_get_task_details")
    only = [word for name in names for word in ("--include-operation-id", name)]
    first, again, other = (
        run("--max-examples", "2", "--phases", "fuzzing,stateful", "--seed", seed, *only)
        for seed in ("7", "7", "8")
    )
    assert "Seed: 7" in first.output
    assert requests_of(first) == requests_of(again)
    assert requests_of(first) != requests_of(other)


def requests_of(done: Run) -> list[tuple[str, str, bytes]]:
    # Whether it asks for a task that it has created or for any other one differs in one run of ten.
    return [
        (
            sent.method,
            sent.path.rpartition("/")[0] if sent.method == "GET" else sent.path,
            sent.content,
        )
        for sent in done.gateway.requests
    ]
