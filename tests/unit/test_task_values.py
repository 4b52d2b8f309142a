"""A task as a value: shown in a notebook, copied, pickled, bound again, matched by its status."""

from __future__ import annotations

import copy
import pickle
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway import Task
from cometapi_runway._core.task import METHODS_OF_BOUND_TASKS
from cometapi_runway.resources._tracked_task import TrackedTask

from .support.both_clients import ID, KEY, ClientHarness
from .support.fault_table import DONE, RUNNING
from .support.secret_cases import MARKER

TEXTS = st.text(max_size=300)
SIGNED = st.just(f"https://cdn.example/a/x.mp4?_jwt={MARKER}#{MARKER}")
TASKS = st.builds(
    TrackedTask,
    id=TEXTS,
    status=TEXTS,
    progress=st.none() | st.floats(0, 1),
    output=st.lists(SIGNED, max_size=4).map(tuple),
    failure=st.none() | TEXTS | SIGNED,
    failure_code=st.none() | TEXTS | SIGNED,
    created_at=st.none() | st.datetimes(),
    operation=st.none() | TEXTS,
    seed=st.none() | st.integers(),
    raw=st.just({"output": [MARKER]}),
    error=st.none() | st.builds(ValueError, SIGNED),
)


class Table(HTMLParser):
    """The tags of a page, and what each cell says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TASKS)
@settings(max_examples=40)
def test_a_task_is_shown_on_one_short_line_and_as_a_table_without_secrets(task: Task) -> None:
    line, page = repr(task), task._repr_html_()
    assert line.isprintable()
    assert len(line) < 3000
    assert MARKER not in line + page
    table = Table(page)
    assert table.tags == {"table", "caption", "tr", "th", "td"}
    assert repr(task.id)[:200] in table.text


def test_what_a_task_does_not_have_is_not_shown() -> None:
    assert repr(Task("a", "RUNNING", 0.5)) == "Task(id='a', status='RUNNING', progress=0.5)"


def test_a_copy_keeps_its_client_and_shares_nothing_that_changes(harness: ClientHarness) -> None:
    harness.respond_with(RUNNING, DONE, DONE)
    task = harness.run(harness.client.tasks.retrieve(ID))
    shallow, deep = copy.copy(task), copy.deepcopy(task)
    assert shallow == deep == task
    assert deep.raw == task.raw
    assert deep.raw is not task.raw
    assert [harness.run(one.wait()).status for one in (shallow, deep)] == ["SUCCEEDED"] * 2


def test_a_pickled_task_is_bound_again_by_its_client(harness: ClientHarness) -> None:
    harness.respond_with(RUNNING, DONE)
    task = harness.run(harness.client.tasks.retrieve(ID))
    stored = pickle.dumps(task)
    assert KEY.encode() not in stored
    unbound = pickle.loads(stored)  # noqa: S301 - our own
    assert isinstance(unbound, Task)
    assert task_values(unbound) == task_values(task)
    assert not METHODS_OF_BOUND_TASKS & set(dir(unbound))
    for name in METHODS_OF_BOUND_TASKS:
        with pytest.raises(AttributeError, match=rf"client\.bind\(task\)\.{name}"):
            getattr(unbound, name)
    bound = harness.client.bind(unbound)
    assert bound == task
    assert harness.run(bound.wait()).status == "SUCCEEDED"


def test_the_error_of_a_wait_among_many_survives_pickling(harness: ClientHarness) -> None:
    (task,) = harness.run(harness.client.tasks.wait_all([".."]))
    unbound = pickle.loads(pickle.dumps(task))  # noqa: S301
    for again in (unbound, harness.client.bind(unbound)):
        with pytest.raises(type(task.error)):
            again.result()


def test_only_a_tasks_own_methods_are_named_in_its_hint(harness: ClientHarness) -> None:
    task = harness.client.tasks.bind(ID)
    public = {name for name in dir(task) if not name.startswith("_")}
    gained = {
        name for name in public - set(dir(Task(ID, "RUNNING"))) if callable(getattr(task, name))
    }
    assert gained - {"download_as", "result", "unbound"} == METHODS_OF_BOUND_TASKS
    with pytest.raises(AttributeError) as caught:
        _ = task.witdh
    assert "client.bind" not in str(caught.value)


@each_case("word", ["PENDING", "UNKNOWN", "ARCHIVED", ""])
def test_a_status_of_the_servers_own_is_kept_and_not_known(word: str) -> None:
    task = Task(ID, word)
    assert task.status == word
    assert task.known_status == (word if word in {"PENDING", "UNKNOWN"} else None)


def test_dir_of_a_client_shows_what_users_call(harness: ClientHarness) -> None:
    for one in (harness.client, harness.client.compat):
        names = {name for name in dir(one) if not name.startswith("__")}
        assert {"image_to_video", "tasks"} <= names
        assert not {name for name in names if name.startswith("_")} | {"session"} & names
        assert all(hasattr(one, name) for name in names)


def task_values(task: Task) -> tuple[object, ...]:
    return (task.id, task.status, task.output, task.raw, task.operation, task.seed, task.created_at)
