from typing import Literal

ContentModerationPublicFigureThreshold = Literal["auto", "low"]

CONTENT_MODERATION_PUBLIC_FIGURE_THRESHOLD_VALUES: set[ContentModerationPublicFigureThreshold] = {
    "auto",
    "low",
}


def check_content_moderation_public_figure_threshold(value: str) -> ContentModerationPublicFigureThreshold:
    if value in CONTENT_MODERATION_PUBLIC_FIGURE_THRESHOLD_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {CONTENT_MODERATION_PUBLIC_FIGURE_THRESHOLD_VALUES!r}"
    )
