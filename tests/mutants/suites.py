"""The test suites, and which of their tests are irrelevant for mutants."""

from __future__ import annotations

from attrs import frozen

from .areas import CONTRACT

COMPARISON = "comparison"


@frozen
class Suite:
    """A test suite.

    Attributes:
        name: its column in the report.
        folders: the folders and files of its tests.
        areas: the areas whose mutants it judges.
        without: files and folders that do not test these areas: they test the harness itself, or
            clients that they generate.
        deselected: single tests that start processes, which do not have the mutation, that take a
            third of the suite's time, or that fail where a profiler slows them down.
        has_slow_variants: whether a few variants of each test run before all of them.
        starts_processes: whether its tests start processes, which load the mutant from a copy.
            What they call is unknown, so all tests run for each mutant that is left.
        needs_server: whether its tests are those of a PostgreSQL server, which all of them share.
    """

    name: str
    folders: tuple[str, ...]
    areas: tuple[str, ...]
    without: tuple[str, ...] = ()
    deselected: tuple[str, ...] = ()
    has_slow_variants: bool = False
    starts_processes: bool = False
    needs_server: bool = False

    def applies_to(self, area: str) -> bool:
        """Whether the suite runs for mutants of an area."""
        return area in self.areas

    @property
    def arguments(self) -> list[str]:
        """The arguments of pytest."""
        ignored = (f"--ignore={one}" for one in self.without)
        return [*self.options, *self.folders, *ignored, *self.left_out]

    @property
    def options(self) -> list[str]:
        """The options of pytest, whatever is collected."""
        # A forked test that forks would run the rest of the suite.
        server = "postgres" if self.needs_server else "not postgres"
        return [*_COMMON, "-m", f"{server} and not forks"]

    @property
    def left_out(self) -> list[str]:
        """The options that deselect single tests."""
        return [f"--deselect={one}" for one in self.deselected]


# In the order in which they run: quick ones first.
SUITES = (
    Suite(COMPARISON, ("tests/mutants/comparison",), ("generated", "core", CONTRACT)),
    Suite(
        "unit",
        ("tests/unit",),
        ("core",),
        without=(
            "tests/unit/cli",
            "tests/unit/mcp",
            "tests/unit/openapi",
            "tests/unit/testing",
            # These interrupt or fork the process at a random moment, which may be the recorder's.
            "tests/unit/io/test_fork.py",
            "tests/unit/journal/test_journal_lock.py",
        ),
        deselected=(
            "tests/unit/journal/test_journal_files.py::test_processes_share_it",
            "tests/unit/journal/test_journal_files.py::test_processes_create_it_at_the_same_time",
            "tests/unit/io/test_slots.py::test_an_interruption_at_any_moment_loses_no_slot",
        ),
    ),
    Suite(
        "postgres",
        ("tests/unit/journal",),
        ("core",),
        # Left out of the suite above too.
        without=("tests/unit/journal/test_journal_lock.py",),
        # These start a server of their own, or processes, which do not have the mutation.
        deselected=(
            "tests/unit/journal/test_postgres.py::TestServerThatStops",
            "tests/unit/journal/test_journal_files.py::test_processes_share_it",
        ),
        needs_server=True,
    ),
    Suite(
        "simulator",
        ("tests/simulator",),
        ("simulator",),
        deselected=(
            "tests/simulator/test_server.py::test_run_serves_until_sigterm",
            "tests/simulator/test_server.py::test_the_simulator_imports_no_client_code",
        ),
    ),
    Suite("testing", ("tests/unit/testing",), ("core", "simulator")),
    Suite("agents", ("tests/unit/mcp",), ("agents",)),
    Suite(
        "tools",
        ("tests/unit/openapi",),
        ("contract tools",),
        deselected=(
            "tests/unit/openapi/generate/test_regenerate.py::"
            "test_the_environment_does_not_affect_the_result",
        ),
    ),
    Suite(
        "contract",
        ("tests/contract",),
        ("generated", "core", CONTRACT),
        without=tuple(
            f"tests/contract/{name}"
            for name in (
                "test_coverage.py",
                "test_generator_issues.py",
                "test_generator_response_issues.py",
                "test_new_operation.py",
                "test_page_audit.py",
                "test_reporting.py",
                "test_value_source.py",
            )
        ),
        deselected=(
            "tests/contract/test_client_as_server.py::test_the_schemathesis_command_line_passes",
        ),
        has_slow_variants=True,
    ),
    Suite(
        "cli",
        ("tests/unit/cli", "tests/end_to_end/cli"),
        # Its tests are the ones that use the simulator most, and the live check of the core.
        ("command line", "simulator", "core"),
        deselected=(
            "tests/end_to_end/cli/test_completion.py::"
            "test_every_file_that_an_installation_writes_is_named",
            # In a fork all is imported already, also what these find missing or interrupted.
            "tests/end_to_end/cli/test_failures_of_the_system.py::"
            "test_an_interruption_of_the_import_is_said",
            "tests/end_to_end/cli/test_failures_of_the_system.py::"
            "test_the_command_line_names_its_extra_and_nothing_else",
        ),
    ),
    Suite("batch", ("tests/end_to_end/test_batch.py",), ("core",)),
    Suite(
        "processes",
        ("tests/end_to_end/cli_process",),
        ("command line",),
        starts_processes=True,
    ),
)
# Libraries that are also pytest plugins are imported before pytest starts and are not rewritten.
_LOADED_EARLY = "ignore::pytest.PytestAssertRewriteWarning"
_COMMON = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", _LOADED_EARLY)
