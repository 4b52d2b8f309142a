"""The report shows failures with tests to paste, annotations, and one page of all results."""

from __future__ import annotations

import hashlib
import json
import re
import types
from operator import attrgetter
from pathlib import Path

import pytest
from attrs import evolve
from tests.revision import Revision, read_revision

from cometapi_runway import RunwayClient
from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Contract, contract

from .checks import wrapper_checks
from .checks.failures import ContractCheckError, ContractFailure, format_test, raise_failures
from .checks.generated_checks import request_failure, response_failure
from .checks.harness import respond_with_success, valid_requests, valid_responses
from .coverage import coverage_thresholds
from .coverage.coverage_recorder import CoverageRecorder
from .drivers.generated_driver import API_KEY
from .drivers.request_capture import SentRequest
from .reporting import github_annotations, html_page, identity, output, report_data, unfinished
from .reporting.causes import group_by_cause as causes_of
from .reporting.report_data import build_report
from .reporting.results import ContractRun, RecordedTest
from .reporting.xdist_schedule import scope_of

FAILURE = ContractFailure(
    "control_a_character",
    "sync",
    ("/seed: expected 3, missing",),
    "coverage: VALUE",
    '{"seed": 3}',
    "curl -X POST 'https://a.b'",
    "def test_it():\n    assert check() == []",
)


def recorded(**details):
    usual = {"name": "tests/contract/test_generated_requests.py::test_a[x]", "outcome": "failed",
             "seconds": 1.5, "text": f"used {API_KEY}", "line": 7}  # fmt: skip
    return RecordedTest(**usual | details)


@pytest.fixture(scope="module")
def coverage():
    return coverage_thresholds.evaluate_coverage(
        CoverageRecorder(contract()).points, {}, {"requests": 0.0, "responses": 0.0}, ()
    )


@pytest.fixture
def run(request, coverage, tmp_path, monkeypatch):
    """A partial run in which one contract check and one other test failed."""
    # Ignore the results of other commands on this machine.
    monkeypatch.setattr(report_data, "ROOT", tmp_path)
    run = ContractRun(request.config, contract())
    run.coverage = coverage
    run.tests += [
        recorded(operation=FAILURE.operation, summary="Arguments are sent unchanged.",
               contract_failures=ContractCheckError([FAILURE]).as_json()),
        recorded(name="tests/contract/test_generated_models.py::test_b"),
        recorded(name="tests/contract/test_generator_issues.py::test_c", outcome="xfailed",
               text="const-true: it is so"),
        recorded(name="tests/contract/test_generator_issues.py::test_d",
               text="[XPASS(strict)] const-object: it is so"),
        recorded(outcome="passed", text=""),
    ]  # fmt: skip
    return run


def test_a_failure_names_operation_and_field_and_has_a_test():
    with pytest.raises(ContractCheckError) as caught:
        raise_failures(iter([FAILURE, FAILURE]))
    assert str(caught.value).splitlines() == [
        "control_a_character (sync): /seed: expected 3, missing",
        "  drawn by: coverage: VALUE",
        '  smallest value: {"seed": 3}',
        "  curl -X POST 'https://a.b'",
        "  as a test, for tests/contract/test_found.py:",
        "    def test_it():",
        "        assert check() == []",
    ]
    raise_failures(iter([]))


def drop_field(monkeypatch):
    """Make the generated client drop one field of a body."""
    model = contract_model("CharacterPerformanceRequest")
    original = model.to_dict
    monkeypatch.setattr(
        model,
        "to_dict",
        lambda self: {key: value for key, value in original(self).items() if key != "bodyControl"},
    )


def contract_model(name):
    from cometapi_runway_api import models

    return getattr(models, name)


def pasted(text, **fixtures):
    """Run a pasted test with its fixtures, as pytest would."""
    module = types.ModuleType("pasted")
    source = text.replace("from .checks", "from tests.contract.checks")
    exec(source, vars(module))  # noqa: S102 - our own code
    (test,) = (value for name, value in vars(module).items() if name.startswith("test_"))
    test(**fixtures)


def test_a_pasted_request_test_fails_until_fixed(harness, wrapper, monkeypatch):
    operation = harness.contract.operation("control_a_character")
    wrapper_checks.respond_with_task(harness, operation)
    call = next(one for one in valid_requests(harness.source, operation)
                if "bodyControl" in one.arguments["body"])  # fmt: skip
    with monkeypatch.context() as patch:
        drop_field(patch)
        found = request_failure(harness, operation, "sync", call)
        other = wrapper_checks.create_failure(
            harness, wrapper, "async", "character_performance", call
        )
        assert found.messages == other.messages
        assert found.messages[0].startswith("/bodyControl: expected ")
        with pytest.raises(AssertionError):
            pasted(found.test, harness=harness)
        with pytest.raises(AssertionError):
            pasted(other.test, harness=harness, wrapper=wrapper)
    pasted(found.test, harness=harness)
    pasted(other.test, harness=harness, wrapper=wrapper)
    optional = {"expressionIntensity", "seed", "contentModeration"}
    assert not optional & json.loads(found.value)["body"].keys(), "the value was not shrunk"


