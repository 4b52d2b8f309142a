"""The spans of a batch's row, which one process created and another one finished."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.process_lines import read_line

from cometapi_runway.simulator import SimulatorServer, Timings

from . import preloaded_python
from .preloaded_python import PreloadedProcess

pytest.importorskip("dbos")

PROGRAM = Path(__file__).parent / "programs" / "trace_batch.py"


def start(folder: Path, server: SimulatorServer) -> PreloadedProcess | subprocess.Popen[str]:
    modules = ["cometapi_runway.batch._engine", "dbos", "opentelemetry.sdk.trace.export"]
    return preloaded_python.start(PROGRAM, folder, server.base_url, modules=modules)


def describe(span: dict[str, Any]) -> tuple[str, str, str]:
    attributes = span["attributes"]
    outcome = attributes.get("cometapi_runway.outcome", "")
    return span["name"].split()[0], outcome, attributes["gen_ai.response.id"]


def test_a_row_that_another_process_resumes_is_linked(tmp_path: Path) -> None:
    timings = Timings(invisible=0, pending=0, running=2, spread=0)
    with SimulatorServer(timings=timings) as server:
        with start(tmp_path, server) as process:
            created = json.loads(read_line(process))
            process.kill()
        with start(tmp_path, server) as process:
            output, _ = process.communicate(timeout=60)
        (task_id,) = server.gateway.tasks
        assert len(server.gateway.charges) == 1

    spans = [json.loads(line) for line in output.splitlines()]
    assert describe(created) == ("generate_content", "accepted", task_id)
    assert [describe(span) for span in spans] == [
        ("generate_content", "repeated", task_id),
        ("fetch_response", "", task_id),
        ("download", "", task_id),
    ]
    for span in spans[1:]:
        (link,) = span["links"]
        assert link["context"]["span_id"] == created["context"]["span_id"]
        assert link["context"]["trace_id"] == created["context"]["trace_id"]
    assert spans[1]["attributes"]["cometapi_runway.status"] == "SUCCEEDED"
    assert "dawn" not in json.dumps([created, *spans])
