"""The decisions of this package, as generators.

What to send next, how long to sleep, when to give up: every such rule lives here, once. A driver
(`_io.drivers`) carries out its steps for real, or a test does with a fake clock. Nothing in here
knows httpx, asyncio, threads or the time, and only drivers act on the world, with one exception: a
download closes its partial file when it ends, because an abandoned flow can take no further step
and the file's lock must be released all the same.
"""

from cometapi_runway._flows.download import DownloadRequest, download
from cometapi_runway._flows.steps import Flow, PreparedRequest, Step
from cometapi_runway._flows.submit import SubmitRequest, submit
from cometapi_runway._flows.wait import WaitRequest, retrieve, until_terminal, wait

__all__ = [
    "DownloadRequest",
    "Flow",
    "PreparedRequest",
    "Step",
    "SubmitRequest",
    "WaitRequest",
    "download",
    "retrieve",
    "submit",
    "until_terminal",
    "wait",
]
