"""What is asked is what is sent, and what is sent is valid: the generated client."""

from __future__ import annotations

import pytest

from .checks.failures import raise_failures
from .checks.generated_checks import check_request, request_failure
from .checks.harness import respond_with_success, valid_requests
from .drivers.generated_driver import FLAVOURS
from .drivers.request_capture import PARAMETER_LOCATIONS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_arguments_are_sent_unchanged(harness, operation, flavour):
    respond_with_success(harness, operation)
    calls = valid_requests(harness.source, operation)
    raise_failures(request_failure(harness, operation, flavour, call) for call in calls
           if check_request(harness, operation, flavour, call))  # fmt: skip


def test_every_documented_parameter_is_drawn(harness, operation):
    """A parameter that the generator dropped would be in no call, and no call would miss it."""
    asked = {(place, name) for call in valid_requests(harness.source, operation)
             for place in PARAMETER_LOCATIONS for name in call.arguments.get(place, {})}  # fmt: skip
    declared = {(one.location, one.name) for one in operation.parameters}
    assert asked == declared
