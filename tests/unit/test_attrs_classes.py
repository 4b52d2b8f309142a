"""Which fields of a class are arguments of its constructor, and which classes have an equality."""

from __future__ import annotations

import inspect
import sys

import attrs

from cometapi_runway._io import async_scheduler, scheduler
from cometapi_runway._live_check import _evidence
from cometapi_runway.batch import _check, _decisions

# A command line, a server and a simulator keep what they are given in private fields.
LEFT_OUT = {"cli", "mcp", "simulator", "telemetry", "testing"}
EXCEPTIONS = {
    # What is made of the arguments, or set by each run.
    *("PartialFile.path", "PartialFile.origin", "RequestAttempt.body", "RequestAttempt.response"),
    *("_Forecast.step", "_Forecast.ended", "_Forecast.waited", "BatchRun.runner"),
    *("WaitQueue._clock", "RemoteFolder._system", "RemoteFolder._path"),
    *("ClientJournal._session", "AsyncClientJournal._session"),
}
# One object of these is never like another: they are compared to themselves, often as keys.
IDENTITIES = {
    *("Parameter", "Response", "Operation", "Question", "Session", "AsyncSession", "Visibility"),
    *("ClientResource", "ArgumentField", "Database", "Wait", "_Pools"),
}
# Public, and equal if the same callbacks have come.
COMPARED_STATES = {"Seen"}
# Other modules are loaded with the client, or by tests before this one.
LOADED = (_evidence, _check, _decisions, scheduler, async_scheduler)


def list_classes() -> list[type]:
    """The attrs classes of the modules that are loaded, but for the generated client's."""
    return [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("cometapi_runway.") and name.split(".")[1] not in LEFT_OUT
        for value in list(vars(module).values())
        if inspect.isclass(value) and attrs.has(value) and value.__module__ == name
        if value.__name__ != "SafeClient"
    ]


def test_public_fields_are_arguments_and_private_ones_are_not() -> None:
    classes = list_classes()
    found = {
        f"{kind.__name__}.{one.name}"
        for kind in classes
        for one in attrs.fields(kind)
        if one.init == one.name.startswith("_") and not one.inherited
    }
    names = {kind.__name__ for kind in classes}
    assert found == {one for one in EXCEPTIONS if one.partition(".")[0] in names}
    assert len(classes) > 60


def test_what_is_no_argument_has_a_value_from_the_start() -> None:
    found = {
        f"{kind.__name__}.{one.name}"
        for kind in list_classes()
        for one in attrs.fields(kind)
        if not one.init and one.default is attrs.NOTHING
        if not hasattr(kind, "__attrs_post_init__")
    }
    # Each run sets them.
    assert found <= {"Scheduler._queue", "AsyncScheduler._queue", "BatchRun.runner"}


def test_what_has_a_state_of_its_own_equals_itself_only() -> None:
    classes = list_classes()
    found = {kind.__name__ for kind in classes if kind.__eq__ is object.__eq__}
    names = {kind.__name__ for kind in classes}
    stateful = {
        kind.__name__ for kind in classes if not all(one.init for one in attrs.fields(kind))
    }
    assert found == (stateful - COMPARED_STATES) | (IDENTITIES & names)
