"""A request that breaks the contract fails its test, however the application handles it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cometapi_runway import simulator, testing
from cometapi_runway.errors import Issue
from cometapi_runway.testing import Violation, _simulator
from cometapi_runway.testing._contract_checker import ContractChecker, describe_violations
from cometapi_runway.validation import contract

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
BAD = """
    import httpx
    import pytest

    BODY = {
        "character": {"type": "image", "uri": "ftp://example.com/face.png"},
        "reference": {"type": "video", "uri": "https://example.com/clip.mp4"},
        "model": "act_two",
        "ratio": "1280:720",
    }
    HEADERS = {"Authorization": "Bearer own-key", "X-Runway-Version": "2024-11-06"}

    def send(base_url="https://api.cometapi.com", **more):
        url = base_url + "/runwayml/v1/character_performance"
        try:
            # Reading the certificates takes longer than all of most tests, and none is needed.
            return httpx.post(url, json={**BODY, **more}, headers=HEADERS, verify=False)
        except httpx.HTTPError:
            return None
"""
# Plugins that no test here needs; it takes longer to load them than to run the tests.
HEAVY = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
URI = "*/character/uri *ftp://example.com/face.png*"


@pytest.fixture
def runs(pytester):
    """Run tests in their own pytest."""

    def run(tests: str, *arguments: str) -> pytest.RunResult:
        head, body = (text.replace("\n    ", "\n") for text in (BAD, tests))
        pytester.makepyfile(test_app=head + body)
        options = ("-p", "no:cacheprovider", *HEAVY, *arguments)
        if arguments and arguments[0] == "-n":
            return pytester.runpytest_inprocess(*options)
        return pytester.runpytest_inprocess("-p", "no:xdist", *options)

    return run


@pytest.mark.parametrize("fixture", ["runway_simulator", "runway_server", "runway_mock"])
def test_it_fails_the_test_and_names_the_field(fixture, runs):
    result = runs(f"""
    def test_application({fixture}):
        response = send({fixture}.base_url)
        assert response.status_code == 400
        assert "/character/uri" in response.json()["error"]["message"]

    def test_afterwards({fixture}):
        pass
    """)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*1 request broke the gateway's contract:", "*POST *character_performance*", URI,
         "*Captured simulated gateway call -*"]
    )  # fmt: skip
    assert "own-key" not in result.stdout.str()
    # Nothing of the plugin itself.
    result.stdout.no_fnmatch_line("*pytest.fail(*")


def test_it_is_added_to_the_failure_that_it_causes(runs):
    result = runs("""
    def test_application(runway_simulator):
        assert send().status_code == 200
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*assert 400 == 200*", "*1 request broke*", URI,
         "*Captured simulated gateway call -*", "POST *: HTTP 400"]
    )  # fmt: skip


