"""What Ctrl-C in the middle of a paid request is told as."""

from __future__ import annotations

import pytest

from cometapi_runway.cli import create


def stopped(*notes: str, task_id: str | None = None) -> KeyboardInterrupt:
    error = KeyboardInterrupt()
    for note in notes:
        error.add_note(note)
    if task_id is not None:
        vars(error)["task_id"] = task_id
    return error


@pytest.mark.parametrize(
    ("error", "message", "advice"),
    [
        (stopped(), "interrupted; nothing was sent", "run it again whenever you like"),
        (
            stopped("cometapi-runway: interrupted while submitting; nothing was accepted (x)."),
            "interrupted while submitting; nothing was accepted (x).",
            "run it again whenever you like",
        ),
        (
            stopped("cometapi-runway: interrupted while submitting; the gateway may have (x)."),
            "interrupted while submitting; the gateway may have (x).",
            "before you repeat it, look into the usage log of your CometAPI account",
        ),
        (
            stopped("cometapi-runway: interrupted; task t-1 was accepted", task_id="t-1"),
            "interrupted; task t-1 was accepted",
            "cometapi-runway tasks wait t-1",
        ),
    ],
)
def test_an_interruption_says_what_to_do_next(
    error: KeyboardInterrupt, message: str, advice: str
) -> None:
    told = create._interrupted(error)
    assert (str(told), told.advice) == (message, advice)
