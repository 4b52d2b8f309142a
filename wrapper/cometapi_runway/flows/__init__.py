"""The decisions of this package, as generators.

What to send next, how long to sleep, when to give up: every such rule lives here, once, and is
driven by `cometapi_runway.drivers` for real, or by a test with a clock of its own. Nothing in
here knows httpx, asyncio, threads or the time, and nothing but the drivers acts on the world;
with one exception: a download lets go of its partial file as it ends, since an abandoned flow
can take no step any more and the file's lock must go all the same.
"""

from cometapi_runway.flows.download import Download, download
from cometapi_runway.flows.steps import Call, Flow, Step
from cometapi_runway.flows.submit import Submission, submit
from cometapi_runway.flows.wait import Watch, retrieve, until_terminal, wait

__all__ = [
    "Call",
    "Download",
    "Flow",
    "Step",
    "Submission",
    "Watch",
    "download",
    "retrieve",
    "submit",
    "until_terminal",
    "wait",
]
