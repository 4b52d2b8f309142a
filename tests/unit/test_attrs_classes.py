"""Which fields of a class are arguments of its constructor."""

from __future__ import annotations

import inspect
import sys

import attrs

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
# Of no other class is one object like another: they are compared to themselves, often as keys.
IDENTITIES = {
    *("Parameter", "Response", "Operation", "Question", "Session", "AsyncSession", "Visibility"),
    *("ClientResource", "ArgumentField", "Database"),
}
# Other modules are loaded with the client, or by tests before this one.
LOADED = (_evidence, _check, _decisions)


def list_classes() -> dict[str, type]:
    """The attrs classes of the modules that are loaded, by name."""
    return {
        value.__name__: value
        for name, module in list(sys.modules.items())
        if name.startswith("cometapi_runway.") and name.split(".")[1] not in LEFT_OUT
        for value in list(vars(module).values())
        if inspect.isclass(value) and attrs.has(value) and value.__module__ == name
    }


def test_public_fields_are_arguments_and_private_ones_are_not() -> None:
    classes = list_classes()
    # The generated client has fields of its own.
    del classes["SafeClient"]
    found = {
        f"{name}.{one.name}"
        for name, kind in classes.items()
        for one in attrs.fields(kind)
        if one.init == one.name.startswith("_") and not one.inherited
    }
    assert found == {one for one in EXCEPTIONS if one.partition(".")[0] in classes}
    assert len(classes) > 60


def test_what_has_a_state_of_its_own_equals_itself_only() -> None:
    classes = list_classes()
    del classes["SafeClient"]
    found = {name for name, kind in classes.items() if kind.__eq__ is object.__eq__}
    stateful = {
        name for name, kind in classes.items() if not all(one.init for one in attrs.fields(kind))
    }
    assert found == stateful | (IDENTITIES & classes.keys())
