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
    """What became of an order: words for the customer, and a file if all went well."""

    words: str
    file: Path | None = None
    order: str | None = None


@frozen
class Studio:
    """Makes greetings.

    Attributes:
        client: The gateway.
        folder: Where finished greetings go.
    """

    client: RunwayClient
    folder: Path

    def greet(self, picture: str) -> Greeting:
        """Makes one greeting."""
        create = self.client.character_performance.create
        try:
            done = create(character=picture, reference=PERFORMANCE).wait(timeout=300)
            return Greeting("Here it is.", done.download(self.folder)[0], done.id)
        except TaskFailedError as error:
            refused = (error.failure_code or "").startswith("SAFETY.INPUT")
            words = "Please choose another picture." if refused else "Please try again later."
            return Greeting(words, order=error.task_id)
        except SubmissionUnknownError as error:
            # It may be paid for: a person looks at the account before anybody orders again.
            return Greeting("We will come back to you.", order=f"request {error.fingerprint}")
        except (TaskError, DownloadError) as error:
            return Greeting("It takes longer than usual.", order=error.task_id)


def main(picture: str, folder: Path) -> str:
    """The command line: key and address come from the environment."""
    with RunwayClient() as client:
        return Studio(client, folder).greet(picture).words
