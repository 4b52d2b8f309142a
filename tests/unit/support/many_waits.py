"""A gateway and clocks for waits for many tasks."""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections import Counter
from itertools import count

import httpx

OUTPUT = ["https://o.example/v.mp4"]


class AsyncClock:
    """Virtual time for many sleepers: it passes to the next of them when nobody else can act."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self.number = count()
        self.mover: asyncio.Task[None] | None = None

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self.asleep, (self.time + seconds, next(self.number), woken))
        if self.mover is None or self.mover.done():
            self.mover = asyncio.create_task(self.move())
        await woken

    async def move(self) -> None:
        while self.asleep:
            for _ in range(20):
                await asyncio.sleep(0)
            due, _, woken = heapq.heappop(self.asleep)
            if not woken.done():
                self.time = max(self.time, due)
                woken.set_result(None)


class Gateway:
    """Tasks that end after so many polls, by the name they have."""

    def __init__(self, polls_to_end: int = 2) -> None:
        self.polls: Counter[str] = Counter()
        self.polls_to_end = polls_to_end
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        with self.lock:
            self.polls[task_id] += 1
            seen = self.polls[task_id]
        if task_id == "unauthorised":
            return httpx.Response(401, json={"error": {"message": "no", "code": ""}})
        if task_id == "unknown":
            return httpx.Response(400, json={"code": "task_not_exist", "message": "", "data": None})
        if task_id == "broken":
            return httpx.Response(502, text="<html>")
        if task_id == "endless" or seen < self.polls_to_end:
            return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})
        if task_id == "failing":
            return httpx.Response(200, json={"id": task_id, "status": "FAILED", "failure": "no"})
        return httpx.Response(200, json={"id": task_id, "status": "SUCCEEDED", "output": OUTPUT})
