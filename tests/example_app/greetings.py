"""An example application: it animates a customer's picture with a recorded performance."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from cometapi_runway import (
    DownloadError,
    RunwayClient,
    SubmissionUnknownError,
    TaskError,
    TaskFailedError,
)

PERFORMANCE = "https://example.com/hello.mp4"


@frozen
class Greeting:
    """The result of an order.

    Attributes:
        message: Text for the customer.
        file: The video, if the order succeeded.
        order: The task id, or the request's fingerprint if the task id is unknown.
    """

    message: str
    file: Path | None = None
    order: str | None = None


@frozen
class Studio:
    """Makes greetings.

    Attributes:
        client: The client.
        folder: The folder for finished greetings.
    """

    client: RunwayClient
    folder: Path

    def greet(self, picture: str) -> Greeting:
        """Make one greeting."""
        create = self.client.character_performance.create
        try:
            done = create(character=picture, reference=PERFORMANCE).wait(timeout=300)
            return Greeting("Here it is.", done.download(self.folder)[0], done.id)
        except TaskFailedError as error:
            is_unsafe = (error.failure_code or "").startswith("SAFETY.INPUT")
            message = "Please choose another picture." if is_unsafe else "Please try again later."
            return Greeting(message, order=error.task_id)
        except SubmissionUnknownError as error:
            # The task may be charged, so staff check the account before the customer orders again.
            return Greeting("We will come back to you.", order=f"request {error.fingerprint}")
        except (TaskError, DownloadError) as error:
            return Greeting("It takes longer than usual.", order=error.task_id)


def main(picture: str, folder: Path) -> str:
    """Make one greeting; API key and gateway address come from the environment."""
    with RunwayClient() as client:
        return Studio(client, folder).greet(picture).message
