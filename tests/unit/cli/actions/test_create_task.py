"""What Ctrl-C in the middle of a paid request reports."""

from __future__ import annotations

import pytest

from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway.cli._actions.create_task import make_interruption


@pytest.mark.parametrize(
    ("submission", "message", "advice"),
    [
        (None, "interrupted; nothing was sent", "run it again at any time"),
        (InterruptedSubmission("not accepted"), "not accepted", "run it again at any time"),
        (
            InterruptedSubmission("may be accepted", may_be_accepted=True),
            "may be accepted",
            "check the usage log of your CometAPI account before you repeat it; "
            "`cometapi-runway tasks list --unknown` shows the request",
        ),
        (
            InterruptedSubmission("accepted", "t-1", may_be_accepted=True),
            "accepted",
            "cometapi-runway tasks wait t-1",
        ),
    ],
)
def test_an_interruption_says_what_to_do_next(
    submission: InterruptedSubmission | None, message: str, advice: str
) -> None:
    error = KeyboardInterrupt()
    if submission is not None:
        submission.attach_to(error)

    interruption = make_interruption(error)

    assert (str(interruption), interruption.advice) == (message, advice)
