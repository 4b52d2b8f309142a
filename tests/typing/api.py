"""Public usage as type checkers see it; checked with mypy and pyright, never run.

What must not pass carries an ignore, and mypy complains of one that ignores nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import assert_never, assert_type

import httpx

from cometapi_runway import (
    APIConnectionError,
    APIStatusError,
    AsyncBoundTask,
    AsyncRunwayClient,
    BoundTask,
    DownloadError,
    InvalidRequestError,
    Issue,
    RateLimitError,
    RunwayClient,
    RunwayError,
    SubmissionUnknownError,
    Task,
    TaskFailedError,
    TaskStatus,
    TaskTimeoutError,
)
from cometapi_runway.journal import Journal
from cometapi_runway_api.models import CharacterAsset, ContentModeration


def creating(client: RunwayClient, folder: Path) -> None:
    """The least, everything, and every convenient form."""
    task = client.character_performance.create(
        character="https://example.com/face.png", reference="https://example.com/clip.mp4"
    )
    assert_type(task, BoundTask)
    client.character_performance.create(
        character={"type": "image", "uri": "https://example.com/face"},
        reference=folder / "clip.mp4",
        model="act_two",
        ratio=(1280, 720),
        body_control=True,
        expression_intensity=3,
        seed=7,
        content_moderation="low",
        runway_version="2024-11-06",
        timeout=30,
        extra_headers={"X-Trace": "1"},
        extra_body={"newField": [1, 2]},
        validate=False,
    )
    client.character_performance.create(
        character=CharacterAsset("video", "https://example.com/clip.mp4"),
        reference="https://example.com/clip.mp4",
        content_moderation=ContentModeration("auto"),
    )


def every_resource(client: RunwayClient) -> None:
    """One call each, so that a resource cannot lose its types unnoticed."""
    image, video, hook = "https://e.com/a.png", "https://e.com/a.mp4", "https://e.com/hook"
    assert_type(client.image_to_video.create(model="gen3a_turbo", prompt_image=image), BoundTask)
    assert_type(
        client.text_to_image.create(prompt_text="a cat", reference_images=[image]), BoundTask
    )
    assert_type(client.video_to_video.create(video_uri=video, prompt_text="blue"), BoundTask)
    assert_type(client.video_upscale.create(video_uri=video), BoundTask)
    compat = client.compat
    assert_type(compat.text_to_video.create(prompt="a cat", callback_url=hook), BoundTask)
    assert_type(
        compat.image_to_video.create(prompt="a cat", callback_url=hook, image=image), BoundTask
    )
    assert_type(
        compat.video_to_video.create(prompt="a cat", callback_url=hook, video=video), BoundTask
    )
    assert_type(compat.act_one.create(video=video, image=image, callback_url=hook), BoundTask)
    assert_type(compat.tasks.retrieve("id"), BoundTask)
    assert_type(client.operation("upscale_a_video").create(video_uri=video), BoundTask)


def mistakes(client: RunwayClient) -> None:
    """What a checker must see before the contract does."""
    create = client.character_performance.create
    create(character="https://e.com/a.png")  # type: ignore[call-arg]
    create("https://e.com/a.png", reference="https://e.com/a.mp4")  # type: ignore[call-arg]
    create(charactr="a", reference="b")  # type: ignore[call-arg]
    create(character="a", reference="b", model="act_three")  # type: ignore[arg-type]
    create(character="a", reference="b", expression_intensity="3")  # type: ignore[arg-type]
    create(character=7, reference="b")  # type: ignore[arg-type]
    create(character="a", reference="b", timeout="30")  # type: ignore[arg-type]
    create(character="a", reference="b", ratio=1.78)  # type: ignore[arg-type]


def telling(task: Task) -> None:
    """A callback of a wait."""
    print(task.status, task.progress)


async def telling_slowly(task: Task) -> None:
    """A callback that the awaiting client awaits."""
    print(task.status)


def counting(index: int, received: int, size: int | None) -> None:
    """A callback of a download."""
    print(index, received, size)


def waiting(client: RunwayClient, task: BoundTask) -> None:
    """Alone and among many."""
    assert_type(task.wait(), BoundTask)
    assert_type(task.wait(600, telling), BoundTask)
    assert_type(task.wait(timeout=None, on_update=telling, interval=10), BoundTask)
    assert_type(task.wait_for_task_output(timeout=600), BoundTask)
    assert_type(task.refresh(), BoundTask)
    assert_type(client.tasks.retrieve("id"), BoundTask)
    assert_type(client.tasks.wait("id", timeout=600, on_update=telling), BoundTask)
    assert_type(client.tasks.wait_all(["id", task]), list[BoundTask])
    assert_type(client.tasks.as_completed(["id", task], timeout=60), Iterator[BoundTask])
    for ended in client.tasks.as_completed(["id"]):
        assert_type(ended.error, RunwayError | None)
        assert_type(ended.result(), BoundTask)
    client.tasks.wait_all([1, 2])  # type: ignore[list-item]


def reading(task: Task) -> None:
    """The facts of a task."""
    assert_type(task.id, str)
    assert_type(task.status, TaskStatus | str)
    assert_type(task.is_terminal, bool)
    assert_type(task.progress, float | None)
    assert_type(task.output, tuple[str, ...])
    assert_type(task.failure, str | None)
    assert_type(task.failure_code, str | None)
    assert_type(task.created_at, datetime | None)
    assert_type(task.seed, int | None)
    task.status = "SUCCEEDED"  # type: ignore[misc]


def downloading(task: BoundTask) -> None:
    """Paths in the order of the outputs."""
    assert_type(task.download(), list[Path])
    assert_type(task.download("out", overwrite=True, on_progress=counting), list[Path])


def failing(client: RunwayClient) -> None:
    """What the errors carry."""
    try:
        client.tasks.wait("id")
    except InvalidRequestError as error:
        assert_type(error.issues, tuple[Issue, ...])
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except APIStatusError as error:
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
        assert_type(error.request_id, str | None)
        assert_type(error.response, httpx.Response | None)
    except APIConnectionError as error:
        if error.delivery == "not_sent":
            return
    except SubmissionUnknownError as error:
        assert_type(error.fingerprint, str)
        assert_type(error.seed, int | None)
    except TaskFailedError as error:
        assert_type(error.task_details, Task | None)
        assert_type(error.can_retry, bool | None)
    except TaskTimeoutError as error:
        assert_type(error.task_details, Task | None)
    except DownloadError as error:
        assert_type(error.url, str)
    except RunwayError as error:
        assert_type(error.task_id, str | None)


def building(transport: httpx.BaseTransport, awaiting: httpx.AsyncBaseTransport) -> None:
    """Every way to make a client."""
    RunwayClient()
    RunwayClient("key", base_url="https://e.com", runway_version="2024-11-06", timeout=5.0)
    RunwayClient(api_key=None, validate=False, journal="tasks.journal", transport=transport)
    RunwayClient(journal=Journal("tasks.journal"))
    AsyncRunwayClient("key", journal=Path("tasks.journal"), transport=awaiting)
    RunwayClient(transport=awaiting)  # type: ignore[arg-type]
    RunwayClient("key", "https://e.com")  # type: ignore[call-arg]
    with RunwayClient() as client:
        assert_type(client, RunwayClient)
        assert_type(client.journal.resume(), Iterator[BoundTask])
        assert_type(client.journal.resume(include_unfetched=True), Iterator[BoundTask])
        assert_type(client.journal.unfetched(), list[BoundTask])


async def awaiting_all(client: AsyncRunwayClient, task: AsyncBoundTask) -> None:
    """The same, awaited."""
    made = await client.character_performance.create(
        character="https://e.com/a.png", reference="https://e.com/a.mp4", seed=7
    )
    assert_type(made, AsyncBoundTask)
    assert_type(await client.video_upscale.create(video_uri="https://e.com/a"), AsyncBoundTask)
    hook = "https://e.com/hook"
    compat = client.compat
    assert_type(await compat.text_to_video.create(prompt="a", callback_url=hook), AsyncBoundTask)
    assert_type(await task.wait(600, telling), AsyncBoundTask)
    assert_type(await task.wait(on_update=telling_slowly), AsyncBoundTask)
    assert_type(await task.wait_for_task_output(), AsyncBoundTask)
    assert_type(await task.refresh(), AsyncBoundTask)
    assert_type(await task.download("out", on_progress=counting), list[Path])
    assert_type(await client.tasks.retrieve("id"), AsyncBoundTask)
    assert_type(await client.tasks.wait("id", timeout=None), AsyncBoundTask)
    assert_type(await client.tasks.wait_all(["id", task]), list[AsyncBoundTask])
    assert_type(client.tasks.as_completed(["id"]), AsyncIterator[AsyncBoundTask])
    async for ended in client.tasks.as_completed(["id"]):
        assert_type(ended.result(), AsyncBoundTask)
    async with AsyncRunwayClient() as other:
        assert_type(other, AsyncRunwayClient)
    await client.character_performance.create(character="a")  # type: ignore[call-arg]


def naming_status(task: Task) -> str:
    """Every status, and a word that is new: a type checker sees that none is missing."""
    assert_type(task.known_status, TaskStatus | None)
    match task.known_status:
        case "PENDING" | "THROTTLED" | "RUNNING" | "UNKNOWN":
            return "continues"
        case "SUCCEEDED" | "FAILED" | "CANCELLED" as ended:
            return ended
        case None:
            return task.status
        case missing:
            assert_never(missing)
