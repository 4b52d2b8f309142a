from typing import Literal

ReferenceAssetType = Literal["video"]

REFERENCE_ASSET_TYPE_VALUES: set[ReferenceAssetType] = {
    "video",
}


def check_reference_asset_type(value: str) -> ReferenceAssetType:
    if value in REFERENCE_ASSET_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REFERENCE_ASSET_TYPE_VALUES!r}")
