"""The simulator's replies are the recorded ones; other programs' tests rely on them."""

from __future__ import annotations

import json

import pytest
from tests.cases import each_case

from .exchanges import RECORD, list_exchanges, name_situation
from .helpers import CREATES

RECORDED = json.loads(RECORD.read_text("utf-8"))


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return list_exchanges()


@each_case("name", RECORDED)
def test_replies_are_the_recorded_ones(found: dict[str, list[str]], name: str) -> None:
    """If they changed on purpose: ``python -m tests.simulator.exchanges``, and read the diff."""
    assert found[name] == RECORDED[name]


def test_every_situation_is_recorded(found: dict[str, list[str]]) -> None:
    # Replies to an operation that came later are held to the contract alone.
    later = {
        name_situation(moment, one.id) for one in CREATES for moment in ("create", "ended")
    } - RECORDED.keys()
    assert [name for name in found if name not in later] == list(RECORDED)
    assert found == list_exchanges()
