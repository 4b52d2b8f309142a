"""How tasks end, by rule."""

from __future__ import annotations

from attrs import field, frozen

from cometapi_runway.simulator._lifecycle import SUCCESS, Ending
from cometapi_runway.simulator._rules.rule_book import When


@frozen
class Outcome:
    """A rule for how tasks end. A task without one succeeds.

    Attributes:
        ending: How they end.
        when: The creations that it applies to.
    """

    ending: Ending = SUCCESS
    when: When = field(factory=When)
