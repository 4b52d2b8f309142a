"""Hypothesis strategies for JSON values, with deterministic examples."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

deterministic = settings(derandomize=True, deadline=None, database=None, max_examples=120)

WORDS = [
    "SUCCEEDED",
    "FAILED",
    "CANCELLED",
    "RUNNING",
    "PENDING",
    "THROTTLED",
    "SUCCESS",
    "FAILURE",
    "QUEUED",
    "IN_PROGRESS",
    "success",
    "ok",
    "error",
    "task_not_exist",
    "0",
    "1",
    "2",
    "3",
    "200",
    "500",
    "55%",
    "0.5",
    "https://a.example/x.mp4?s=1",
    "2026-03-13T09:52:46+08:00",
    "quota_not_enough",
    "fail_to_fetch_task",
]
NAMES = [
    "id",
    "task_id",
    "status",
    "code",
    "message",
    "msg",
    "data",
    "error",
    "output",
    "result_url",
    "video_url",
    "progress",
    "failure",
    "fail_reason",
    "failureCode",
    "createdAt",
    "submit_time",
    "refund",
    "result",
    "detail",
    "type",
    "param",
]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**18)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(st.characters(), max_size=8)
)
json_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
json_objects = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=4), json_values, max_size=7
)
