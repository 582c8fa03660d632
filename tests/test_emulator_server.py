from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from freshsales_source.emulator import Fault, RunningServer, serve
from tests.emulator_browser import Browser

PATH = "/crm/sales/api/contacts/filters"
HEADERS = {"Authorization": "Token token=demo-key"}


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def server(browser: Browser) -> Iterator[RunningServer]:
    with serve(browser.emulator) as running:
        yield running


def test_a_socket_serves_what_the_application_serves(browser: Browser, server: RunningServer) -> None:
    with httpx.Client(base_url=server.url, headers=HEADERS, trust_env=False) as client:
        answer = client.get(PATH)
        found = client.post("/crm/sales/api/filtered_search/deal", json={"filter_rule": []})
    assert answer.json() == browser.body("/contacts/filters")
    assert len(found.json()["deals"]) == 10


def test_one_connection_serves_many_requests(server: RunningServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    for _ in range(3):
        connection.request("GET", PATH, headers=HEADERS)
        answer = connection.getresponse()
        assert json.load(answer)["filters"]
        # The server's own Date header would hide the emulator's.
        assert answer.headers.get_all("Date") == ["Mon, 02 Mar 2026 09:00:00 GMT"]
    connection.close()


def test_a_dropped_connection_ends_without_an_answer(browser: Browser, server: RunningServer) -> None:
    browser.emulator.faults.add(Fault(kind="dropped"), Fault(kind="truncated"))
    with httpx.Client(base_url=server.url, headers=HEADERS, trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(PATH)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(PATH)
        assert client.get(PATH).status_code == 200


def test_threads_are_served_side_by_side(browser: Browser, server: RunningServer) -> None:
    statuses: list[int] = []

    def read() -> None:
        with httpx.Client(base_url=server.url, headers=HEADERS, trust_env=False) as client:
            statuses.extend(client.get(PATH).status_code for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    assert len(browser.emulator.log) == 40


def test_a_closed_server_frees_its_port(browser: Browser) -> None:
    running = serve(browser.emulator)
    port = int(running.url.rsplit(":", 1)[1])
    running.close()
    running.wait()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with serve(browser.emulator, port) as again:
        assert again.url == running.url


def test_a_port_in_use_is_an_error(server: RunningServer, browser: Browser) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(browser.emulator, int(server.url.rsplit(":", 1)[1]))
