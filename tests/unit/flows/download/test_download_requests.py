"""What a download request carries: credentials, cookies and ranges."""

from __future__ import annotations

from pathlib import Path

import httpx
from tests.cases import each_case

from cometapi_runway._core.version import __version__

from ...support.both_clients import BASE, ID, KEY, ClientHarness
from ...support.downloads import (
    AGAIN,
    DATA,
    DEAD,
    FRESH,
    HOST,
    URL,
    _start,
    broken,
    fetch,
    finished,
    rest,
    whole,
)
from ...support.fault_table import page
from ...support.scripted_transport import Event, Reply, json_reply


def test_a_fresh_address_is_used(harness: ClientHarness, tmp_path: Path) -> None:
    harness.respond_with(page(403), AGAIN, whole())
    fetch(harness, tmp_path)
    assert [str(one.url) for one in harness.network.sent] == [
        URL,
        f"{BASE}/runwayml/v1/tasks/{ID}",
        FRESH,
    ]


@each_case(
    "event",
    [
        Reply(302, b"", {"location": f"{HOST}/elsewhere.mp4"}),
        Reply(307, b"", {"location": "https://other.example/file.mp4"}),
        Reply(308, b"", {"location": f"{BASE}/runwayml/v1/tasks/{ID}"}),
        page(403),
        DEAD,
        broken(),
    ],
)
def test_the_key_goes_to_the_gateway_alone(
    event: Event, harness: ClientHarness, tmp_path: Path
) -> None:
    """Also not to a file that the gateway's own host serves, nor to where that redirects."""

    def network(request: httpx.Request) -> Event:
        if request.url.path == f"/runwayml/v1/tasks/{ID}" and "authorization" in request.headers:
            return AGAIN
        return event if len(harness.network.sent) == 1 else rest(_start(request))

    harness.network.respond_by(network)
    (path,) = fetch(harness, tmp_path, finished(f"{BASE}/files/a.mp4?_jwt=1"))
    assert path.read_bytes() == DATA
    files = [one for one in harness.network.sent if "accept-encoding" in one.headers]
    polls = [one for one in harness.network.sent if "authorization" in one.headers]
    assert len(polls) == (event == page(403))
    for one in files:
        if one not in polls:
            assert KEY not in str(one.headers.raw)
            assert KEY not in str(one.url)
            assert "cookie" not in one.headers


def test_cookies_of_the_gateway_stay_there(harness: ClientHarness, tmp_path: Path) -> None:
    done = json_reply(
        {"id": ID, "status": "SUCCEEDED", "output": [f"{BASE}/files/a.mp4"]},
        headers={"set-cookie": "session=1; Path=/"},
    )
    harness.respond_with(done, whole())
    task = harness.run(harness.client.tasks.retrieve(ID))
    harness.run(task.download(tmp_path))
    assert "cookie" not in harness.network.sent[1].headers


def test_cookies_of_a_file_server_are_not_sent_back(harness: ClientHarness, tmp_path: Path) -> None:
    headers = {"location": f"{HOST}/elsewhere.mp4", "set-cookie": "session=1; Path=/"}
    harness.respond_with(Reply(302, b"", headers), Reply(503, b"", headers), whole())
    fetch(harness, tmp_path)
    assert len(harness.network.sent) == 3
    assert not [one for one in harness.network.sent if "cookie" in one.headers]


def test_every_range_counts_the_bytes_of_the_file(harness: ClientHarness, tmp_path: Path) -> None:
    """An encoding would make other bytes of them."""
    harness.respond_with(broken(), rest())
    fetch(harness, tmp_path)
    assert {one.headers["accept-encoding"] for one in harness.network.sent} == {"identity"}


def test_a_download_says_which_library_sends_it(harness: ClientHarness, tmp_path: Path) -> None:
    harness.respond_with(whole())
    fetch(harness, tmp_path)
    (request,) = harness.network.sent
    assert request.headers.get_list("user-agent") == [f"cometapi-runway/{__version__}"]
