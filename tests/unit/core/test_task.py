"""Tasks are immutable values."""

from __future__ import annotations

import pytest
from attrs import exceptions

from ..support.parsing import task_from
from ..support.payloads import raw, wrapped


class TestValue:
    def test_it_cannot_be_changed(self) -> None:
        with pytest.raises(exceptions.FrozenInstanceError):
            task_from(raw()).status = "SUCCEEDED"  # type: ignore[misc] # that is the test

    def test_what_it_was_made_of_makes_no_difference(self) -> None:
        one, two = task_from(raw()), task_from(wrapped("IN_PROGRESS"))
        assert one == two
        assert len({one, two}) == 1
        assert one.raw != two.raw
