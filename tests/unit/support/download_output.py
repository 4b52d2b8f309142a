"""Download an output, as a process of its own: ``ADDRESS FOLDER OVERWRITE``."""

from __future__ import annotations

import sys

from cometapi_runway import RunwayClient
from cometapi_runway._core.task import Task

ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"

if __name__ == "__main__":
    address, folder, overwrite = sys.argv[1:]
    with RunwayClient("a-key") as client:
        task = client.bind(Task(ID, "SUCCEEDED", output=(address,)))
        print(*task.download(folder, overwrite=overwrite == "True"))