def test_a_pasted_response_test_fails_until_fixed(harness, monkeypatch):
    operation = harness.contract.operation("runway_to_get_task_details")
    task = contract_model("Task")
    original = task.to_dict
    call = valid_requests(harness.source, operation)[0]
    responses = valid_responses(harness.source, operation)
    status, drawn = next(one for one in responses if "failure" in one[1].value)
    with monkeypatch.context() as patch:
        patch.setattr(task, "to_dict", lambda self: original(self) | {"failure": "other"})
        found = response_failure(harness, operation, "asyncio", status, drawn, call)
        assert any(one.startswith("/failure: ") for one in found.messages)
        with pytest.raises(AssertionError):
            pasted(found.test, harness=harness)
    pasted(found.test, harness=harness)


def test_a_pasted_test_has_python_literals():
    text = format_test(
        "make it (sync)", "harness", "call = of(body)", "check(call)", body={"a": [None, True]}
    )
    assert text.splitlines()[4:] == [
        "def test_make_it_sync(harness):",
        "    body = {'a': [None, True]}",
        "    call = of(body)",
        "    assert check(call) == []",
    ]


def test_curl_commands_hide_the_key(harness, operation):
    respond_with_success(harness, operation)
    harness.driver.call(operation, "sync", valid_requests(harness.source, operation)[0].arguments)
    line = harness.transport.last_request.curl()
    assert API_KEY not in line
    assert "Bearer $COMETAPI_KEY" in line


def test_a_curl_command_reproduces_the_request():
    from .page_audit.curl_samples import parse_curl

    body: JSON = {"prompt": "it's a cat", "n": 1}
    headers = (("Authorization", "Bearer k"), ("Content-Type", "application/json"), ("Host", "a"))
    sent = SentRequest("POST", "https://a.b/c?d=e%20f", headers, json.dumps(body).encode())
    parsed = parse_curl(sent.curl())
    assert (parsed.method, parsed.url, json.loads(parsed.content)) == (sent.method, sent.url, body)
    assert dict(parsed.headers) == {"Authorization": "Bearer sample",
                                  "Content-Type": "application/json"}  # fmt: skip


def test_annotations_point_at_operations_and_tests(run, monkeypatch):
    line = github_annotations.operation_lines("paths:\n  /a:\n      operationId: make\n")
    assert line == {"make": 3}
    found = list(github_annotations.make_annotations(run))
    assert len(found) == 3
    at = re.escape("::error file=openapi/runway.yaml,line=")
    assert re.match(
        rf"{at}[1-9]\d+,title=control_a_character \(sync\)::/seed: expected 3", found[0]
    )
    assert found[1].startswith(
        "::error file=tests/contract/test_generated_models.py,line=7,title=test_b::used"
    )
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert set(found) <= set(output.summary_lines(run))
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert not set(found) & set(output.summary_lines(run))


def test_an_annotation_is_a_single_escaped_line():
    assert github_annotations.error_command("a,b:c.py", 3, "50%", "one\r\ntwo: 5 %") == (
        "::error file=a%2Cb%3Ac.py,line=3,title=50%25::one%0D%0Atwo: 5 %25"
    )


def test_the_page_shows_the_report_data(run):
    report = build_report(run)
    assert API_KEY not in json.dumps(report)
    assert report["tests"] == {"failed": 3, "xfailed": 1, "passed": 1}
    states = {one["name"]: one["state"] for one in report["generator_issues"]}
    assert states == {"const-true": "present", "const-object": "fixed"}
    text = html_page.render_page(report)
    words = [">failed<", "/seed: expected 3, missing", "curl -X POST &#39;https://a.b&#39;"]
    words += ["test_generated_models.py::test_b", "fixed upstream", "control_<wbr>a_<wbr>character"]
    assert [one for one in words if one not in text] == []
    assert not re.search(r"<(script|link|img|iframe)\b|url\(|@import", text), (
        "the page loads other files"
    )


def mutant(name, **details):
    usual = {"id": name, "kind": "random", "area": "core", "breaks": "every caller", "diff": [],
             "killed": False, "equivalent": "", "broken": "", "results": {}}  # fmt: skip
    return usual | details


def found(result, test=""):
    return {"result": result, "test": test, "seconds": 0.1}


