from typing import Literal

CharacterPerformanceRequestModel = Literal["act_two"]

CHARACTER_PERFORMANCE_REQUEST_MODEL_VALUES: set[CharacterPerformanceRequestModel] = {
    "act_two",
}


def check_character_performance_request_model(value: str) -> CharacterPerformanceRequestModel:
    if value in CHARACTER_PERFORMANCE_REQUEST_MODEL_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CHARACTER_PERFORMANCE_REQUEST_MODEL_VALUES!r}")
