from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.compat_refusal import CompatRefusal
from ...models.compat_task_answer import CompatTaskAnswer
from ...models.feed_request import FeedRequest
from ...models.feed_task import FeedTask
from ...models.gateway_error import GatewayError
from ...models.task import Task
from ...models.task_envelope import TaskEnvelope
from ...models.task_error import TaskError
from ...models.task_not_exist import TaskNotExist
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: FeedRequest,
    x_runway_version: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_runway_version, Unset):
        headers["X-Runway-Version"] = x_runway_version

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/runway/feed",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
):
    if response.status_code == 200:

        def _parse_response_200(
            data: object,
        ) -> CompatRefusal | CompatTaskAnswer | FeedTask | Task | TaskEnvelope | TaskError | TaskNotExist:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_0 = Task.from_dict(data)

                return response_200_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_1 = CompatTaskAnswer.from_dict(data)

                return response_200_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_2 = TaskEnvelope.from_dict(data)

                return response_200_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_3 = FeedTask.from_dict(data)

                return response_200_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_4 = TaskError.from_dict(data)

                return response_200_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_5 = CompatRefusal.from_dict(data)

                return response_200_type_5
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_6 = TaskNotExist.from_dict(data)

            return response_200_type_6

        response_200 = _parse_response_200(response.json())

        return response_200

    if response.status_code == 400:

        def _parse_response_400(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 401:

        def _parse_response_401(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_401 = _parse_response_401(response.json())

        return response_401

    if response.status_code == 403:

        def _parse_response_403(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_403 = _parse_response_403(response.json())

        return response_403

    if response.status_code == 404:

        def _parse_response_404(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_404 = _parse_response_404(response.json())

        return response_404

    if response.status_code == 429:

        def _parse_response_429(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_429 = _parse_response_429(response.json())

        return response_429

    if response.status_code == 500:

        def _parse_response_500(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_500 = _parse_response_500(response.json())

        return response_500

    if response.status_code == 502:

        def _parse_response_502(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_502 = _parse_response_502(response.json())

        return response_502

    if response.status_code == 503:

        def _parse_response_503(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_503 = _parse_response_503(response.json())

        return response_503

    if response.status_code == 504:

        def _parse_response_504(data: object) -> GatewayError | TaskError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_1 = TaskError.from_dict(data)

            return componentsschemas_error_body_type_1

        response_504 = _parse_response_504(response.json())

        return response_504

    def _parse_response_default(data: object) -> GatewayError | TaskError:
        try:
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_0 = GatewayError.from_dict(data)

            return componentsschemas_error_body_type_0
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        if not isinstance(data, dict):
            raise TypeError()
        componentsschemas_error_body_type_1 = TaskError.from_dict(data)

        return componentsschemas_error_body_type_1

    response_default = _parse_response_default(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: FeedRequest,
    x_runway_version: str | Unset = UNSET,
) -> Response[
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
]:
    """Poll a Runway compatibility-format task

     Give the id of a task and receive its state, and its result once there is one. It is a read,
    although it is a POST.

    Args:
        x_runway_version (str | Unset):
        body (FeedRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CompatRefusal | CompatTaskAnswer | FeedTask | Task | TaskEnvelope | TaskError | TaskNotExist | GatewayError | TaskError]
    """

    kwargs = _get_kwargs(
        body=body,
        x_runway_version=x_runway_version,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: FeedRequest,
    x_runway_version: str | Unset = UNSET,
) -> (
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
    | None
):
    """Poll a Runway compatibility-format task

     Give the id of a task and receive its state, and its result once there is one. It is a read,
    although it is a POST.

    Args:
        x_runway_version (str | Unset):
        body (FeedRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CompatRefusal | CompatTaskAnswer | FeedTask | Task | TaskEnvelope | TaskError | TaskNotExist | GatewayError | TaskError
    """

    return sync_detailed(
        client=client,
        body=body,
        x_runway_version=x_runway_version,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: FeedRequest,
    x_runway_version: str | Unset = UNSET,
) -> Response[
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
]:
    """Poll a Runway compatibility-format task

     Give the id of a task and receive its state, and its result once there is one. It is a read,
    although it is a POST.

    Args:
        x_runway_version (str | Unset):
        body (FeedRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CompatRefusal | CompatTaskAnswer | FeedTask | Task | TaskEnvelope | TaskError | TaskNotExist | GatewayError | TaskError]
    """

    kwargs = _get_kwargs(
        body=body,
        x_runway_version=x_runway_version,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: FeedRequest,
    x_runway_version: str | Unset = UNSET,
) -> (
    CompatRefusal
    | CompatTaskAnswer
    | FeedTask
    | Task
    | TaskEnvelope
    | TaskError
    | TaskNotExist
    | GatewayError
    | TaskError
    | None
):
    """Poll a Runway compatibility-format task

     Give the id of a task and receive its state, and its result once there is one. It is a read,
    although it is a POST.

    Args:
        x_runway_version (str | Unset):
        body (FeedRequest):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CompatRefusal | CompatTaskAnswer | FeedTask | Task | TaskEnvelope | TaskError | TaskNotExist | GatewayError | TaskError
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_runway_version=x_runway_version,
        )
    ).parsed