REVISION = Revision("0a1b2c3d4e", 2, "ff00")
MUTATION_RUN = {
    "seed": 7,
    "revision": REVISION.as_json(),
    "when": "2031-05-06 07:08+00:00",
    "took": 9.0,
    "summary": {},
    "suites": {"contract": {"tests": 4}, "unit": {"tests": 3}, "comparison": {"tests": 2}},
    "mutants": [
        mutant(
            "d1",
            killed=True,
            kind="picked",
            results={
                "comparison": found("killed"),
                "unit": found("killed", "tests/unit/test_a.py::b"),
            },
        ),
        mutant(
            "d2",
            results={name: found("survived") for name in ("comparison", "unit", "contract")},
            diff=["@@ -1 +1 @@", "-    <old>", "+    new"],
        ),
        mutant(
            "d3",
            killed=True,
            results={"comparison": found("survived"), "contract": found("timeout")},
        ),
        mutant(
            "d4", equivalent="the result is the same", results={"comparison": found("survived")}
        ),
        mutant("d5", broken="broken: status 2", results={"comparison": found("broken: status 2")}),
    ],
}


def write_results(root, name, content):
    file = root / ".build" / name
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content), "utf-8")


def test_the_page_shows_the_mutation_scores(run, tmp_path):
    write_results(tmp_path, "mutants/results.json", MUTATION_RUN)
    run.revision = REVISION
    built = build_report(run)
    assert built["mutants"]["headline"] == "2/3"
    rows = {
        row["name"]: [cell["text"] for cell in row["cells"]] for row in built["mutants"]["rows"]
    }
    # Killed in all, then by each suite of those it was run on: contract, unit, comparison.
    assert rows == {
        "hand-picked": ["1/1", "", "1/1", "1/1"],
        "random": ["1/2", "1/2", "0/1", "0/2"],
    }
    text = html_page.render_page(built)
    words = [
        "2031-05-06 07:08",
        "-    &lt;old&gt;",
        "the result is the same",
        "test_<wbr>a.<wbr>py::b",
    ]
    assert [one for one in words if one not in text] == []


@pytest.mark.parametrize(
    "other",
    [Revision("fedcba9876"), Revision(REVISION.commit), evolve(REVISION, changes="00ff"),
     Revision(""), None],
    ids=["commit", "clean", "changes", "unknown", "not stated"],
)  # fmt: skip
def test_the_page_shows_no_results_of_another_revision(run, tmp_path, other):
    stated = other and other.as_json()
    write_results(tmp_path, "mutants/results.json", MUTATION_RUN | {"revision": stated})
    stale = {"stale": str(other) if other else "an unknown revision"}
    for run.revision in (REVISION, Revision(""), None):
        report = build_report(run)
        assert report["mutants"] == stale
    text = html_page.render_page(report)
    assert f"Measured at {stale['stale']}" in text
    assert "2031-05-06" not in text


def test_the_page_shows_no_comparison_of_another_contract(run, tmp_path):
    found = {"base": "v1", "headline": "No change.", "breaking": 0, "changes": []}
    write_results(tmp_path, "spec-diff.json", found | {"digest": identity.contract_digest()})
    assert "No change." in html_page.render_page(build_report(run))
    (tmp_path / ".build/spec-diff.json").write_text(json.dumps(found | {"digest": "0"}))
    text = html_page.render_page(build_report(run))
    assert "No change." not in text
    assert "The last comparison, with v1, was of another contract" in text


def test_the_page_says_what_it_is_of(run):
    run.revision = REVISION
    page = html_page.render_page(build_report(run))
    digest = hashlib.sha256(Path("openapi/runway.yaml").read_bytes()).hexdigest()
    words = ["0a1b2c3d4e with 2 changed files", digest, run.started.strftime("%Y-%m-%d %H:%M UTC")]
    assert [one for one in words if one not in page] == []
    assert "stopped before its last test" not in page
    run.stopped = "interrupted"
    assert not run.is_complete
    page = html_page.render_page(build_report(run))
    assert "The run stopped before its last test: interrupted." in page


def test_results_of_another_contract_or_a_changing_tree_fail(run, monkeypatch):
    run.revision = read_revision()
    assert list(identity.find_mismatches(run)) == []
    monkeypatch.setattr(identity, "read_revision", lambda: REVISION)
    assert ["changed during the run" in one for one in identity.find_mismatches(run)] == [True]
    run.revision, run.contract = None, Contract({**run.contract.document, "servers": []})
    assert ["another contract" in one for one in identity.find_mismatches(run)] == [True]


def test_a_new_run_leaves_no_earlier_result(tmp_path):
    for name in ("index.html", "contract.json", "junit.xml"):
        (tmp_path / name).write_text("earlier")
    unfinished.begin_report(tmp_path)
    (page,) = tmp_path.iterdir()
    assert "There is no result." in page.read_text("utf-8")


