"""A third part of the example application: a web service. An order that is repeated is paid once.

A browser sends an order again when it gets no answer, and so does the proxy in front of the
service. The header ``Idempotency-Key`` says that it is the same order; the client's journal keeps
the key, for every process and machine that shares it. With customers, the customer's id would be a
part of the key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cometapi_runway import (
    APIConnectionError,
    APIStatusError,
    AsyncRunwayClient,
    InvalidRequestError,
    Journal,
    SubmissionUnknownError,
)

PERFORMANCE = "https://example.com/hello.mp4"
RETRY_AFTER = {"Retry-After": "5"}

router = APIRouter()


class Receipt(BaseModel):
    """The answer to an order.

    Attributes:
        state: ``ordered`` or ``checking``, then the task's status.
        task: The task, once it is known.
    """

    state: str
    task: str | None = None


def get_client(request: Request) -> AsyncRunwayClient:
    """The application's client."""
    client: AsyncRunwayClient = request.app.state.client
    return client


Client = Annotated[AsyncRunwayClient, Depends(get_client)]


@router.post("/greetings", status_code=201)
async def order_greeting(
    picture: Annotated[str, Body(embed=True)],
    idempotency_key: Annotated[str, Header()],
    client: Client,
) -> Receipt:
    """Order a greeting; the same key with the same picture answers with the same task."""
    task = await client.character_performance.create(
        character=picture, reference=PERFORMANCE, idempotency_key=idempotency_key
    )
    return Receipt(state="ordered", task=task.id)


@router.get("/greetings/{idempotency_key}")
async def show_greeting(idempotency_key: str, client: Client) -> Receipt:
    """How an order stands."""
    order = client.journal.find(idempotency_key=idempotency_key)
    if order is None or order.state == "REFUSED":
        raise HTTPException(404, "there is no such order")
    if order.task_id is None:
        return Receipt(state="checking")
    task = await client.tasks.retrieve(order.task_id)
    return Receipt(state=task.status, task=task.id)


async def answer_unknown(_request: Request, _error: Exception) -> JSONResponse:
    """The order may be paid: it is neither refused nor to be made again under another key.

    Staff settle it by the account's usage log; then the same key answers with its task.
    """
    return JSONResponse(Receipt(state="checking").model_dump(), 202, headers=RETRY_AFTER)


async def answer_invalid(_request: Request, error: InvalidRequestError) -> JSONResponse:
    """A key of another order is a conflict; other mistakes are the order's own."""
    is_conflict = any(issue.rule == "idempotency" for issue in error.issues)
    return JSONResponse({"detail": str(error)}, 409 if is_conflict else 422)


async def answer_unpaid(_request: Request, _error: Exception) -> JSONResponse:
    """Nothing was paid, so that the order may be repeated with the same key."""
    return JSONResponse({"detail": "please try again"}, 503, headers=RETRY_AFTER)


def create_app(journal: str | Journal = "greetings.sqlite") -> FastAPI:
    """The service; API key and gateway address come from the environment.

    Args:
        journal: A file, or ``postgresql://…`` for several machines.
    """

    @asynccontextmanager
    async def open_client(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncRunwayClient(journal=journal) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=open_client)
    app.include_router(router)
    app.add_exception_handler(SubmissionUnknownError, answer_unknown)
    app.add_exception_handler(InvalidRequestError, answer_invalid)  # type: ignore[arg-type]
    app.add_exception_handler(APIStatusError, answer_unpaid)
    app.add_exception_handler(APIConnectionError, answer_unpaid)
    return app
