"""The generated client sends valid requests with the arguments of the call."""

from __future__ import annotations

import pytest

from .checks.failures import raise_failures
from .checks.generated_checks import check_request, request_failure
from .checks.harness import respond_with_success, valid_requests
from .drivers.generated_driver import FLAVOURS, normalize_name
from .drivers.request_capture import PARAMETER_LOCATIONS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_arguments_are_sent_unchanged(harness, operation, flavour):
    respond_with_success(harness, operation)
    requests = valid_requests(harness.source, operation)
    raise_failures(request_failure(harness, operation, flavour, request) for request in requests
           if check_request(harness, operation, flavour, request))  # fmt: skip


def test_every_documented_parameter_is_drawn(harness, operation):
    """A parameter that was never drawn would be tested by no other check."""
    drawn = {
        (location, name)
        for request in valid_requests(harness.source, operation)
        for location in PARAMETER_LOCATIONS
        for name in request.arguments.get(location, {})
    }
    declared = {(one.location, one.name) for one in operation.parameters}
    assert drawn == declared


def test_every_character_of_an_address_is_one_of_the_parameter(harness):
    for operation in harness.contract.operations:
        names = [one.name for one in operation.parameters if one.location == "path"]
        module = harness.driver.module(operation)
        for name in names:
            asked = module._get_kwargs(**{normalize_name(name): "a/../b?c#d%"})
            assert asked["url"] == operation.path.replace(f"{{{name}}}", "a%2F..%2Fb%3Fc%23d%25")
