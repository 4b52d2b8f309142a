from typing import Literal

KnownRecordStatus = Literal["FAILURE", "IN_PROGRESS", "NOT_START", "QUEUED", "SUBMITTED", "SUCCESS", "UNKNOWN"]

KNOWN_RECORD_STATUS_VALUES: set[KnownRecordStatus] = {
    "FAILURE",
    "IN_PROGRESS",
    "NOT_START",
    "QUEUED",
    "SUBMITTED",
    "SUCCESS",
    "UNKNOWN",
}


def check_known_record_status(value: str) -> KnownRecordStatus:
    if value in KNOWN_RECORD_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {KNOWN_RECORD_STATUS_VALUES!r}")