def test_every_operation_is_named_as_users_call_it(run):
    report = build_report(run)
    page = html_page.render_page(report)
    client = RunwayClient("key")
    for operation in report["operations"]:
        for name in operation["names"]:
            assert attrgetter(name.removeprefix("client."))(client)
            assert html_page.with_line_breaks(name) in page
        assert html_page.with_line_breaks(operation["id"]) in page
    client.close()


def contract_failure(operation, message, client="sync"):
    (found,) = ContractCheckError(
        [evolve(FAILURE, operation=operation, messages=(message,), client=client)]
    ).as_json()
    return found


def test_failures_are_grouped_by_cause():
    error = "TypeError: unexpected keyword argument 'mood'"
    tests = [
        recorded(name="a", outcome="passed"),
        recorded(name="b", cause=error, operation="one"),
        recorded(name="c", contract_failures=[contract_failure("one", "/seed: expected 3, got 4")]),
        recorded(name="d", contract_failures=[
            contract_failure("one", "/seed: expected 5, missing", "asyncio"),
            contract_failure("two", "/seed: expected 5, missing"),
            contract_failure("two", error),
        ]),
    ]  # fmt: skip
    causes = causes_of(tests)
    assert [(one.text, one.operations, [test.name for test in one.tests]) for one in causes] == [
        (error, ["one", "two"], ["b", "d"]),
        ("/seed: expected 3, got 4", ["one"], ["c", "d"]),
        ("/seed: expected 5, missing", ["two"], ["d"]),
    ]
    assert [one["clients"] for one in causes[1].failures] == [["sync", "asyncio"]]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 30])
def test_the_last_five_lines_name_verdict_causes_and_page(run, tmp_path, monkeypatch, count):
    monkeypatch.setattr(type(run), "folder", tmp_path)
    monkeypatch.setattr(type(run), "is_selection", False)
    run.revision = REVISION
    run.coverage = evolve(run.coverage, problems=())
    run.tests[:] = [recorded(outcome="passed")]
    run.tests += [
        recorded(name=f"t{n}", operation="control_a_character", cause=f"ValueError: {n} " * 200)
        for n in range(count)
    ]
    first, *lines, last = output.last_lines(run)
    assert len(lines) <= 3
    assert last == f"report: {tmp_path / 'index.html'}"
    if not count:
        assert first.startswith("contract: passed at 0a1b2c3d4e with 2 changed files: 1 test (1 p")
        return
    assert first.startswith("contract: FAILED at 0a1b2c3d4e with 2 changed files")
    named = [one for one in lines if "client.character_performance (control_a_character): V" in one]
    assert len(named) == min(count, 3 if count <= 3 else 2)
    assert len(named) == count or lines[-1] == f"  … and {count - 2} more, listed above"
    assert max(map(len, lines)) < 340


def test_a_stopped_run_says_why_in_its_last_lines(run, tmp_path, monkeypatch):
    monkeypatch.setattr(type(run), "folder", tmp_path)
    run.tests.clear()
    run.stopped = "interrupted"
    assert list(output.last_lines(run))[1:-1] == ["  stopped before its last test: interrupted"]


def test_the_page_says_how_to_measure_mutation_scores(run):
    assert "Not measured yet: run <code>make mutants</code>" in html_page.render_page(
        build_report(run)
    )


def test_a_cell_has_a_state_and_a_text():
    cells = [
        html_page.Cell(3, 3, 0),
        html_page.Cell(2, 3, 1),
        html_page.Cell(1, 3, 1),
        html_page.Cell(0, 0, 0),
    ]
    assert [one.state for one in cells] == ["all", "listed", "some", "none"]
    assert [one.text for one in cells] == ["3/3", "2/3", "1/3", ""]


def test_backticks_become_code_elements():
    assert html_page.with_code("`a<b` is <b>not</b> `c`") == (
        "<code>a&lt;b</code> is &lt;b&gt;not&lt;/b&gt; <code>c</code>"
    )


def test_the_report_files_are_written(run, tmp_path):
    output.write_report(tmp_path / "new" / "folder", run)
    written = {one.name for one in (tmp_path / "new" / "folder").iterdir()}
    assert written == {"contract.json", "index.html"}
    assert json.loads((tmp_path / "new" / "folder" / "contract.json").read_text("utf-8"))[
        "coverage_points"
    ]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/contract/test_generated_requests.py::test_a[make_it-sync]", "make_it"),
        ("tests/contract/test_generated_requests.py::test_a[latin-1-make_it-async]", "make_it"),
        (
            "tests/contract/test_generated_requests.py::test_make_it[sync]",
            "tests/contract/test_generated_requests.py",
        ),
        ("tests/contract/test_value_source.py::test_a", "tests/contract/test_value_source.py"),
    ],
)
def test_tests_of_one_operation_share_a_worker(nodeid, group):
    assert scope_of(nodeid, frozenset({"make_it", "unmake_it"})) == group
