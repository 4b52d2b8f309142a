from typing import Literal

TaskNotExistStatus = Literal["task_not_exist"]

TASK_NOT_EXIST_STATUS_VALUES: set[TaskNotExistStatus] = {
    "task_not_exist",
}


def check_task_not_exist_status(value: str) -> TaskNotExistStatus:
    if value in TASK_NOT_EXIST_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TASK_NOT_EXIST_STATUS_VALUES!r}")
