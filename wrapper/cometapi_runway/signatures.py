"""The signature of every ``create``, once, for both clients.

Each is a function that turns its arguments into the generated request model. What it says of the
contract (names, which are required, values) a test holds against the contract; what it adds is
the defaults, which the pages do not have: the ones they print are for trying out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypedDict, Unpack

from attrs import define

from cometapi_runway import inputs
from cometapi_runway.inputs import AssetInput, Model, ModerationInput, RatioInput
from cometapi_runway.task import Route

if TYPE_CHECKING:
    from cometapi_runway_api import models
else:

    class _Models:
        """The generated models, imported by the first call.

        Their package loads httpx, which takes longer than all of the command line's `--help`,
        and reading a signature needs none of them.
        """

        def __getattr__(self, name: str) -> object:
            return getattr(import_module("cometapi_runway_api.models"), name)

    models = _Models()

P = ParamSpec("P")


class CallOptions(TypedDict, total=False):
    """What every ``create`` takes beside its operation's own arguments.

    Attributes:
        runway_version: ``X-Runway-Version`` for this call.
        timeout: Seconds for one request.
        extra_headers: Header fields to add.
        extra_body: Body fields to add or replace, for what is newer than the contract.
        validate: Whether to check the request against the contract.
    """

    runway_version: str | None
    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    validate: bool | None


OPTIONS = frozenset(CallOptions.__annotations__)


@define
class Signature(Generic[P]):
    """How one operation is called from Python.

    Attributes:
        operation: The operation's id in the contract.
        build: Turns arguments into the request model.
        route: Where its tasks are polled.
    """

    operation: str
    build: Callable[P, Model]
    route: Route = "tasks"

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The operation's own arguments, options left out."""
        own = signature(self.build).parameters
        return {name: p for name, p in own.items() if p.kind is Parameter.KEYWORD_ONLY}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the arguments without a default."""
        return frozenset(n for n, p in self.parameters.items() if p.default is Parameter.empty)


def creates(operation: str, route: Route = "tasks") -> Callable[[Callable[P, Model]], Signature[P]]:
    """Make a signature of a function that builds the request model of an operation."""

    def make(build: Callable[P, Model]) -> Signature[P]:
        return Signature(operation, build, route)

    return make


@creates("control_a_character")
def character_performance(
    *,
    character: AssetInput,
    reference: AssetInput,
    model: Literal["act_two"] = "act_two",
    ratio: RatioInput = "1280:720",
    body_control: bool = True,
    expression_intensity: int = 3,
    seed: int | None = None,
    content_moderation: ModerationInput = "auto",
    **options: Unpack[CallOptions],
) -> models.CharacterPerformanceRequest:
    """Transfer a performance from a clip onto a character.

    Every field that the vendored page calls required is sent, so the body is valid by the page's
    schema, which requires eight, and by its samples, which send four.

    Args:
        character: Who is animated: an image or a video. An https address or a data URI, whose
            type is told from its name; ``{"type": "image" | "video", "uri": …}``; a local file
            as a `pathlib.Path`; or the generated model.
        reference: The video that holds the performance, in the same forms.
        model: The model; the page allows one.
        ratio: Frame shape of the output, ``"W:H"`` or ``(W, H)`` in pixels. The page names
            1280:720 and 720:1280 and allows what the model accepts.
        body_control: Whether body motion is transferred beside the face.
        expression_intensity: Strength of the expressions, 1 to 5 (bounds and default are
            Runway's; the page has none).
        seed: 0 to 4294967295, to repeat a result; a fresh random one if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    figure = inputs.asset_parts(character, "/character", ("image", "video"))
    clip = inputs.asset_parts(reference, "/reference", ("video",))
    limit, beside = inputs.threshold(content_moderation)
    return models.CharacterPerformanceRequest(
        character=inputs.with_rest(models.CharacterAsset(figure.type, figure.uri), figure.rest),
        reference=inputs.with_rest(models.ReferenceAsset(clip.type, clip.uri), clip.rest),
        model=model,
        ratio=inputs.ratio_text(ratio),
        body_control=body_control,
        expression_intensity=expression_intensity,
        seed=inputs.fresh_seed() if seed is None else seed,
        content_moderation=inputs.with_rest(models.ContentModeration(limit), beside),
    )