def test_a_failed_test_shows_the_gateways_history(runs):
    result = runs("""
    def test_application(runway_simulator):
        runway_simulator.lose_next_response()
        create = runway_simulator.client.character_performance.create
        create(character="https://example.com/a.png", reference="https://example.com/b.mp4")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*simulated gateway*", "POST *: no response (reset)", "charge 0.50*"]
    )


def test_requests_during_teardown_are_checked(runs):
    result = runs("""
    @pytest.fixture
    def application(runway_simulator):
        yield
        send()

    def test_application(application):
        pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 request broke*", URI])


def test_an_issue_names_its_place_once():
    issues = (Issue("/a", "type", 1, "/a is 1"), Issue("/b", "type", 1, "it is 1"))
    lines = str(Violation("POST", "/x", None, issues)).splitlines()
    assert lines == ["POST /x", "    /a is 1", "    /b: it is 1"]


def test_no_violations_are_no_report():
    assert describe_violations([]) == ""


def test_equal_violations_are_reported_once():
    same = [Violation("GET", "/same", None, ())] * 30
    others = [Violation("GET", f"/{number}", None, ()) for number in range(30)]
    report = describe_violations([*same, *others])
    assert "60 requests broke" in report
    assert "30 times GET /same" in report
    assert report.endswith("and 11 more")
    lines = describe_violations([*same[:1], *others[:1], *others[:1]]).splitlines()
    assert lines[1].startswith("  GET /same")
    assert lines[2].startswith("  2 times GET /0")


def test_an_expected_violation(runs):
    result = runs("""
    def test_any(runway_simulator):
        with runway_simulator.expect_violation() as found:
            send()
        assert found[0].issues[0].path == "/character/uri"

    def test_one_field(runway_mock):
        with runway_mock.expect_violation("/character/uri"):
            send()

    def test_another_field(runway_simulator):
        with runway_simulator.expect_violation("/seed"):
            send(seed=-1)
            runway_simulator.expect_violation("/ratio")
            httpx.get("https://api.cometapi.com/runwayml/v1/task/x")

    def test_none(runway_simulator):
        with pytest.raises(AssertionError, match="no request broke the contract at /seed"):
            with runway_simulator.expect_violation("/seed"):
                pass
    """)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*1 request broke*", "*GET */runwayml/v1/task/x*"])


def test_the_key_must_not_reach_the_host_of_output_files(runs):
    result = runs("""
    def test_application(runway_simulator):
        create = runway_simulator.client.character_performance.create
        task = create(character="https://e.com/a.png", reference="https://e.com/b.mp4").wait()
        assert httpx.get(task.output[0], headers=HEADERS).status_code == 200
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*header authorization was sent to the host of an output file*"])


def test_a_key_at_the_host_of_output_files_is_a_leak():
    with _simulator.open_simulator() as kit:
        create = kit.client.character_performance.create
        task = create(character="https://e.com/a.png", reference="https://e.com/b.mp4").wait()
        httpx.get(task.output[0], headers={"Authorization": "Bearer k"})
        (found,) = kit.violations
        assert httpx.head(task.output[0]).content == b""
    assert [(one.path, one.rule) for one in found.issues] == [("authorization", "leak")]


def test_requests_to_the_applications_own_mock_are_checked(runs):
    result = runs("""
    def respond(request):
        return httpx.Response(200, json={"id": "mine"})

    def test_application(runway_simulator):
        with httpx.Client(transport=httpx.MockTransport(respond), headers=HEADERS) as http:
            url = "https://api.cometapi.com/runwayml/v1/character_performance"
            assert http.post(url, json=BODY).json() == {"id": "mine"}
            assert http.get("https://example.com").json() == {"id": "mine"}
        assert not runway_simulator.requests
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 request broke*", URI])


def test_on_several_workers(runs):
    result = runs(
        """
    @pytest.mark.parametrize("number", range(4))
    def test_application(runway_simulator, runway_server, number):
        create = runway_simulator.client.character_performance.create
        task = create(character="https://e.com/a.png", reference="https://e.com/b.mp4").wait()
        assert httpx.get(runway_server.status_url, verify=False).status_code == 200
        if number == 3:
            send()
    """, "-n", "2")  # fmt: skip
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([URI])


def test_in_coroutines(runs):
    result = runs("""
    @pytest.mark.anyio
    @pytest.mark.parametrize("is_bad", [False, True])
    async def test_application(runway_simulator, is_bad, anyio_backend_name):
        async with httpx.AsyncClient(headers=HEADERS) as http:
            url = "https://api.cometapi.com/runwayml/v1/character_performance"
            body = BODY if is_bad else {**BODY, "character": BODY["reference"]}
            await http.post(url, json=body)
    """)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([URI])


def test_the_marker_closest_to_the_test_wins(runs):
    result = runs("""
    pytestmark = pytest.mark.runway(shape="wrapped", missing="404")

    @pytest.mark.runway(shape="legacy")
    def test_application(runway_simulator):
        assert runway_simulator.gateway.settings.missing == "404"
        assert runway_simulator.gateway.settings.shape.feed == "digits"
    """, "--strict-markers")  # fmt: skip
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(("marker", "words"), [
    ("'wrapped'", "*takes keyword arguments only*"),
    ("colour='red'", "*there is no option colour; use one of: *shape*"),
    ("shap='wrapped'", "*there is no option shap; did you mean 'shape'?*"),
])  # fmt: skip
@pytest.mark.parametrize("fixture", ["runway_simulator", "runway_server", "runway_mock"])
def test_an_invalid_marker(marker, words, fixture, runs):
    result = runs(f"""
    @pytest.mark.runway({marker})
    def test_application({fixture}):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
    assert "plugin.py" not in result.stdout.str(), "the mistake is in the test, not in the plugin"


def test_an_unmet_expectation_is_reported_at_its_line(runs):
    result = runs("""
    def test_application(runway_simulator):
        with runway_simulator.expect_violation("/seed"):
            pass
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_app.py:*", "E *no request broke the contract at /seed*"])
    assert "_contract_checker.py" not in result.stdout.str()
    assert "_kit.py" not in result.stdout.str()


def test_runway_server_takes_no_base_url(runs):
    result = runs("""
    @pytest.mark.runway(base_url="https://gateway.example.com")
    def test_application(runway_server):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*base_url is not for runway_server*"])


@pytest.mark.parametrize("missing", ["respx", "starlette"])
def test_a_missing_extra_is_reported_in_one_line(missing, runs):
    # At the end of the file, because what precedes it needs the loaded modules.
    result = runs(f"""
    import sys

    def test_application(runway_mock):
        pass

    for name in [one for one in sys.modules if one.partition(".")[0] in
                 ("cometapi_runway", "{missing}") and "plugin" not in one]:
        del sys.modules[name]
    sys.modules["{missing}"] = None
    """, "-p", "no:respx")  # fmt: skip
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pip install 'cometapi-runway?testing?'*"])
    assert "plugin.py" not in result.stdout.str()


def test_ids_are_stable_per_test_and_differ_between_tests(runs, pytester):
    tests = """
    @pytest.mark.parametrize("number", range(2))
    def test_application(runway_simulator, number):
        create = runway_simulator.client.character_performance.create
        print("id", create(character="https://e.com/a.png", reference="https://e.com/b.mp4").id)
    """
    first, again = (runs(tests, "-s").stdout.str() for _ in range(2))
    ids = [line for line in first.splitlines() if "id " in line and len(line) > 30]
    assert len(set(ids)) == 2
    assert all(line in again for line in ids)


def test_requests_of_another_process_are_checked(runway_server):
    url = f"{runway_server.base_url}/runwayml/v1/tasks/x"
    program = f"import urllib.request; urllib.request.urlopen({url!r})"
    with runway_server.expect_violation("Authorization"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"401" in done.stderr


def test_an_unencrypted_address_is_a_violation(runway_simulator):
    headers = {"Authorization": "Bearer k"}
    with runway_simulator.expect_violation("server"):
        httpx.get("http://api.cometapi.com/runwayml/v1/tasks/x", headers=headers)


def test_a_path_of_two_slashes_is_no_host():
    checker = ContractChecker(contract())
    assert checker.check("GET", "//x/runwayml/v1/tasks/t", (), b"")
    assert [one.operation for one in checker.violations] == [None]


def test_a_violation_of_another_field_is_not_the_expected_one():
    checker = ContractChecker(contract())
    with (
        pytest.raises(AssertionError, match="no request broke the contract at /seed"),
        checker.expect_violation("/seed") as found,
    ):
        checker.check("GET", "/nowhere", (), b"")
    assert found == []
    assert [one.url for one in checker.violations] == ["/nowhere"]


def test_every_name_of_the_package_can_be_imported():
    for name in testing.__all__:
        assert testing.__getattr__(name) is vars(testing)[name]
    assert testing.Ending is simulator.Ending
    # Not every name of the simulator is a name of this package too.
    assert simulator.SimulatorServer
    message = "module 'cometapi_runway.testing' has no attribute 'SimulatorServer'"
    with pytest.raises(AttributeError, match=message):
        testing.__getattr__("SimulatorServer")


def test_violations_can_be_read():
    with _simulator.open_simulator() as kit:
        httpx.get("https://api.cometapi.com/nowhere?x=1")
        (found,) = kit.violations
    assert isinstance(found, Violation)
    assert (found.method, found.url, found.operation) == (
        "GET", "https://api.cometapi.com/nowhere", None)  # fmt: skip


def test_the_plugin_loads_no_dependency():
    program = (
        "import sys, cometapi_runway.testing.plugin\n"
        "heavy = {'httpx', 'starlette', 'respx', 'attrs', 'jsonschema_rs', 'uvicorn'}\n"
        "print(*(heavy & sys.modules.keys()))"
    )
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("wrapper", "generated"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": paths})  # fmt: skip
    assert done.stdout.split() == []


MISSING = {"runway_simulator": "starlette", "runway_server": "uvicorn", "runway_mock": "respx"}
WITHOUT_EXTRAS = f"""
import sys

MISSING = {MISSING}

def pytest_runtest_setup(item):
    sys.modules[MISSING[item.name.removeprefix("test_")]] = None

def pytest_runtest_teardown(item):
    del sys.modules[MISSING[item.name.removeprefix("test_")]]
"""


@pytest.fixture(scope="module")
def without_extras(tmp_path_factory):
    """What pytest prints where each fixture lacks another package; nothing was imported before."""
    folder = tmp_path_factory.mktemp("without_extras")
    (folder / "conftest.py").write_text(WITHOUT_EXTRAS)
    tests = "".join(f"def test_{fixture}({fixture}): pass\n" for fixture in MISSING)
    (folder / "test_app.py").write_text(tests)
    options = ("-p", "no:respx", "-p", "no:cacheprovider", *HEAVY)
    done = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=folder, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert "3 errors" in done.stdout
    return done.stdout


@pytest.mark.parametrize(("fixture", "missing"), MISSING.items())
def test_a_missing_extra_is_named(fixture, missing, without_extras):
    section = without_extras.partition(f"ERROR at setup of test_{fixture} ")[2]
    line = f"pip install 'cometapi-runway[testing]' ({missing} is missing)"
    assert line in section.partition("ERROR at setup")[0]
