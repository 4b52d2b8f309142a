from typing import Literal

CharacterAssetType = Literal["image", "video"]

CHARACTER_ASSET_TYPE_VALUES: set[CharacterAssetType] = {
    "image",
    "video",
}


def check_character_asset_type(value: str) -> CharacterAssetType:
    if value in CHARACTER_ASSET_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CHARACTER_ASSET_TYPE_VALUES!r}")
