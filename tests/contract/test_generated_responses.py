"""The generated client parses every documented response without loss."""

from __future__ import annotations

import pytest

from .checks.failures import raise_failures
from .checks.generated_checks import check_response, response_failure
from .checks.harness import valid_requests, valid_responses
from .drivers.generated_driver import FLAVOURS


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_documented_responses_are_parsed_without_loss(harness, operation, flavour):
    request = valid_requests(harness.source, operation)[0]
    raise_failures(
        response_failure(harness, operation, flavour, status, drawn, request)
        for status, drawn in valid_responses(harness.source, operation)
        if check_response(harness, operation, flavour, status, drawn.value, request)
    )


def test_every_documented_status_has_a_drawn_response(harness, operation):
    drawn = {status for status, _ in valid_responses(harness.source, operation)}
    documented = {int(one.status) for one in operation.responses if one.status.isdigit()}
    assert documented <= drawn
